"""A chat page on which a person takes part in the sandbox: reads, writes, runs the bot's commands.

It acts through `Actor` and reads the world; what a visitor may do and see is what their account
may. Routes: `/` (the page) and `/page/…` (its files, its JSON and its stream of events).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from . import acting, interacting, reading
from .announcer import Announcer
from .files import add_files
from .request import web_handler
from .stream import stream_handler
from .visit import actions
from .visitors import Visitors

if TYPE_CHECKING:
    from ..server import Sandbox

__all__ = ["acting", "add_page", "interacting", "reading"]


def add_page(app: web.Application, sandbox: Sandbox) -> None:
    """Serve the page; its visitors live as long as the sandbox."""
    visitors = Visitors(sandbox.world)
    announcer = Announcer(sandbox.world, visitors)
    sandbox.world.listeners.append(announcer.hear)
    sandbox.recorder.calls.listeners.append(announcer.note_call)
    add_files(app.router, sandbox)
    for method, path, handler in actions:
        app.router.add_route(method, f"/page{path}", web_handler(sandbox, visitors, handler))
    app.router.add_get("/page/events", stream_handler(sandbox, visitors))

    async def say_goodbye(_: web.Application) -> None:
        visitors.close()

    app.on_shutdown.append(say_goodbye)
