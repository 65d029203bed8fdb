"""The control API under `/sandbox/`: everything the in-process API offers, as JSON over HTTP.

It is for tests and tools on the same machine and asks for no authentication.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from . import acting, building, moderating, watching
from .request import operations, web_handler

if TYPE_CHECKING:
    from ..server import Sandbox

__all__ = ["acting", "add_control_routes", "building", "moderating", "watching"]


def add_control_routes(router: web.UrlDispatcher, sandbox: Sandbox) -> None:
    """Serve every registered operation under `/sandbox`."""
    for method, path, handler in operations:
        router.add_route(method, f"/sandbox{path}", web_handler(sandbox, handler))
