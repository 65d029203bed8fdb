"""What is done to those who joined during a raid, each with a case of their own, each once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.cases.values import Case, CaseKind, CaseState, Order, Target
from bot.core.contracts import SYSTEM, Actor
from bot.core.errors import AppError, NotFound
from bot.core.i18n import _
from bot.core.problems.rules import Problem
from cogs.automod.raid.desk import FEATURE, RaidDesk
from cogs.automod.raid.rules import Joiner, is_new, suspect
from cogs.automod.settings import AutomodSettings
from db import raids as table
from db.raids import MemberState, Raid

MEMBERS_REFUSED = "raid_members_refused"
# What is taken on at once; the rest follows seconds later.
AT_ONCE = 200
REASON = "Joined during a raid"
DAY = timedelta(days=1)
_KINDS: Mapping[str, CaseKind] = {
    "timeout": CaseKind.TIMEOUT,
    "role": CaseKind.ADD_ROLE,
    "kick": CaseKind.KICK,
    "ban": CaseKind.BAN,
}

ACTED_ON = (MemberState.HANDLED, MemberState.BANNED)
# Who can't be banned any more, or is not to be.
_OUT_OF_REACH = (MemberState.BANNED, MemberState.SPARED, MemberState.LEFT)

Progress = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BanResult:
    """How many of those who joined are banned, how many could not be, and who was left alone."""

    banned: int
    failed: int
    skipped: tuple[str, ...] = ()


class Reaction:
    """Acts on a raid's members of itself, or bans those whom staff have looked at."""

    def __init__(self, desk: RaidDesk) -> None:
        self._desk = desk

    async def act(self, raid: Raid, settings: AutomodSettings) -> None:
        """Do what is set to new accounts and look-alikes that nothing was done to yet."""
        kind = _KINDS.get(settings.raid_action)
        if kind is None or (kind is CaseKind.ADD_ROLE and settings.raid_role_id is None):
            return
        async with self._desk.database.read() as session:
            rows = await table.list_members(session, raid.id)
        joiners = [
            Joiner(one.user_id, one.name, one.avatar, one.created_at, one.joined_at) for one in rows
        ]
        fresh = {one.user_id for one in rows if one.state == MemberState.SEEN}
        chosen = [
            one.joiner
            for one in suspect(joiners, settings.raid_minimum_age)
            if one.joiner.user_id in fresh
            and (one.is_suspicious or is_new(one.joiner, settings.raid_minimum_age))
        ]
        orders = [self._order(raid, one, kind, settings) for one in chosen[:AT_ONCE]]
        outcomes = await self._desk.cases.order_many(orders)
        await self._note(raid, orders, outcomes)

    def _order(
        self, raid: Raid, joiner: Joiner, kind: CaseKind, settings: AutomodSettings
    ) -> Order:
        return Order(
            guild_id=raid.guild_id,
            kind=kind,
            target=Target(joiner.user_id, joiner.name),
            moderator=SYSTEM,
            source="automod",
            dedupe_key=f"raid:{raid.id}:{kind}:{joiner.user_id}",
            reason=REASON,
            duration=settings.raid_timeout if kind is CaseKind.TIMEOUT else None,
            role_id=settings.raid_role_id if kind is CaseKind.ADD_ROLE else None,
            delete_window=DAY if kind is CaseKind.BAN else timedelta(),
            # In a raid nobody is written to: Discord takes many of those for spam.
            notify=False,
            details={"log": False, "raid": raid.id},
        )

    async def ban(
        self,
        raid: Raid,
        joiners: Sequence[Joiner],
        spared: Collection[int],
        actor: Actor,
        progress: Progress | None = None,
        *,
        approval: int | None = None,
    ) -> BanResult:
        """Ban these members, each once however often it is asked; the spared ones stay.

        Who has moderator rights or ranks too high by now is spared, too. `approval` is the request
        that a second person has approved.
        """
        refused = await self._desk.reach(
            raid.guild_id,
            actor.user_id or 0,
            [one.user_id for one in joiners if one.user_id not in spared],
        )
        skipped = tuple(one.name for one in joiners if one.user_id in refused)
        spared = {*spared, *refused}
        details = {"raid": raid.id} | ({"approval": approval} if approval else {})
        orders = [
            Order(
                guild_id=raid.guild_id,
                kind=CaseKind.BAN,
                target=Target(one.user_id, one.name),
                moderator=actor,
                source="command",
                dedupe_key=f"raid:{raid.id}:ban:{one.user_id}",
                reason=REASON,
                delete_window=DAY,
                notify=False,
                details=details,
            )
            for one in joiners
            if one.user_id not in spared
        ]
        outcomes = await self._desk.cases.order_many(orders, progress)
        async with self._desk.database.write() as session:
            await table.mark_members(session, raid.id, spared, MemberState.SPARED)
        return replace(await self._note(raid, orders, outcomes), skipped=skipped)

    async def _note(
        self, raid: Raid, orders: Sequence[Order], outcomes: Sequence[Case | AppError]
    ) -> BanResult:
        """Record what became of each."""
        if not orders:
            return BanResult(0, 0)
        states: dict[MemberState, list[int]] = {}
        for order, outcome in zip(orders, outcomes, strict=True):
            states.setdefault(_state_of(order, outcome), []).append(order.target.id)
        async with self._desk.database.write() as session:
            for state, user_ids in states.items():
                await table.mark_members(session, raid.id, user_ids, state)
            await table.change_raid(session, raid.id)
        refused = len(states.get(MemberState.REFUSED, ()))
        if refused:
            await self._report(raid.guild_id)
        handled = sum(len(states.get(one, ())) for one in ACTED_ON)
        return BanResult(handled, len(orders) - handled)

    async def _report(self, guild_id: int) -> None:
        await self._desk.problems.report(
            guild_id,
            Problem(
                FEATURE,
                MEMBERS_REFUSED,
                "",
                _("Discord did not let me act on all who joined during a raid."),
                _(
                    "Give me the permission to ban, kick or time out members, or Manage Roles, "
                    "whichever the action needs, and move my role up."
                ),
            ),
        )


def is_bannable(state: str) -> bool:
    """Return whether somebody of whom this became can still be banned."""
    return state not in _OUT_OF_REACH


def _state_of(order: Order, outcome: Case | AppError) -> MemberState:
    if isinstance(outcome, NotFound):
        return MemberState.LEFT
    if isinstance(outcome, AppError) or outcome.state is CaseState.FAILED:
        return MemberState.REFUSED
    return MemberState.BANNED if order.kind is CaseKind.BAN else MemberState.HANDLED
