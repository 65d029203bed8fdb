"""Rules are compiled once for each revision, off the loop, and their patterns by RE2 alone."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from cogs.automod import engines
from tests.cogs.automod.world import GUILD, World, rule, words

PATTERN = {"type": "regex", "patterns": ["qz+unlikely", "(a+)+$"]}


async def test_settings_are_compiled_once_and_never_on_the_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    compile_engine = engines.compile_engine

    def noted(settings: Any) -> Any:
        threads.append(threading.get_ident())
        return compile_engine(settings)

    monkeypatch.setattr(engines, "compile_engine", noted)
    await world.start(rule("scam", words("nitro"), "delete"))
    for text in ("hello", "nitro", "nitro again"):
        await world.say(text)
    await world.engines.renew(await world.settings.get(GUILD, "automod"))

    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


async def test_no_pattern_of_an_admin_reaches_the_standard_library(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = re._compile  # pyright: ignore[reportAttributeAccessIssue]

    def noted(pattern: Any, flags: int) -> Any:
        asked.append(str(getattr(pattern, "pattern", pattern)))
        return plain(pattern, flags)

    monkeypatch.setattr(re, "_compile", noted)
    re.compile("seen by this test")
    await world.start(rule("pattern", PATTERN, "delete"))
    assert not await world.say("qzzunlikely")
    assert not await world.say("a" * 40)

    assert "seen by this test" in asked
    assert not [one for one in asked if "unlikely" in one or "a+)+" in one]
