"""What moderators do in Discord's own client becomes a case, once, with whoever did it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.core.audit import AuditLog
from bot.core.cases import CaseKind, CaseState, SanctionKind, Target
from bot.core.contracts import SYSTEM
from bot.core.features import FeatureRegistry
from bot.core.settings import SettingsStore
from bot.core.settings.model import FeatureState
from cogs import general, moderation
from cogs.moderation.attribution import Attribution
from cogs.moderation.problems import find_moderation_problems
from cogs.moderation.settings import ModerationSettings
from db.engine import Database
from tests.bot.core.cases.world import ANN, BOT, GUILD, MUTED, View, World
from tests.fakes import FakeClock

MOD, OTHER_BOT = 77, 78


class Watched(World):
    """A process that hears of the audit log; a second one can be made over the same database."""

    attribution: Attribution

    async def watch(self) -> Watched:
        registry = FeatureRegistry([general.FEATURE, moderation.FEATURE])
        self.settings = SettingsStore(
            self.database,
            self.clock,
            self.bus,
            registry,
            AuditLog(self.clock, self.bus, self.supervisor),
            state=lambda: self.view,
        )
        await self.start(log=False)
        await self.settings.change(GUILD, "moderation", {"mute_role_id": MUTED}, actor=SYSTEM)
        self.attribution = Attribution(self.cases, self.settings, self.clock, self.who_is)
        return self

    async def who_is(self, user_id: int) -> Target:
        return {MOD: Target(MOD, "mona"), OTHER_BOT: Target(OTHER_BOT, "robo", is_bot=True)}.get(
            user_id, ANN
        )

    async def hear(self, action: int, entry: int = 5000, **values: Any) -> Any:
        payload = {
            "id": str(entry),
            "guild_id": str(GUILD),
            "user_id": str(MOD),
            "target_id": str(ANN.id),
            "action_type": action,
        }
        return await self.attribution.note(payload | values, BOT)


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> Watched:
    return await Watched(database, clock).watch()


def role_change(key: str) -> list[dict[str, Any]]:
    return [{"key": key, "new_value": [{"id": str(MUTED), "name": "Muted"}]}]


@pytest.mark.parametrize(
    ("action", "changes", "kind"),
    [
        (20, None, CaseKind.KICK),
        (22, None, CaseKind.BAN),
        (23, None, CaseKind.UNBAN),
        (25, role_change("$add"), CaseKind.MUTE),
        (25, role_change("$remove"), CaseKind.UNMUTE),
        (24, [{"key": "communication_disabled_until", "old_value": "x"}], CaseKind.UNTIMEOUT),
    ],
)
async def test_deed_is_recorded_with_who_did_it_and_why(
    world: Watched, action: int, changes: Any, kind: CaseKind
) -> None:
    case = await world.hear(action, changes=changes, reason="Spoilers")

    assert (case.kind, case.state, case.source) == (kind, CaseState.APPLIED, "audit_log")
    assert (case.moderator_id, case.moderator_name, case.target.id) == (MOD, "mona", ANN.id)
    assert case.reason == "Spoilers"
    assert world.discord.calls == []
    assert await world.written() == []


async def test_timeout_is_recorded_with_its_end(world: Watched) -> None:
    until = world.clock.now() + timedelta(hours=3)
    change = {"key": "communication_disabled_until", "new_value": until.isoformat()}

    case = await world.hear(24, changes=[change])

    assert (case.kind, case.expires_at) == (CaseKind.TIMEOUT, until)
    sanction = await world.cases.sanction_of(GUILD, ANN.id, SanctionKind.TIMEOUT)
    assert sanction is not None
    assert sanction.ends_at == until


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        (24, [{"key": "nick", "new_value": "x"}]),
        (25, [{"key": "$add", "new_value": [{"id": "1", "name": "x"}]}]),
        (12, None),
        (24, [{"key": "communication_disabled_until", "new_value": "2000-01-01T00:00:00+00:00"}]),
    ],
)
async def test_other_entries_make_no_case(world: Watched, action: int, changes: Any) -> None:
    assert await world.hear(action, changes=changes) is None
    assert await world.cases.list(GUILD) == []


async def test_entry_heard_twice_at_once_is_one_case(world: Watched) -> None:
    other = await Watched(world.database, world.clock, world.discord).watch()

    cases = await asyncio.gather(world.hear(22), other.hear(22), world.hear(22))

    assert len([case for case in cases if case is not None]) == 1
    assert len(await world.cases.list(GUILD)) == 1


async def test_own_deeds_are_left_out(world: Watched) -> None:
    assert await world.hear(22, user_id=str(BOT), reason="spam [case 1]") is None
    assert await world.cases.list(GUILD) == []


async def test_marker_in_a_moderators_reason_hides_nothing(world: Watched) -> None:
    assert await world.hear(22, reason="spam [case 1]") is not None


async def test_other_bots_are_recorded_where_that_is_set(world: Watched) -> None:
    assert await world.hear(20, user_id=str(OTHER_BOT)) is None
    await world.settings.change(GUILD, "moderation", {"record_bots": True}, actor=SYSTEM)
    assert await world.hear(20, user_id=str(OTHER_BOT), reason="spam [case 1]") is None
    assert (await world.hear(20, user_id=str(OTHER_BOT))).moderator_name == "robo"


async def test_nothing_is_recorded_where_that_is_off(world: Watched) -> None:
    await world.settings.change(GUILD, "moderation", {"record_native": False}, actor=SYSTEM)
    assert await world.hear(20) is None


async def test_unban_by_hand_ends_the_ban_and_its_lift(world: Watched) -> None:
    ban = await world.order(CaseKind.TEMPBAN, duration=timedelta(hours=1))
    world.discord.bans.clear()

    await world.hear(23)

    assert await world.sanctions() == []
    assert (await world.cases.get(GUILD, ban.number)).state is CaseState.ENDED
    calls = len(world.discord.calls)
    await world.pass_time(timedelta(hours=2))
    assert len(world.discord.calls) == calls


def test_missing_permission_is_a_problem_with_its_fix() -> None:
    view = View()
    state = FeatureState(GUILD, "moderation", True, ModerationSettings())
    (problem,) = find_moderation_problems(state, view, GUILD)
    assert "View Audit Log" in problem.fix.render("en")
    assert "registro de auditoría" in problem.fix.render("es-ES")

    view.permissions |= {"view_audit_log"}
    assert find_moderation_problems(state, view, GUILD) == []
