"""The record of cases: edits with history, deletion, notes, evidence, lists; many at once."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from bot.core.cases import Case, CaseKind, CaseState, Delayed, NotPermitted, SanctionKind, Target
from bot.core.cases import evidence as evidence_module
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from db.people import erase_person
from tests.bot.core.cases.world import ANN, BOB, GUILD, MOD, World, make_order

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_edit_keeps_what_was_before(world: World):
    await world.order(CaseKind.WARN, reason="old")

    case = await world.cases.edit(GUILD, 1, actor=MOD, reason=" new ")
    case = await world.cases.edit(GUILD, 1, actor=MOD, reason=None)

    assert case.reason is None
    edits = await world.cases.history(case)
    assert [(one.field, one.before, one.after, one.editor_id) for one in edits] == [
        ("reason", "old", "new", MOD.user_id),
        ("reason", "new", None, MOD.user_id),
    ]


async def test_edit_that_changes_nothing_leaves_no_trace(world: World):
    await world.order(CaseKind.WARN, reason="same")
    case = await world.cases.edit(GUILD, 1, actor=MOD, reason="same")

    assert await world.cases.history(case) == []


async def test_new_duration_counts_from_the_beginning_and_moves_the_end(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    world.clock.advance(60)

    case = await world.cases.edit(GUILD, 1, actor=MOD, duration=2 * HOUR)

    assert case.expires_at == case.created_at + 2 * HOUR
    await world.pass_time(HOUR)
    assert world.discord.bans == {ANN.id}
    await world.pass_time(HOUR)
    assert world.discord.bans == set()
    [edit] = await world.cases.history(case)
    assert (edit.before, edit.after) == ("1h", "2h")


async def test_temporary_ban_made_permanent_is_not_lifted(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)

    case = await world.cases.edit(GUILD, 1, actor=MOD, duration=None)
    await world.pass_time(DAY)

    assert case.kind is CaseKind.BAN
    assert world.discord.bans == {ANN.id}


async def test_new_duration_of_a_timeout_is_told_to_discord(world: World):
    await world.order(CaseKind.TIMEOUT, duration=HOUR)

    case = await world.cases.edit(GUILD, 1, actor=MOD, duration=DAY)
    await world.pass_time()

    assert world.discord.timeouts[ANN.id] == case.expires_at


async def test_durations_that_can_not_be_are_refused(world: World):
    await world.order(CaseKind.TIMEOUT, duration=DAY)
    await world.order(CaseKind.KICK, BOB)
    world.clock.advance(HOUR)

    for number, duration in ((1, None), (1, HOUR / 2), (2, HOUR)):
        with pytest.raises(InvalidInput):
            await world.cases.edit(GUILD, number, actor=MOD, duration=duration)
    await world.cases.undo(GUILD, 1, MOD)
    with pytest.raises(Conflict):
        await world.cases.edit(GUILD, 1, actor=MOD, duration=2 * DAY)


async def test_deleted_case_is_hidden_counts_no_more_and_keeps_its_number(world: World):
    await world.order(CaseKind.WARN)
    await world.cases.delete(GUILD, 1, MOD)
    await world.cases.delete(GUILD, 1, MOD)
    after = await world.order(CaseKind.NOTE)

    assert after.number == 2
    assert [case.number for case in await world.cases.list(GUILD)] == [2]
    hidden = await world.cases.list(GUILD, include_deleted=True)
    assert [case.number for case in hidden] == [2, 1]
    assert await world.cases.points(GUILD, ANN.id, world.clock.now()) == 0
    assert len(await world.cases.history(await world.cases.get(GUILD, 1))) == 1


async def test_notes_stand_under_their_case(world: World):
    await world.order(CaseKind.WARN)
    note = await world.cases.add_note(GUILD, 1, " seen it too ", MOD)

    case = await world.cases.get(GUILD, 1)
    assert await world.cases.list_notes(case) == [note]
    assert (note.text, note.author_name) == ("seen it too", "mod")
    with pytest.raises(InvalidInput):
        await world.cases.add_note(GUILD, 1, "  ", MOD)
    with pytest.raises(NotFound):
        await world.cases.add_note(GUILD, 2, "x", MOD)


async def test_evidence_is_kept_whole_with_a_harmless_name(world: World):
    case = await world.order(CaseKind.WARN)
    data = bytes(range(256)) * 100
    kept = await world.cases.add_evidence(
        GUILD, 1, "../../etc/pass:wd\x00.png", "image/png; x=<script>", data, MOD
    )

    assert "/" not in kept.filename
    assert kept.filename.endswith(".png")
    assert kept.content_type == "image/png"
    assert kept.sha256 == hashlib.sha256(data).hexdigest()
    assert await world.cases.read_evidence(GUILD, kept.id) == (kept, data)
    assert await world.cases.list_evidence(case) == [kept]
    with pytest.raises(NotFound):
        await world.cases.read_evidence(GUILD + 1, kept.id)


async def test_same_evidence_is_kept_once_and_not_more_than_ten(world: World):
    case = await world.order(CaseKind.WARN)
    for number in [*range(10), 3]:
        await world.cases.add_evidence(GUILD, 1, "a.txt", "text/plain", b"%d" % number, MOD)
    assert len(await world.cases.list_evidence(case)) == 10

    for data in (b"more", b"", b"x" * (10 * 1024 * 1024 + 1)):
        with pytest.raises(InvalidInput):
            await world.cases.add_evidence(GUILD, 1, "a.txt", "text/plain", data, MOD)


async def test_guilds_evidence_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evidence_module, "GUILD_QUOTA", 10)
    await world.order(CaseKind.WARN)
    await world.cases.add_evidence(GUILD, 1, "a", "text/plain", b"12345678", MOD)

    with pytest.raises(InvalidInput):
        await world.cases.add_evidence(GUILD, 1, "b", "text/plain", b"123", MOD)


async def test_lists_page_by_number_and_filter(world: World):
    for number in range(6):
        await world.order(
            CaseKind.WARN if number % 2 else CaseKind.NOTE, (ANN, BOB)[number % 3 > 0]
        )

    newest = await world.cases.list(GUILD, limit=4)
    rest = await world.cases.list(GUILD, limit=4, before_number=newest[-1].number)
    assert [case.number for case in newest] == [6, 5, 4, 3]
    assert [case.number for case in rest] == [2, 1]

    async def numbers(**filters: object) -> list[int]:
        found = await world.cases.list(GUILD, **filters)  # pyright: ignore[reportArgumentType]
        return [case.number for case in found]

    assert await numbers(target_id=ANN.id) == [4, 1]
    assert await numbers(kinds=[CaseKind.WARN]) == [6, 4, 2]
    assert await numbers(kinds=[CaseKind.WARN, CaseKind.NOTE], limit=3) == [6, 5, 4]
    assert await numbers(kinds=[CaseKind.WARN, CaseKind.NOTE], before_number=3) == [2, 1]
    assert await numbers(target_id=ANN.id, kinds=[CaseKind.NOTE]) == [1]
    assert await numbers(moderator_id=MOD.user_id, limit=2) == [6, 5]
    assert await numbers(kinds=[]) == []


async def test_cases_are_counted_by_moderator_and_kind(world: World):
    await world.order(CaseKind.WARN)
    await world.order(CaseKind.WARN, BOB)
    await world.order(CaseKind.NOTE)

    counts = await world.cases.count(GUILD, since=world.clock.now() - DAY)

    assert counts == {(MOD.user_id, CaseKind.WARN): 2, (MOD.user_id, CaseKind.NOTE): 1}


async def test_erased_person_is_freed_in_time_all_the_same(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR, reason="spam")
    async with world.database.write() as session:
        await erase_person(session, ANN.id)

    case = await world.cases.get(GUILD, 1)
    assert (case.target.id, case.target.name, case.reason) == (0, "", None)
    await world.pass_time(HOUR)
    assert world.discord.bans == set()


# --- many at once -----------------------------------------------------------------------------


def raiders(count: int) -> list[Target]:
    return [Target(5000 + number, f"raider{number}") for number in range(count)]


async def test_many_bans_go_through_the_bulk_endpoint(world: World):
    targets = raiders(450)
    steps: list[tuple[int, int]] = []

    async def progress(done: int, total: int) -> None:
        steps.append((done, total))

    orders = [make_order(CaseKind.BAN, one, reason="raid") for one in targets]
    outcomes = await world.cases.order_many(orders, progress)

    assert [call[0] for call in world.discord.calls] == ["ban_many"] * 3
    assert world.discord.reasons[0] == "raid [cases 1-200]"
    assert world.discord.bans == {one.id for one in targets}
    assert [one.number for one in outcomes if isinstance(one, Case)] == list(range(1, 451))
    assert {one.state for one in outcomes if isinstance(one, Case)} == {CaseState.APPLIED}
    assert steps[-1] == (450, 450)
    assert await world.written() == []
    assert len([row for row in await world.queued() if row.channel_id]) == 3
    assert len(await world.sanctions()) == 450
    await world.pass_time(HOUR)
    assert len(world.discord.calls) == 3


async def test_those_who_can_not_be_banned_get_their_own_answer(world: World):
    targets = raiders(5)
    world.discord.unbannable = {targets[1].id, targets[3].id}
    # The two are tried alone: one works after all, the other is above the bot.
    world.discord.before = [None, None, NotPermitted("missing_permissions")]

    outcomes = await world.cases.order_many([make_order(CaseKind.BAN, one) for one in targets])

    assert isinstance(outcomes[3], Denied) != isinstance(outcomes[1], Denied)
    assert sum(isinstance(one, Case) for one in outcomes) == 4
    assert len(world.discord.bans) == 4
    assert len(await world.sanctions()) == 4


async def test_many_bans_survive_an_outage(world: World):
    targets = raiders(3)
    world.discord.before = [Delayed("discord_error")] * 4

    outcomes = await world.cases.order_many([make_order(CaseKind.BAN, one) for one in targets])
    assert {one.state for one in outcomes if isinstance(one, Case)} == {CaseState.PLANNED}
    await world.pass_time(60)

    assert world.discord.bans == {one.id for one in targets}


async def test_many_orders_of_other_kinds_are_made_one_by_one(world: World):
    orders = [
        make_order(CaseKind.TIMEOUT, ANN, duration=HOUR),
        make_order(CaseKind.KICK, Target(404, "gone")),
        make_order(CaseKind.WARN, BOB),
    ]

    first, second, third = await world.cases.order_many(orders)

    assert isinstance(first, Case)
    assert isinstance(second, NotFound)
    assert isinstance(third, Case)
    assert await world.cases.order_many([]) == []


async def test_many_temporary_bans_are_lifted_and_replaced_as_single_ones(world: World):
    await world.order(CaseKind.TEMPBAN, duration=DAY)
    orders = [make_order(CaseKind.TEMPBAN, one, duration=HOUR) for one in (ANN, BOB)]

    await world.cases.order_many(orders)

    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED
    sanction = await world.cases.sanction_of(GUILD, ANN.id, SanctionKind.BAN)
    assert sanction is not None
    await world.pass_time(HOUR)
    assert world.discord.bans == set()
