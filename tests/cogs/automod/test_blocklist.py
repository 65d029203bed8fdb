"""The operator's file of blocked domains: read, read again when it changes, shared by guilds."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bot.core.supervisor import TaskSupervisor
from cogs.automod import blocklist
from cogs.automod.blocklist import Blocklist
from tests.cogs.automod.world import GUILD, World, rule

BLOCKED = {"type": "links", "mode": "deny", "blocked": True}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "blocked.txt"
    write(path, "evil.example\n", 1)
    return path


def write(path: Path, text: str | bytes, when: int) -> None:
    """Write the file as of an instant, since files written at once have the same."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(path, ns=(when, when))


async def test_file_is_read_and_read_again_when_it_changes(path: Path) -> None:
    found = Blocklist(path, TaskSupervisor())
    await found.refresh()
    assert found.book.domains == {"evil.example"}
    before = found.book.domains
    await found.refresh()
    assert found.book.domains is before

    write(path, "\ufeffworse.example # comment\n", 2)
    await found.refresh()
    assert found.book.domains == {"worse.example"}


@pytest.mark.parametrize("trouble", ["gone", "binary", "long", "lines"])
async def test_file_that_cannot_be_read_changes_nothing(
    path: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Blocklist(path, TaskSupervisor())
    await found.refresh()
    if trouble == "gone":
        path.unlink()
    elif trouble == "binary":
        write(path, b"\xff\xfe\x00", 2)
    elif trouble == "long":
        monkeypatch.setattr(blocklist, "MOST_LINES", 3)
        write(path, "a.example\n" * 5, 2)
    else:
        monkeypatch.setattr(blocklist, "MOST_LINES", 3)
        monkeypatch.setattr(blocklist, "LONGEST_LINE", 20)
        write(path, "a" * 100, 2)
    await found.refresh()
    assert found.book.domains == {"evil.example"}

    write(path, "better.example\n", 3)
    await found.refresh()
    assert found.book.domains == {"better.example"}


async def test_thousands_of_domains_are_held(path: Path) -> None:
    write(path, "".join(f"site{number}.example\n" for number in range(5_000)), 2)
    found = Blocklist(path, TaskSupervisor())
    await found.refresh()

    assert len(found.book.domains) == 5_000


async def test_task_reads_the_file_and_ends(path: Path) -> None:
    supervisor = TaskSupervisor()
    found = Blocklist(path, supervisor)
    found.start()
    while not found.book.domains:
        await asyncio.sleep(0.01)
    await found.stop()
    assert supervisor.statuses() == []


async def test_guild_without_a_list_is_told(world: World) -> None:
    await world.start(rule("bad-sites", BLOCKED))
    (problem,) = await world.problems.list(GUILD)
    assert problem.problem.cause == "no_blocklist"

    await world.start(rule("bad-sites", {"type": "links"}))
    assert list(await world.problems.list(GUILD)) == []


async def test_guild_is_told_that_there_is_a_list_by_now(world: World, path: Path) -> None:
    await world.start(rule("bad-sites", BLOCKED))
    restarted = World(world.database, world.clock, world)
    restarted.blocklist._path = path
    await restarted.blocklist.refresh()
    await restarted.start()

    assert list(await restarted.problems.list(GUILD)) == []
    assert not await restarted.say("look at https://evil.example/x")
