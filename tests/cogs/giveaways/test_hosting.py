"""The commands of hosts in a running bot: what they answer, and what nobody gets to see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import discord
import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from bot.core.features import RateClass
from cogs.giveaways.columns import plan_of
from cogs.giveaways.manifest import FEATURE, KEY
from cogs.giveaways.plan import Plan
from db.audit import AuditEntry
from db.engine import Database
from db.giveaways import Giveaway, GiveawaySeries
from tests.cogs.giveaways.test_proving import Desk
from tests.simcord_env import running_bench


@pytest.fixture
async def desk(sqlite_database: Database) -> AsyncIterator[Desk]:
    async with running_bench(sqlite_database) as bench:
        guild = bench.env.create_guild("Harbour")
        role = guild.create_role("Hosts")
        host = guild.add_member(bench.env.create_user("host"), roles=[role])
        ada = guild.add_member(bench.env.create_user("ada"))
        changes = {"host_roles": [str(role.id)]}
        await bench.kernel.settings.change(guild.id, KEY, changes, actor=SYSTEM)
        yield Desk(bench, guild, guild.create_text_channel("general"), host, ada)


async def stored(desk: Desk) -> list[Giveaway]:
    async with desk.bench.kernel.database.read() as session:
        return list(await session.scalars(select(Giveaway).order_by(Giveaway.number)))


async def start(desk: Desk, **options: Any) -> str:
    given = {"prize": "A keyboard", "duration": "2 days", "winners": 1} | options
    return (await desk.ask(desk.host, "giveaway start", **given)).content


async def say_yes(desk: Desk, command: str, **options: Any) -> None:
    result = await desk.host.slash(desk.channel, command, **options)
    await desk.host.click(result.response, label="Yes, go ahead")
    await desk.bench.env.settle()


async def test_start_posts_the_giveaway(desk: Desk) -> None:
    said = await start(desk, description="Thank **you**")
    await desk.bench.deliver()

    assert "#1, `A keyboard`, is on its way" in said
    [message] = desk.channel.history()
    [embed] = message.embeds
    assert embed.title == "🎉 A keyboard"
    assert "Thank **you**" in (embed.description or "")
    assert f"<@{desk.host.id}>" in (embed.description or "")


async def test_what_is_over_is_said_to_be_over(desk: Desk) -> None:
    """It is there, and shown by /giveaway info: "no such giveaway" would be untrue."""
    await start(desk)
    await say_yes(desk, "giveaway cancel", giveaway="1")
    for command in ("edit", "pause", "resume", "cancel", "prizes"):
        said = await desk.ask(desk.host, f"giveaway {command}", giveaway="A keyboard")
        assert said.content == "This giveaway was cancelled."

    # Another of that name that goes on is what somebody means who wants to change it.
    await start(desk, prize="A keyboard and a mouse")
    said = await desk.ask(desk.host, "giveaway pause", giveaway="A keyboard")
    assert "is paused" in said.content
    assert [one.status for one in await stored(desk)] == ["cancelled", "paused"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"winners": 0}, "1 to 50 winners"),
        ({"winners": 10_000}, "1 to 50 winners"),
        ({"duration": "yesterday"}, "over already"),
        ({"duration": "5 years"}, "too far away"),
        ({"duration": "soon"}, "no time that I understand"),
        ({"duration": "1s"}, "at least 10 seconds"),
        ({"prize": "x" * 5000}, "has 5000 characters"),
        ({"prize": "   "}, "prize is empty"),
        ({"image": "http://example.org/a.png"}, "https://"),
    ],
)
async def test_bad_input_is_told_and_nothing_is_made(
    desk: Desk, options: dict[str, Any], said: str
) -> None:
    assert said in await start(desk, **options)
    await desk.bench.deliver()
    assert not await stored(desk)
    assert not desk.channel.history()


async def test_shortest_giveaway_is_as_long_as_it_says(desk: Desk) -> None:
    """Ends are whole seconds, the clock is not: ten seconds must not become nine and a half."""
    await desk.bench.env.advance_time(0.5)
    assert "is on its way" in await start(desk, duration="10s")
    [giveaway] = await stored(desk)
    assert giveaway.ends_at == giveaway.starts_at + timedelta(seconds=10)


async def test_channel_that_the_bot_cant_post_to_is_told_with_the_fix(desk: Desk) -> None:
    me = desk.guild.default_role
    hidden = desk.guild.create_text_channel(
        "hidden", overwrites={me: discord.PermissionOverwrite(send_messages=False)}
    )
    said = await start(desk, channel=hidden)

    assert "Send Messages" in said
    assert "#hidden" in said
    assert not await stored(desk)


async def test_member_is_no_host(desk: Desk) -> None:
    options = {"prize": "x", "duration": "1h", "winners": 1}
    said = (await desk.ask(desk.ada, "giveaway start", **options)).content

    assert "Only hosts" in said
    assert not await stored(desk)


async def test_edit_moves_the_start_and_hands_on(desk: Desk) -> None:
    options = {"prize": "A mug", "start": "2h", "duration": "1h", "winners": 1}
    await desk.ask(desk.host, "giveaway schedule", **options)
    [before] = await stored(desk)
    said = await desk.ask(
        desk.host, "giveaway edit", giveaway="1", start="5h", end="30 minutes", host=desk.ada
    )
    [after] = await stored(desk)

    assert f"<@{desk.ada.id}>" in said.content
    assert after.host_id == desk.ada.id
    assert after.starts_at - before.starts_at == timedelta(hours=3)
    assert after.ends_at == after.starts_at + timedelta(minutes=30)
    robot = desk.guild.add_member(desk.bench.env.create_user("robot", bot=True))
    said = await desk.ask(desk.host, "giveaway edit", giveaway="1", host=robot)
    assert "A bot can't be the host" in said.content


async def other_host(desk: Desk) -> Any:
    """Have the guild's hosts be others, of whom one is given."""
    role = desk.guild.create_role("More hosts")
    changes = {"host_roles": [str(role.id)]}
    await desk.bench.kernel.settings.change(desk.guild.id, KEY, changes, actor=SYSTEM)
    return desk.guild.add_member(desk.bench.env.create_user("other"), roles=[role])


async def test_host_handles_only_their_own(desk: Desk) -> None:
    await start(desk)
    options = {"prize": "A mug", "start": "2h", "duration": "1h", "winners": 1, "repeat": "daily"}
    await desk.ask(desk.host, "giveaway schedule", **options)
    other = await other_host(desk)
    for command, giveaway in (("pause", "1"), ("cancel", "1"), ("cancel", "series:1")):
        said = await desk.ask(other, f"giveaway {command}", giveaway=giveaway)
        assert "somebody else's" in said.content


async def test_draft_is_made_in_forms_and_started_complete(desk: Desk) -> None:
    form = await desk.host.slash(desk.channel, "giveaway create")
    values = {"prize": "A mug", "duration": "1h", "winners": "2", "description": ""}
    refused = await desk.host.submit_modal(form, values | {"winners": "none"})
    text = refused.followups[-1] if refused.followups else refused.response
    assert "no whole number" in text.content
    again = await desk.host.click(text, label="Correct it")
    draft = (await desk.host.submit_modal(again, values)).response
    assert "Nobody sees it yet" in draft.content
    assert not await stored(desk)

    form = await desk.host.click(draft, label="Age and activity")
    needs = {"account_age": "30 days", "time_in_guild": "", "level": "", "messages": ""}
    await desk.host.submit_modal(form, needs)
    await desk.host.click(draft, label="Start it")
    await desk.bench.deliver()
    [giveaway] = await stored(desk)
    assert (giveaway.prize, giveaway.winner_count) == ("A mug", 2)
    assert giveaway.ends_at == giveaway.starts_at + timedelta(hours=1)
    [message] = desk.channel.history()
    assert [one.name for one in message.embeds[0].fields] == ["To enter"]


async def test_draft_that_is_discarded_was_never_there(desk: Desk) -> None:
    form = await desk.host.slash(desk.channel, "giveaway create")
    values = {"prize": "A mug", "duration": "1h", "winners": "2", "description": ""}
    draft = (await desk.host.submit_modal(form, values)).response
    assert draft.embeds[0].title == "🎉 A mug"
    await desk.host.click(draft, label="Discard")
    await desk.bench.deliver()
    assert not await stored(desk)
    assert not desk.channel.history()


async def test_pause_resume_list_info_and_cancel(desk: Desk) -> None:
    await start(desk)
    assert "is paused" in (await desk.ask(desk.host, "giveaway pause", giveaway="1")).content
    shown = (await desk.ask(desk.ada, "giveaway list")).embeds[0].description
    assert shown is not None
    assert "paused" in shown
    assert "goes on" in (await desk.ask(desk.host, "giveaway resume", giveaway="1")).content
    assert "Commitment" in (await desk.ask(desk.ada, "giveaway info", giveaway="keyb")).content
    await say_yes(desk, "giveaway cancel", giveaway="1")
    assert [one.status for one in await stored(desk)] == ["cancelled"]


async def test_edit_shows_a_panel_whose_forms_save(desk: Desk) -> None:
    await start(desk)
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1", winners=3)
    assert "Winners to be drawn: 3" in panel.content
    form = await desk.host.click(panel, label="Age and activity")
    values = {"account_age": "30 days", "time_in_guild": "", "level": "", "messages": "5"}
    await desk.host.submit_modal(form, values)

    [giveaway] = await stored(desk)
    assert giveaway.winner_count == 3
    needs = plan_of(giveaway).requirements
    assert (needs.account_age, needs.messages) == (timedelta(days=30), 5)


async def test_schedule_says_what_it_understood(desk: Desk) -> None:
    options = {"prize": "A mug", "start": "2h", "duration": "1h", "winners": 1}
    said = (await desk.ask(desk.host, "giveaway schedule", **options)).content
    assert "begins <t:" in said
    await desk.bench.deliver()
    assert not desk.channel.history()
    weekly = (await desk.ask(desk.host, "giveaway schedule", **options, repeat="weekly")).content
    assert "comes again every week" in weekly
    shown = (await desk.ask(desk.host, "giveaway list")).embeds[0].description
    assert shown is not None
    assert "🔁" in shown
    assert "no giveaway" in (await desk.ask(desk.ada, "giveaway list")).content


async def test_template_is_kept_used_and_deleted(desk: Desk) -> None:
    await start(desk, description="Again")
    saved = await desk.ask(desk.host, "giveaway template save", name="Friday", giveaway="1")
    assert "Kept as `Friday`" in saved.content
    [listed] = (await desk.ask(desk.host, "giveaway template list")).embeds
    assert "`Friday`" in (listed.description or "")
    await desk.ask(desk.host, "giveaway template use", name="friday", prize="A lamp")
    second = (await stored(desk))[1]
    assert (second.prize, second.description) == ("A lamp", "Again")
    await say_yes(desk, "giveaway template delete", name="friday")
    none = await desk.ask(desk.host, "giveaway template use", name="friday")
    assert "no template called" in none.content


async def test_all_that_hosts_do_is_in_the_audit_log_under_one_name(desk: Desk) -> None:
    await start(desk)
    for command in ("pause", "resume"):
        await desk.ask(desk.host, f"giveaway {command}", giveaway="1")
    await desk.ask(desk.host, "giveaway edit", giveaway="1", winners=2)
    await desk.ask(desk.host, "giveaway template save", name="Friday", giveaway="1")
    options = {"prize": "A mug", "start": "2h", "duration": "1h", "winners": 1, "repeat": "daily"}
    await desk.ask(desk.host, "giveaway schedule", **options)
    for giveaway in ("1", "series:1"):
        await say_yes(desk, "giveaway cancel", giveaway=giveaway)
    await say_yes(desk, "giveaway template delete", name="friday")

    async with desk.bench.kernel.database.read() as session:
        query = select(AuditEntry).where(AuditEntry.user_id == desk.host.id)
        actions = {one.action for one in await session.scalars(query)}
    what = ("start", "pause", "resume", "edit", "cancel", "series_start", "series_stop")
    names = {f"giveaways.{one}" for one in (*what, "template_save", "template_delete")}
    assert names == {one for one in actions if one.startswith("giveaway")}


async def test_template_can_be_held_later_and_again_and_again(desk: Desk) -> None:
    await start(desk)
    await desk.ask(desk.host, "giveaway template save", name="Friday", giveaway="1")
    options = {"name": "Friday", "start": "2h"}
    later = await desk.ask(desk.host, "giveaway template use", **options, duration="1h")
    assert "begins <t:" in later.content
    again = await desk.ask(desk.host, "giveaway template use", **options, repeat="weekly")
    assert "comes again every week" in again.content

    scheduled = (await stored(desk))[1]
    assert scheduled.status == "scheduled"
    assert scheduled.ends_at == scheduled.starts_at + timedelta(hours=1)


async def test_role_that_a_host_may_not_give_is_not_given_by_a_template(desk: Desk) -> None:
    """Else hosts could win themselves each role that a giveaway ever gave."""
    strong = desk.guild.create_role("Strong", permissions=discord.Permissions(administrator=True))
    plan = Plan(prize="Power", duration=timedelta(hours=1), reward_role_id=strong.id)
    cog: Any = desk.bench.bot.get_cog("Giveaways")
    await cog.templates.save(desk.guild.id, "Power", plan, SYSTEM)
    said = await desk.ask(desk.host, "giveaway template use", name="Power")

    assert "Manage Roles" in said.content
    assert not await stored(desk)


async def test_what_hosts_do_has_the_limit_of_admins(desk: Desk) -> None:
    """They start, look, edit and edit again; looking is for everybody."""
    group: Any = desk.bench.bot.tree.get_command("giveaway")
    classes = {one.name: one.extras.get("rate_class") for one in group.walk_commands()}
    admins = {name for name, rate_class in classes.items() if rate_class is RateClass.ADMIN}
    assert {"start", "create", "schedule", "edit", "pause", "resume", "cancel", "use"} <= admins
    assert admins.isdisjoint({"info", "entrants", "verify"})


async def test_giveaway_may_end_by_its_entries_alone(desk: Desk) -> None:
    assert "is on its way" in await start(desk, duration="never")
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1", end="2 days")
    [giveaway] = await stored(desk)
    assert giveaway.ends_at is not None
    form = await desk.host.click(panel, label="Limits")
    limits = {"max_entries": "", "end_at_entries": "20", "claim_window": ""}
    await desk.host.submit_modal(form, limits)
    await desk.ask(desk.host, "giveaway edit", giveaway="1", end="Nunca")
    [giveaway] = await stored(desk)
    assert giveaway.ends_at is None
    shown = (await desk.ask(desk.ada, "giveaway info", giveaway="1")).content
    assert "ends with 20 entries" in shown

    options = {"prize": "A mug", "start": "2h", "duration": "no end", "winners": 1}
    said = (await desk.ask(desk.host, "giveaway schedule", **options)).content
    assert "begins <t:" in said
    assert "ends" not in said
    await desk.ask(desk.host, "giveaway template save", name="Open", giveaway="#2")
    none = await desk.ask(desk.host, "giveaway template use", name="open")
    assert "does not say when it ends" in none.content
    used = await desk.ask(desk.host, "giveaway template use", name="open", duration="never")
    assert "is on its way" in used.content


@pytest.mark.parametrize(("duration", "by_clock"), [("in 30 hours", False), ("friday 8pm", True)])
async def test_series_ends_by_the_clock_where_its_end_was_named(
    desk: Desk, duration: str, *, by_clock: bool
) -> None:
    options = {"prize": "A mug", "start": "2h", "winners": 1, "repeat": "weekly"}
    await desk.ask(desk.host, "giveaway schedule", duration=duration, **options)
    async with desk.bench.kernel.database.read() as session:
        (series,) = await session.scalars(select(GiveawaySeries))
    assert series.by_clock is by_clock


async def test_what_is_declared_for_the_api_is_answered_for(desk: Desk) -> None:
    resources = desk.bench.kernel.resources
    await start(desk)
    service: Any = resources.get("giveaways")
    (shown,) = await service.list_page(desk.guild.id, before=None, limit=5)
    assert shown.body.prize == (await stored(desk))[0].prize
    for declared in FEATURE.resources:
        assert resources.get(declared.name)
