"""Commands with the guild's prefix: what counts as one, who is answered, and what costs nothing."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.core.config import Config
from bot.core.contracts import SYSTEM, MessageFacts
from bot.core.errors import InvalidInput, NotFound
from bot.core.i18n import _
from bot.core.prefixes import SIGNS, Body, PrefixCommands, PrefixUse, check_prefix, read_command
from bot.core.ratelimit import CommandLimiter
from db.engine import Database
from db.outbox import OutboxMessage
from tests.bot.core.cases.world import EVERYTHING, GUILD, World
from tests.fakes import FakeClock

ROOM, ANN = 500, 1001


def facts(content: str, message_id: int = 1) -> MessageFacts:
    return MessageFacts(message_id, GUILD, ROOM, ANN, content, frozenset(), {})


class Source:
    """Commands of a guild: `hug`, and `late`, which was removed between two looks."""

    async def knows(self, guild_id: int, name: str) -> bool:
        return name in ("hug", "late")

    async def answer(self, use: PrefixUse) -> Body:
        if use.name == "late":
            raise NotFound(_("There is no command called {name}.", name=use.name))
        mentions = {"parse": [], "users": [str(ANN)]}
        return {"content": f"{use.locale} {use.args}", "allowed_mentions": mentions}


class Room:
    """A process with commands that are written as messages."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.world = World(database, clock)
        self.database = database
        self.spawned: list[Coroutine[Any, Any, Any]] = []
        self.world.view.permissions = EVERYTHING | {"view_channel", "send_messages"}
        self.prefixes = PrefixCommands(
            database,
            clock,
            settings=self.world.settings,
            limits=CommandLimiter(Config().limits, clock, database),
            outbox=self.world.outbox,
            spawn=lambda _name, work: self.spawned.append(work),
            state=lambda: self.world.view,
        )
        for name in ("ping", "about"):
            self.prefixes.add(name, self._repeat)
        self.prefixes.source = Source()

    async def _repeat(self, use: PrefixUse) -> Body:
        return {"content": f"{use.name} {use.args}"}

    async def set(self, prefix: str | None) -> None:
        await self.world.settings.change(GUILD, "general", {"prefix": prefix}, actor=SYSTEM)
        await self.world.settings.warm([GUILD])

    async def write(self, content: str, message_id: int = 1) -> None:
        self.prefixes.see(facts(content, message_id))
        while self.spawned:
            await self.spawned.pop()

    async def answers(self) -> list[Any]:
        async with self.database.read() as session:
            rows = await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
            return [row.payload for row in rows]


@pytest.fixture
async def room(database: Database, clock: FakeClock) -> Room:
    room = Room(database, clock)
    await room.set("!")
    return room


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("!ping", ("ping", "")),
        ("!Ping  a  b \n c ", ("ping", "a  b \n c")),
        ("!hug\nbo", ("hug", "bo")),
        ("! ping", None),
        ("!", None),
        ("ping", None),
        ("!!", ("!", "")),
    ],
)
def test_command_follows_the_prefix_at_once(content: str, found: object) -> None:
    assert read_command(content, "!") == found


@given(st.text(max_size=8))
def test_prefix_is_taken_only_if_messages_with_it_are_looked_at(prefix: str) -> None:
    try:
        taken = check_prefix(prefix)
    except ValueError:
        return
    assert taken == prefix
    assert prefix[0] in SIGNS
    assert read_command(f"{prefix}ping now", prefix) == ("ping", "now")


@pytest.mark.parametrize("prefix", ["a", "/", "<@", "! ", ""])
async def test_prefix_that_will_not_do_is_told(room: Room, prefix: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await room.set(prefix)
    assert "begins with one of" in str(caught.value.errors[0].message)


async def test_ordinary_messages_are_not_looked_at(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise AssertionError("an ordinary message was looked at")

    monkeypatch.setattr(room.world.settings, "peek", fail)
    for content in ("", "hello !ping", "/ping", "<@1> hi", "ñandú", "> quote"):
        room.prefixes.see(facts(content))
    assert room.spawned == []


async def test_answer_is_a_reply_that_comes_once_and_notifies_as_its_body_says(room: Room) -> None:
    await room.write("!hug Bo")
    await room.write("!hug Bo")
    assert await room.answers() == [
        {
            "content": "en-US Bo",
            "allowed_mentions": {"parse": [], "users": [str(ANN)], "replied_user": False},
            "message_reference": {"message_id": "1", "fail_if_not_exists": False},
        }
    ]


async def test_bots_commands_go_by_their_names_in_every_language(room: Room) -> None:
    await room.write("!ABOUT you", 1)
    await room.write("!acerca-de ti", 2)
    assert [one["content"] for one in await room.answers()] == ["about you", "acerca-de ti"]


async def test_without_prefix_or_command_there_is_no_answer(room: Room) -> None:
    await room.write("!unknown")
    await room.write("?ping")
    await room.set(None)
    await room.write("!ping")
    assert await room.answers() == []


async def test_error_is_answered_in_words(room: Room) -> None:
    await room.write("!late")
    assert [one["content"] for one in await room.answers()] == ["There is no command called late."]


async def test_too_many_are_told_once_and_then_met_with_silence(room: Room) -> None:
    for number in range(1, 9):
        await room.write("!ping", number)
    answers = [one["content"] for one in await room.answers()]
    assert len(answers) == 6
    assert "too fast" in answers[-1]


async def test_where_the_bot_may_not_write_it_is_silent(room: Room) -> None:
    room.world.view.permissions = EVERYTHING - {"send_messages"}
    await room.write("!ping")
    assert await room.answers() == []
