"""Interactions: what a person set off, what the bot answered, and the time limits in between.

https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from .channel import Channel
from .guild import Guild
from .models import Application, Json, Member, Message, MessageFlag, User
from .payloads import (
    render_channel,
    render_gateway_message,
    render_member,
    render_message,
    render_user,
)
from .permissions import Permission, channel_permissions
from .recorder import Journal
from .world import World

# How long an edit is waited for, in seconds, after a press that was only acknowledged: none has to
# come.
EDIT_SECONDS = 1.0
ATTACHMENT_SIZE_LIMIT = 10 * 1024 * 1024
_STEPS = (1, 2)  # the option types of subcommands and their groups


class InteractionType:
    """Discord's kinds of interactions."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class CallbackType:
    """The kinds of first answers.

    https://discord.com/developers/docs/interactions/receiving-and-responding
    """

    PONG = 1
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


class NotAnsweredError(Exception):
    """The bot did not answer in time: "The application did not respond"."""


@dataclass(slots=True, eq=False)
class Interaction:
    """One thing a person did with the bot, and everything the bot answered to it.

    `response` is the original answer; ephemeral messages are only here, never in the channel.
    `callback` is the type of the first answer, None while there is none.
    """

    id: int
    token: str = field(repr=False)
    type: int
    application: Application = field(repr=False)
    user: User
    channel: Channel
    data: Json
    member: Member | None = None
    source: Message | None = None
    origin: Interaction | None = field(default=None, repr=False)
    locale: str = "en-US"
    created: float = field(default_factory=time.monotonic)
    callback: int | None = None
    response: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: Json | None = None
    choices: list[Json] | None = None
    _answered: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _completed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def guild(self) -> Guild | None:
        """The guild it happened in, None in direct messages."""
        return self.channel.guild

    @property
    def name(self) -> str:
        """The command's name or the component's custom id."""
        return str(self.data.get("name") or self.data.get("custom_id") or "")

    @property
    def command_path(self) -> str:
        """The command's name with group and subcommand, "welcome test"."""
        words, options = [self.name], self.data.get("options") or []
        while options and options[0]["type"] in _STEPS:
            words.append(options[0]["name"])
            options = options[0].get("options") or []
        return " ".join(words)

    @property
    def deferred(self) -> bool:
        """Whether the bot's answer is still "thinking…"."""
        return self.response is not None and bool(self.response.flags & MessageFlag.LOADING)

    @property
    def ephemeral(self) -> bool:
        """Whether only the person sees the original answer."""
        return self.response is not None and self.response.ephemeral

    @property
    def messages(self) -> list[Message]:
        """The original answer and the follow-ups."""
        return ([self.response] if self.response else []) + self.followups

    @property
    def content(self) -> str:
        """The content of the original answer."""
        return self.response.content if self.response else ""

    @property
    def text(self) -> str:
        """Everything a person reads in all answers, or in the modal."""
        shown = "\n".join(message.text() for message in self.messages)
        return f"{self.modal.get('title', '')}\n{shown}" if self.modal else shown

    def note_callback(self, callback: int) -> None:
        """Take note of the first answer; anything but a deferral also completes the interaction."""
        self.callback = callback
        self._answered.set()
        if callback not in (CallbackType.DEFERRED_MESSAGE, CallbackType.DEFERRED_UPDATE):
            self._completed.set()

    def note_message(self) -> None:
        """Take note of an edit or follow-up, which completes a deferred answer."""
        self._completed.set()

    async def answered(self, within: float = 3.5) -> Interaction:
        """Wait for the first answer.

        Raises NotAnsweredError when `within` seconds pass without one.
        """
        return await self._wait(self._answered, within)

    async def completed(self, within: float = 15.0) -> Interaction:
        """Wait for the answer and, when it is deferred, for what follows.

        After a press that was only acknowledged nothing has to follow: that is waited for a second.
        Raises NotAnsweredError.
        """
        await self.answered(min(within, 3.5))
        if self.callback == CallbackType.DEFERRED_UPDATE:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._completed.wait(), min(within, EDIT_SECONDS))
            return self
        return await self._wait(self._completed, within)

    async def _wait(self, event: asyncio.Event, within: float) -> Interaction:
        try:
            await asyncio.wait_for(event.wait(), within)
        except TimeoutError:
            raise NotAnsweredError(f"{self.name}: the application did not respond") from None
        return self

    def to_json(self) -> Json:
        """Return the interaction and its answers for the control API."""
        return {
            "id": str(self.id),
            "type": self.type,
            "name": self.name,
            "user_id": str(self.user.id),
            "channel_id": str(self.channel.id),
            "callback": self.callback,
            "deferred": self.deferred,
            "ephemeral": self.ephemeral,
            "message": render_message(self.response) if self.response else None,
            "followups": [render_message(message) for message in self.followups],
            "modal": self.modal,
            "choices": self.choices,
        }


class InteractionEngine:
    """Makes interactions, sends them to the bot and finds them again by their token.

    `ack_window` and `token_lifetime` are in seconds: three and 900 on Discord.
    """

    def __init__(
        self,
        world: World,
        *,
        ack_window: float = 3.0,
        token_lifetime: float = 900.0,
        limit: int = 5_000,
    ) -> None:
        self.world = world
        self.ack_window = ack_window
        self.token_lifetime = token_lifetime
        self.journal: Journal[Interaction] = Journal(limit)
        self._limit = limit
        self._by_token: dict[str, Interaction] = {}

    def create(
        self,
        application: Application,
        kind: int,
        user: User,
        channel: Channel,
        data: Json,
        *,
        source: Message | None = None,
        origin: Interaction | None = None,
        locale: str | None = None,
    ) -> Interaction:
        """Make an interaction and send it to the application's session.

        `locale` is the language of the person's client, that of their account unless said.
        """
        member = channel.guild.members.get(user.id) if channel.guild else None
        interaction = Interaction(
            self.world.snowflakes.next(),
            secrets.token_urlsafe(96),
            kind,
            application,
            user,
            channel,
            data,
            member,
            source,
            origin,
            locale or user.locale,
        )
        self._by_token[interaction.token] = interaction
        while len(self._by_token) > self._limit:
            del self._by_token[next(iter(self._by_token))]
        payload = self._render(interaction)
        self.world.dispatch(
            "INTERACTION_CREATE",
            payload,
            guild=channel.guild,
            channel=channel,
            application_id=application.id,
        )
        self.journal.add(interaction)
        return interaction

    def find(self, interaction_id: int, token: str) -> Interaction | None:
        """Return the interaction with this id and token."""
        found = self._by_token.get(token)
        return found if found is not None and found.id == interaction_id else None

    def find_by_token(self, application_id: int, token: str) -> Interaction | None:
        """Return an acknowledged interaction whose token is still valid."""
        found = self._by_token.get(token)
        if found is None or found.application.id != application_id or found.callback is None:
            return None
        return found if time.monotonic() - found.created <= self.token_lifetime else None

    def in_time(self, interaction: Interaction) -> bool:
        """Whether the first answer would still be accepted."""
        return time.monotonic() - interaction.created <= self.ack_window

    def find_message(self, message_id: int) -> Message | None:
        """Return an answer, ephemeral or not, by its id."""
        return next((message for message in self._answers() if message.id == message_id), None)

    def find_interaction(self, interaction_id: int) -> Interaction | None:
        """Return an interaction by its id."""
        return next(
            (entry for entry in self._by_token.values() if entry.id == interaction_id), None
        )

    def interaction_of(self, message: Message) -> Interaction | None:
        """Return the interaction that an answer belongs to."""
        return next((entry for entry in self._by_token.values() if message in entry.messages), None)

    def _answers(self) -> Iterator[Message]:
        for interaction in self._by_token.values():
            yield from interaction.messages

    # -- payloads ---------------------------------------------------------------------------------

    def _render(self, interaction: Interaction) -> Json:
        channel, guild = interaction.channel, interaction.guild
        payload: Json = {
            "id": str(interaction.id),
            "application_id": str(interaction.application.id),
            "type": interaction.type,
            "token": interaction.token,
            "version": 1,
            "locale": interaction.locale,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": {"0": str(guild.id) if guild else "0"},
            "context": 0 if guild else 1,
            "attachment_size_limit": ATTACHMENT_SIZE_LIMIT,
            "channel_id": str(channel.id),
            "channel": self._render_place(interaction),
            "app_permissions": str(self._bits(interaction.application.user, channel)),
            "data": interaction.data,
        }
        if guild is not None and interaction.member is not None:
            payload["guild_id"] = str(guild.id)
            payload["guild_locale"] = guild.locale
            payload["guild"] = {
                "id": str(guild.id),
                "locale": guild.locale,
                "features": list(guild.features),
            }
            bits = self._bits(interaction.user, channel)
            payload["member"] = render_member(interaction.member) | {"permissions": str(bits)}
        else:
            payload["user"] = render_user(interaction.user)
        if interaction.source is not None:
            payload["message"] = render_gateway_message(interaction.source)
        return payload

    def _render_place(self, interaction: Interaction) -> Json:
        if interaction.guild is None:
            return self.world.render_dm(interaction.channel, interaction.application.user)
        bits = self._bits(interaction.user, interaction.channel)
        return render_channel(interaction.channel) | {"permissions": str(bits)}

    @staticmethod
    def _bits(user: User, channel: Channel) -> int:
        member = channel.guild.members.get(user.id) if channel.guild else None
        return Permission.ALL if member is None else channel_permissions(member, channel)


def interaction_metadata(interaction: Interaction) -> Json:
    """Return what a message tells of the interaction it answers."""
    metadata: Json = {
        "id": str(interaction.id),
        "type": interaction.type,
        "user": render_user(interaction.user),
        "authorizing_integration_owners": {
            "0": str(interaction.guild.id) if interaction.guild else "0"
        },
    }
    if interaction.type == InteractionType.COMMAND:
        command_type = interaction.data.get("type", 1)
        metadata |= {"name": interaction.command_path, "command_type": command_type}
    elif interaction.type == InteractionType.COMPONENT and interaction.source is not None:
        metadata["interacted_message_id"] = str(interaction.source.id)
    elif interaction.type == InteractionType.MODAL_SUBMIT and interaction.origin is not None:
        metadata["triggering_interaction_metadata"] = interaction_metadata(interaction.origin)
    return metadata
