"""Users, the bot's own account, its guilds and its direct message channels."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ..payloads import render_member, render_partial_guild, render_user
from ..permissions import guild_permissions
from .call import Call
from .errors import FormCheck, error, invalid_form, not_found
from .routing import route

Json = dict[str, Any]


def _render_self(call: Call) -> Json:
    return render_user(call.bot) | {
        "email": None,
        "verified": True,
        "mfa_enabled": True,
        "locale": "en-US",
        "flags": 0,
        "bio": "",
    }


@route("GET", "/users/@me")
def get_current_user(call: Call) -> Json:
    """Return the bot's own account."""
    return _render_self(call)


@route("PATCH", "/users/@me")
def edit_current_user(call: Call) -> Json:
    """Change the bot's user name or avatar."""
    check = FormCheck()
    check.text("username", call.json.get("username"), 2, 32)
    check.finish()
    changes: Json = {}
    if call.json.get("username"):
        changes["name"] = call.json["username"]
    if "avatar" in call.json:
        changes["avatar"] = _new_avatar(call, call.json["avatar"])
    if changes:
        call.world.update_user(call.bot, **changes)
    return _render_self(call)


def _new_avatar(call: Call, data: Any) -> str | None:
    if data is None:
        return None
    check_image_data(str(data), "avatar")
    return call.world.new_avatar()


def check_image_data(data: str, path: str) -> bytes:
    """Return the bytes of a `data:` URI image; raises 50035."""
    header, _, encoded = data.partition(";base64,")
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        content = b""
    if not content or not header.startswith("data:image/"):
        raise invalid_form(path, "BASE_TYPE_INVALID_IMAGE", "Invalid image data")
    return content


@route("GET", "/users/@me/guilds")
def list_current_user_guilds(call: Call) -> list[Json]:
    """Return the bot's guilds, lowest id first."""
    limit = call.query_number("limit", 200, 1, 200)
    after, before = call.query_snowflake("after") or 0, call.query_snowflake("before")
    guilds = sorted(call.world.guilds_of(call.caller), key=lambda guild: guild.id)
    wanted = [
        guild for guild in guilds if guild.id > after and (before is None or guild.id < before)
    ]
    return [
        render_partial_guild(guild)
        | {
            "owner": guild.owner_id == call.bot.id,
            "permissions": str(guild_permissions(call.me(guild))),
        }
        for guild in wanted[:limit]
    ]


@route("GET", "/users/@me/guilds/{guild_id}/member")
def get_current_user_member(call: Call) -> Json:
    """Return the bot's own membership."""
    return render_member(call.me(call.guild()))


@route("DELETE", "/users/@me/guilds/{guild_id}")
def leave_guild(call: Call) -> None:
    """Leave a guild."""
    call.guild().remove_member(call.bot.id)


@route("POST", "/users/@me/channels")
def open_dm(call: Call) -> Json:
    """Return the direct message channel with a user."""
    recipient_id = call.parse_snowflake(call.json.get("recipient_id"), "recipient_id")
    recipient = call.world.users.get(recipient_id)
    if recipient is None:
        raise not_found(10013)
    if recipient.id == call.bot.id or recipient.bot:
        raise error(400, 50007)
    return call.world.render_dm(call.world.open_dm(call.bot, recipient), call.bot)


@route("GET", "/users/{user_id}")
def get_user(call: Call) -> Json:
    """Return any account."""
    return render_user(call.user())
