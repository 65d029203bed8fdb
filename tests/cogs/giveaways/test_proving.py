"""/giveaway verify and /giveaway prizes in a running bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from cogs.giveaways.manifest import KEY
from cogs.giveaways.proof import Proof
from cogs.giveaways.proving import describe
from cogs.giveaways.verify import GZIP
from db.engine import Database
from db.giveaway_proofs import EntryLine
from db.giveaways import GiveawayPrize, GiveawayRound
from tests.cogs.giveaways.rows import add_drawn, make_entry, make_giveaway
from tests.simcord_env import Bench, running_bench


@dataclass
class Desk:
    """A guild with a host, a member and the cog at work."""

    bench: Bench
    guild: Any
    channel: Any
    host: Any
    ada: Any

    async def ask(self, member: Any, command: str, **options: Any) -> Any:
        """Run a command and return its answer."""
        return (await member.slash(self.channel, command, **options)).response


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


async def test_draw_is_checked_and_its_proof_handed_out(desk: Desk) -> None:
    giveaway = make_giveaway(guild_id=desk.guild.id)
    async with desk.bench.kernel.database.write() as session:
        await add_drawn(session, giveaway, {desk.ada.id: 2, 7: 1, 8: 1, 9: 1})
    answer = await desk.ask(desk.ada, "giveaway verify", giveaway="1")

    assert answer.content.count("✅") == 3
    assert giveaway.commitment in answer.content
    assert "weight 2" in answer.content
    assert [one.filename for one in answer.attachments] == ["giveaway-1.json"]
    assert len(answer.content) < 2000


async def test_before_the_draw_only_what_is_public_is_told(desk: Desk) -> None:
    giveaway = make_giveaway(guild_id=desk.guild.id, status="active")
    async with desk.bench.kernel.database.write() as session:
        session.add_all([giveaway, make_entry(giveaway, desk.ada.id)])
    answer = await desk.ask(desk.ada, "giveaway verify", giveaway="keyboard")

    assert giveaway.commitment in answer.content
    assert giveaway.seed not in answer.content
    assert not answer.attachments


@pytest.mark.parametrize("status", ["active", "scheduled"])
async def test_giveaway_that_is_none_is_told(desk: Desk, status: str) -> None:
    giveaway = make_giveaway(guild_id=desk.guild.id, status=status)
    async with desk.bench.kernel.database.write() as session:
        session.add(giveaway)
    name = "1" if status == "scheduled" else "no such one"
    answer = await desk.ask(desk.ada, "giveaway verify", giveaway=name)

    assert "There is no such giveaway" in answer.content


async def test_host_puts_codes_in_and_nobody_sees_them(desk: Desk) -> None:
    giveaway = make_giveaway(guild_id=desk.guild.id, status="active", host_id=desk.host.id)
    async with desk.bench.kernel.database.write() as session:
        session.add(giveaway)
    answer = await desk.ask(desk.host, "giveaway prizes", giveaway="1")
    assert "0 codes" in answer.content
    form = await desk.host.click(answer, label="Add codes")
    result = await desk.host.submit_modal(form, {"codes": "AAA-1\n\nBBB-2"})

    text = (result.followups[-1] if result.followups else result.response).content
    assert "2 codes" in text
    assert "AAA" not in text
    async with desk.bench.kernel.database.read() as session:
        assert len((await session.scalars(select(GiveawayPrize))).all()) == 2


async def test_codes_that_are_refused_are_typed_once(desk: Desk) -> None:
    """They may be two hundred, and the form is gone once it is sent."""
    giveaway = make_giveaway(guild_id=desk.guild.id, status="active", host_id=desk.host.id)
    async with desk.bench.kernel.database.write() as session:
        session.add(giveaway)
    asked = await desk.ask(desk.host, "giveaway prizes", giveaway="1")
    form = await desk.host.click(asked, label="Add codes")
    result = await desk.host.submit_modal(form, {"codes": "AAA-1\nAAA-1"})
    refused = result.followups[-1] if result.followups else result.response
    assert "Line 2 repeats" in refused.content

    again = await desk.host.click(refused, label="Correct it")
    assert "AAA-1" in str(again.modal)
    result = await desk.host.submit_modal(again, {"codes": "AAA-1\nBBB-2"})
    assert "2 codes" in (result.followups[-1] if result.followups else result.response).content


async def test_vault_is_closed_to_others(desk: Desk) -> None:
    giveaway = make_giveaway(guild_id=desk.guild.id, status="active", host_id=1)
    async with desk.bench.kernel.database.write() as session:
        session.add(giveaway)

    assert "somebody else's" in (await desk.ask(desk.host, "giveaway prizes", giveaway="1")).content
    assert "Only hosts" in (await desk.ask(desk.ada, "giveaway prizes", giveaway="1")).content


async def test_winners_are_named_as_they_were_announced(desk: Desk) -> None:
    giveaway = make_giveaway(guild_id=desk.guild.id)
    people = dict.fromkeys([desk.ada.id, *range(7, 20)], 1)
    async with desk.bench.kernel.database.write() as session:
        _over, *won = await add_drawn(session, giveaway, people, wanted=8)
    answer = await desk.ask(desk.ada, "giveaway verify", giveaway="1")

    (line,) = (one for one in answer.content.splitlines() if "Seed and list" in one)
    named = ", ".join(f"<@{one.user_id}>" for one in won[:5])
    assert line.endswith(f"1 passed over, in 1 draw: {named}, and +3")
    assert str(giveaway.id) in answer.content


async def test_where_nobody_entered_nothing_is_said_to_be_published(desk: Desk) -> None:
    giveaway = make_giveaway(guild_id=desk.guild.id)
    async with desk.bench.kernel.database.write() as session:
        await add_drawn(session, giveaway, {})
    answer = await desk.ask(desk.ada, "giveaway verify", giveaway="1")

    assert "Nobody had entered when it ended" in answer.content
    assert "🔒" not in answer.content
    assert len(answer.attachments) == 1


@pytest.mark.parametrize("locale", ["en", "es"])
def test_the_longest_answer_fits_into_a_message(locale: str) -> None:
    person = 2**63 - 1
    giveaway = make_giveaway(number=2**31 - 1, prize="p" * 256)
    round_ = GiveawayRound(round=0, entries_root="a" * 64, entry_count=100_000)
    proof = Proof(
        giveaway,
        [round_] * 100,
        EntryLine(person, "5" * 32, "d" * 64, 10_000),
        winners=[person] * 5000,
        entries=100_000,
        passed_over=90_000,
        replaced=90,
        file=GZIP,
    )
    assert len(describe(proof, locale)) <= 2000
    broken = replace(proof, fault="f" * 500)
    assert len(describe(broken, locale)) <= 2000
