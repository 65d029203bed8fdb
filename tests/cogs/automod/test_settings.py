"""What rules may be, and where a refusal points."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.errors import InvalidInput
from cogs.automod.settings import AutomodSettings

BAD = {"type": "words", "words": ["bad"]}


def refused(rule: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        AutomodSettings.read({"rules": [{"name": "x", **rule}]})
    return [(one.pointer, str(one.message)) for one in caught.value.errors]


def test_refused_pattern_is_told_with_reason_and_position() -> None:
    tree = {"all": [BAD, {"not": {"type": "regex", "patterns": ["ok", "x(?=y)"]}}]}
    [(pointer, said)] = refused({"when": tree})

    assert pointer == "/rules/0/when/all/1/not/patterns/1"
    assert "(?=" in said
    assert "character 2" in said


@pytest.mark.parametrize(
    "pattern", [r"(a)\1", "a{2000}", "((a{100}){100}){100}", "(", "[z-a]", "\\"]
)
def test_pattern_that_re2_refuses_is_refused(pattern: str) -> None:
    [(pointer, _said)] = refused({"when": {"type": "regex", "patterns": [pattern]}})
    assert pointer == "/rules/0/when/patterns/0"


def test_unknown_type_is_told_with_those_there_are() -> None:
    [(pointer, said)] = refused({"when": {"any": [{"type": "wurds", "words": ["x"]}]}})

    assert pointer == "/rules/0/when/any/0"
    assert "wurds" in said
    assert "words" in said


def test_deep_rule_is_refused() -> None:
    tree: dict[str, Any] = BAD
    for _level in range(200):
        tree = {"not": tree}
    refused({"when": tree})


def test_rules_survive_the_store() -> None:
    data = {"rules": [{"name": "x", "when": {"not": {"all": [BAD]}}, "actions": [{"type": "ban"}]}]}
    settings = AutomodSettings.read(data)

    assert AutomodSettings.read(settings.to_json()) == settings
