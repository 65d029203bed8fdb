"""`/metrics`: everything that Prometheus scrapes."""

from __future__ import annotations

from aiohttp import web

from web.keys import SERVICES
from web.routes import Access, Pace, Reply, Route


async def get_metrics(request: web.Request) -> web.Response:
    """Answer from the latest snapshot, in the format and encoding that the scraper asks for."""
    exposition = await request.app[SERVICES].exposition.latest(request.headers.get("Accept", ""))
    headers = {"Content-Type": exposition.content_type, "Vary": "Accept, Accept-Encoding"}
    if accepts_gzip(request.headers.get("Accept-Encoding", "")):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=exposition.compressed, headers=headers)
    return web.Response(body=exposition.body, headers=headers)


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an `Accept-Encoding` field names gzip and does not refuse it with q=0."""
    for item in accept_encoding.lower().split(","):
        name, _, parameter = item.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return parameter.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


ROUTE = Route(
    method="GET",
    path="/metrics",
    handler=get_metrics,
    part="metrics",
    access=Access.OPERATOR,
    pace=Pace.EXEMPT,
    summary="Metrics for Prometheus",
    replies={200: Reply("All metrics", media_type="text/plain")},
)
