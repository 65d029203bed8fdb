"""The settings panel in a running bot: every way to change a setting, and what can go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.core.contracts import Actor
from bot.panels import SettingsPanel
from db.engine import Database
from tests.simcord_env import Bench, running_bench, speaking

ROOT = Actor(9, "web", "root")


@dataclass
class Desk:
    """An admin at an open panel of the welcome feature."""

    bench: Bench
    guild: Any
    channel: Any
    boss: Any
    panel: Any = None

    async def open(self) -> str:
        """Open the panel and return what it shows."""
        self.panel = (await self.boss.slash(self.channel, "welcome settings")).response
        return self.shown()

    async def press(self, name: str) -> Any:
        """Press a button of the panel."""
        return await self.boss.click(self.panel, custom_id=f"panel:{name}")

    async def enter(self, field: str, value: Any) -> str:
        """Edit one setting through its modal and return what the panel shows then."""
        modal = await self.press(f"edit:{field}")
        await self.boss.submit_modal(modal, {field: value})
        return self.shown()

    def shown(self) -> str:
        """Return every text of the panel as it is now."""
        message = self.panel.message if hasattr(self.panel, "message") else self.panel
        return "\n".join(_texts(message.components))

    def menu(self) -> Any:
        """Return the menu that the panel shows."""
        message = self.panel.message if hasattr(self.panel, "message") else self.panel
        (container,) = message.components
        rows = [one for one in container.children if isinstance(one, discord.ActionRow)]
        return next(one for row in rows for one in row.children if hasattr(one, "options"))

    async def state(self) -> Any:
        """Return what the store has."""
        return await self.bench.kernel.settings.get(self.guild.id, "welcome")


def _texts(components: Any) -> list[str]:
    found: list[str] = []
    for one in components:
        if isinstance(one, discord.TextDisplay):
            found.append(one.content)
        found += _texts(getattr(one, "children", ()))
        if accessory := getattr(one, "accessory", None):
            found += [f"[{accessory.label}]"]
    return found


@pytest.fixture
async def desk(sqlite_database: Database) -> AsyncIterator[Desk]:
    async with running_bench(sqlite_database, settings={"discord": {"shard_count": 1}}) as bench:
        guild = bench.env.create_guild("Harbour")
        role = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
        boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
        yield Desk(bench, guild, guild.create_text_channel("general"), boss)


async def test_panel_shows_values_and_state(desk: Desk) -> None:
    shown = await desk.open()

    assert "Welcome" in shown
    assert "**Greet new members**: yes" in shown
    assert "[Turn off]" in shown


async def test_panel_toggle_changes_at_once(desk: Desk) -> None:
    await desk.open()

    await desk.press("edit:join_enabled")

    assert not (await desk.state()).settings.join_enabled
    assert "✅ **Greet new members**: yes → no" in desk.shown()


async def test_panel_channel_is_chosen_from_a_menu_and_cleared(desk: Desk) -> None:
    await desk.open()

    shown = await desk.enter("join_channel_id", [desk.channel])
    assert f"**Welcome channel**: <#{desk.channel.id}>" in shown
    assert (await desk.state()).settings.join_channel_id == desk.channel.id

    await desk.enter("join_channel_id", [])
    assert (await desk.state()).settings.join_channel_id is None


async def test_panel_bad_text_is_explained_and_kept(desk: Desk) -> None:
    await desk.open()

    shown = await desk.enter("join_texts", "Hello {membr}")
    assert "Did you mean" in shown
    assert (await desk.state()).revision == 0

    modal = await desk.press("correct")
    assert "Hello {membr}" in str(modal.modal)
    await desk.boss.submit_modal(modal, {"join_texts": "Hello {member}\n---\nHi {member}"})
    assert (await desk.state()).settings.join_texts == ("Hello {member}", "Hi {member}")
    assert "2 texts" in desk.shown()


async def test_panel_switch_turns_the_feature_on_and_off(desk: Desk) -> None:
    await desk.open()
    before = (await desk.state()).enabled

    await desk.press("switch")

    after = (await desk.state()).enabled
    assert after is not before
    assert f"Welcome is switched {'on' if after else 'off'} now." in desk.shown()


async def test_panel_says_when_the_other_change_was_ones_own(desk: Desk) -> None:
    await desk.open()
    oneself = Actor(desk.boss.id, "command")
    await desk.bench.kernel.settings.change(
        desk.guild.id, "welcome", {"raid_size": 20}, actor=oneself
    )

    await desk.press("edit:join_enabled")

    assert "You changed these settings elsewhere" in desk.shown()


async def test_panel_stale_change_shows_who_changed_what(desk: Desk) -> None:
    await desk.open()
    settings = desk.bench.kernel.settings
    await settings.change(desk.guild.id, "welcome", {"raid_size": 20}, actor=ROOT)

    await desk.press("edit:join_enabled")

    assert "changed meanwhile" in desk.shown()
    assert "<@9>: **Joins that make a raid**: 10 → 20" in desk.shown()
    assert (await desk.state()).settings.join_enabled
    await desk.press("edit:join_enabled")
    assert not (await desk.state()).settings.join_enabled


async def test_panel_history_goes_back_after_confirmation(desk: Desk) -> None:
    await desk.open()
    await desk.press("edit:join_enabled")
    await desk.press("edit:returning_enabled")

    await desk.press("history")
    assert "**#2**" in desk.shown()
    assert "**Greet returning members**: yes → no" in desk.shown()
    assert "Revision 1, by you, " in str(desk.menu().options[0].label)
    await desk.boss.select(desk.panel, ["0"], custom_id="panel:revision")
    assert "no → yes" in desk.shown()
    await desk.press("accept")

    state = await desk.state()
    assert (state.revision, state.settings.join_enabled) == (3, True)


async def test_panel_reset_can_be_cancelled(desk: Desk) -> None:
    await desk.open()
    await desk.press("edit:join_enabled")

    await desk.press("reset")
    await desk.press("back")
    assert not (await desk.state()).settings.join_enabled
    await desk.press("reset")
    await desk.press("accept")
    assert (await desk.state()).settings.join_enabled


async def test_panel_turns_pages(desk: Desk) -> None:
    first = await desk.open()
    await desk.press("next")

    assert desk.shown() != first
    await desk.press("previous")
    assert desk.shown() == first


async def test_panel_speaks_the_readers_language(desk: Desk) -> None:
    async with speaking("es-ES"):
        shown = await desk.open()

    assert "sí" in shown
    assert "[Desactivar]" in shown


async def test_panel_asks_at_each_press_whether_the_person_still_may(desk: Desk) -> None:
    ada = desk.guild.add_member(desk.bench.env.create_user("ada"))
    permissions = desk.bench.kernel.permissions
    await permissions.grant(desk.guild.id, ada.id, "welcome", actor=ROOT)
    desk.boss = ada
    await desk.open()
    await desk.press("edit:join_enabled")
    assert not (await desk.state()).settings.join_enabled

    await permissions.revoke(desk.guild.id, ada.id, "welcome", actor=ROOT)
    refused = await desk.press("edit:join_enabled")

    assert "Manage Server" in refused.followups[-1].content
    assert not (await desk.state()).settings.join_enabled


async def test_panel_is_not_opened_for_everybody(desk: Desk) -> None:
    ada = desk.guild.add_member(desk.bench.env.create_user("ada"))
    result = await ada.slash(desk.channel, "welcome settings")
    assert "Manage Server" in result.response.content


async def test_panel_shows_problems_with_their_fix(desk: Desk) -> None:
    gone = desk.guild.create_text_channel("old")
    settings = desk.bench.kernel.settings
    await settings.change(
        desk.guild.id, "welcome", {"join_channel_id": gone.id}, actor=ROOT, enabled=True
    )
    await desk.bench.bot.get_channel(gone.id).delete()
    await desk.bench.env.settle()

    shown = await desk.open()

    assert "is gone" in shown
    assert "Choose another channel" in shown


async def test_panel_that_timed_out_says_so(desk: Desk) -> None:
    await desk.open()

    await desk.bench.env.advance_time(15 * 60)

    assert "timed out" in desk.shown()


class Press:
    """What a panel needs of an interaction; the simulated world lets no two presses overlap."""

    def __init__(self, desk: Desk) -> None:
        self.client = desk.bench.bot
        self.guild_id = desk.guild.id
        self.user = SimpleNamespace(id=desk.boss.id, name="boss")
        self.permissions = discord.Permissions(manage_guild=True)
        self.locale = self.guild_locale = discord.Locale.american_english
        self.response = self

    async def defer(self) -> None:
        """Take the time that an answer takes."""
        await asyncio.sleep(0)

    async def edit_original_response(self, *, view: Any) -> None:
        """Take the time that an edit takes, and refuse what Discord would."""
        assert view.to_components()
        await asyncio.sleep(0)


class Panel:
    """A panel whose buttons can be pressed faster than they are answered."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def open(self) -> Panel:
        """Open the panel of the welcome feature."""
        feature = self._desk.bench.kernel.registry.get("welcome")
        interaction: Any = Press(self._desk)
        self._view = await SettingsPanel.create(interaction, feature)
        return self

    async def press(self, name: str, times: int = 1) -> None:
        """Press a button so many times, each before the one before is answered."""
        button: Any = self._item(name)
        await asyncio.gather(*(button.callback(Press(self._desk)) for _ in range(times)))

    @property
    def page(self) -> str:
        """Where the panel says it is."""
        return self._item("page").label

    @property
    def text(self) -> str:
        """Return every text of the panel."""
        items = self._view.walk_children()
        return "\n".join(one.content for one in items if isinstance(one, discord.ui.TextDisplay))

    def _item(self, name: str) -> Any:
        items = self._view.walk_children()
        return next(one for one in items if getattr(one, "custom_id", "") == f"panel:{name}")


@pytest.fixture
async def panel(desk: Desk) -> Panel:
    return await Panel(desk).open()


async def test_panel_quick_double_next_stays_on_the_last_page(panel: Panel) -> None:
    await panel.press("next")
    await panel.press("next")
    assert panel.page == "Page 3 of 4"

    await panel.press("next", times=2)

    assert panel.page == "Page 4 of 4"


async def test_panel_quick_double_back_stays_on_the_first_page(panel: Panel) -> None:
    await panel.press("next")

    await panel.press("previous", times=2)

    assert panel.page == "Page 1 of 4"


async def test_panel_double_click_on_a_toggle_counts_once(desk: Desk, panel: Panel) -> None:
    await panel.press("edit:join_enabled", times=2)

    state = await desk.state()
    assert (state.revision, state.settings.join_enabled) == (1, False)
    assert "✅ **Greet new members**: yes → no" in panel.text


async def test_panel_double_click_on_the_switch_counts_once(desk: Desk, panel: Panel) -> None:
    before = (await desk.state()).enabled

    await panel.press("switch", times=2)

    assert (await desk.state()).enabled is not before


async def test_panel_history_goes_back_from_what_it_shows(desk: Desk) -> None:
    await desk.open()
    settings = desk.bench.kernel.settings
    await settings.change(desk.guild.id, "welcome", {"raid_size": 20}, actor=ROOT)

    await desk.press("history")
    await settings.change(desk.guild.id, "welcome", {"raid_size": 30}, actor=ROOT)
    await desk.boss.select(desk.panel, ["0"], custom_id="panel:revision")
    assert "30 → 10" in desk.shown()
    await desk.press("accept")

    assert (await desk.state()).settings.raid_size == 10


async def test_panel_question_is_not_accepted_for_what_it_did_not_show(desk: Desk) -> None:
    await desk.open()
    await desk.press("edit:join_enabled")
    await desk.press("reset")
    settings = desk.bench.kernel.settings
    await settings.change(desk.guild.id, "welcome", {"raid_size": 20}, actor=ROOT)

    await desk.press("accept")

    assert "changed meanwhile" in desk.shown()
    assert (await desk.state()).settings.raid_size == 20


async def test_panel_form_names_the_variables_of_several_texts(desk: Desk) -> None:
    await desk.open()

    modal = await desk.press("edit:join_texts")

    assert "{member.mention}" in str(modal.modal)
    assert "---" in str(modal.modal)


async def test_panel_answers_in_time_when_the_database_is_slow(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.guild.add_member(desk.bench.env.create_user("ada"))
    kernel = desk.bench.kernel
    asked, may_answer = asyncio.Event(), asyncio.Event()
    deferred: list[bool] = []

    async def slow(*_args: Any) -> bool:
        asked.set()
        await may_answer.wait()
        return True

    monkeypatch.setattr(kernel.permissions, "has", slow)
    defer = discord.InteractionResponse.defer

    async def noted(response: Any, **options: Any) -> Any:
        deferred.append(not asked.is_set())
        may_answer.set()
        return await defer(response, **options)

    monkeypatch.setattr(discord.InteractionResponse, "defer", noted)

    async with asyncio.timeout(30):
        await ada.slash(desk.channel, "welcome settings")

    assert deferred == [True]
