"""The header fields that every answer carries, whether it went well or not."""

from __future__ import annotations

from aiohttp import web

from web.keys import CLIENT, PACED, REQUEST_ID

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: https://cdn.discordapp.com; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Names neither the framework nor a version.
    "Server": "Pegasus",
}
_HSTS = "max-age=31536000"


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the security fields, the request's id, and how much of its rate limit is left."""
    response.headers.update(SECURITY_HEADERS)
    # Only what says otherwise itself may be kept by anyone.
    response.headers.setdefault("Cache-Control", "no-store")
    if request_id := request.get(REQUEST_ID):
        response.headers["X-Request-Id"] = request_id
    if (client := request.get(CLIENT)) and client.scheme == "https":
        response.headers["Strict-Transport-Security"] = _HSTS
    if paced := request.get(PACED):
        response.headers.update(paced.headers())
