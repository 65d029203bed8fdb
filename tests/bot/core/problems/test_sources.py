"""Problems of what features keep besides their settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.i18n import _
from bot.core.problems import Problem
from db.engine import Database
from tests.bot.core.problems.test_problems import GUILD, Bench
from tests.fakes import FakeClock


async def test_sources_are_asked_once_for_all_guilds(database: Database, clock: FakeClock) -> None:
    bench = Bench(database, clock)
    asked: list[list[int]] = []
    standing = [Problem("pond", "leak", "1", _("It leaks."), _("Mend it."))]

    async def source(guild_ids: Sequence[int]) -> Mapping[int, Sequence[Problem]]:
        asked.append([*guild_ids])
        return {GUILD: standing}

    forget = bench.problems.add_source(source)
    await bench.problems.check(GUILD, GUILD + 1)
    assert asked == [[GUILD, GUILD + 1]]
    assert [one.cause for one in await bench.problems.find(GUILD, "pond")] == ["leak"]
    assert bench.news == [("ProblemFound", "leak")]
    standing.clear()
    await bench.problems.check(GUILD)
    forget()
    await bench.problems.check(GUILD)
    assert bench.news[1:] == [("ProblemSolved", "leak")]
    assert len(asked) == 3
