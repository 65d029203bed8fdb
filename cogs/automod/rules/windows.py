"""What was counted lately, bounded in memory whatever is sent."""

from __future__ import annotations

from collections.abc import Iterable


class Windows:
    """The counts of one guild: messages, mentions, texts and strikes within their windows.

    Lost on restart, but for strikes, which the service can bring back with `restore_strikes`.
    """

    def forget_message(self, message_id: int) -> None:
        """Take out what a message counted, as when it was deleted by its author's own hand."""
        raise NotImplementedError

    def forget_member(self, user_id: int) -> None:
        """Take out all strikes of a member, as when a hit was no violation."""
        raise NotImplementedError

    def take_back_strike(self, rule: str, user_id: int) -> None:
        """Take out the latest strike, as when its hit was undone; none is fine."""
        raise NotImplementedError

    def restore_strikes(self, rule: str, user_id: int, times: Iterable[float]) -> None:
        """Count strikes from before a restart; times in seconds since the epoch."""
        raise NotImplementedError
