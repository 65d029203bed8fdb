"""The engine: rules compiled once per revision of the settings, then asked about every message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.contracts import MessageFacts
from cogs.automod.rules.values import (
    Context,
    Judgement,
    NameFacts,
    NativeFacts,
    RuleTrace,
    ThreadFacts,
)
from cogs.automod.rules.windows import Windows

if TYPE_CHECKING:
    from cogs.automod.settings import AutomodSettings


class Engine:
    """The rules of one guild, ready to judge; immutable, so threads and guilds may share it."""

    @classmethod
    def compile(cls, settings: AutomodSettings) -> Engine:
        """Return the engine of these settings; CPU work of up to some 100 ms, so use a thread.

        Raises `PatternRefused`, naming the rule, for a pattern that can't be run.
        """
        raise NotImplementedError

    @property
    def is_idle(self) -> bool:
        """Whether no rule looks at messages."""
        raise NotImplementedError

    def judge(self, facts: MessageFacts, context: Context, windows: Windows) -> Judgement | None:
        """Return what the rules make of a message or an edit, `None` when it is clean.

        Counts the message into the windows once per message id; an edit replaces what the message
        counted before, and judging again after `needs` were fetched counts nothing twice.
        """
        raise NotImplementedError

    def judge_name(self, facts: NameFacts, context: Context, windows: Windows) -> Judgement | None:
        """Return what the rules make of a member's names, on join or change."""
        raise NotImplementedError

    def judge_thread_name(
        self, facts: ThreadFacts, context: Context, windows: Windows
    ) -> Judgement | None:
        """Return what the rules make of a thread's name, on creation or change."""
        raise NotImplementedError

    def judge_native(
        self, facts: NativeFacts, context: Context, windows: Windows
    ) -> Judgement | None:
        """Return what the rules make of an action of Discord's own AutoMod."""
        raise NotImplementedError

    def explain(
        self, facts: MessageFacts, context: Context, windows: Windows | None = None
    ) -> tuple[RuleTrace, ...]:
        """Return what each rule says of the message, exempt or not; changes no window."""
        raise NotImplementedError

    def explain_name(self, facts: NameFacts, context: Context) -> tuple[RuleTrace, ...]:
        """Return what each rule says of a member's names; changes nothing."""
        raise NotImplementedError
