"""The book of commands on both databases: what is kept, refused, and who wins a race."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.errors import Conflict, InvalidInput, NotFound
from cogs.customcommand.book import SYNC
from cogs.customcommand.rules import MAX_COMMANDS, Command, Draft, EmbedTexts, Response
from db import custom_commands as table
from db.people import erase_person, export_person
from tests.cogs.customcommand.world import EVE, GUILD, ROOT, World, draft
from tests.fakes import FakeClock

FULL = Draft(
    "rules",
    Response(("One", "Two {1}"), EmbedTexts("Title", "Body", "https://example.org/a.png", 255)),
    "What holds here",
    timedelta(minutes=5),
    ("law", "código"),
    channel_ids=(500, 501),
    role_ids=(600,),
)


async def test_added_command_comes_back_whole(world: World) -> None:
    added = await world.book.add(GUILD, FULL, ROOT)

    [kept] = await World(world.database, world.clock).book.commands(GUILD)
    assert kept == added
    assert kept.draft == FULL
    assert (kept.created_by, kept.updated_by) == (ROOT.user_id, ROOT.user_id)
    assert (await world.book.find(GUILD, "/Código")).id == added.id
    async with world.database.read() as session:
        assert await world.jobs.is_open(session, f"{SYNC}:{GUILD}")


async def test_names_are_made_as_discord_takes_them(world: World) -> None:
    added = await world.book.add(GUILD, draft("/Régles"), ROOT)
    assert added.draft.name == "régles"


async def test_two_admins_add_the_same_name_and_one_is_told(world: World) -> None:
    other = World(world.database, world.clock, world.register)
    outcomes = await asyncio.gather(
        world.book.add(GUILD, draft("rules"), ROOT),
        other.book.add(GUILD, draft("laws", aliases=("rules",)), EVE),
        return_exceptions=True,
    )
    refused = [one for one in outcomes if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [Conflict]
    assert len(await World(world.database, world.clock).book.commands(GUILD)) == 1


async def test_last_place_is_given_to_one(world: World) -> None:
    names = tuple(f"a{number}" for number in range(5))
    for number in range(16):
        one = draft(f"c{number}", aliases=tuple(f"{name}-{number}" for name in names))
        await world.book.add(GUILD, one, ROOT)
    for number in range(3):
        await world.book.add(GUILD, draft(f"d{number}"), ROOT)
    other = World(world.database, world.clock, world.register)
    outcomes = await asyncio.gather(
        *(
            book.add(GUILD, draft(f"last{number}"), ROOT)
            for number, book in enumerate((world.book, other.book))
        ),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes if isinstance(one, Exception)] == [Conflict]
    known = await World(world.database, world.clock).book.commands(GUILD)
    assert sum(len(one.draft.names) for one in known) == MAX_COMMANDS


async def test_change_of_what_somebody_changed_is_refused(world: World) -> None:
    seen = await world.book.add(GUILD, draft(), ROOT)
    await world.book.change(seen, draft("rules", "Be brave."), EVE)
    with pytest.raises(Conflict, match="changed this command meanwhile"):
        await world.book.change(seen, draft("rules", "Be late."), ROOT)
    [kept] = await world.book.commands(GUILD)
    assert kept.draft.response.texts == ("Be brave.",)
    assert kept.updated_by == EVE.user_id


async def test_change_of_what_somebody_removes_ends_removed(world: World) -> None:
    seen = await world.book.add(GUILD, draft(), ROOT)
    other = World(world.database, world.clock, world.register)
    changed, removed = await asyncio.gather(
        world.book.change(seen, draft("rules", "Be brave."), ROOT),
        other.book.remove(seen, EVE),
        return_exceptions=True,
    )
    assert removed is None
    # Who came first decides whether the change was made at all; it never brings the command back.
    assert isinstance(changed, NotFound | Command)
    assert await World(world.database, world.clock).book.commands(GUILD) == ()


async def test_removing_twice_is_told(world: World) -> None:
    seen = await world.book.add(GUILD, draft(), ROOT)
    await world.book.remove(seen, ROOT)
    with pytest.raises(NotFound, match="removed /rules meanwhile"):
        await world.book.remove(seen, EVE)


async def test_own_names_can_be_kept_and_swapped(world: World) -> None:
    seen = await world.book.add(GUILD, draft("rules", aliases=("law",)), ROOT)
    changed = await world.book.change(seen, draft("law", aliases=("rules",)), ROOT)
    assert changed.draft.names == ("law", "rules")


async def test_unknown_name_tells_the_nearest(world: World) -> None:
    with pytest.raises(NotFound) as empty:
        await world.book.find(GUILD, "rules")
    assert "/customcommand add" in empty.value.render("en")
    await world.book.add(GUILD, draft(), ROOT)
    with pytest.raises(NotFound) as near:
        await world.book.find(GUILD, "rulse")
    assert "/rules" in near.value.render("en")
    with pytest.raises(NotFound) as far:
        await world.book.find(GUILD, "`@everyone`")
    assert "/customcommand list" in far.value.render("en")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (draft("two words"), "without spaces"),
        (draft("x" * 33), "1 to 32"),
        (draft("¿?"), "1 to 32"),
        (draft("help"), "a command /help myself"),
        (draft("rules", aliases=("ping",)), "a command /ping myself"),
        (draft("rules", aliases=("rules",)), "differ from each other"),
        (draft("rules", aliases=tuple("abcdef")), "5 aliases"),
        (draft("rules", description="x" * 101), "100 characters"),
        (draft("rules", cooldown=timedelta(days=8)), "7 days"),
        (Draft("rules", Response()), "no answer yet"),
        (draft("rules", *["a"] * 21), "20 texts"),
        (draft("rules", "{user.nam}"), "Text: There is no variable {user.nam}"),
        (draft("rules", "fine", "{oops"), "Text 2: The brace at character 1"),
        (Draft("rules", Response((), EmbedTexts("{x"))), "Embed title: The brace"),
        (Draft("rules", Response((), EmbedTexts(colour=1))), "shows nothing"),
        (Draft("rules", Response((), EmbedTexts("a", image="http://x"))), "https address"),
    ],
)
async def test_bad_input_is_told_and_nothing_is_saved(
    sqlite_database: object, wanted: Draft, said: str
) -> None:
    world = World(sqlite_database, FakeClock())  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput) as caught:
        await world.book.add(GUILD, wanted, ROOT)
    assert said in caught.value.render("en")
    assert await world.book.commands(GUILD) == ()


async def test_names_in_scripts_with_marks_are_taken(world: World) -> None:
    names = ["สวัสดี", "नियम", "regeln-für_alle", "правила", "rock'n'roll"]
    for name in names:
        await world.book.add(GUILD, draft(name), ROOT)
    assert {one.draft.name for one in await world.book.commands(GUILD)} == set(names)


async def test_what_is_read_before_a_change_is_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, at_once = asyncio.Event(), asyncio.Event()
    original = table.list_commands

    async def slow(session: object, guild_id: int) -> object:
        found = await original(session, guild_id)  # pyright: ignore[reportArgumentType]
        read.set()
        await at_once.wait()
        return found

    monkeypatch.setattr(table, "list_commands", slow)
    reading = asyncio.create_task(world.book.commands(GUILD))
    await read.wait()
    monkeypatch.setattr(table, "list_commands", original)
    world.book.forget(GUILD)
    at_once.set()
    assert await reading == ()
    other = World(world.database, world.clock)
    await other.book.add(GUILD, draft(), ROOT)
    assert len(await world.book.commands(GUILD)) == 1


async def test_person_is_exported_and_forgotten_but_the_command_stays(world: World) -> None:
    added = await world.book.add(GUILD, draft(), EVE)
    now = world.clock.now()
    async with world.database.write() as session:
        later = now + timedelta(days=1)
        await table.claim_use(session, added.id, EVE.user_id, now=now, ready_at=later)
        export = await export_person(session, EVE.user_id)
        assert set(export) >= {"custom_commands", "custom_command_cooldowns"}
        await erase_person(session, EVE.user_id)
    world.book.forget(GUILD)
    [kept] = await world.book.commands(GUILD)
    assert replace(kept, created_by=EVE.user_id, updated_by=EVE.user_id) == added
    assert (kept.created_by, kept.updated_by) == (None, None)
    async with world.database.read() as session:
        assert "custom_command_cooldowns" not in await export_person(session, EVE.user_id)
