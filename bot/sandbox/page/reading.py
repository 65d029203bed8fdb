"""What the page reads: who the visitor is, guilds, members, conversations and commands."""

from __future__ import annotations

from itertools import islice

from ..channel import Channel
from ..command_data import NotPossibleError, check_may_use
from ..models import Application, Json, Member, Message
from ..permissions import Permission, channel_permissions
from .command_views import view_command
from .message_views import safe_for_scripts, view_message
from .views import view_direct, view_guild, view_guild_entry, view_members, view_user
from .visit import NotThereError, Visit, action

_MOST_MESSAGES = 50
_MOST_GUILDS = 100


@action("GET", "/state")
async def get_state(visit: Visit) -> Json:
    """Return who the visitor is (None: nobody yet), the bot and the guilds there are."""
    guest = visit.guest
    world, bot = visit.sandbox.world, visit.sandbox.application.user
    guilds = islice(world.guilds_of(visit.sandbox.application), _MOST_GUILDS)
    return {
        "visitor": view_user(guest.account) | {"admin": guest.admin} if guest else None,
        "bot": view_user(bot),
        "guilds": [
            view_guild_entry(guild, guest.person(guild) if guest else bot) for guild in guilds
        ]
        if guest
        else [],
    }


@action("GET", r"/guilds/{guild_id:\d+}")
async def get_guild(visit: Visit) -> Json:
    """Return a guild as the visitor sees it."""
    guild = visit.guild()
    return view_guild(guild, visit.visitor.person(guild))


@action("GET", r"/guilds/{guild_id:\d+}/members")
async def list_members(visit: Visit) -> Json:
    """Return members by name (`query`); only those inside see who else is."""
    guild = visit.guild()
    if visit.visitor.person(guild).id not in guild.members:
        raise NotThereError("join the guild to see who is there")
    return view_members(guild, visit.query.get("query", ""))


@action("GET", "/directs")
async def list_directs(visit: Visit) -> Json:
    """Return the visitor's direct message conversations, those with news first."""
    channels = [
        view_direct(channel, viewer)
        for channel in visit.sandbox.world.channels.values()
        if channel.guild is None and (viewer := visit.visitor.viewer_of(channel)) is not None
    ]
    return {"channels": sorted(channels, key=lambda entry: -int(entry["last"]))}


@action("GET", r"/channels/{channel_id:\d+}/messages")
async def list_messages(visit: Visit) -> Json:
    """Return the newest messages, or those `before` one, and whether there are more."""
    channel = visit.channel()
    viewer = visit.actor(channel).user
    before = int(visit.query.get("before") or 0)
    messages = _history(visit, channel)
    if before:
        messages = [message for message in messages if message.id < before]
    shown = messages[-_MOST_MESSAGES:]
    if not before:
        oldest = shown[0].id if len(messages) > len(shown) else 0
        private = visit.visitor.private_messages(channel)
        extra = {message.id: message for message in private if message.id > oldest}
        shown = sorted([*shown, *extra.values()], key=lambda message: message.id)
    return {
        "messages": [view_message(message, viewer) for message in shown],
        "more": len(messages) > _MOST_MESSAGES,
    }


def _history(visit: Visit, channel: Channel) -> list[Message]:
    member = _member(visit, channel)
    if member is None:
        return list(channel.messages.values())
    bits = channel_permissions(member, channel)
    return list(channel.messages.values()) if bits & Permission.READ_MESSAGE_HISTORY else []


def _member(visit: Visit, channel: Channel) -> Member | None:
    return visit.actor(channel).member if channel.guild else None


@action("GET", r"/channels/{channel_id:\d+}/commands")
async def list_commands(visit: Visit) -> Json:
    """Return the bot's commands that the visitor may use in the channel, in their language."""
    channel = visit.channel()
    if channel.guild and visit.sandbox.application.user.id not in channel.guild.members:
        return {"commands": []}
    member = _member(visit, channel)
    found = _usable(visit.sandbox.application, channel, member)
    shown = [view_command(command, visit.locale) for command in found]
    return {"commands": safe_for_scripts(shown)}


def _usable(application: Application, channel: Channel, member: Member | None) -> list[Json]:
    usable = []
    for command in application.commands_in(channel.guild.id if channel.guild else None):
        try:
            check_may_use(command, member, channel)
        except NotPossibleError:
            continue
        usable.append(command)
    return usable
