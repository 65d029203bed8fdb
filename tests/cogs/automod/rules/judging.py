"""Engines of rules written as dicts, and what they make of a message."""

from __future__ import annotations

from typing import Any

from cogs.automod.rules.engine import Engine
from cogs.automod.rules.values import Context, Judgement
from cogs.automod.rules.windows import Windows
from cogs.automod.settings import AutomodSettings
from tests.cogs.automod.rules.corpora import NOW, message

BAD = {"type": "words", "words": ["bad"]}


def engine(*rules: dict[str, Any], **settings: Any) -> Engine:
    named = [{"name": f"r{n}", **rule} for n, rule in enumerate(rules)]
    return Engine.compile(AutomodSettings.read({"rules": named, **settings}))


def context(**more: Any) -> Context:
    return Context(now=NOW, guild_id=1, owner_id=4, staff_role_ids=frozenset({40}), **more)


def judge(made: Engine, content: str, windows: Windows | None = None, **raw: Any) -> Judgement:
    return made.judge(message(content, **raw), context(), windows or Windows()) or Judgement()
