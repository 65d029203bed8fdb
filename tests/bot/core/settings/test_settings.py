"""The settings store on both databases: changes, revisions, merging, conflicts and the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import pytest
from pydantic import Field

from bot.core.audit import AuditLog
from bot.core.contracts import Actor, ChannelSummary, GuildSummary
from bot.core.errors import InvalidInput, NotFound
from bot.core.events import EventBus
from bot.core.features import Category, Feature, FeatureRegistry
from bot.core.fields import channel, duration
from bot.core.nullstate import NullState
from bot.core.settings import (
    FeatureSettings,
    SettingsChanged,
    SettingsStore,
    StaleSettings,
    setting,
)
from bot.core.supervisor import TaskSupervisor
from db.audit import list_audit_entries
from db.engine import Database
from db.settings import save_feature_settings
from tests.fakes import FakeClock

GUILD = 7
ANNA = Actor(1, "command", "anna")
BERT = Actor(2, "web", "bert")


class PondSettings(FeatureSettings):
    schema_version = 2

    channel_id: Annotated[int, channel()] | None = setting(None, "Channel", "Where ducks land.")
    ducks: Annotated[int, Field(ge=0, le=100)] = setting(3, "Ducks", "How many there are.")
    pause: Annotated[timedelta, duration()] = setting(timedelta(hours=1), "Pause", "Between two.")
    name: str = setting("Pond", "Name", "What it is called.")

    @classmethod
    def upgrade(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        if "birds" in data:
            data["ducks"] = data.pop("birds")
        return data


def pond(**options: Any) -> Feature:
    return Feature(
        key="pond",
        title="Pond",
        description="Ducks.",
        category=Category.FUN,
        settings=PondSettings,
        **options,
    )


class GuildState(NullState):
    """A guild with one text channel, 50, and one voice channel, 51."""

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Home", 1, 10)

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        kinds: Mapping[int, Any] = {50: "text", 51: "voice"}
        if channel_id not in kinds:
            return None
        return ChannelSummary(channel_id, guild_id, "pond", kinds[channel_id])


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def heard(bus: EventBus) -> list[SettingsChanged]:
    events: list[SettingsChanged] = []

    async def listen(event: SettingsChanged) -> None:
        events.append(event)

    bus.subscribe(SettingsChanged, listen)
    return events


@pytest.fixture
def store(database: Database, clock: FakeClock, bus: EventBus) -> SettingsStore:
    return make_store(database, clock, bus)


def make_store(
    database: Database, clock: FakeClock, bus: EventBus, feature: Feature | None = None
) -> SettingsStore:
    audit = AuditLog(clock, bus, TaskSupervisor())
    registry = FeatureRegistry([feature or pond()])
    return SettingsStore(database, clock, bus, registry, audit, state=GuildState)


async def test_get_untouched_gives_defaults(store: SettingsStore) -> None:
    state = await store.get(GUILD, "pond")

    assert (state.enabled, state.revision, state.invalid) == (False, 0, ())
    assert state.settings == PondSettings()


async def test_get_unknown_feature_names_the_nearest(store: SettingsStore) -> None:
    with pytest.raises(NotFound, match="no feature called pont") as caught:
        await store.get(GUILD, "pont")
    assert "pond" in caught.value.render("en")


async def test_change_is_stored_audited_and_published(
    store: SettingsStore, database: Database, heard: list[SettingsChanged]
) -> None:
    change = await store.change(
        GUILD, "pond", {"ducks": "5", "pause": "2h"}, actor=ANNA, enabled=True
    )

    assert change.diff == {"enabled": (False, True), "ducks": (3, 5), "pause": (3600, 7200)}
    assert change.revision == 1
    [event] = heard
    assert (event.state, event.revision, event.actor) == (change.after, 1, ANNA)
    async with database.read() as session:
        [entry] = await list_audit_entries(session)
    assert (entry.action, entry.user_id, entry.guild_id) == ("settings.change", 1, GUILD)
    assert entry.details["diff"]["ducks"] == {"before": 3, "after": 5}


async def test_change_is_read_back_by_another_process(
    store: SettingsStore, database: Database, clock: FakeClock
) -> None:
    change = await store.change(GUILD, "pond", {"channel_id": "<#50>"}, actor=ANNA)

    assert await make_store(database, clock, EventBus()).get(GUILD, "pond") == change.after
    assert store.peek(GUILD, "pond").settings == PondSettings()  # not warmed


async def test_change_to_the_same_value_makes_no_revision(
    store: SettingsStore, heard: list[SettingsChanged]
) -> None:
    change = await store.change(GUILD, "pond", {"ducks": 3}, actor=ANNA)

    assert (change.diff, change.revision, heard) == ({}, 0, [])


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"ducks": 101}, "/ducks", "At most 100"),
        ({"ducks": "many"}, "/ducks", "whole number"),
        ({"duck": 1}, "/duck", "Did you mean ducks?"),
        ({"pause": "5"}, "/pause", "not a duration"),
        ({"channel_id": "99"}, "/channel_id", "no channel with the ID 99"),
        ({"channel_id": "51"}, "/channel_id", "not a channel of the kind"),
    ],
)
async def test_change_bad_value_is_refused_by_field(
    store: SettingsStore, changes: dict[str, Any], pointer: str, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await store.change(GUILD, "pond", changes, actor=ANNA)

    [error] = caught.value.errors
    assert error.pointer == pointer
    assert words in str(error.message)
    assert (await store.get(GUILD, "pond")).revision == 0


async def test_change_concurrent_of_other_fields_keeps_both(
    store: SettingsStore, database: Database, clock: FakeClock
) -> None:
    other = make_store(database, clock, EventBus())
    await asyncio.gather(
        *(store.change(GUILD, "pond", {"ducks": n}, actor=ANNA) for n in range(10, 15)),
        other.change(GUILD, "pond", {"name": "Lake"}, actor=BERT),
        other.change(GUILD, "pond", {"pause": 60}, actor=BERT),
    )

    state = await make_store(database, clock, EventBus()).get(GUILD, "pond")
    assert state.settings.name == "Lake"
    assert state.settings.pause == timedelta(minutes=1)
    assert 10 <= state.settings.ducks < 15
    assert state.revision == len(await store.history(GUILD, "pond")) == 7


async def test_change_of_stale_revision_tells_who_changed_what(store: SettingsStore) -> None:
    await store.change(GUILD, "pond", {"ducks": 5}, actor=BERT)

    with pytest.raises(StaleSettings) as caught:
        await store.change(GUILD, "pond", {"name": "x"}, actor=ANNA, expected_revision=0)

    [change] = caught.value.changes
    assert (change.actor_id, change.diff) == (2, {"ducks": (3, 5)})
    assert caught.value.status == 409
    assert [error.pointer for error in caught.value.errors] == ["/ducks"]
    assert caught.value.current.settings.ducks == 5


async def test_rollback_writes_the_old_values_as_a_new_revision(store: SettingsStore) -> None:
    await store.change(GUILD, "pond", {"ducks": 5}, actor=ANNA, enabled=True)
    await store.change(GUILD, "pond", {"ducks": 6, "name": "Lake"}, actor=BERT, enabled=False)

    change = await store.rollback(GUILD, "pond", 1, actor=ANNA)

    assert change.revision == 3
    assert change.diff == {"enabled": (False, True), "ducks": (6, 5), "name": ("Lake", "Pond")}
    assert [one.revision for one in await store.history(GUILD, "pond")] == [3, 2, 1]


async def test_rollback_to_zero_is_untouched(store: SettingsStore) -> None:
    await store.change(GUILD, "pond", {"ducks": 5}, actor=ANNA, enabled=True)

    change = await store.rollback(GUILD, "pond", 0, actor=ANNA)

    assert (change.after.enabled, change.after.settings) == (False, PondSettings())


async def test_rollback_to_missing_revision_is_not_found(store: SettingsStore) -> None:
    with pytest.raises(NotFound, match="no revision 4"):
        await store.rollback(GUILD, "pond", 4, actor=ANNA)


async def test_reset_of_one_field_leaves_the_others_and_the_switch(store: SettingsStore) -> None:
    await store.change(GUILD, "pond", {"ducks": 5, "name": "Lake"}, actor=ANNA, enabled=True)

    change = await store.reset(GUILD, "pond", ["ducks"], actor=ANNA)

    assert change.diff == {"ducks": (5, 3)}
    assert (change.after.enabled, change.after.settings.name) == (True, "Lake")


async def test_always_on_feature_can_not_be_disabled(
    database: Database, clock: FakeClock, bus: EventBus
) -> None:
    store = make_store(database, clock, bus, pond(always_on=True))

    assert (await store.get(GUILD, "pond")).enabled
    with pytest.raises(InvalidInput, match="always on"):
        await store.change(GUILD, "pond", {}, actor=ANNA, enabled=False)


async def test_stored_value_that_no_longer_fits_falls_back_alone(
    store: SettingsStore, database: Database, clock: FakeClock
) -> None:
    data = {"ducks": 1000, "name": "Lake", "gone": True}
    await save(database, clock, data, version=2)

    state = await store.get(GUILD, "pond")

    assert (state.enabled, state.settings.ducks, state.settings.name) == (True, 3, "Lake")
    assert [error.pointer for error in state.invalid] == ["/ducks"]
    change = await store.change(GUILD, "pond", {"name": "Pond"}, actor=ANNA)
    assert change.after.invalid == ()


async def test_stored_data_of_an_older_shape_is_upgraded(
    store: SettingsStore, database: Database, clock: FakeClock
) -> None:
    await save(database, clock, {"birds": 9}, version=1)

    assert (await store.get(GUILD, "pond")).settings.ducks == 9


async def test_peek_after_warm_tells_the_truth(
    store: SettingsStore, database: Database, clock: FakeClock
) -> None:
    await save(database, clock, {"ducks": 9}, version=2)

    await store.warm([GUILD, 8])

    assert store.peek(GUILD, "pond").settings.ducks == 9
    assert store.peek(8, "pond").settings.ducks == 3
    await store.change(8, "pond", {"ducks": 4}, actor=ANNA)
    assert store.peek(8, "pond").settings.ducks == 4


async def test_peek_of_forgotten_guild_is_loaded_in_the_background(
    store: SettingsStore, database: Database, clock: FakeClock
) -> None:
    await save(database, clock, {"ducks": 9}, version=2)
    task = asyncio.create_task(store.run())
    try:
        async with asyncio.timeout(30):
            while store.peek(GUILD, "pond").settings.ducks != 9:
                await asyncio.sleep(0)
    finally:
        task.cancel()
        # It must be out of the database before the database is closed.
        await asyncio.gather(task, return_exceptions=True)


async def test_note_change_takes_over_what_another_process_did(
    store: SettingsStore, database: Database, clock: FakeClock, heard: list[SettingsChanged]
) -> None:
    await store.warm([GUILD])
    other = make_store(database, clock, EventBus())
    made = await other.change(GUILD, "pond", {"ducks": 8}, actor=BERT)

    await store.note_change(GUILD, "pond", made.revision)

    assert store.peek(GUILD, "pond").settings.ducks == 8
    [event] = heard
    assert (event.diff, event.actor) == ({"ducks": (3, 8)}, Actor(2, "web"))


async def save(database: Database, clock: FakeClock, data: dict[str, Any], version: int) -> None:
    async with database.write() as session:
        await save_feature_settings(
            session,
            guild_id=GUILD,
            feature="pond",
            enabled=True,
            version=version,
            data=data,
            now=clock.now(),
            actor_id=None,
            expected_revision=0,
        )
