"""Experience by staff's hand, and files that are imported."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.core.errors import InvalidInput
from bot.core.jobs import Retry
from cogs.levels.files import MOST_BYTES, MOST_ROWS, Line, read_file
from cogs.levels.importing import Mode, merged, order_import, outcome_of
from cogs.levels.rules import CURVES, HIGHEST_LEVEL, MOST_XP
from cogs.levels.staff import Deed
from db.audit import AuditEntry
from db.batches import Batch
from db.levels import LevelImport
from db.people import erase_person, export_person
from tests.bot.core.roles.world import RED
from tests.cogs.levels.world import ADMIN, ANN, BOB, GUILD, LevelWorld

STANDARD = CURVES["standard"]


# --- by hand -----------------------------------------------------------------------------------


async def test_give_take_and_set_are_kept_in_the_audit_log(world: LevelWorld) -> None:
    for deed, amount in ((Deed.GIVE, 500), (Deed.TAKE, 100), (Deed.SET, 42)):
        await world.staff.change(world.target(), deed, amount, ADMIN)
    async with world.database.read() as session:
        entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
    found = {one.action: one for one in entries if one.action.startswith("levels.")}

    assert await world.xp() == 42
    assert found.keys() == {"levels.give", "levels.take", "levels.set"}
    assert found["levels.take"].details == {"before": 500, "after": 400, "amount": 100}
    assert {one.target_id for one in found.values()} == {ANN}


async def test_what_was_counted_comes_before_what_staff_do(world: LevelWorld) -> None:
    world.say()
    await world.staff.change(world.target(), Deed.SET, 7, ADMIN)
    await world.counter.flush()

    assert await world.xp() == 7


async def test_total_that_is_too_much_is_refused(world: LevelWorld) -> None:
    await world.staff.change(world.target(), Deed.SET, MOST_XP, ADMIN)
    with pytest.raises(InvalidInput, match="more experience than a member can have"):
        await world.staff.change(world.target(), Deed.GIVE, 1, ADMIN)

    assert await world.xp() == MOST_XP


def test_fraction_is_not_read_as_thousands() -> None:
    reading = read_file(b'[{"id": "1001", "xp": 2.345}, {"id": "1002", "xp": 2.0}]', STANDARD)

    assert [(one.user_id, one.xp) for one in reading.lines] == [(1002, 2)]
    assert [one.number for one in reading.bad] == [1]


async def test_largest_total_is_stored_whatever_the_curve(world: LevelWorld) -> None:
    await world.set(curve="constant")
    revised = await world.staff.change(world.target(), Deed.SET, MOST_XP, ADMIN)

    assert await world.level() == revised.rise.level == HIGHEST_LEVEL
    standing = await world.standings.rank(GUILD, ANN)
    assert standing.progress.done <= standing.progress.need


async def test_gifts_at_the_same_time_are_all_kept(world: LevelWorld) -> None:
    await asyncio.gather(
        *(world.staff.change(world.target(), Deed.GIVE, 10, ADMIN) for _turn in range(10))
    )

    assert await world.xp() == 100


async def test_gift_tells_whoever_listens_and_nobody_else(world: LevelWorld) -> None:
    await world.staff.change(world.target(), Deed.GIVE, 300, ADMIN)

    assert [(one.user_id, one.level) for one in world.reached] == [(ANN, 2)]
    assert await world.told() == []


async def test_who_is_no_member_is_not_on_the_board(world: LevelWorld) -> None:
    await world.staff.change(world.target(5555), Deed.GIVE, 300, ADMIN)

    assert await world.xp(5555) == 300
    assert await world.standings.board(GUILD, "all") == []


# --- files -------------------------------------------------------------------------------------


def lines_of(text: str | bytes) -> list[tuple[int, int]]:
    data = text.encode() if isinstance(text, str) else text
    return [(one.user_id, one.xp) for one in read_file(data, STANDARD).lines]


@pytest.mark.parametrize(
    "text",
    [
        "1001,250\n1002,100",
        "id,xp\n1001,250\n1002,100\n",
        "\ufeffUser ID;Username;Level;Total XP\r\n1001;ann;9;250\r\n1002;bob;9;100\r\n",
        "userid\texp\n<@1001>\t250\n<@!1002>\t100\n\n",
        '[{"id": "1001", "xp": 250}, {"user_id": 1002, "exp": 100}]',
        '{"players": [{"id": "1001", "xp": 250, "level": 1}, {"id": "1002", "level": 1}]}',
        '{"data": [{"id": "1001", "exp": 250, "weeklyExp": 3}, {"id": "1002", "exp": 100.0}]}',
        '{"1001": 250, "1002": {"xp": 100}}',
        'id,level,xp\n1001,5,250\n1002,1,""\n',
    ],
)
def test_files_of_all_shapes_are_read(text: str) -> None:
    assert lines_of(text) == [(1001, 250), (1002, 100)]


def test_bad_lines_are_told_with_their_numbers() -> None:
    reading = read_file(
        b"id,xp\n1001,250\nann,5\n1.23E+17,5\n1002,-5\n1003,1.5\n1001,7\n1004,\n"
        b"1005,9223372036854775808\n99999999999999999999,5\n",
        STANDARD,
    )
    found = {one.number: str(one.problem) for one in reading.bad}

    assert [(one.user_id, one.number) for one in reading.lines] == [(1001, 2)]
    assert found == {
        3: "“ann” is no ID of a person.",
        4: "“1.23E+17” is no ID of a person.",
        5: "Experience can't be negative.",
        6: "“1.5” is no whole number.",
        7: "The same person stands in line 2 already.",
        8: "There is neither experience nor a level.",
        9: f"That is too much: at most {MOST_XP:,}.",
        10: "“99999999999999999999” is no ID of a person.",
    }


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "nothing in this file"),
        (b"\n\n", "nothing in this file"),
        (b"id,xp\n", "nothing in this file"),
        (b"{", "is none"),
        (b"[" * 100_000, "is none"),
        (b"{}", "nothing in this file"),
        (b"\xff\xfe1", "no text in UTF-8"),
        (b"1" * (MOST_BYTES + 1), "too large"),
        (b"1,1\n" * (MOST_ROWS + 5), "too many lines"),
    ],
)
def test_what_is_no_such_file_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_file(data, STANDARD)


def test_entries_that_are_none_are_told() -> None:
    reading = read_file(b'[5, null, {"id": true, "xp": 1}, {"id": "1", "xp": [1]}]', STANDARD)

    assert reading.lines == ()
    assert [one.number for one in reading.bad] == [1, 2, 3, 4]


def test_number_of_a_million_digits_takes_no_time() -> None:
    reading = read_file(b'[{"id": "1", "xp": ' + b"9" * 1_000_000 + b"}]", STANDARD)

    assert "too much" in str(reading.bad[0].problem)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_refused_in_words(data: bytes) -> None:
    try:
        reading = read_file(data, STANDARD)
    except InvalidInput:
        return
    assert all(0 <= one.xp <= MOST_XP and 0 < one.user_id < 2**63 for one in reading.lines)
    assert len({one.user_id for one in reading.lines}) == len(reading.lines)


def test_levels_are_counted_by_the_curve() -> None:
    assert read_file(b"id,level\n1,10\n", STANDARD).lines[0].xp == 4675
    assert "that high" in str(read_file(b"id,level\n1,99999999\n", STANDARD).bad[0].problem)


def test_totals_are_merged_as_asked() -> None:
    modes: list[Mode] = ["replace", "add", "higher"]
    assert [merged(mode, 100, 40) for mode in modes] == [40, 140, 100]
    assert merged("add", MOST_XP, 40) == MOST_XP


# --- imports -----------------------------------------------------------------------------------


async def bring(
    world: LevelWorld, lines: list[tuple[int, int]], mode: Mode = "replace", occasion: int = 77
) -> Batch:
    kept = [Line(number, user, xp) for number, (user, xp) in enumerate(lines, 1)]
    await world.importer.keep(GUILD, occasion, kept, ADMIN, mode)
    return await world.batches.begin(
        order_import(GUILD, 500, occasion, ADMIN, locale="en", lines=len(lines), mode=mode)
    )


async def ended(world: LevelWorld, batch: Batch) -> Batch:
    for _turn in range(6):
        await world.work(11)
    found = await world.batches.get(batch.id)
    assert found is not None
    assert not found.is_open
    return found


async def test_import_gives_experience_levels_and_roles(world: LevelWorld) -> None:
    await world.set(rewards=[{"level": 2, "role_id": str(RED)}])
    await world.earn(50, ANN)
    people = [(ANN, 300), (BOB, 120), *((5000 + n, n + 1) for n in range(230))]
    batch = await bring(world, people)
    result = await ended(world, batch)

    assert (await world.xp(ANN), await world.level(ANN)) == (300, 2)
    assert (await world.xp(BOB), await world.level(BOB)) == (120, 1)
    assert await world.xp(5229) == 230
    assert world.discord.roles[ANN] == {RED}
    # Those who are not there are kept, and not shown.
    assert [one.user_id for one in await world.standings.board(GUILD, "all")] == [ANN, BOB]
    assert "✅ Imported 232 lines. 230 of these people are not here" in str(outcome_of(result))
    async with world.database.read() as session:
        assert (await session.scalars(select(LevelImport))).all() == []
    # One request for a hundred, none for each.
    assert world.finder.calls <= 4


async def test_import_goes_on_after_a_crash_and_doubles_nothing(
    world: LevelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [(6000 + n, 10) for n in range(250)]
    batch = await bring(world, people, mode="add")
    revise = world.book.revise
    calls = 0

    async def crash(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        found = await revise(*arguments)
        if calls == 2:
            raise Retry(world.clock.now() - world.clock.now(), "crashed after the second piece")
        return found

    monkeypatch.setattr(world.book, "revise", crash)
    await ended(world, batch)

    assert {await world.xp(6000 + n) for n in (0, 99, 100, 150, 249)} == {10}
    assert calls == 4


async def test_import_without_those_whose_data_was_erased_meanwhile(world: LevelWorld) -> None:
    batch = await bring(world, [(ANN, 10), (BOB, 20)])
    async with world.database.write() as session:
        await erase_person(session, BOB)
    await ended(world, batch)

    assert (await world.xp(ANN), await world.xp(BOB)) == (10, 0)


async def test_import_of_somebody_erased_alone_ends(world: LevelWorld) -> None:
    batch = await bring(world, [(BOB, 20)])
    async with world.database.write() as session:
        await erase_person(session, BOB)

    assert (await ended(world, batch)).outcome == {}


# --- people's data -----------------------------------------------------------------------------


async def test_persons_data_is_exported_and_erased(world: LevelWorld) -> None:
    await world.earn(300)
    world.sit(ANN)
    world.sit(BOB)
    await world.minutes()
    async with world.database.read() as session:
        export = await export_person(session, ANN)
    assert export["guild_members"][0]["xp"] == 310
    assert export["levels_days"][0]["voice_minutes"] == 1
    assert export["levels_members"][0]["user_id"] == str(ANN)

    async with world.database.write() as session:
        await erase_person(session, ANN)
    async with world.database.read() as session:
        left = await export_person(session, ANN)
    assert "guild_members" not in left
    assert "levels_days" not in left
    assert await world.xp(BOB) == 10
