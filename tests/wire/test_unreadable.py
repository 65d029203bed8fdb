"""What comes over the gateway that can't be read: the session goes on and no event is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.core.backoff import Backoff
from bot.core.contracts import SYSTEM
from bot.sandbox import Sandbox
from bot.sandbox.codec import encode
from bot.sandbox.guild import Guild
from bot.sandbox.session import Session
from tests.wire.running import Bot, config_for, running, until

RESUME = 6


@pytest.fixture
async def bot(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bot]:
    """A bot that greets, so that each event of somebody who joins is to be seen."""
    monkeypatch.setattr("bot.websocket.PAUSE", 0.0)
    monkeypatch.setattr(Backoff, "pause", lambda *_: timedelta(seconds=0.1))
    async with running(config_for(sandbox, sqlite_url)) as running_bot:
        await until(lambda: sandbox.application.commands)
        await running_bot.kernel.settings.change(
            guild.id,
            "welcome",
            {"join_channel_id": guild.channel("welcome").id, "card_enabled": False},
            actor=SYSTEM,
            enabled=True,
        )
        yield running_bot


def resumes(sandbox: Sandbox) -> int:
    return sum(frame.op == RESUME for frame in sandbox.recorder.frames)


async def is_greeted(sandbox: Sandbox, guild: Guild, name: str) -> None:
    """Hold that somebody who joins now is greeted."""
    person = sandbox.join(guild, name)
    # The way back may take a pause or two of discord.py's.
    welcome = guild.channel("welcome")
    await sandbox.wait_for_message(welcome, containing=person.mention, within=30.0)


@pytest.mark.parametrize(
    "text",
    [
        '{"op":0,"t":',
        "",
        "null",
        "[1, 2]",
        '"text"',
        '{"op":10,"d":null}',
        '{"op":0,"t":["x"],"d":{}}',
        '{"op":0,"t":"RESUMED","d":[]}',
    ],
)
async def test_frame_that_is_no_event_is_followed_by_a_resume(
    sandbox: Sandbox, guild: Guild, bot: Bot, text: str
) -> None:
    assert sandbox.faults.send_garbage(text=text) == 1
    await is_greeted(sandbox, guild, "ada")
    await until(lambda: resumes(sandbox) == 1)
    await is_greeted(sandbox, guild, "bea")
    assert sandbox.gateway.identifies == 1
    assert len(guild.channel("welcome").messages) == 2
    assert await bot.ready()
    assert await bot.metric("gateway_unreadable_frames_total", shard="0") == 1


async def test_truncated_event_is_sent_again(sandbox: Sandbox, guild: Guild, bot: Bot) -> None:
    assert sandbox.faults.truncate() == 1
    ada = sandbox.join(guild, "ada")
    # With zlib, the half of a frame is noticed only when the next one comes.
    await is_greeted(sandbox, guild, "bea")
    await sandbox.wait_for_message(guild.channel("welcome"), containing=ada.mention)
    assert resumes(sandbox) == 1
    assert sandbox.gateway.identifies == 1
    assert await bot.ready()


async def test_event_that_is_broken_in_the_replay_too_is_left_out(
    sandbox: Sandbox, guild: Guild, bot: Bot
) -> None:
    sandbox.faults.send_dispatch("MESSAGE_CREATE", b'{"content":')
    await is_greeted(sandbox, guild, "ada")
    assert resumes(sandbox) == 1
    assert sandbox.gateway.identifies == 1
    assert await bot.metric("gateway_unreadable_frames_total", shard="0") == 2


async def test_stream_that_breaks_again_at_once_begins_another_session(
    sandbox: Sandbox, guild: Guild, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed_since = Session.missed_since

    def cut_off(session: Session, sequence: int) -> list[bytes] | None:
        for one in sandbox.gateway.connections:
            one.cut_next = True
        return missed_since(session, sequence)

    monkeypatch.setattr(Session, "missed_since", cut_off)
    sandbox.faults.send_garbage()
    await until(lambda: sandbox.gateway.identifies == 2)
    assert resumes(sandbox) == 1
    await bot.until_ready()
    await is_greeted(sandbox, guild, "ada")


async def test_first_word_that_can_not_be_read_begins_another_session(
    sandbox: Sandbox, guild: Guild, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    greet: Callable[[Session], None] = sandbox.gateway.greet

    def misspeak(session: Session) -> None:
        monkeypatch.setattr(sandbox.gateway, "greet", greet)
        resume_url = f"{sandbox.gateway.url}/resume"
        ready = {"session_id": session.id, "resume_gateway_url": resume_url, "user": None}
        session.push("READY", encode(ready))

    monkeypatch.setattr(sandbox.gateway, "greet", misspeak)
    sandbox.faults.invalidate(resumable=False)
    await until(lambda: sandbox.gateway.identifies == 3)
    await is_greeted(sandbox, guild, "ada")
    await bot.until_ready()


async def test_client_that_fails_is_replaced_and_the_process_stays_known_as_ready(
    sandbox: Sandbox, guild: Guild, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bot.runtime._connection.client
    assert first is not None
    look_up = bot.runtime._sessions.look_up
    seen: list[Any] = []

    async def fail_once(http: Any) -> int:
        monkeypatch.setattr(bot.runtime._sessions, "look_up", look_up)
        seen.append(bot.kernel.health.report().vitals.gateway)
        seen.append(bot.runtime._state().gateway())
        raise KeyError("url")

    monkeypatch.setattr(bot.runtime._sessions, "look_up", fail_once)
    await first.close()
    await until(lambda: seen)
    before, between = seen
    assert before.first_ready
    assert between.first_ready
    assert [shard.connected for shard in between.shards] == [False]
    assert between.identify_remaining == before.identify_remaining
    await until(lambda: sandbox.gateway.identifies == 2)
    await is_greeted(sandbox, guild, "ada")
    await bot.until_ready()
