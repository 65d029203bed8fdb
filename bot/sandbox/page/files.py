"""The page's own files, kept in memory: one document, one style sheet, ES modules, an icon."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from aiohttp import web

from .request import HEADERS, check_is_own_page

if TYPE_CHECKING:
    from ..server import Sandbox

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# Nothing from elsewhere, nothing inline: what a message says can't become script or style.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILE_HEADERS = HEADERS | {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is served."""

    body: bytes
    content_type: str
    etag: str


@cache
def load_files() -> dict[str, File]:
    """Return every file of the page by its name."""
    files: dict[str, File] = {}
    for entry in (resources.files("bot.sandbox.page") / "static").iterdir():
        kind = _TYPES.get(entry.name[entry.name.rfind(".") :])
        if kind is not None:
            body = entry.read_bytes()
            files[entry.name] = File(body, kind, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return files


def add_files(router: web.UrlDispatcher, sandbox: Sandbox) -> None:
    """Serve the document at `/` and the other files under `/page/static/`."""
    files = load_files()

    def serve(name_of: Callable[[web.Request], str]) -> Callable[..., Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            check_is_own_page(request, sandbox)
            file = files.get(name_of(request))
            return web.Response(status=404) if file is None else _answer(request, file)

        return handle

    router.add_get("/", serve(lambda _: "index.html"))
    router.add_get("/page/static/{name}", serve(lambda request: request.match_info["name"]))


def _answer(request: web.Request, file: File) -> web.Response:
    headers = _FILE_HEADERS | {"ETag": file.etag}
    if request.headers.get("If-None-Match") == file.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=file.body, content_type=file.content_type, charset="utf-8", headers=headers
    )
