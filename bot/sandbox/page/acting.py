"""What a visitor does as any member does: arrive, join, leave, write, edit, delete, react."""

from __future__ import annotations

import re

from ..command_data import NotPossibleError
from ..models import Json
from .message_views import view_message
from .reading import get_state
from .views import view_direct
from .visit import UnfitError, Visit, action

_LONGEST_NAME = 32
_MOST_FILES = 10
# Control characters, and those that turn the reading direction of all that follows them.
_NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@action("POST", "/visitors")
async def arrive(visit: Visit) -> Json:
    """Open an account called `name` for this browser, which keeps it in a cookie."""
    name = _NOT_IN_NAMES.sub("", visit.text("name")).strip()
    if not 0 < len(name) <= _LONGEST_NAME:
        raise UnfitError("a name has 1 to 32 characters")
    if visit.guest is not None:
        visit.sandbox.world.update_user(visit.guest.account, global_name=name)
    else:
        visit.guest = visit.visitors.welcome(name)
    return await get_state(visit)


@action("PUT", "/identity")
async def choose_identity(visit: Visit) -> Json:
    """Act as the owner of every guild (`admin` true) or as oneself."""
    visit.visitor.admin = bool(visit.need("admin"))
    return await get_state(visit)


@action("POST", r"/guilds/{guild_id:\d+}/join")
async def join(visit: Visit) -> Json:
    """Join a guild."""
    guild = visit.guild()
    visit.actor(guild).join()
    return await get_state(visit)


@action("POST", r"/guilds/{guild_id:\d+}/leave")
async def leave(visit: Visit) -> Json:
    """Leave a guild; its owner can't."""
    guild = visit.guild()
    actor = visit.actor(guild)
    if actor.id == guild.owner_id:
        raise NotPossibleError("an owner can't leave their guild")
    actor.leave()
    return await get_state(visit)


@action("POST", "/directs")
async def open_direct(visit: Visit) -> Json:
    """Open the conversation with the bot."""
    account = visit.visitor.account
    channel = visit.sandbox.world.open_dm(account, visit.sandbox.application.user)
    return view_direct(channel, account)


@action("POST", r"/channels/{channel_id:\d+}/messages")
async def send_message(visit: Visit) -> Json:
    """Post `content` and `files`, in answer to `reply_to` if given."""
    channel = visit.channel()
    actor = visit.actor(channel)
    reply_to = visit.body.get("reply_to")
    answered = channel.messages.get(int(reply_to)) if reply_to else None
    files = [visit.file(entry) for entry in (visit.body.get("files") or [])[:_MOST_FILES]]
    message = actor.send(channel, visit.text("content"), reply_to=answered, files=files)
    return view_message(message, actor.user)


@action("POST", r"/channels/{channel_id:\d+}/typing")
async def type_in(visit: Visit) -> Json:
    """Show the others that the visitor is writing."""
    channel = visit.channel()
    visit.actor(channel).type_in(channel)
    return {}


@action("PATCH", r"/channels/{channel_id:\d+}/messages/{message_id:\d+}")
async def edit_message(visit: Visit) -> Json:
    """Change the text of an own message to `content`."""
    message = visit.message()
    content = visit.text("content")
    if not 0 < len(content) <= 2_000:
        raise UnfitError("a message has 1 to 2,000 characters")
    actor = visit.actor(message.channel)
    actor.edit(message, content)
    return view_message(message, actor.user)


@action("DELETE", r"/channels/{channel_id:\d+}/messages/{message_id:\d+}")
async def delete_message(visit: Visit) -> Json:
    """Delete a message, or dismiss one that only the visitor sees."""
    message = visit.message()
    if message.ephemeral:
        visit.visitor.dismiss(message)
    else:
        visit.actor(message.channel).delete(message)
    return {}


@action("PUT", r"/channels/{channel_id:\d+}/messages/{message_id:\d+}/reactions")
async def add_reaction(visit: Visit) -> Json:
    """React with `emoji`."""
    message = visit.message()
    visit.actor(message.channel).react(message, visit.text("emoji")[:80])
    return {}


@action("DELETE", r"/channels/{channel_id:\d+}/messages/{message_id:\d+}/reactions")
async def remove_reaction(visit: Visit) -> Json:
    """Take the own reaction with `emoji` back."""
    message = visit.message()
    visit.actor(message.channel).unreact(message, visit.text("emoji"))
    return {}
