"""What members press and hosts command while giveaways go on and after, in a running bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import discord
import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from bot.core.jobs import Retry
from bot.membership import DiscordMembers
from cogs.giveaways.manifest import KEY
from db.audit import AuditEntry
from db.engine import Database
from db.giveaways import (
    ACTIVE,
    ENDED,
    PENDING,
    REPLACED,
    WON,
    Giveaway,
    GiveawayEntry,
    GiveawayWinner,
)
from tests.cogs.giveaways.rows import make_entry, make_giveaway
from tests.cogs.giveaways.test_proving import Desk
from tests.cogs.moderation.world import text_of
from tests.sidebyside import work as side_by_side
from tests.simcord_env import running_bench, speaking


@pytest.fixture
async def desk(sqlite_database: Database) -> AsyncIterator[Desk]:
    async with running_bench(sqlite_database) as bench:
        guild = bench.env.create_guild("Harbour")
        role = guild.create_role("Hosts")
        host = guild.add_member(bench.env.create_user("host"), roles=[role])
        ada = guild.add_member(bench.env.create_user("ada"))
        changes = {"host_roles": [str(role.id)]}
        await bench.kernel.settings.change(guild.id, KEY, changes, actor=SYSTEM)
        # The clock stands still here: whoever waits for a message waits for it in earnest.
        cog: Any = bench.bot.get_cog("Giveaways")
        cog.runner.drawing.patience = 10.0
        yield Desk(bench, guild, guild.create_text_channel("general"), host, ada)


async def held(desk: Desk, **options: Any) -> Any:
    """Have the host start a giveaway; return its message."""
    given = {"prize": "A keyboard", "duration": "2 days", "winners": 1} | options
    await desk.ask(desk.host, "giveaway start", **given)
    await work(desk)
    return desk.channel.last_message


async def work(desk: Desk) -> None:
    """Do what waits: jobs and messages, twice, as each may bring about the other."""
    for _ in range(2):
        await side_by_side(desk.bench.kernel.jobs, desk.bench.kernel.outbox)
        await desk.bench.deliver()


async def change(desk: Desk, **values: Any) -> None:
    async with desk.bench.kernel.database.write() as session:
        (giveaway,) = await session.scalars(select(Giveaway))
        for name, value in values.items():
            setattr(giveaway, name, value)


async def rows(desk: Desk, table: Any) -> list[Any]:
    async with desk.bench.kernel.database.read() as session:
        return list(await session.scalars(select(table).order_by(table.id)))


def enter_id(message: Any) -> str:
    return next(
        one.custom_id
        for row in message.components
        for one in row.children
        if one.custom_id and one.custom_id.startswith("giveaways:enter:")
    )


async def enter(member: Any, message: Any) -> Any:
    return await member.click(message, custom_id=enter_id(message))


async def say_yes(desk: Desk, command: str, **options: Any) -> Any:
    asked = await desk.host.slash(desk.channel, command, **options)
    await desk.host.click(asked.response, label="Yes, go ahead")
    await work(desk)
    return asked


async def drawn(desk: Desk, **options: Any) -> GiveawayWinner:
    """Have a giveaway that only Ada entered be drawn; return her row."""
    message = await held(desk)
    await change(desk, **options)
    await enter(desk.ada, message)
    await say_yes(desk, "giveaway end", giveaway="1")
    (winner,) = await rows(desk, GiveawayWinner)
    return winner


# --- the buttons ----------------------------------------------------------------------------------


async def test_button_enters_and_a_second_press_offers_to_leave(desk: Desk) -> None:
    message = await held(desk)

    first = await enter(desk.ada, message)
    assert first.response.ephemeral
    assert "You are in. Good luck!" in text_of(first)
    assert len(await rows(desk, GiveawayEntry)) == 1

    second = await enter(desk.ada, message)
    assert "in this giveaway already" in text_of(second)
    await desk.ada.click(second.response, label="Leave the giveaway")
    assert await rows(desk, GiveawayEntry) == []

    again = await enter(desk.ada, message)
    assert "You are in" in text_of(again)


async def test_all_that_is_in_the_way_is_told_in_the_readers_language(desk: Desk) -> None:
    role = desk.guild.create_role("Sailor")
    message = await held(desk)
    needs = {"all_roles": [str(role.id)], "level": 3, "messages": 5}
    await change(desk, requirements=needs)

    async with speaking("es-ES"):
        said = text_of(await enter(desk.ada, message))

    assert said.count("\n- ") == 3
    assert f"<@&{role.id}>" in said
    assert "Necesitas" in said
    assert await rows(desk, GiveawayEntry) == []


async def test_roles_give_entries_and_the_answer_says_how_many(desk: Desk) -> None:
    role = desk.guild.create_role("Patron")
    patron = desk.guild.add_member(desk.bench.env.create_user("pat"), roles=[role])
    message = await held(desk)
    await change(desk, bonus_entries=[{"role_id": str(role.id), "entries": 4}])

    assert "with 5 entries" in text_of(await enter(patron, message))


async def test_prize_is_claimed_in_the_letter_and_by_its_winner_alone(desk: Desk) -> None:
    winner = await drawn(desk, claim_seconds=3600)
    assert winner.state == PENDING
    letter = desk.ada.user.dm_channel.last_message
    assert "You have won **A keyboard** in Harbour!" in letter.content

    claimed = await desk.ada.user.click(letter, custom_id=f"giveaways:claim:{winner.id}")
    assert "The prize is yours" in text_of(claimed)
    again = await desk.ada.user.click(letter, custom_id=f"giveaways:claim:{winner.id}")
    assert "You have this prize already" in text_of(again)
    assert [one.state for one in await rows(desk, GiveawayWinner)] == [WON]


async def test_announcement_can_be_claimed_from_by_its_winner_alone(desk: Desk) -> None:
    await drawn(desk, claim_seconds=3600)
    announced = desk.channel.last_message
    assert f"<@{desk.ada.id}> has won **A keyboard**" in announced.content

    refused = await desk.host.click(announced, label="Claim the prize")
    assert "You have not won in this giveaway" in text_of(refused)
    claimed = await desk.ada.click(announced, label="Claim the prize")
    assert claimed.response.ephemeral
    assert "The prize is yours" in text_of(claimed)


# --- the commands ---------------------------------------------------------------------------------


async def test_end_asks_first_and_then_draws(desk: Desk) -> None:
    message = await held(desk)
    await enter(desk.ada, message)
    asked = await desk.host.slash(desk.channel, "giveaway end", giveaway="1")
    assert "1 person has entered" in text_of(asked)
    (giveaway,) = await rows(desk, Giveaway)
    assert giveaway.status == ACTIVE

    await desk.host.click(asked.response, label="Yes, go ahead")
    await work(desk)

    (giveaway,) = await rows(desk, Giveaway)
    assert giveaway.status == ENDED
    said = [one.content for one in desk.channel.history()]
    assert sum("Congratulations" in one for one in said) == 1
    assert sum("entries are closed" in one for one in said) == 1
    refused = await desk.ask(desk.host, "giveaway end", giveaway="1")
    assert "has ended" in refused.content


async def test_members_neither_end_nor_draw_again(desk: Desk) -> None:
    await drawn(desk)
    for command in ("end", "reroll"):
        said = (await desk.ask(desk.ada, f"giveaway {command}", giveaway="1")).content
        assert "Only hosts" in said
    assert "Manage Server" in (await desk.ask(desk.ada, "giveaway block list")).content


async def test_named_winner_gives_way_and_further_ones_are_drawn(desk: Desk) -> None:
    more = [desk.guild.add_member(desk.bench.env.create_user(f"m{one}")) for one in range(2)]
    message = await held(desk)
    for one in (desk.ada, *more):
        await enter(one, message)
    await say_yes(desk, "giveaway end", giveaway="1")
    (first,) = await rows(desk, GiveawayWinner)
    (winner,) = [one for one in (desk.ada, *more) if one.id == first.user_id]

    both = await desk.host.slash(
        desk.channel, "giveaway reroll", giveaway="1", count=1, member=winner
    )
    assert "Either a number" in text_of(both)
    await say_yes(desk, "giveaway reroll", giveaway="1", member=winner)
    await say_yes(desk, "giveaway reroll", giveaway="1", count=1)
    refused = await desk.host.slash(desk.channel, "giveaway reroll", giveaway="1")

    states = [one.state for one in await rows(desk, GiveawayWinner)]
    assert states == [REPLACED, WON, WON]
    assert sum("Drawn again" in one.content for one in desk.channel.history()) == 2
    assert "drawn already" in text_of(refused)


async def test_nobody_is_asked_about_a_draw_that_can_not_be(desk: Desk) -> None:
    await drawn(desk)
    options = {"giveaway": "1", "member": desk.host}
    other = (await desk.host.slash(desk.channel, "giveaway reroll", **options)).response
    again = await desk.ask(desk.host, "giveaway reroll", giveaway="1")

    assert "has no prize of this giveaway" in other.content
    assert "drawn already" in again.content
    assert not [*other.components, *again.components]


async def test_a_further_draw_says_how_many_codes_are_left(desk: Desk) -> None:
    message = await held(desk)
    for one in range(3):
        await enter(desk.guild.add_member(desk.bench.env.create_user(f"m{one}")), message)
    asked = await desk.ask(desk.host, "giveaway prizes", giveaway="1")
    form = await desk.host.click(asked, label="Add codes")
    await desk.host.submit_modal(form, {"codes": "AAA-1\nBBB-2"})
    await say_yes(desk, "giveaway end", giveaway="1")
    few = await desk.ask(desk.host, "giveaway reroll", giveaway="1", count=2)
    assert "codes are left" not in few.content
    many = await desk.ask(desk.host, "giveaway reroll", giveaway="1", count=3)

    assert "Only 2 codes are left for them" in many.content


async def test_codes_that_come_too_late_are_told_to_the_winners(desk: Desk) -> None:
    winner = await drawn(desk)
    assert winner.state == WON
    for codes in ("AAA-1", "BBB-2"):
        asked = await desk.ask(desk.host, "giveaway prizes", giveaway="1")
        form = await desk.host.click(asked, label="Add codes")
        await desk.host.submit_modal(form, {"codes": codes})
        await work(desk)
    told = desk.channel.last_message

    assert desk.ada.mention in told.content
    assert sum("There are codes" in one.content for one in desk.channel.history()) == 1
    answer = await desk.ada.click(told, label="Claim the prize")
    assert "AAA-1" in text_of(answer)


async def test_entrants_are_shown_in_pages_to_everybody(desk: Desk) -> None:
    giveaway = make_giveaway(guild_id=desk.guild.id, status=ACTIVE)
    entries = [make_entry(giveaway, one, weight=1 + one % 2) for one in range(101, 161)]
    entries[3].user_id = None
    async with desk.bench.kernel.database.write() as session:
        session.add_all([giveaway, *entries])

    shown = await desk.ask(desk.ada, "giveaway entrants", giveaway="1")
    (embed,) = shown.embeds
    assert embed.description.startswith("1. <@101>, 2 entries\n2. <@102>\n")
    assert "4. somebody whose data was erased" in embed.description
    assert embed.footer.text == "60 people · page 1 of 3"
    await desk.ada.click(shown, label="Next")
    leafed = await desk.ada.click(shown, label="Next")
    assert "60. <@160>" in leafed.response.embeds[0].description


async def test_nobody_entered_is_told(desk: Desk) -> None:
    await held(desk)
    (embed,) = (await desk.ask(desk.ada, "giveaway entrants", giveaway="1")).embeds
    assert embed.description == "Nobody has entered yet."


async def block(desk: Desk, boss: Any, how: str, **options: Any) -> str:
    command = f"giveaway block {how}"
    return text_of(await boss.slash(desk.channel, command, member=desk.ada, **options))


async def test_blocked_member_cant_enter_until_let_in_again(desk: Desk) -> None:
    message = await held(desk)
    boss = desk.guild.add_member(
        desk.bench.env.create_user("boss"),
        roles=[desk.guild.create_role("Staff", permissions=discord.Permissions(manage_guild=True))],
    )
    assert "Nobody is blocked" in (await desk.ask(boss, "giveaway block list")).content
    await block(desk, boss, "add", reason="many *accounts*")

    assert "You are blocked" in text_of(await enter(desk.ada, message))
    assert "blocked already" in await block(desk, boss, "add")
    listed = (await desk.ask(boss, "giveaway block list")).embeds[0].description
    assert f"<@{desk.ada.id}>" in listed
    assert "many \\*accounts\\*" in listed

    await block(desk, boss, "remove")
    assert "You are in" in text_of(await enter(desk.ada, message))
    assert "512 characters" in await block(desk, boss, "add", reason="x" * 600)


# --- who is a member ------------------------------------------------------------------------------


async def crowd(desk: Desk, count: int) -> tuple[Any, list[Any]]:
    role = desk.guild.create_role("Sailor")
    people = [
        desk.guild.add_member(desk.bench.env.create_user(f"p{one}"), roles=[role])
        for one in range(count)
    ]
    await desk.bench.env.settle()
    return role, people


@pytest.mark.parametrize("count", [3, 12])
async def test_whoever_is_there_is_found_with_their_roles(desk: Desk, count: int) -> None:
    role, people = await crowd(desk, count)
    desk.guild.remove_member(people[0])
    await desk.bench.env.settle()

    found = await DiscordMembers(desk.bench.bot).find(desk.guild.id, [one.id for one in people])

    assert set(found) == {one.id for one in people[1:]}
    assert all(role.id in roles for roles in found.values())


async def test_silence_of_the_gateway_is_made_up_for_by_single_questions(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _role, people = await crowd(desk, 8)

    async def silent(*_arguments: Any, **_options: Any) -> list[discord.Member]:
        raise TimeoutError

    monkeypatch.setattr(discord.Guild, "query_members", silent)
    found = await DiscordMembers(desk.bench.bot).find(desk.guild.id, [one.id for one in people])

    assert len(found) == 8


async def test_nobody_has_left_because_discord_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = DiscordMembers(desk.bench.bot)
    with pytest.raises(Retry):
        await members.find(1, [desk.ada.id])

    async def failing(*_arguments: Any) -> Any:
        response = Mock(status=500, reason="Internal Server Error")
        raise discord.DiscordServerError(response, "down")

    monkeypatch.setattr(desk.bench.bot.http, "get_member", failing)
    with pytest.raises(Retry):
        await members.find(desk.guild.id, [desk.ada.id])


async def test_what_hosts_do_is_in_the_audit_log(desk: Desk) -> None:
    await held(desk)
    message = desk.channel.last_message
    for number in range(3):
        sailor = desk.guild.add_member(desk.bench.env.create_user(f"sailor{number}"))
        await enter(sailor, message)
    await say_yes(desk, "giveaway end", giveaway="1")
    await say_yes(desk, "giveaway reroll", giveaway="1")
    async with desk.bench.kernel.database.read() as session:
        query = select(AuditEntry).where(AuditEntry.action.startswith("giveaways."))
        entries = (await session.scalars(query.order_by(AuditEntry.id))).all()
    by = {one.action: one.user_id for one in entries}
    assert by["giveaways.end"] == by["giveaways.reroll"] == desk.host.id


async def test_counted_messages_are_written_before_data_is_erased(desk: Desk) -> None:
    await held(desk)
    await change(desk, requirements={"messages": 5})
    [giveaway] = await rows(desk, Giveaway)
    cog: Any = desk.bench.bot.get_cog("Giveaways")
    counter = cog.runner.counter
    counter.note(giveaway)
    await desk.ada.send(desk.channel, "who wants to sail tonight?")
    assert counter.pending(giveaway.id, desk.ada.id) == 1

    await desk.bench.kernel.unwritten.flush()
    assert counter.pending(giveaway.id, desk.ada.id) == 0
