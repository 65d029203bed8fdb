"""The header fields that every answer carries, whether it went well or not."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from web.keys import CLIENT, PACED, REQUEST_ID, SECURITY_HEADERS

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src {images}; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Names neither the framework nor a version.
    "Server": "Pegasus",
}
_HSTS = "max-age=31536000"


def security_headers(image_origin: str | None = None) -> Mapping[str, str]:
    """Return the security fields of every answer; pages may show images from that origin too."""
    images = " ".join(("'self'", "data:", *([image_origin] if image_origin else [])))
    return {"Content-Security-Policy": _POLICY.format(images=images), **_FIXED}


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the security fields, the request's id, and how much of its rate limit is left."""
    response.headers.update(request.app[SECURITY_HEADERS])
    # Only what says otherwise itself may be kept by anyone.
    response.headers.setdefault("Cache-Control", "no-store")
    if request_id := request.get(REQUEST_ID):
        response.headers["X-Request-Id"] = request_id
    if (client := request.get(CLIENT)) and client.scheme == "https":
        response.headers["Strict-Transport-Security"] = _HSTS
    if paced := request.get(PACED):
        response.headers.update(paced.headers())
