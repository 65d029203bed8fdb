"""The calling bot's application."""

from __future__ import annotations

from typing import Any

from ..application_payloads import render_application
from .call import Call
from .routing import route

Json = dict[str, Any]


@route("GET", "/oauth2/applications/@me")
def get_oauth2_application(call: Call) -> Json:
    """Return the calling bot's application, by its older address."""
    return _render(call)


@route("GET", "/applications/@me")
def get_application(call: Call) -> Json:
    """Return the calling bot's application."""
    return _render(call)


@route("PATCH", "/applications/@me")
def edit_application(call: Call) -> Json:
    """Return the application; nothing of it can be changed here."""
    return _render(call)


def _render(call: Call) -> Json:
    guilds = len(call.world.guilds_of(call.caller))
    return render_application(call.caller) | {"approximate_guild_count": guilds}


@route("GET", "/applications/{application_id}/emojis")
def list_application_emojis(_: Call) -> Json:
    """Return the application's emojis: none."""
    return {"items": []}


@route("GET", "/applications/{application_id}/skus")
def list_skus(_: Call) -> list[Json]:
    """Return products: nothing is sold here."""
    return []


@route("GET", "/applications/{application_id}/entitlements")
def list_entitlements(_: Call) -> list[Json]:
    """Return entitlements: nothing is sold here."""
    return []
