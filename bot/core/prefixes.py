"""Commands written as messages, with the guild's prefix before their name: `!help`.

Whatever nobody answers is an ordinary message. Nearly every message is one, so the first character
decides: only one that a prefix may begin with is looked at any further.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from bot.core.errors import AppError, RateLimited
from bot.core.features import RateClass
from bot.core.guild_locale import BASICS, locale_of_guild
from bot.core.i18n import LANGUAGES, _, catalogue_for
from bot.core.outbox.deliveries import Delivery
from bot.core.ratelimit import SlidingWindow

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.contracts import BotState, MessageFacts
    from bot.core.messages import Spawn
    from bot.core.outbox import OutboxService
    from bot.core.ratelimit import CommandLimiter
    from bot.core.settings import SettingsStore
    from db.engine import Database

# No letters and digits: ordinary words would be commands. No signs of Discord's own, either: a
# message that begins with one is a command, a mention, a quote or formatted.
SIGNS = frozenset("!$%&+,.;=?^")
MAX_PREFIX = 5
PATTERN = rf"^[{''.join(sorted(SIGNS))}]\S{{0,{MAX_PREFIX - 1}}}$"
_PREFIX = re.compile(PATTERN)
# An answer that comes later than this answers nothing any more.
_STALE = timedelta(minutes=1)
# How often a person is told that they are too fast.
COMPLAINT_SECONDS = 60.0
_NEEDED = frozenset({"view_channel", "send_messages"})

Body = Mapping[str, Any]


def check_prefix(prefix: object) -> object:
    """Return a prefix that will do; raises `ValueError`, with a message, for any other text."""
    if not isinstance(prefix, str) or _PREFIX.fullmatch(prefix):
        return prefix
    raise ValueError(
        _(
            "A prefix has up to {count} characters without spaces and begins with one of {signs}",
            count=MAX_PREFIX,
            signs=" ".join(sorted(SIGNS)),
        )
    )


@dataclass(frozen=True, slots=True)
class PrefixUse:
    """A message that is a command: its name in lower case and what follows; the guild's locale."""

    facts: MessageFacts
    prefix: str
    name: str
    args: str
    locale: str | None


# Returns the body of the answering message; raises an `AppError` that is answered in words.
Handler = Callable[[PrefixUse], Awaitable[Body]]


class PrefixSource(Protocol):
    """Commands that come and go, such as a guild's own."""

    async def knows(self, guild_id: int, name: str) -> bool:
        """Return whether there is a command of this name now."""
        ...

    async def answer(self, use: PrefixUse) -> Body:
        """Return the body of the answering message; see `Handler`."""
        ...


class PrefixRunner(Protocol):
    """Commands that answer by themselves, such as the bot's own with a slash."""

    def knows(self, name: str) -> bool:
        """Return whether there is a command of this name; at once."""
        ...

    async def run(self, use: PrefixUse) -> None:
        """Run the command, within its own limits, and answer it."""
        ...


def read_command(content: str, prefix: str) -> tuple[str, str] | None:
    """Return name and arguments of a message that begins with the prefix and a name at once."""
    if not content.startswith(prefix):
        return None
    rest = content[len(prefix) :]
    if not rest or rest[0].isspace():
        return None
    name = rest.split(maxsplit=1)[0]
    return name.lower(), rest[len(name) :].strip()


class PrefixCommands:
    """Finds commands among messages and has them answered, once, through the outbox."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        settings: SettingsStore,
        limits: CommandLimiter,
        outbox: OutboxService,
        spawn: Spawn,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._limits = limits
        self._outbox = outbox
        self._spawn = spawn
        self._state = state
        self._handlers: dict[str, Handler] = {}
        self._complaints: SlidingWindow[int] = SlidingWindow(1, COMPLAINT_SECONDS)
        self.source: PrefixSource | None = None
        self.runner: PrefixRunner | None = None

    def add(self, name: str, handler: Handler) -> None:
        """Answer a command under its name in every language."""
        for language in LANGUAGES:
            self._handlers[catalogue_for(language).pgettext("command-name", name)] = handler

    def see(self, facts: MessageFacts) -> None:
        """Look at a message; what costs more than a look becomes a task."""
        if facts.content[:1] not in SIGNS:
            return
        prefix = self._settings.peek(facts.guild_id, BASICS).settings.prefix
        if prefix is None or (found := read_command(facts.content, prefix)) is None:
            return
        name, args = found
        is_own = self.runner is not None and self.runner.knows(name)
        if is_own and name not in self._handlers:
            self._spawn("written command", self._run(facts, prefix, name, args))
        elif name in self._handlers or self.source is not None:
            self._spawn("prefix command", self._take(facts, prefix, name, args))

    async def _run(self, facts: MessageFacts, prefix: str, name: str, args: str) -> None:
        if self.runner is not None and self._may_answer(facts):
            locale = await locale_of_guild(self._settings, self._state(), facts.guild_id)
            await self.runner.run(PrefixUse(facts, prefix, name, args, locale))

    async def _take(self, facts: MessageFacts, prefix: str, name: str, args: str) -> None:
        handler = self._handlers.get(name)
        if handler is None and self.source is not None:
            known = await self.source.knows(facts.guild_id, name)
            handler = self.source.answer if known else None
        if handler is None or not self._may_answer(facts):
            return
        locale = await locale_of_guild(self._settings, self._state(), facts.guild_id)
        use = PrefixUse(facts, prefix, name, args, locale)
        try:
            await self._limits.check(facts.author_id, RateClass.DEFAULT)
        except RateLimited as error:
            if self.may_complain(facts.author_id):
                await self._send(facts, {"content": error.render(locale)})
            return
        try:
            body = await handler(use)
        except AppError as error:
            body = {"content": error.render(locale)}
        await self._send(facts, body)

    def may_complain(self, user_id: int) -> bool:
        """Return whether to tell a person that they are too fast, and count it as told.

        An answer in public to each of too many messages would be as many messages more.
        """
        return self._complaints.hit(user_id, self._clock.monotonic()).allowed

    def _may_answer(self, facts: MessageFacts) -> bool:
        # Where the bot is not meant to write, nobody is to be told that it can't.
        channel = self._state().channel(facts.guild_id, facts.channel_id)
        return channel is None or channel.bot_permissions >= _NEEDED

    async def _send(self, facts: MessageFacts, body: Body) -> None:
        mentions = {"parse": [], **body.get("allowed_mentions", {}), "replied_user": False}
        reference = {"message_id": str(facts.id), "fail_if_not_exists": False}
        delivery = Delivery.message(
            facts.channel_id,
            {**body, "allowed_mentions": mentions, "message_reference": reference},
            dedupe_key=f"prefix:{facts.id}",
            guild_id=facts.guild_id,
            subject_id=facts.author_id,
            expires_at=self._clock.now() + _STALE,
        )
        async with self._database.write() as session:
            await self._outbox.send(session, delivery)
