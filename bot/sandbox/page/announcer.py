"""Tells each open page what happens in the world, as far as the visitor's account may see it."""

from __future__ import annotations

from collections.abc import Callable

from ..channel import Channel
from ..events import Dispatch
from ..interactions import Interaction
from ..models import Json, Message, User
from ..recorder import RestCall
from ..world import World
from .message_views import view_message
from .visitors import Visitor, Visitors

_REACTIONS = frozenset(
    {
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "MESSAGE_REACTION_REMOVE_ALL",
        "MESSAGE_REACTION_REMOVE_EMOJI",
    }
)
_MEMBERS = frozenset({"GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE"})
_GUILD_CHANGES = ("CHANNEL_", "THREAD_", "GUILD_ROLE_", "GUILD_UPDATE")
_UNMOVING = frozenset({"CHANNEL_PINS_UPDATE", "THREAD_MEMBERS_UPDATE", "THREAD_MEMBER_UPDATE"})


class Announcer:
    """Listens to the world and to the bot's REST calls; costs nothing while nobody is there."""

    def __init__(self, world: World, visitors: Visitors) -> None:
        self._world = world
        self._visitors = visitors

    # -- what the world announces -----------------------------------------------------------------

    def hear(self, dispatch: Dispatch) -> None:
        """Pass an event on to those who may see it."""
        if not len(self._visitors):
            return
        event = dispatch.event
        if dispatch.message is not None:
            self._show(dispatch.message)
        elif event in ("MESSAGE_DELETE", "MESSAGE_DELETE_BULK"):
            self._remove(dispatch)
        elif event in _REACTIONS:
            self._show_reacted(dispatch)
        elif event == "TYPING_START":
            self._show_typing(dispatch)
        elif event in _MEMBERS:
            self._member_changed(dispatch)
        elif event in ("GUILD_CREATE", "GUILD_DELETE"):
            self._tell_everyone({"kind": "changed", "what": "guilds"})
        elif event.startswith(_GUILD_CHANGES) and event not in _UNMOVING:
            self._guild_changed(dispatch)

    def _tell(self, channel: Channel, make: Callable[[User], Json]) -> None:
        """Send what `make` returns for the viewer to everyone who sees the channel."""
        for visitor in self._visitors:
            viewer = visitor.viewer_of(channel) if visitor.feeds else None
            if viewer is not None:
                _push(visitor, make(viewer))

    def _tell_everyone(self, event: Json) -> None:
        for visitor in self._visitors:
            _push(visitor, event)

    def _show(self, message: Message) -> None:
        if not message.deleted:
            self._tell(message.channel, lambda viewer: _message_event(message, viewer))

    def _show_reacted(self, dispatch: Dispatch) -> None:
        channel = dispatch.channel
        message = channel.messages.get(int(dispatch.data["message_id"])) if channel else None
        if message is not None:
            self._show(message)

    def _remove(self, dispatch: Dispatch) -> None:
        if dispatch.channel is None:
            return
        gone = dispatch.data.get("ids") or [dispatch.data["id"]]
        event = {"kind": "removed", "channel_id": str(dispatch.channel.id), "ids": gone}
        self._tell(dispatch.channel, lambda _: event)

    def _show_typing(self, dispatch: Dispatch) -> None:
        channel, user_id = dispatch.channel, int(dispatch.data["user_id"])
        user = self._world.users.get(user_id)
        if channel is None or user is None:
            return
        member = channel.guild.members.get(user_id) if channel.guild else None
        event: Json = {
            "kind": "typing",
            "channel_id": str(channel.id),
            "user_id": str(user_id),
            "name": member.display_name if member else user.display_name,
        }
        self._tell(channel, lambda _: event)

    def _member_changed(self, dispatch: Dispatch) -> None:
        guild = dispatch.guild
        if guild is None:
            return
        changed_id = int(dispatch.data["user"]["id"])
        for visitor in self._visitors:
            person = visitor.person(guild)
            if person.id == changed_id:
                _push(visitor, {"kind": "changed", "what": "guild", "guild_id": str(guild.id)})
            elif person.id in guild.members:
                _push(visitor, {"kind": "changed", "what": "members", "guild_id": str(guild.id)})

    def _guild_changed(self, dispatch: Dispatch) -> None:
        guild = dispatch.guild
        if guild is None:
            return
        for visitor in self._visitors:
            if visitor.person(guild).id in guild.members:
                _push(visitor, {"kind": "changed", "what": "guild", "guild_id": str(guild.id)})

    # -- what the bot answers to one person alone -------------------------------------------------

    def note_call(self, call: RestCall) -> None:
        """Look for an answer to a visitor's interaction in a REST call.

        Ephemeral messages are announced to nobody, so the calls that make, change and delete them
        are where a page hears of them.
        """
        if not len(self._visitors) or call.status >= 400:
            return
        part, _, rest = call.path.lstrip("/").partition("/")
        if part not in ("interactions", "webhooks"):
            return
        token = rest.split("/")[1] if "/" in rest else ""
        for visitor in self._visitors:
            interaction = visitor.interaction_with(token)
            if interaction is not None:
                _show_private(visitor, interaction)


def _show_private(visitor: Visitor, interaction: Interaction) -> None:
    shown = set(visitor.private_messages(interaction.channel))
    for message in interaction.messages:
        if message in shown:
            _push(visitor, _message_event(message, interaction.user))
        elif message.ephemeral and message.deleted:
            ids = [str(message.id)]
            channel_id = str(message.channel.id)
            _push(visitor, {"kind": "removed", "channel_id": channel_id, "ids": ids})


def _message_event(message: Message, viewer: User) -> Json:
    return {"kind": "message", "message": view_message(message, viewer)}


def _push(visitor: Visitor, event: Json) -> None:
    for feed in visitor.feeds:
        feed.push(event)
