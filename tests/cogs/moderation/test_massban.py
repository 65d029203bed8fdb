"""The /massban command: preview, question, bans, report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.batches import TELL_JOB
from bot.core.cases import CaseKind
from bot.core.errors import InvalidInput
from bot.core.nullstate import NullState
from cogs.moderation.massbanning import MassBanner, failures_of, outcome_of, report_text
from cogs.moderation.rules.massban import BanFilter, Candidate
from cogs.moderation.rules.reading import read_people
from db.batches import Batch
from tests.cogs.moderation.world import Place, text_of
from tests.fakes import reach_all

NOW = datetime(2026, 11, 26, tzinfo=UTC)


async def raiders(place: Place, count: int) -> list[Any]:
    users = [place.bench.env.create_user(f"raider{number}") for number in range(count)]
    for user in users[: count // 2]:
        place.guild.add_member(user)
    await place.bench.env.settle()
    return users


def ids(users: list[Any]) -> str:
    return " ".join(f"<@{one.id}>" for one in users)


async def test_massban_shows_whom_asks_and_bans_with_one_call(place: Place) -> None:
    users = await raiders(place, 6)
    listed = f"{ids(users)}, {place.boss.id} {place.mod.id}"

    result = await place.run(place.mod, "massban", users=listed, reason="Raid")
    said = text_of(result)
    assert "**6 people** would be banned" in said
    assert "Out of your reach or mine, or protected: 2" in said
    guild = place.backend.get_guild(place.guild.id)
    assert guild.bans == {}
    await place.mod.click(result.response, label="Yes, go ahead")

    assert set(guild.bans) == {one.id for one in users}
    assert "6 people are banned" in text_of(result)
    assert len(place.calls("POST", "/bulk-ban")) == 1
    cases = await place.cases.list(place.guild.id)
    assert [case.kind for case in cases] == [CaseKind.BAN] * 6
    assert {case.reason for case in cases} == {"Raid"}


async def test_massban_again_takes_only_the_rest(place: Place) -> None:
    users = await raiders(place, 4)
    first = await place.run(place.mod, "massban", users=ids(users[:2]))
    await place.mod.click(first.response, label="Yes, go ahead")

    said = await place.say(place.mod, "massban", users=ids(users))

    assert "**2 people** would be banned" in said
    assert "Banned already: 2" in said


async def test_massban_answered_no_bans_nobody(place: Place) -> None:
    users = await raiders(place, 3)
    result = await place.run(place.mod, "massban", users=ids(users))
    await place.mod.click(result.response, label="Cancel")

    assert place.backend.get_guild(place.guild.id).bans == {}
    assert await place.cases.list(place.guild.id) == []


async def test_massban_takes_a_file_and_filters(place: Place) -> None:
    users = await raiders(place, 4)
    text = "\n".join(str(one.id) for one in users)

    said = await place.say(
        place.mod, "massban", file=("ids.txt", text.encode()), joined_within="1h"
    )

    assert "**2 people** would be banned" in said
    assert "Not what the filters ask for: 2" in said


@pytest.mark.parametrize("users", ["nobody at all", "123"])
async def test_massban_of_nobody_says_so(place: Place, users: str) -> None:
    assert "found nobody" in await place.say(place.mod, "massban", users=users)


async def test_massban_without_the_bots_permission_says_so_first(place: Place) -> None:
    users = await raiders(place, 2)
    await place.limit_bot()

    assert "I lack the permission" in await place.say(place.mod, "massban", users=ids(users))


async def test_report_that_cannot_be_shown_is_written_to_whoever_ordered_it(place: Place) -> None:
    users = await raiders(place, 3)
    result = await place.run(place.mod, "massban", users=ids(users))
    # The answer is gone by the end, as when the reader has dismissed it.
    place.bench.env.inject_error("PATCH", "/webhooks/*", status=404, code=10008, times=None)
    await place.mod.click(result.response, label="Yes, go ahead")
    assert place.dms(place.mod) == []

    kernel = place.bench.kernel
    async with kernel.database.write() as session:
        assert await kernel.jobs.hasten(session, f"{TELL_JOB}:1", kernel.clock.now())
    await place.bench.run_jobs()
    await place.bench.deliver()

    (letter,) = place.dms(place.mod)
    assert "mass ban that you began in **Harbour** has ended" in letter
    assert "3 people are banned" in letter


async def test_massban_leaves_alone_who_was_promoted_after_the_preview(place: Place) -> None:
    users = await raiders(place, 4)
    result = await place.run(place.mod, "massban", users=ids(users))
    assert "**4 people** would be banned" in text_of(result)
    await place.promote(users[0].id)
    await place.mod.click(result.response, label="Yes, go ahead")

    guild = place.backend.get_guild(place.guild.id)
    assert set(guild.bans) == {one.id for one in users[1:]}
    said = text_of(result)
    assert "3 people are banned. 1 was not." in said


async def test_massban_takes_nobody_with_moderator_rights(place: Place) -> None:
    users = await raiders(place, 2)

    said = await place.say(place.boss, "massban", users=f"{ids(users)} {place.mod.id}")

    assert "**2 people** would be banned" in said
    assert "protected: 1" in said


# --- rules ------------------------------------------------------------------------------------


def test_people_are_read_from_any_paste() -> None:
    text = "<@123456789012345678>,987654321098765432\n<@!123456789012345678> #42 2026-11-26"

    assert read_people(text) == (123456789012345678, 987654321098765432)


def test_people_too_many_are_refused() -> None:
    text = " ".join(str(10**17 + number) for number in range(1001))

    with pytest.raises(InvalidInput):
        read_people(text)


@pytest.mark.parametrize(
    ("chosen", "one", "takes"),
    [
        (BanFilter(), Candidate(1), True),
        (BanFilter(joined_within=timedelta(hours=1)), Candidate(1), False),
        (
            BanFilter(joined_within=timedelta(hours=1)),
            Candidate(1, joined_at=NOW - timedelta(minutes=5)),
            True,
        ),
        (
            BanFilter(account_younger_than=timedelta(days=1)),
            Candidate(1, created_at=NOW - timedelta(days=2)),
            False,
        ),
        (BanFilter(without_avatar=True), Candidate(1, has_avatar=True), False),
        (BanFilter(without_avatar=True), Candidate(1, has_avatar=False), True),
    ],
)
def test_filter_takes_what_it_asks_for(chosen: BanFilter, one: Candidate, takes: bool) -> None:
    assert chosen.takes(one, NOW) is takes


def make_batch(**values: Any) -> Batch:
    return Batch(guild_id=1, locale="en", total=9, **values)


def test_report_tells_how_many_and_why_not() -> None:
    failed = [["1", "Out of reach"], ["2", "*Gone*"]]
    batch = make_batch(done=9, outcome={"banned": 6, "waiting": 1, "failed": failed})

    text = outcome_of(batch).render("en")
    assert "6 people are banned" in text
    assert "1 is still being banned" in text
    assert "2 were not" in text
    assert "still" not in report_text(6, 0, 2).render("en")
    assert "not" not in report_text(6, 1, 0).render("en")
    letter = MassBanner(nothing(), NullState, reach=reach_all).letter(batch)
    assert letter.splitlines()[-1] == "-# 2\\: \\*Gone\\*"


def test_report_of_many_refusals_fits_into_a_message() -> None:
    failed = [[str(10**18 + number), "Out of reach"] for number in range(500)]
    batch = make_batch(done=9, outcome={"failed": failed})

    assert len(MassBanner(nothing(), NullState, reach=reach_all).letter(batch)) <= 2000
    assert len(failures_of(batch)) == 500


def test_report_of_what_was_stopped_says_so() -> None:
    batch = make_batch(done=4, outcome={"banned": 4, "stopped": True})

    assert "Stopped at 4 of 9: ✅ 4 people are banned" in outcome_of(batch).render("en")


def nothing() -> Any:
    return None
