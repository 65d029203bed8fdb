"""Every setting of every feature survives the way from REST into the database and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.audit import AuditLog
from bot.core.events import EventBus
from bot.core.features import Feature
from bot.core.fields import FieldInfo, Widget, describe_fields
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from db.engine import Database
from tests.declared import every_feature
from tests.fakes import FakeClock
from tests.web.support import CHANNEL, GUILD, REGISTRY, ROLE, VOICE, World, open_world

HOSTILE = "¿qué? 名 🎉 <@1> {{"
# Texts with a grammar of their own, which no declaration tells.
WRITTEN: dict[str, Any] = {
    "emoji": "🎈",
    "point_thresholds": ["3 timeout 1h", "10 ban"],
    "kick_confirmation": "kick",
    "prefix": "!",
}


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    world = await open_world(database, clock)
    yield world
    await world.client.close()


@every_feature
async def test_settings_survive_rest_and_database(
    world: World, database: Database, feature: Feature
) -> None:
    path = f"/v1/guilds/{GUILD}/settings/{feature.key}"
    fields = describe_fields(feature.settings)
    sent = {field.name: other_than_default(field) for field in fields}
    changed = [field.name for field in fields if sent[field.name] != field.default]
    # Documents are edited by commands of their own and tested beside their feature.
    unchanged = {field.name for field in fields} - set(changed)
    assert all(field.form.widget is Widget.DOCUMENT for field in fields if field.name in unchanged)

    answer = await world.client.patch(
        path, json=sent, headers={"Sec-Fetch-Site": "same-origin", "If-Match": '"v0"'}
    )
    assert answer.status == 200, await answer.text()
    assert await answer.json() == sent
    assert await (await world.client.get(path)).json() == sent
    # Another process has nothing in memory and reads what is stored.
    state = await fresh_store(world, database).get(GUILD, feature.key)
    assert state.settings == feature.settings.read(sent)
    assert state.settings.to_json() == sent


def fresh_store(world: World, database: Database) -> SettingsStore:
    bus, clock = EventBus(), world.clock
    audit = AuditLog(clock, bus, TaskSupervisor())
    return SettingsStore(database, clock, bus, REGISTRY, audit, state=lambda: world.state)


def other_than_default(field: FieldInfo) -> Any:
    """Return a valid JSON value of a field which is not its default, unless it is a document."""
    if field.name in WRITTEN:
        return WRITTEN[field.name]
    candidates = _values(field)
    return next((one for one in candidates if one != field.default), field.default)


def _values(field: FieldInfo) -> list[Any]:
    form, bounds = field.form, field.constraints
    channel = VOICE if form.kinds and "text" not in form.kinds else CHANNEL
    match form.widget:
        case Widget.TOGGLE:
            return [False, True]
        case Widget.NUMBER:
            return [bounds.minimum, bounds.maximum]
        case Widget.CHOICE | Widget.LANGUAGE:
            return [one.value for one in field.choices]
        case Widget.CHANNEL:
            return [str(channel)]
        case Widget.CHANNELS:
            return [[str(channel)]]
        case Widget.ROLE:
            return [str(ROLE)]
        case Widget.ROLES:
            return [[str(ROLE)]]
        case Widget.MEMBERS:
            # Larger than a number in JavaScript holds exactly.
            return [[str(2**63 - 1)]]
        case Widget.DURATION:
            return [form.minimum, form.maximum]
        case Widget.COLOUR:
            return ["#12abef"]
        case Widget.TEMPLATE:
            return [HOSTILE]
        case Widget.TEMPLATES:
            return [[HOSTILE, "Hello"]]
        case Widget.TIMEZONE:
            return ["America/Mexico_City"]
        case Widget.TEXT | Widget.PARAGRAPH:
            return [HOSTILE if bounds.pattern is None else "https://example.org/picture.png"]
        case Widget.DOCUMENT:
            return []
