"""The /purge command: what it takes, that it asks, how it deletes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.batches import BatchOrder, BatchService
from bot.core.contracts import Actor
from bot.core.errors import InvalidInput
from bot.core.outbox import Delivery
from cogs.moderation.rules.purge import (
    PurgeFilter,
    compile_pattern,
    first_id_at,
    split_batches,
)
from tests.cogs.moderation.world import Place, moderated_place, text_of

NOW = datetime(2026, 11, 26, tzinfo=UTC)


async def chat(place: Place, *texts: str, who: Any = None) -> list[Any]:
    return [await (who or place.ada).send(place.channel, text) for text in texts]


def left(place: Place) -> list[str]:
    return [one.content for one in place.channel.history() if not one.flags.ephemeral]


async def purge(place: Place, press: str | None = "Yes, go ahead", **options: Any) -> Any:
    result = await place.run(place.mod, "purge", **options)
    if press is not None and result.response and result.response.components:
        await place.mod.click(result.response, label=press)
    return result


async def test_purge_asks_with_the_count_and_deletes_in_bulk(place: Place) -> None:
    await chat(place, "one", "two", "three")

    result = await purge(place, press=None, amount=2)
    assert "Delete 2 messages" in text_of(result)
    assert left(place) == ["one", "two", "three"]
    await place.mod.click(result.response, label="Yes, go ahead")

    assert left(place) == ["one"]
    assert "2 messages are gone" in text_of(result)
    (call,) = place.calls("POST", "/bulk-delete")
    assert len(call.json["messages"]) == 2


async def test_purge_answered_no_deletes_nothing(place: Place) -> None:
    await chat(place, "one", "two")

    await purge(place, press="Cancel", amount=5)

    assert left(place) == ["one", "two"]


async def test_purge_pressed_twice_deletes_once(place: Place) -> None:
    await chat(place, "one", "two", "three", "four")
    result = await purge(place, amount=2)

    assert left(place) == ["one", "two"]
    assert len(place.calls("POST", "/bulk-delete")) == 1
    assert "2 messages are gone" in text_of(result)


async def test_purge_keeps_pinned_and_filters_by_user(place: Place) -> None:
    await chat(place, "mine", who=place.mod)
    pinned, _other = await chat(place, "rules", "chatter")
    await place.mod.set_pinned(pinned, True)

    await purge(place, amount=10, user=place.ada)

    assert "rules" in left(place)
    assert "mine" in left(place)
    assert "chatter" not in left(place)


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ({"links": True}, "see https://example.org"),
        ({"contains": "BUTLER"}, "the butler did it"),
        ({"regex": r"b\w+r"}, "the butler did it"),
    ],
)
async def test_purge_filters_by_what_messages_say(
    place: Place, options: dict[str, Any], gone: str
) -> None:
    texts = ["hello", "see https://example.org", "the butler did it"]
    await chat(place, *texts)

    await purge(place, amount=10, **options)

    assert left(place) == [text for text in texts if text != gone]


async def test_purge_between_messages(place: Place) -> None:
    one, _two, _three, four = await chat(place, "1", "2", "3", "4")

    await purge(place, amount=10, after=one.jump_url, before=str(four.id))

    assert left(place) == ["1", "4"]


async def test_purge_refuses_bad_input_in_words(place: Place) -> None:
    await chat(place, "one")

    assert "That is no message" in text_of(await purge(place, amount=1, before="yesterday"))
    assert "RE2" in text_of(await purge(place, amount=1, regex=r"(?=x)"))
    assert "no such message" in text_of(await purge(place, amount=1, contains="absent"))


async def test_purge_without_the_bots_permission_names_place_and_fix(place: Place) -> None:
    await chat(place, "one")
    await place.limit_bot("read_message_history")

    said = text_of(await purge(place, amount=1))

    assert "in #general" in said
    assert left(place) == ["one"]


async def test_purge_without_message_content_says_which_filters_work(
    sqlite_database: Any,
) -> None:
    section = {"message_content_intent": False}
    async with moderated_place(sqlite_database, discord=section) as place:
        await chat(place, "one", "two")

        assert "can't see what messages say" in text_of(
            await purge(place, amount=1, contains="one")
        )
        await purge(place, amount=5, user=place.ada)
        assert left(place) == []


async def test_purge_of_few_does_not_ask_where_the_guild_wants_that(place: Place) -> None:
    await place.set(purge_confirm_from=3)
    await chat(place, "one", "two")

    await purge(place, press=None, amount=5)

    assert left(place) == []


async def test_purge_is_told_in_the_log(place: Place) -> None:
    await place.set(log_channel_id=str(place.log.id))
    await chat(place, "one", "two")
    await purge(place, amount=5)
    await place.bench.deliver()

    (told,) = place.log.history()
    assert "deleted 2 messages" in told.content


async def test_purge_of_more_than_a_page(place: Place) -> None:
    await chat(place, *(str(number) for number in range(130)))

    await purge(place, amount=120)

    assert left(place) == [str(number) for number in range(10)]
    sizes = [len(one.json["messages"]) for one in place.calls("POST", "/bulk-delete")]
    assert sizes == [100, 20]


async def test_stop_button_of_an_earlier_run_stops_what_goes_on(place: Place) -> None:
    service = place.bench.kernel.batches
    order = BatchOrder(
        kind="purge",
        guild_id=place.guild.id,
        channel_id=place.channel.id,
        occasion=1,
        actor=Actor(place.mod.id, "command", "mod"),
        locale="en",
        total=2,
        work={"ids": ["2", "1"]},
    )
    batch = await BatchService.begin(service, order)
    button = {"type": 2, "style": 4, "label": "Stop"}
    row = {"type": 1, "components": [button | {"custom_id": f"moderation:batch:stop:{batch.id}"}]}
    kernel = place.bench.kernel
    async with kernel.database.write() as session:
        message = Delivery.message(
            place.log.id, {"content": "…", "components": [row]}, dedupe_key="x"
        )
        await kernel.outbox.send(session, message)
    await place.bench.deliver()

    (screen,) = place.log.history()
    assert "Only the person" in text_of(await place.boss.click(screen, label="Stop"))
    assert "I stop after" in text_of(await place.mod.click(screen, label="Stop"))
    await place.bench.run_jobs()

    assert "ended already" in text_of(await place.mod.click(screen, label="Stop"))
    assert place.calls("POST", "/bulk-delete") == []


# --- rules ------------------------------------------------------------------------------------


def test_batches_split_by_age_and_size() -> None:
    young = [first_id_at(NOW - timedelta(hours=1)) + number for number in range(201)]
    old = [first_id_at(NOW - timedelta(days=15)) + number for number in range(3)]

    batches = split_batches([*young, *old, *old], NOW)

    assert [len(one) for one in batches.bulk] == [100, 100]
    assert len(batches.single) == 4
    assert set(old) < set(batches.single)


@pytest.mark.parametrize(("age", "is_young"), [(13.99, True), (14.0, False)])
def test_batches_leave_a_minute_to_discords_limit(age: float, is_young: bool) -> None:
    ids = [first_id_at(NOW - timedelta(days=age)) + number for number in range(2)]

    assert bool(split_batches(ids, NOW).bulk) is is_young


def test_filter_reads_forwards_and_embeds() -> None:
    message = {
        "author": {"id": "1"},
        "content": "",
        "message_snapshots": [{"message": {"content": "see HTTPS://example.org"}}],
        "embeds": [{"title": "The Butler"}],
    }

    assert PurgeFilter(links=True).takes(message)
    assert PurgeFilter(contains="butler").takes(message)
    assert not PurgeFilter(bots=True).takes(message)
    assert not PurgeFilter(attachments=True).takes(message)


@pytest.mark.parametrize("text", ["(", "(?=x)", r"(a)\1", "x" * 301, "((a{1000}){1000}){1000}"])
def test_pattern_that_re2_refuses_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidInput):
        compile_pattern(text)


def test_pattern_that_explodes_elsewhere_is_linear_here() -> None:
    pattern = compile_pattern("(a+)+$")
    message = {"author": {"id": "1"}, "content": "a" * 4000 + "!"}

    assert not PurgeFilter(pattern=pattern).takes(message)
