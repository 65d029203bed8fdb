r"""Users' patterns in RE2: what it refuses, why and where, and how they are searched.

RE2 takes linear time in the text, whatever the pattern. Its `\b`, `\w` and `\d` know ASCII only.
It is loaded with the first pattern: a bot whose guilds have no rules does without it.
"""

from __future__ import annotations

import functools
from typing import Any

# What one pattern may use compiled: patterns from 30 guilds' worth of rules fit in a small machine.
MAX_MEMORY = 1 << 20
LONGEST = 500


class PatternRefused(ValueError):
    """A pattern that RE2 can't run: `reason` in its words, `position` in the pattern if known.

    `rule` names the rule once one is known.
    """

    def __init__(self, pattern: str, reason: str, position: int | None, rule: str = "") -> None:
        super().__init__(reason)
        self.pattern = pattern
        self.reason = reason
        self.position = position
        self.rule = rule


def options(max_memory: int = MAX_MEMORY) -> Any:
    """Return RE2's options: silent, and bounded in memory."""
    import re2

    made = re2.Options()
    made.log_errors = False
    made.max_mem = max_memory
    return made


@functools.lru_cache(maxsize=2048)
def compile_pattern(pattern: str, *, case_sensitive: bool = False) -> Any:
    """Return the compiled pattern; raises `PatternRefused` with the reason and the position."""
    import re2

    made = options()
    made.case_sensitive = case_sensitive
    try:
        # Not re2.compile, which keeps 128 patterns in a cache of its own.
        return re2._Regexp(pattern, made)
    except re2.error as error:
        raise _refusal(pattern, error) from None
    except UnicodeEncodeError as error:
        raise PatternRefused(pattern, "half of a surrogate pair", error.start) from None


def _refusal(pattern: str, error: Exception) -> PatternRefused:
    said = error.args[0] if error.args else b""
    reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    what, _, fragment = reason.partition(": ")
    if "too large" in reason:
        return PatternRefused(pattern, reason, None)
    # RE2 says which part it stumbled over, not where that part stands.
    position = pattern.find(fragment) if fragment else -1
    if fragment == pattern and what.startswith("missing )"):
        position = _unclosed(pattern)
    return PatternRefused(pattern, reason, position if position >= 0 else None)


def _unclosed(pattern: str) -> int:
    """Return where the last parenthesis opens that nothing closes; -1 if there is none."""
    stack: list[int] = []
    escaped = in_class = False
    for index, char in enumerate(pattern):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char == "(":
            stack.append(index)
        elif char == ")" and stack:
            stack.pop()
    return stack[-1] if stack else -1
