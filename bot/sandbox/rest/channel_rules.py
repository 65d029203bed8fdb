"""What a channel's fields may be, and how a request changes them."""

from __future__ import annotations

from typing import Any

from ..channel import Channel
from ..guild import Guild
from ..models import ChannelType, Overwrite
from ..permissions import Permission, guild_permissions
from .call import Call
from .errors import FormCheck, invalid_form, missing_permissions

Json = dict[str, Any]

_MAX_SLOWMODE = 21_600
_CHANNELS_PER_CATEGORY = 50
_BARRED = ("1488",)
ARCHIVE_MINUTES = (60, 1_440, 4_320, 10_080)

# Fields that nothing here computes with; kept and shown as they were set.
_PLAIN = (
    "bitrate",
    "user_limit",
    "rtc_region",
    "video_quality_mode",
    "default_auto_archive_duration",
    "default_thread_rate_limit_per_user",
    "available_tags",
    "default_reaction_emoji",
    "default_sort_order",
    "default_forum_layout",
)


def check_channel_fields(check: FormCheck, body: Json) -> None:
    """Note what is wrong with the fields of a channel to be created or edited."""
    check.text("name", body.get("name"), 1, 100)
    check.text("topic", body.get("topic"), 0, 1_024)
    check.number("rate_limit_per_user", body.get("rate_limit_per_user"), 0, _MAX_SLOWMODE)
    check.number("bitrate", body.get("bitrate"), 8_000, 384_000)
    check.number("user_limit", body.get("user_limit"), 0, 10_000)
    check.choice(
        "default_auto_archive_duration", body.get("default_auto_archive_duration"), ARCHIVE_MINUTES
    )


def check_channel_name(guild: Guild, name: Any) -> None:
    """Raise 50035 for a name with a word that has no place in a guild of Server Discovery.

    Discord tells nobody the list; that this number is on it is known from bots that count tickets.
    """
    if "DISCOVERABLE" in guild.features and any(word in str(name) for word in _BARRED):
        raise invalid_form(
            "name",
            "INVALID_COMMUNITY_PROPERTY_NAME",
            "Contains words not allowed for servers in Server Discovery.",
        )


def apply_channel_fields(call: Call, channel: Channel, body: Json) -> Json:
    """Set a channel's plain fields from a request without announcing it.

    Return the audit log's changes.
    """
    if "parent_id" in body:
        _check_parent(call, channel.home, body["parent_id"])
    targets = {
        "name": "name",
        "topic": "topic",
        "nsfw": "nsfw",
        "position": "position",
        "rate_limit_per_user": "slowmode",
    }
    for key, attribute in targets.items():
        if (key in body and body[key] is not None) or (key == "topic" and key in body):
            setattr(channel, attribute, body[key])
    if "parent_id" in body:
        channel.parent_id = int(body["parent_id"]) if body["parent_id"] else None
    channel.extra.update({key: body[key] for key in _PLAIN if body.get(key) is not None})
    return {key: body[key] for key in body if key in targets}


def _check_parent(call: Call, guild: Guild, parent_id: Any) -> None:
    if not parent_id:
        return
    parent = guild.channels.get(call.parse_snowflake(parent_id, "parent_id"))
    if parent is None or parent.type is not ChannelType.CATEGORY:
        raise invalid_form("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist")
    if (
        sum(entry.parent_id == parent.id for entry in guild.channels.values())
        >= _CHANNELS_PER_CATEGORY
    ):
        raise invalid_form(
            "parent_id",
            "CHANNEL_PARENT_MAX_CHANNELS",
            "Maximum number of channels in category reached (50)",
        )


def read_overwrites(call: Call, guild: Guild, listed: list[Json]) -> list[Overwrite]:
    """Return the overwrites of a request; raises 50013 for bits the bot does not hold itself."""
    return [read_overwrite(call, guild, entry, entry.get("id")) for entry in listed]


def read_overwrite(call: Call, guild: Guild, entry: Json, target: Any) -> Overwrite:
    """Return one overwrite of a request; raises 50013."""
    target_id = call.parse_snowflake(target, "id")
    kind = entry.get("type")
    if kind is None:
        kind = 0 if target_id in guild.roles else 1
    overwrite = Overwrite(
        target_id, int(kind), int(entry.get("allow") or 0), int(entry.get("deny") or 0)
    )
    held = guild_permissions(call.me(guild))
    if (overwrite.allow | overwrite.deny) & ~held:
        raise missing_permissions()
    if overwrite.deny & Permission.MANAGE_ROLES and held != Permission.ALL:
        raise missing_permissions()
    return overwrite
