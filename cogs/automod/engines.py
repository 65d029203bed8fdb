"""The engines of this process's guilds: compiled once per revision of the settings, off the loop.

While a new revision is compiled the engine before it judges. A guild whose engine is not there yet
(the first moments after a start, or after it was dropped for room) keeps what is to be judged here,
at most `MOST_HELD` for `PATIENCE` seconds; then it is let go unjudged.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from cogs.automod.blocklist import Blocklist
from cogs.automod.planning import KEY
from cogs.automod.rules.patterns import PatternRefused
from cogs.automod.rules.room import Room
from cogs.automod.rules.values import Context, InviteBook, Judgement
from cogs.automod.rules.windows import Windows
from cogs.automod.settings import Rule
from cogs.automod.triggers import leaves_of

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.settings import SettingsStore
    from bot.core.settings.model import FeatureState
    from bot.core.supervisor import TaskSupervisor
    from cogs.automod.problems import Troubles
    from cogs.automod.rules.engine import Engine
    from cogs.automod.settings import AutomodSettings

log = structlog.get_logger(__name__)

# Guilds remembered, and of those the ones with rules: an engine takes some hundred KiB.
MOST_GUILDS = 20_000
MOST_ENGINES = 1_000
MOST_HELD = 200
PATIENCE = 10.0
# Of who waits for an answer from the bot: Discord gives it three seconds.
SHORT_PATIENCE = 1.5
# Guilds come one after the other when the bot connects.
GATHER_SECONDS = 0.2
# A thread's and a channel's parents, of one guild.
MOST_PARENTS = 2_000
# A revision that no settings have: one that an earlier run could not compile may do by now.
_OF_EARLIER_RUN = -1
MOST_NAMES = 500


class Surroundings(Protocol):
    """What the engine must know of a guild beside its settings; never waits."""

    def owner_id(self, guild_id: int) -> int:
        """Return the owner's id, 0 when it is not known."""
        ...

    def staff_role_ids(self, guild_id: int) -> frozenset[int]:
        """Return the roles that may manage messages or the server, or are administrators."""
        ...

    def parent_id(self, guild_id: int, channel_id: int) -> int:
        """Return the channel or category that a channel or thread stands in, 0 for none."""
        ...


class Parents(dict[int, int]):
    """Parents of channels by id, asked for when first wanted and kept until told otherwise."""

    def __init__(self, find: Callable[[int], int]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, channel_id: int) -> int:
        if len(self) >= MOST_PARENTS:
            self.clear()
        found = self[channel_id] = self._find(channel_id)
        return found

    def get(self, channel_id: int, default: int = 0) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - ids only
        """Return the parent's id; finds it if need be."""
        return self[channel_id] or default


@dataclass(slots=True)
class Entry:
    """One guild: its engine (`None` while it has no rules or is off) and what that works on."""

    guild_id: int
    engine: Engine | None
    revision: int
    rules: Mapping[str, Rule]
    spares_staff: bool
    context: Context
    windows: Windows
    keeps_names: bool = False
    names: OrderedDict[int, str] = field(default_factory=OrderedDict)
    is_stale: bool = True

    def note_name(self, user_id: int, name: str) -> None:
        """Remember what a member is called, for campaigns they may turn out to be part of."""
        self.names[user_id] = name
        if len(self.names) > MOST_NAMES:
            self.names.popitem(last=False)

    def rules_in(self, judgement: Judgement) -> dict[str, Rule]:
        """Return the rules that a judgement names, as they stand."""
        named = {hit.rule for hit in (*judgement.hits, *judgement.shadow_hits)}
        return {name: self.rules[name] for name in named if name in self.rules}


@dataclass(slots=True)
class _Held:
    """What waits for its guild's engine, to be called then, and since when."""

    since: float
    waiting: deque[Callable[[], None]] = field(default_factory=deque)


class Engines:
    """Engines by guild; the ones used longest ago make room."""

    def __init__(
        self,
        settings: SettingsStore,
        clock: Clock,
        supervisor: TaskSupervisor,
        *,
        surroundings: Surroundings,
        troubles: Troubles,
        invites: InviteBook,
        blocklist: Blocklist,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._supervisor = supervisor
        self._surroundings = surroundings
        self._troubles = troubles
        self._invites = invites
        self._blocklist = blocklist
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._running: OrderedDict[int, Entry] = OrderedDict()
        self._compiling: dict[int, asyncio.Task[None]] = {}
        self._held: dict[int, _Held] = {}
        # Of all guilds of this process together.
        self._room = Room()
        self._one_at_a_time = asyncio.Semaphore(1)
        self._expected: set[int] = set()
        # The revision that could not be compiled, by guild: it is not tried again.
        self._refused: dict[int, int] = {}
        # Guilds whose rules look for what the operator blocks, without a list of it.
        self._without_list: set[int] = set()

    def get(self, guild_id: int) -> Entry | None:
        """Return a guild's entry, up to date with its roles; `None` when it has to be made."""
        entry = self._entries.get(guild_id)
        if entry is None or entry.engine is None:
            return entry
        if entry.is_stale:
            self._look_around(entry)
        if self._settings.peek(guild_id, KEY).revision != entry.revision:
            # News of a change can be missed, as when the database was away.
            self._catch_up(entry)
        entry.context.now = self._clock.now().timestamp()
        return entry

    async def wait_for(self, guild_id: int) -> Entry | None:
        """Return a guild's entry, made first if need be; `None` if that fails or takes too long."""
        if (entry := self.get(guild_id)) is not None:
            return entry
        self.prepare(guild_id)
        await asyncio.wait([self._compiling[guild_id]], timeout=SHORT_PATIENCE)
        return self.get(guild_id)

    def hold(self, guild_id: int, judge: Callable[[], None]) -> None:
        """Have this called once the guild's engine is there, if it has one, and have that made."""
        now = self._clock.monotonic()
        held = self._held.get(guild_id)
        if held is None or now - held.since > PATIENCE:
            held = self._held[guild_id] = _Held(now)
        if len(held.waiting) < MOST_HELD:
            held.waiting.append(judge)
        self.prepare(guild_id)

    def _catch_up(self, entry: Entry) -> None:
        if self._refused.get(entry.guild_id) != self._settings.peek(entry.guild_id, KEY).revision:
            self.prepare(entry.guild_id)

    def expect(self, guild_id: int) -> None:
        """Have a guild's engine made soon; those of many guilds cost few queries."""
        self._expected.add(guild_id)
        if len(self._expected) == 1:
            self._supervisor.spawn("automod.compile", self._prepare_expected())

    async def _prepare_expected(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        expected, self._expected = self._expected, set()
        await self._settings.warm(expected)
        for guild_id in expected:
            self.prepare(guild_id)
            if (task := self._compiling.get(guild_id)) is not None:
                await asyncio.wait([task])

    def prepare(self, guild_id: int) -> None:
        """Have a guild's engine made or renewed; many calls while it is made are one."""
        if guild_id not in self._compiling:
            self._compiling[guild_id] = self._supervisor.spawn(
                "automod.compile", self._prepare(guild_id)
            )

    async def renew(self, state: FeatureState) -> None:
        """Compile a new revision of the settings; until it is there the one before judges."""
        guild_id = state.guild_id
        while (task := self._compiling.get(guild_id)) is not None:
            await asyncio.wait([task])
        entry = self._entries.get(guild_id)
        if entry is None or entry.revision < state.revision:
            self.prepare(guild_id)
            await asyncio.wait([self._compiling[guild_id]])

    def suspect(self, guild_ids: Collection[int]) -> None:
        """Say in which guilds an earlier run refused a pattern; what compiles takes that back."""
        for guild_id in guild_ids:
            self._refused.setdefault(guild_id, _OF_EARLIER_RUN)

    def forget(self, guild_id: int) -> None:
        """Drop a guild that the bot has left."""
        self._drop(guild_id)
        self._held.pop(guild_id, None)
        self._refused.pop(guild_id, None)
        self._without_list.discard(guild_id)

    def doubt(self, guild_id: int) -> None:
        """Say that roles, channels or the owner may be others now."""
        if (entry := self._entries.get(guild_id)) is not None:
            entry.is_stale = True

    def _look_around(self, entry: Entry) -> None:
        entry.is_stale = False
        context, guild_id = entry.context, entry.guild_id
        context.owner_id = self._surroundings.owner_id(guild_id)
        context.staff_role_ids = self._surroundings.staff_role_ids(guild_id)
        context.parents = Parents(lambda one: self._surroundings.parent_id(guild_id, one))
        if guild_id in self._running:
            self._running.move_to_end(guild_id)

    async def _prepare(self, guild_id: int) -> None:
        try:
            state = await self._settings.get(guild_id, KEY)
            engine = await self._compile(state)
            if engine is not _REFUSED:
                self._put(state, engine)
        finally:
            self._compiling.pop(guild_id, None)
        self._release(guild_id)

    async def _compile(self, state: FeatureState) -> Engine | None:
        if not state.enabled or not state.settings.rules:
            await self._accept(state.guild_id)
            return None
        try:
            async with self._one_at_a_time:
                engine = await asyncio.to_thread(compile_engine, state.settings)
        except PatternRefused as refused:
            name = getattr(refused, "rule", "") or ""
            self._refused[state.guild_id] = state.revision
            await self._troubles.refused_pattern(state.guild_id, name, refused.reason)
            return _REFUSED
        await self._accept(state.guild_id)
        await self._check_blocklist(state)
        return engine

    async def _check_blocklist(self, state: FeatureState) -> None:
        """Tell the guild when its rules look for what the operator blocks, and that is nothing."""
        guild_id = state.guild_id
        if _finds_blocked(state) and not self._blocklist.is_there:
            self._without_list.add(guild_id)
            await self._troubles.lacks_blocklist(guild_id)
        elif guild_id in self._without_list or _finds_blocked(state):
            self._without_list.discard(guild_id)
            await self._troubles.has_blocklist(guild_id)

    async def _accept(self, guild_id: int) -> None:
        """Take back that a guild's patterns can't be run, where that was said."""
        if self._refused.pop(guild_id, None) is not None:
            await self._troubles.accepted_patterns(guild_id)

    def _put(self, state: FeatureState, engine: Engine | None) -> None:
        guild_id = state.guild_id
        before = self._entries.pop(guild_id, None)
        rules = {rule.name: rule for rule in state.settings.rules}
        self._entries[guild_id] = Entry(
            guild_id,
            engine,
            state.revision,
            rules,
            state.settings.exempt_staff,
            before.context if before else self._new_context(guild_id),
            before.windows if before else Windows(self._room),
            keeps_names=_finds_campaigns(state),
        )
        self._running.pop(guild_id, None)
        if engine is not None:
            self._running[guild_id] = self._entries[guild_id]
        self._make_room()

    def _new_context(self, guild_id: int) -> Context:
        return Context(0.0, guild_id, invites=self._invites, blocked=self._blocklist.book)

    def _make_room(self) -> None:
        while len(self._running) > MOST_ENGINES:
            self._drop(next(iter(self._running)))
        while len(self._entries) > MOST_GUILDS:
            self._drop(next(iter(self._entries)))

    def _drop(self, guild_id: int) -> None:
        entry = self._entries.pop(guild_id, None)
        self._running.pop(guild_id, None)
        if entry is not None:
            entry.windows.close()

    def _release(self, guild_id: int) -> None:
        held = self._held.pop(guild_id, None)
        if held is None or self._clock.monotonic() - held.since > PATIENCE:
            return
        for judge in held.waiting:
            entry = self.get(guild_id)
            if entry is not None and entry.engine is not None:
                judge()


def _finds_campaigns(state: FeatureState) -> bool:
    leaves = (leaf for rule in state.settings.rules for leaf in leaves_of(rule.when))
    return any(leaf.type == "campaign" for leaf in leaves)


def _finds_blocked(state: FeatureState) -> bool:
    leaves = (leaf for rule in state.settings.rules for leaf in leaves_of(rule.when))
    return any(getattr(leaf, "blocked", False) for leaf in leaves)


def compile_engine(settings: AutomodSettings) -> Engine:
    """Return the engine of these settings; raises `PatternRefused`. CPU work: in a thread.

    The first call loads the engine's modules and RE2: some 3 MB that a bot does without as long as
    none of its guilds has rules.
    """
    from cogs.automod.rules.engine import Engine

    return Engine.compile(settings)


# Stands for rules that could not be compiled: what was there before goes on.
_REFUSED: Any = object()
