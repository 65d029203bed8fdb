"""One process with role menus and the queue of role changes on a real database."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from bot.core.audit import AuditLog
from bot.core.config import Config
from bot.core.contracts import SYSTEM, ChannelSummary, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import NotPermitted
from bot.core.problems import ProblemService
from bot.core.roles import RoleChanged, RoleService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import general, rolemenus
from cogs.rolemenus.catchup import ReactionCatchUp
from cogs.rolemenus.desk import MenuDesk
from cogs.rolemenus.posts import MenuPosts
from cogs.rolemenus.pressing import Full, Outcome, Presser, PressService
from cogs.rolemenus.problems import MenuProblems
from cogs.rolemenus.reacting import ReactionPresses
from cogs.rolemenus.rules import Menu, Mode, Option, Style, toggled
from db import role_menus as table
from db.engine import Database
from tests.bot.core.roles.world import FakeDiscord, View
from tests.cogs.welcome.world import Courier
from tests.fakes import FakeClock

GUILD, CHANNEL = 1 << 40, 500
RED, BLUE, GREEN = 701, 702, 703
ANN, BOB = 1001, 1002
BOT_ID = 42


class Place(View):
    """A guild with three roles and a channel."""

    def __init__(self) -> None:
        super().__init__()
        self.rights: dict[int, frozenset[str]] = {}
        self.channel_permissions = frozenset(
            {"view_channel", "send_messages", "embed_links", "add_reactions"}
            | {"read_message_history"}
        )

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        position = self.positions.get(role_id)
        if position is None:
            return None
        rights = self.rights.get(role_id, frozenset())
        return RoleSummary(role_id, guild_id, f"R{role_id}", position, permissions=rights)

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        if channel_id != CHANNEL:
            return None
        permissions = self.channel_permissions
        return ChannelSummary(channel_id, guild_id, "c", "text", bot_permissions=permissions)


class FakeReactor:
    """Keeps the bot's reactions; raises what it is told to."""

    def __init__(self) -> None:
        self.reactions: dict[int, list[str]] = {}
        self.taken_back: list[tuple[int, str, int]] = []
        self.error: Exception | None = None
        # Who reacts, by message and emoji, as Discord has it.
        self.members: dict[tuple[int, str], set[int]] = {}
        self.roles: defaultdict[int, set[int]] = defaultdict(set)
        self.gone: set[int] = set()
        self.refusing = False

    async def set_reactions(self, channel_id: int, message_id: int, emoji: list[str]) -> None:
        if self.error is not None:
            raise self.error
        self.reactions[message_id] = emoji

    async def list_reactors(
        self, channel_id: int, message_id: int, emoji: str, *, after: int, limit: int
    ) -> list[tuple[int, bool]]:
        found = sorted(self.members.get((message_id, emoji), ()))
        return [(one, one == BOT_ID) for one in found if one > after][:limit]

    async def roles_of(self, guild_id: int, user_id: int) -> frozenset[int] | None:
        return None if user_id in self.gone else frozenset(self.roles[user_id])

    async def take_back(self, channel_id: int, message_id: int, emoji: str, user_id: int) -> None:
        if self.refusing:
            raise NotPermitted("missing_permissions")
        self.taken_back.append((message_id, emoji, user_id))


class World:
    """One process; a second one can be made over the same database, clock and Discord."""

    def __init__(
        self, database: Database, clock: FakeClock, discord: FakeDiscord | None = None
    ) -> None:
        self.database, self.clock = database, clock
        self.discord = discord or FakeDiscord()
        self.view, self.courier, self.reactor = Place(), Courier(), FakeReactor()
        bus, supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE, rolemenus.FEATURE])
        audit = AuditLog(clock, bus, supervisor)
        self.settings = SettingsStore(
            database, clock, bus, registry, audit, state=lambda: self.view
        )
        self.told = ProblemService(
            database, clock, bus, registry, self.settings, state=lambda: self.view
        )
        self.roles = RoleService(
            database,
            clock,
            self.settings,
            bus=bus,
            problems=self.told,
            supervisor=supervisor,
            state=lambda: self.view,
        )
        self.roles.use(self.discord)
        self.jobs = JobService(database, clock, Config().jobs, supervisor, bus=bus)
        self.outbox = OutboxService(database, clock, supervisor, courier=self.courier, bus=bus)
        self.gone_emoji: set[int] = set()
        self.desk = MenuDesk(
            database,
            clock,
            self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            audit=audit,
            state=lambda: self.view,
            knows_emoji=self._knows_emoji,
        )
        self.full: list[Full] = []
        self.presses = PressService(
            database,
            clock,
            self.settings,
            self.roles,
            lambda: self.view,
            on_full=self.full.append,
        )
        self.posts = MenuPosts(
            database,
            jobs=self.jobs,
            outbox=self.outbox,
            problems=self.told,
            reactor=self.reactor,
            state=lambda: self.view,
        )
        self.reactions = ReactionPresses(
            database,
            clock,
            self.settings,
            outbox=self.outbox,
            presses=self.presses,
            posts=self.posts,
            reactor=self.reactor,
            state=lambda: self.view,
        )
        self.catch_up = ReactionCatchUp(
            database,
            clock,
            jobs=self.jobs,
            posts=self.posts,
            presses=self.reactions,
            reader=self.reactor,
        )
        self.problems = MenuProblems(self.desk, self.settings, self.told, lambda: self.view)
        bus.subscribe(RoleChanged, self.presses.role_changed)

    async def _knows_emoji(self, _guild_id: int, emoji_id: int) -> bool:
        return emoji_id not in self.gone_emoji

    async def start(self) -> None:
        await self.presses.start()
        await self.posts.start()
        self.catch_up.start()
        await self.settings.change(GUILD, "rolemenus", {}, enabled=True, actor=SYSTEM)

    async def make(self, caps: dict[int, int] | None = None, **values: Any) -> Menu:
        options = tuple(
            Option(role_id=one, cap=(caps or {}).get(one)) for one in (RED, BLUE, GREEN)
        )
        draft = {"id": 0, "guild_id": GUILD, "title": "Colours", "options": options}
        return await self.desk.create(Menu(**(draft | values)))

    async def press(
        self, menu: Menu, role_id: int, user_id: int = ANN, roles: set[int] | None = None
    ) -> Outcome:
        """Press a role's button with the roles that Discord has of the member, or with these."""
        self.discord.members.add(user_id)
        held = frozenset(self.discord.roles[user_id] if roles is None else roles)
        return await self.presses.press(
            Presser(GUILD, user_id, held), menu.id, lambda _menu, own: toggled(own, role_id)
        )

    async def places(self, menu: Menu, role_id: int) -> int:
        async with self.database.read() as session:
            counts = await table.count_held(session, menu.id, [role_id], without=0)
        return counts.get(role_id, 0)

    async def work(self) -> None:
        """Do all that is due: messages, jobs, role changes."""
        await self.outbox.run_due()
        await self.jobs.run_due()
        await self.roles.run_due()

    async def problem_causes(self) -> list[str]:
        return [one.problem.cause for one in await self.told.list(GUILD)]


__all__ = ["ANN", "BLUE", "BOB", "CHANNEL", "GREEN", "GUILD", "RED", "Mode", "Style", "World"]
