"""`/v1/guilds/{guild_id}/settings/{feature}`: versions, merging, refusals, and the way back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientResponse
from jsonschema import Draft202012Validator

from bot.core.fields import describe_fields
from db.audit import list_audit_entries
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.conftest import OpenWorld
from tests.web.support import (
    CHANNEL,
    FOREIGN_CHANNEL,
    GUILD,
    OTHER_GUILD,
    OWNER,
    REGISTRY,
    VOICE,
    World,
    open_world,
)
from tests.web.test_error_shape import assert_problem, talk

PATH = f"/v1/guilds/{GUILD}/settings/welcome"
HERE = {"Sec-Fetch-Site": "same-origin"}
every_feature = pytest.mark.parametrize("key", [one.key for one in REGISTRY.all()])


@pytest.fixture
async def stored(database: Database, clock: FakeClock) -> AsyncIterator[World]:
    """A world on each of the databases."""
    world = await open_world(database, clock, per_minute=1000)
    yield world
    await world.client.close()


async def patch(world: World, sent: Any, version: str | None, path: str = PATH) -> ClientResponse:
    """Send a change that is meant for a version."""
    headers = HERE if version is None else HERE | {"If-Match": version}
    return await world.client.patch(path, json=sent, headers=headers)


# --- reading ----------------------------------------------------------------------------------


@every_feature
async def test_settings_untouched_are_the_defaults(world: World, key: str) -> None:
    response = await world.client.get(f"/v1/guilds/{GUILD}/settings/{key}")

    assert response.status == 200
    assert response.headers["ETag"] == '"v0"'
    assert await response.json() == REGISTRY.get(key).settings().to_json()


@every_feature
async def test_settings_what_was_answered_can_be_sent_back(world: World, key: str) -> None:
    path = f"/v1/guilds/{GUILD}/settings/{key}"
    read = await world.client.get(path)
    written = await patch(world, await read.json(), read.headers["ETag"], path)

    assert written.status == 200, await written.text()
    assert written.headers["ETag"] == '"v0"', "nothing is different, so there is no new version"
    assert await written.json() == await read.json()


@every_feature
@pytest.mark.parametrize("language", ["en", "es"])
async def test_settings_have_a_schema_that_is_true_of_them(
    world: World, key: str, language: str
) -> None:
    path = f"/v1/guilds/{GUILD}/settings/{key}"
    response = await world.client.get(f"{path}/schema", headers={"Accept-Language": language})
    schema = json.loads(await response.text())

    assert response.content_type == "application/schema+json"
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(await (await world.client.get(path)).json())
    fields = describe_fields(REGISTRY.get(key).settings)
    assert list(schema["properties"]) == [one.name for one in fields]
    translated = [schema["properties"][one.name]["title"] == one.title for one in fields]
    assert not fields or all(translated) == (language == "en")


async def test_settings_schema_names_the_values_of_a_choice_in_the_readers_language(
    world: World,
) -> None:
    response = await world.client.get(f"{PATH}/schema", headers={"Accept-Language": "es"})
    order = (await response.json(content_type=None))["properties"]["order"]

    assert order["enum"] == ["random", "in_turn"]
    assert order["x-form"]["labels"] == {"random": "Al azar", "in_turn": "Por turno"}


async def test_settings_of_an_unknown_feature_names_the_nearest(world: World) -> None:
    for suffix in ("", "/schema", "/revisions"):
        response = await world.client.get(f"/v1/guilds/{GUILD}/settings/welcom{suffix}")
        body = await assert_problem(response, 404, "E006")
        assert "welcome" in body["detail"]


# --- changing ---------------------------------------------------------------------------------


async def test_patch_changes_only_what_is_given(stored: World) -> None:
    first = await patch(stored, {"raid_size": 20, "colour": "#ff0000"}, '"v0"')
    assert (first.status, first.headers["ETag"]) == (200, '"v1"')
    second = await patch(stored, {"join_channel_id": str(CHANNEL)}, '"v1"')
    assert (second.status, second.headers["ETag"]) == (200, '"v2"')

    body = await (await stored.client.get(PATH)).json()
    changed = {"raid_size": 20, "colour": "#ff0000", "join_channel_id": str(CHANNEL)}
    assert body == REGISTRY.get("welcome").settings().to_json() | changed


async def test_patch_takes_what_people_type(world: World) -> None:
    response = await patch(world, {"raid_window": "2m 30s", "colour": "blue"}, '"v0"')

    body = await response.json()
    assert (body["raid_window"], body["colour"]) == (150, "#3498db")


async def test_patch_needs_a_version(stored: World) -> None:
    response = await patch(stored, {"raid_size": 20}, None)
    body = await assert_problem(response, 428, "E004")

    assert "If-Match" in body["detail"]
    assert (await stored.client.get(PATH)).headers["ETag"] == '"v0"'


async def test_patch_for_an_old_version_tells_what_changed(stored: World) -> None:
    await patch(stored, {"raid_size": 20}, '"v0"')
    await patch(stored, {"colour": "red", "raid_size": 30}, '"v1"')
    response = await patch(stored, {"raid_size": 40}, '"v1"')

    body = await assert_problem(response, 412, "E004", "/colour", "/raid_size")
    assert response.headers["ETag"] == body["version"] == '"v2"'
    [change] = body["changes"]
    assert (change["revision"], change["source"], change["actor_id"]) == (2, "api", None)
    assert change["diff"] == {
        "colour": {"before": "#5865f2", "after": "#e74c3c"},
        "raid_size": {"before": 20, "after": 30},
    }
    assert (await (await stored.client.get(PATH)).json())["raid_size"] == 30


@pytest.mark.parametrize("version", ['"v7"', 'W/"v0"', '"something"', '"v0x"', '"v99999999999"'])
async def test_patch_for_a_version_that_never_was(world: World, version: str) -> None:
    await assert_problem(await patch(world, {"raid_size": 20}, version), 412, "E004")


@pytest.mark.parametrize("version", ["*", '"v9", "v0"', '"v0"'])
async def test_patch_for_a_version_that_fits(world: World, version: str) -> None:
    assert (await patch(world, {"raid_size": 20}, version)).status == 200


@pytest.mark.parametrize("version", ["v0", "0", ","])
async def test_patch_for_something_that_is_no_version(world: World, version: str) -> None:
    await assert_problem(await patch(world, {"raid_size": 20}, version), 400, "E004")


async def test_patch_of_many_at_once_has_one_winner(stored: World) -> None:
    sizes = range(10, 22)
    responses = await asyncio.gather(
        *(patch(stored, {"raid_size": 3 + size}, '"v0"') for size in sizes)
    )

    assert sorted(one.status for one in responses) == [200] + [412] * 11
    [winner] = [size for size, one in zip(sizes, responses, strict=True) if one.status == 200]
    response = await stored.client.get(PATH)
    assert (await response.json())["raid_size"] == 3 + winner
    assert response.headers["ETag"] == '"v1"'
    assert len(await (await stored.client.get(f"{PATH}/revisions")).json()) == 1


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"raid_size": 2}, "/raid_size"),
        ({"raid_size": "many"}, "/raid_size"),
        ({"raid_size": None}, "/raid_size"),
        ({"raid_size": 10**30}, "/raid_size"),
        ({"colour": "ultra"}, "/colour"),
        ({"raid_window": "5s"}, "/raid_window"),
        ({"order": "sideways"}, "/order"),
        ({"join_texts": ["{who} is here"]}, "/join_texts"),
        ({"join_texts": ["x" * 1501]}, "/join_texts"),
        ({"join_texts": ["hello"] * 11}, "/join_texts"),
        ({"join_texts": ["nothing\x00"]}, "/join_texts"),
        ({"join_texts": {"deep": [["\x00"]]}}, "/join_texts"),
        ({"embed_image_url": "javascript:alert(1)"}, "/embed_image_url"),
        ({"join_channel_id": "somewhere"}, "/join_channel_id"),
        ({"join_channel_id": "12345"}, "/join_channel_id"),
        ({"join_channel_id": str(VOICE)}, "/join_channel_id"),
        ({"join_channel_id": str(FOREIGN_CHANNEL)}, "/join_channel_id"),
        ({"raid_sise": 20}, "/raid_sise"),
        ({"enabled": True}, "/enabled"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
async def test_patch_refuses_by_field_and_keeps_nothing(
    stored: World, sent: dict[str, Any], pointer: str
) -> None:
    response = await patch(stored, {"greet_bots": True} | sent, '"v0"')
    await assert_problem(response, 400, "E004", pointer)

    response = await stored.client.get(PATH)
    assert response.headers["ETag"] == '"v0"'
    assert (await response.json())["greet_bots"] is False


async def test_patch_names_every_wrong_field_in_the_readers_language(world: World) -> None:
    headers = HERE | {"If-Match": '"v0"', "Accept-Language": "es"}
    response = await world.client.patch(PATH, json={"raid_size": 2, "colour": 1.5}, headers=headers)
    body = await assert_problem(response, 400, "E004", "/colour", "/raid_size")

    assert body["errors"][1]["detail"] == "Como mínimo 3, por favor."


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"raid_size": NaN}',
        b'{"raid_size": 20, "raid_size": 21}',
        b'{"\\ud800": 1}',
        b'{"join_texts": ["\\udfff"]}',
        b'{"raid_size": 1' + b"0" * 5000 + b"}",
        b"\xff\xfe",
        b'{"a":' * 8000 + b"1" + b"}" * 8000,
    ],
)
async def test_patch_takes_nothing_but_an_object(world: World, body: bytes) -> None:
    headers = HERE | {"If-Match": '"v0"', "Content-Type": "application/json"}
    await assert_problem(await world.client.patch(PATH, data=body, headers=headers), 400, "E004")
    assert world.webhooks.reports == []


async def test_patch_takes_no_form(world: World) -> None:
    headers = HERE | {"If-Match": '"v0"'}
    response = await world.client.patch(PATH, data={"raid_size": "20"}, headers=headers)
    await assert_problem(response, 415, "E004")


async def test_patch_takes_the_longest_settings_there_can_be_but_not_more(world: World) -> None:
    texts = ["🦆" * 1499 + str(number) for number in range(10)]
    sent = {"join_texts": texts, "returning_texts": texts, "leave_texts": texts}
    headers = HERE | {"If-Match": '"v0"', "Content-Type": "application/json"}
    data = json.dumps(sent, ensure_ascii=False).encode()
    assert (await world.client.patch(PATH, data=data, headers=headers)).status == 200
    too_much = await world.client.patch(PATH, data=BytesIO(data + b" " * 2**20), headers=headers)
    await assert_problem(too_much, 413, "E004")


# --- who did it -------------------------------------------------------------------------------


async def test_change_is_audited_with_door_and_address(world: World) -> None:
    headers = HERE | {"If-Match": '"v0"', "User-Agent": "curl/8"}
    response = await world.client.patch(PATH, json={"raid_size": 20}, headers=headers)
    assert response.status == 200, await response.text()

    [entry] = await _entries(world)
    assert (entry.user_id, entry.guild_id, entry.action) == (0, GUILD, "settings.change")
    assert (entry.ip, entry.user_agent) == ("127.0.0.1", "curl/8")
    assert entry.details == {
        "feature": "welcome",
        "revision": 1,
        "diff": {"raid_size": {"before": 10, "after": 20}},
    }
    [revision] = await (await world.client.get(f"{PATH}/revisions")).json()
    assert (revision["source"], revision["actor_id"]) == ("api", None)


async def test_change_by_a_program_whose_name_is_no_text(served: str, world: World) -> None:
    sent = b'{"raid_size": 20}'
    head = (
        f"PATCH {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nIf-Match: *\r\n"
        f"Sec-Fetch-Site: none\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(sent)}\r\nUser-Agent: "
    )
    answer, _ = await talk(served, head.encode() + b"curl \xff\xfe\r\n\r\n" + sent)

    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert [entry.user_agent for entry in await _entries(world)] == ["curl ??"]


async def test_change_by_an_owner_names_the_owner(open_web: OpenWorld) -> None:
    world = await open_web(trusted_networks=())
    await world.log_in()
    assert (await patch(world, {"raid_size": 20}, '"v0"')).status == 200

    [entry] = [one for one in await _entries(world) if one.category == "settings"]
    assert entry.user_id == OWNER
    [revision] = await (await world.client.get(f"{PATH}/revisions")).json()
    assert (revision["source"], revision["actor_id"]) == ("web", str(OWNER))


async def _entries(world: World) -> list[Any]:
    async with world.services.database.read() as session:
        return list(await list_audit_entries(session, limit=10))


async def test_change_stays_in_its_guild(world: World) -> None:
    await patch(world, {"raid_size": 20}, '"v0"')
    response = await world.client.get(f"/v1/guilds/{OTHER_GUILD}/settings/welcome")

    assert response.headers["ETag"] == '"v0"'
    assert (await response.json())["raid_size"] == 10


# --- the way back -----------------------------------------------------------------------------


async def test_delete_gives_the_defaults_again(stored: World) -> None:
    await patch(stored, {"raid_size": 20}, '"v0"')
    stale = await stored.client.delete(PATH, headers=HERE | {"If-Match": '"v0"'})
    await assert_problem(stale, 412, "E004", "/raid_size")
    response = await stored.client.delete(PATH, headers=HERE | {"If-Match": '"v1"'})

    assert (response.status, response.headers["ETag"]) == (200, '"v2"')
    assert await response.json() == REGISTRY.get("welcome").settings().to_json()
    assert (await stored.client.delete(PATH, headers=HERE)).headers["ETag"] == '"v2"'


async def test_rollback_makes_an_old_revision_a_new_one(stored: World) -> None:
    await patch(stored, {"raid_size": 20}, '"v0"')
    await patch(stored, {"raid_size": 30}, '"v1"')
    response = await _rollback(stored, {"revision": 1}, {"If-Match": '"v2"'})
    assert (response.status, response.headers["ETag"]) == (200, '"v3"')
    assert (await response.json())["raid_size"] == 20
    response = await _rollback(stored, {"revision": 0})
    assert (await response.json())["raid_size"] == 10

    revisions = await (await stored.client.get(f"{PATH}/revisions")).json()
    assert [one["revision"] for one in revisions] == [4, 3, 2, 1]
    assert revisions[1]["diff"] == {"raid_size": {"before": 30, "after": 20}}


async def test_rollback_for_an_old_version(stored: World) -> None:
    await patch(stored, {"raid_size": 20}, '"v0"')
    response = await _rollback(stored, {"revision": 0}, {"If-Match": '"v0"'})
    await assert_problem(response, 412, "E004", "/raid_size")


@pytest.mark.parametrize(
    ("sent", "status", "pointers"),
    [
        ({"revision": 9}, 404, ()),
        ({"revision": -1}, 400, ("/revision",)),
        ({"revision": "1"}, 400, ("/revision",)),
        ({"revision": True}, 400, ("/revision",)),
        ({"revision": 2**70}, 400, ("/revision",)),
        ({}, 400, ("/revision",)),
        ({"revision": 0, "force": True}, 400, ("/force",)),
    ],
)
async def test_rollback_to_what_is_none(
    world: World, sent: dict[str, Any], status: int, pointers: tuple[str, ...]
) -> None:
    code = "E006" if status == 404 else "E004"
    await assert_problem(await _rollback(world, sent), status, code, *pointers)


async def _rollback(world: World, sent: Any, headers: dict[str, str] | None = None) -> Any:
    return await world.client.post(f"{PATH}/rollback", json=sent, headers=HERE | (headers or {}))


async def test_revisions_come_in_pages(world: World) -> None:
    for number in range(3):
        await patch(world, {"raid_size": 20 + number}, f'"v{number}"')
    first = await world.client.get(f"{PATH}/revisions?limit=2")
    assert [one["revision"] for one in await first.json()] == [3, 2]
    target = first.headers["Link"].partition(">")[0].removeprefix("<")
    second = await world.client.get(target)
    assert [one["revision"] for one in await second.json()] == [1]
    assert "Link" not in second.headers
