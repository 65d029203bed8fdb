"""What panels need of Discord is said before they are kept or posted, and as problems."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.core.contracts import Actor, ChannelSummary, MemberFacts, RoleSummary
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from bot.core.problems.rules import Problem
from cogs.tickets.desk import PanelDesk
from cogs.tickets.panel import Panel
from cogs.tickets.preflight import PanelProblems
from db.engine import Database
from tests.cogs.tickets.stage import CHANNEL, GUILD, Stage, View
from tests.fakes import FakeClock

BOSS = Actor(1, "command", "boss")
ALL = frozenset(
    {
        "view_channel",
        "send_messages",
        "embed_links",
        "create_private_threads",
        "send_messages_in_threads",
        "manage_threads",
        "manage_channels",
        "manage_roles",
    }
)
HELPERS, OPEN, WATCH, CALLED = 70, 71, 72, 73
ROLES = {
    HELPERS: RoleSummary(HELPERS, GUILD, "Helpers", 2),
    OPEN: RoleSummary(OPEN, GUILD, "Open", 2, mentionable=True),
    WATCH: RoleSummary(WATCH, GUILD, "Watch", 2, permissions=frozenset({"manage_threads"})),
    CALLED: RoleSummary(CALLED, GUILD, "Called", 2),
}


class Seen(View):
    """Permissions that a test chooses; from 800 on, channels are categories."""

    granted = ALL
    kind: Any = "text"

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        found = super().channel(guild_id, channel_id)
        kind: Any = "category" if channel_id >= 800 else self.kind
        return replace(found, kind=kind, bot_permissions=self.granted) if found else None

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return ROLES.get(role_id)

    def me(self, guild_id: int) -> MemberFacts | None:
        return MemberFacts(99, guild_id, "Pegasus", permissions=self.granted)


async def opened(database: Database) -> tuple[Stage, Seen, PanelDesk]:
    stage, view = await Stage.make(database, FakeClock()), Seen()
    stage.view = view
    desk = PanelDesk(stage.service.office, stage.audit, patience=0.01)
    await desk.start()
    return stage, view, desk


async def post(desk: PanelDesk, row: Any) -> Any:
    return await desk.post(GUILD, CHANNEL, [row], BOSS, style="buttons", title="", text="")


async def problems(stage: Stage) -> list[Problem]:
    found = await PanelProblems(stage.service.office).find([GUILD, GUILD + 1])
    return [*found.get(GUILD, ())]


async def test_staff_that_cannot_be_called_into_threads_are_named(database: Database) -> None:
    stage, view, desk = await opened(database)
    row = await desk.create(GUILD, Panel(name="Help", staff_roles=(HELPERS, OPEN, WATCH)), BOSS)
    with pytest.raises(Denied, match="I can't mention @Helpers in #help") as caught:
        await post(desk, row)
    assert "allow Mention @everyone, @here, and All Roles" in str(caught.value.hint)
    assert "let anyone mention @Helpers" in str(caught.value.hint)
    view.granted = ALL | {"mention_everyone"}
    await post(desk, row)
    assert await problems(stage) == []
    view.granted = ALL
    (problem,) = await problems(stage)
    assert (problem.cause, problem.subject) == ("cannot_call", str(row.id))
    await stage.set(enabled=False)
    assert await problems(stage) == []


async def test_a_change_is_refused_only_for_what_it_brings(sqlite_database: Database) -> None:
    _stage, view, desk = await opened(sqlite_database)
    view.granted = ALL | {"mention_everyone"}
    panel = Panel(name="Help", parent_id=CHANNEL, staff_roles=(HELPERS,))
    row = await desk.create(GUILD, panel, BOSS)
    view.granted = ALL
    row = await desk.change(row, lambda one: one.model_copy(update={"per_member": 2}), BOSS)
    with pytest.raises(Denied, match="@Helpers, @Called in #help"):
        await desk.change(row, lambda one: one.model_copy(update={"ping_roles": (CALLED,)}), BOSS)


async def test_in_channels_only_who_is_called_counts(sqlite_database: Database) -> None:
    stage, _view, desk = await opened(sqlite_database)
    panel = Panel(name="Help", room="channel", parent_id=800, staff_roles=(HELPERS,))  # pyright: ignore[reportArgumentType]
    row = await desk.create(GUILD, panel, BOSS)
    service = {"lead_after": 3600}
    await desk.change(
        row, lambda one: Panel.model_validate(one.to_json() | {"service": service}), BOSS
    )
    assert await problems(stage) == []
    await stage.set(lead_role_id=CALLED)
    (problem,) = await problems(stage)
    assert "@Called: tickets don't call this role" in problem.message.render(None)
    assert "in Server Settings > Roles" in problem.fix.render(None)


async def test_further_categories_are_looked_at_too(sqlite_database: Database) -> None:
    stage, view, desk = await opened(sqlite_database)
    values = {"name": "Help", "room": "channel", "parent_id": "800", "overflow_ids": ["801", "802"]}
    view.lost = {802}
    with pytest.raises(NotFound, match="the place for the rooms"):
        await desk.create(GUILD, Panel.model_validate(values), BOSS)
    values["overflow_ids"] = ["801"]
    row = await desk.create(GUILD, Panel.model_validate(values), BOSS)
    with pytest.raises(InvalidInput, match="need a category"):
        await desk.change(
            row, lambda one: one.model_copy(update={"overflow_ids": (801, 700)}), BOSS
        )
    assert await problems(stage) == []
    view.lost = {801}
    (problem,) = await problems(stage)
    assert problem.cause == "no_place"
    assert "Tickets of Help: I can't see the place" in problem.message.render(None)


async def test_staff_that_nobody_has_named_or_that_are_gone_are_missed(
    sqlite_database: Database,
) -> None:
    stage, view, desk = await opened(sqlite_database)
    row = await desk.create(GUILD, Panel(name="Help"), BOSS)
    panel = Panel.model_validate(row.config)
    said = str(desk.warn_of_staff(GUILD, panel))
    assert "`Help` has no staff: nobody is called" in said
    assert "/ticket panel edit" in said
    told = panel.model_copy(update={"ping_roles": (OPEN,)})
    assert "only who may manage tickets sees to them" in str(desk.warn_of_staff(GUILD, told))
    gone = panel.model_copy(update={"staff_roles": (999,)})
    assert "nobody is called" in str(desk.warn_of_staff(GUILD, gone))
    assert await problems(stage) == []

    view.granted = ALL | {"mention_everyone"}
    await desk.change(row, lambda _panel: gone, BOSS)
    (problem,) = await problems(stage)
    assert (problem.cause, "don't exist any more" in str(problem.message)) == ("no_staff", True)
    await stage.set(staff_roles=[str(HELPERS)])
    assert desk.warn_of_staff(GUILD, panel) is None
    assert await problems(stage) == []


async def test_a_route_follows_its_panels_name_and_is_missed_when_that_is_off(
    database: Database,
) -> None:
    stage, view, desk = await opened(database)
    view.granted = ALL | {"mention_everyone"}
    kind = {"key": "kind", "label": "Kind", "kind": "radio"}
    choices = [{"value": "money", "label": "Money"}, {"value": "other", "label": "Other"}]
    form = {
        "pages": [{"questions": [kind | {"choices": choices}]}],
        "routes": [{"when": {"question": "kind", "values": ["money"]}, "panel": "billing"}],
    }
    billing = await desk.create(GUILD, Panel(name="Billing"), BOSS)
    help_ = await desk.create(GUILD, Panel.model_validate({"name": "Help", **form}), BOSS)
    assert await problems(stage) == []

    renamed = {"name": "Invoices"}
    billing = await desk.change(billing, lambda one: one.model_copy(update=renamed), BOSS)
    kept = await desk.get(GUILD, help_.id)
    assert Panel.model_validate(kept.config).routes[0].panel == "Invoices"
    assert kept.revision == help_.revision + 1
    assert await problems(stage) == []

    await desk.change(billing, lambda one: one.model_copy(update={"enabled": False}), BOSS)
    (problem,) = await problems(stage)
    assert "leads to Invoices, which is off" in str(problem.message)


async def test_threads_are_not_promised_where_discord_has_none(sqlite_database: Database) -> None:
    _stage, view, desk = await opened(sqlite_database)
    row = await desk.create(GUILD, Panel(name="Help"), BOSS)
    view.kind = "news"
    with pytest.raises(InvalidInput, match="need a text channel"):
        await post(desk, row)


async def test_panels_that_lead_to_each_other_are_renamed_at_once(database: Database) -> None:
    _stage, view, desk = await opened(database)
    view.granted = ALL | {"mention_everyone"}
    choices = [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]
    kind = {"key": "kind", "label": "Kind", "kind": "radio", "choices": choices}

    def leading(name: str, target: str) -> Panel:
        route = {"when": {"question": "kind", "values": ["a"]}, "panel": target}
        form = {"name": name, "pages": [{"questions": [kind]}], "routes": [route]}
        return Panel.model_validate(form)

    def renamed(row: Any, name: str) -> Any:
        return desk.change(row, lambda one: one.model_copy(update={"name": name}), BOSS)

    one = await desk.create(GUILD, Panel(name="One"), BOSS)
    two = await desk.create(GUILD, leading("Two", "One"), BOSS)
    one = await desk.change(one, lambda _one: leading("One", "Two"), BOSS)
    done = await asyncio.gather(renamed(one, "Uno"), renamed(two, "Dos"), return_exceptions=True)
    lost = [it for it in done if isinstance(it, Exception)]
    assert all(isinstance(it, Conflict) for it in lost)
    assert len(lost) == 1
    rows = {it.id: Panel.model_validate(it.config) for it in await desk.list(GUILD)}
    assert rows[one.id].routes[0].panel == rows[two.id].name
    assert rows[two.id].routes[0].panel == rows[one.id].name
