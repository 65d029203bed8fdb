"""Gateway intents, the events that need them, and the dispatch that carries one event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .channel import Channel
    from .guild import Guild
    from .models import Message


class Intent:
    """Discord's gateway intents.

    https://discord.com/developers/docs/events/gateway#list-of-intents
    """

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25

    PRIVILEGED = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT
    ALL = (1 << 17) - 1 | AUTO_MODERATION_CONFIGURATION | AUTO_MODERATION_EXECUTION
    ALL |= GUILD_MESSAGE_POLLS | DIRECT_MESSAGE_POLLS


_MESSAGES = (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES)
_REACTIONS = (Intent.GUILD_MESSAGE_REACTIONS, Intent.DIRECT_MESSAGE_REACTIONS)
_GUILDS = (Intent.GUILDS, 0)

# Event -> intents that let it through (in a guild, in a direct message); any one suffices.
# Events that are not listed reach every session of the application.
EVENT_INTENTS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(
        ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"), _MESSAGES
    ),
    **dict.fromkeys(
        (
            "MESSAGE_REACTION_ADD",
            "MESSAGE_REACTION_REMOVE",
            "MESSAGE_REACTION_REMOVE_ALL",
            "MESSAGE_REACTION_REMOVE_EMOJI",
        ),
        _REACTIONS,
    ),
    **dict.fromkeys(
        (
            "GUILD_UPDATE",
            "GUILD_ROLE_CREATE",
            "GUILD_ROLE_UPDATE",
            "GUILD_ROLE_DELETE",
            "CHANNEL_CREATE",
            "CHANNEL_UPDATE",
            "CHANNEL_DELETE",
            "THREAD_CREATE",
            "THREAD_UPDATE",
            "THREAD_DELETE",
            "THREAD_LIST_SYNC",
            "THREAD_MEMBER_UPDATE",
            "THREAD_MEMBERS_UPDATE",
        ),
        _GUILDS,
    ),
    **dict.fromkeys(
        ("GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE"),
        (Intent.GUILD_MEMBERS, 0),
    ),
    **dict.fromkeys(
        ("GUILD_BAN_ADD", "GUILD_BAN_REMOVE", "GUILD_AUDIT_LOG_ENTRY_CREATE"),
        (Intent.GUILD_MODERATION, 0),
    ),
    **dict.fromkeys(
        (
            "AUTO_MODERATION_RULE_CREATE",
            "AUTO_MODERATION_RULE_UPDATE",
            "AUTO_MODERATION_RULE_DELETE",
        ),
        (Intent.AUTO_MODERATION_CONFIGURATION, 0),
    ),
    "AUTO_MODERATION_ACTION_EXECUTION": (Intent.AUTO_MODERATION_EXECUTION, 0),
    "CHANNEL_PINS_UPDATE": (Intent.GUILDS, Intent.DIRECT_MESSAGES),
    "GUILD_EMOJIS_UPDATE": (Intent.GUILD_EXPRESSIONS, 0),
    "GUILD_STICKERS_UPDATE": (Intent.GUILD_EXPRESSIONS, 0),
    "INVITE_CREATE": (Intent.GUILD_INVITES, 0),
    "INVITE_DELETE": (Intent.GUILD_INVITES, 0),
    "PRESENCE_UPDATE": (Intent.GUILD_PRESENCES, 0),
    "TYPING_START": (Intent.GUILD_MESSAGE_TYPING, Intent.DIRECT_MESSAGE_TYPING),
    "VOICE_STATE_UPDATE": (Intent.GUILD_VOICE_STATES, 0),
    "WEBHOOKS_UPDATE": (Intent.GUILD_WEBHOOKS, 0),
}


@dataclass(slots=True, frozen=True)
class Dispatch:
    """One event on its way to the gateway.

    `guild` and `channel` say who may see it, `application_id` restricts it to one application,
    `subject_id` names the user it is about (a bot hears of itself without the members intent),
    `message` lets the gateway blank the content for sessions without the message content intent,
    `withheld` names further keys that such sessions get empty,
    `needs` are permissions in the guild of which a receiver must hold one.
    """

    event: str
    data: dict[str, Any]
    guild: Guild | None = None
    channel: Channel | None = None
    application_id: int | None = None
    subject_id: int | None = None
    message: Message | None = None
    needs: int = 0
    withheld: tuple[str, ...] = ()
