"""The interaction that a written command is: it is answered with messages in the channel."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from discord.utils import MISSING

from bot.core.errors import Denied
from bot.core.i18n import _, language_of

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.contracts import MessageFacts

# What only interactions know.
_UNKNOWN = ("ephemeral", "wait", "thinking")
# As Discord writes them: https://discord.com/developers/docs/reference#locales
_LOCALES = {"en": "en-US", "es": "es-ES"}
_CHAT_INPUT = 1


class WrittenInteraction(discord.Interaction["Pegasus"]):
    """A command that was written; its id is the message's, and so unique as Discord's are."""

    def __init__(self, *, data: Any, state: Any) -> None:
        super().__init__(data=data, state=state)
        self._response = _Response(self)
        self._followup = _Followup(self)
        self._first: discord.Message | None = None

    @property
    def response(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride] - as one reads it
        """What answers first."""
        return self._response

    @property
    def followup(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride] - as one reads it
        """What answers after that."""
        return self._followup

    async def original_response(self) -> Any:
        """Return the first message of the answer."""
        if self._first is None:
            raise discord.ClientException("nothing was answered yet")
        return self._first

    async def edit_original_response(self, **changes: Any) -> Any:
        """Change the first message of the answer, or write it."""
        if self._first is None:
            attachments = changes.pop("attachments", MISSING)
            if attachments is not MISSING:
                changes["files"] = list(attachments)
            return await self.post(**changes)
        return await self._first.edit(**changes)

    async def delete_original_response(self) -> None:
        """Delete the first message of the answer."""
        if self._first is not None:
            await self._first.delete()

    async def post(self, content: str | None = None, **options: Any) -> discord.Message:
        """Write a message; the first one is a reply to the command."""
        place: Any = self.channel
        # Channels take `None` where webhooks take a value that is not there.
        given = {
            name: one
            for name, one in options.items()
            if name not in _UNKNOWN and one is not MISSING and one is not None
        }
        given.setdefault("allowed_mentions", discord.AllowedMentions.none())
        if self._first is None:
            given["reference"] = discord.MessageReference(
                message_id=self.id, channel_id=place.id, fail_if_not_exists=False
            )
            given["mention_author"] = False
        message = await place.send(None if content is MISSING else content, **given)
        self._first = self._first or message
        return message


class _Response:
    """Stands for the library's, as far as commands use it."""

    def __init__(self, parent: WrittenInteraction) -> None:
        self._parent = parent
        self._done = False

    def is_done(self) -> bool:
        """Return whether something was answered, or is to be."""
        return self._done

    async def defer(self, **_options: Any) -> None:
        """Show that an answer is under way."""
        self._begin()
        # Nobody waits for that, and the answer will tell of what is in the way.
        with contextlib.suppress(discord.DiscordException, aiohttp.ClientError, OSError):
            await self._parent.client.http.send_typing(self._parent.channel_id or 0)

    async def send_message(self, content: str | None = None, **options: Any) -> Any:
        """Answer."""
        self._begin()
        message = await self._parent.post(content, **options)
        return SimpleNamespace(message_id=message.id, resource=message)

    async def send_modal(self, _modal: Any) -> None:
        """Tell that forms need a slash."""
        raise Denied(_("This asks in a form, which I can only show after a command with a slash."))

    def _begin(self) -> None:
        if self._done:
            raise discord.InteractionResponded(self._parent)
        self._done = True


class _Followup:
    """Stands for the webhook that answers later."""

    def __init__(self, parent: WrittenInteraction) -> None:
        self._parent = parent

    async def send(self, content: str | None = None, **options: Any) -> discord.Message:
        """Answer."""
        return await self._parent.post(content, **options)


async def interaction_of(
    bot: Pegasus, guild: discord.Guild, facts: MessageFacts, locale: str | None, name: str
) -> WrittenInteraction:
    """Return the interaction that a message is; its options come later.

    The channel is asked for where it is not known, such as a thread that was just woken.
    """
    raw: Mapping[str, Any] = facts.raw
    state: Any = bot._connection
    place: Any = {"id": str(facts.channel_id)}
    channel: Any = guild.get_channel_or_thread(facts.channel_id)
    if channel is None:
        place = await bot.http.get_channel(facts.channel_id)
        channel = discord.Thread(guild=guild, state=state, data=place)
    known: Any = {**raw["member"], "user": raw["author"]}
    member = discord.Member(data=known, guild=guild, state=state)
    payload = {
        "id": str(facts.id),
        "application_id": str(bot.application_id or 0),
        "type": discord.InteractionType.application_command.value,
        "token": "",
        "version": 1,
        "guild_id": str(guild.id),
        "channel": place,
        "member": {**known, "permissions": str(channel.permissions_for(member).value)},
        "app_permissions": str(channel.permissions_for(guild.me).value),
        "locale": _LOCALES[language_of(locale)],
        "guild_locale": guild.preferred_locale.value,
        "attachment_size_limit": guild.filesize_limit,
        "data": {"id": "0", "name": name, "type": _CHAT_INPUT, "options": []},
    }
    return WrittenInteraction(data=payload, state=state)
