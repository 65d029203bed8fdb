"""The pages' own style sheets and icon, kept in memory and named by their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from aiohttp import web

from bot.core.errors import NotFound
from bot.core.i18n import _
from web.routes import Access, Pace, Reply, Route

_TYPES = {".css": "text/css", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served; the version changes with every change of the content."""

    body: bytes
    content_type: str
    version: str


def _load() -> dict[str, Asset]:
    folder = resources.files("web.dashboard") / "static"
    assets: dict[str, Asset] = {}
    for file in folder.iterdir():
        kind = _TYPES.get(file.name[file.name.rfind(".") :])
        if kind is not None:
            body = file.read_bytes()
            assets[file.name] = Asset(body, kind, hashlib.sha256(body).hexdigest()[:12])
    return assets


ASSETS = _load()


def asset_url(name: str) -> str:
    """Return the address of a file in its present version."""
    return f"/static/{name}?v={ASSETS[name].version}"


async def get_static(request: web.Request) -> web.Response:
    """Answer with a file; under the address of its version it may be kept for ever."""
    asset = ASSETS.get(request.match_info["name"])
    if asset is None:
        raise NotFound(_("There is nothing at this address."))
    return _answer(request, asset)


async def get_favicon(request: web.Request) -> web.Response:
    """Answer with the icon, where browsers look for one unasked."""
    return _answer(request, ASSETS["favicon.svg"])


def _answer(request: web.Request, asset: Asset) -> web.Response:
    is_versioned = request.query.get("v") == asset.version
    headers = {"Cache-Control": _FOREVER if is_versioned else "no-cache"}
    etag = f'"{asset.version}"'
    headers["ETag"] = etag
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers
    )


ROUTES = (
    Route(
        method="GET",
        path="/static/{name}",
        handler=get_static,
        part="dashboard",
        access=Access.ANYONE,
        pace=Pace.EXEMPT,
        summary="A style sheet or picture of the pages",
        replies={200: Reply("The file", media_type="text/css"), 304: Reply("Unchanged", None, "")},
    ),
    Route(
        method="GET",
        path="/favicon.ico",
        handler=get_favicon,
        part="dashboard",
        access=Access.ANYONE,
        pace=Pace.EXEMPT,
        summary="The icon",
        replies={200: Reply("The icon", media_type="image/svg+xml")},
    ),
)
