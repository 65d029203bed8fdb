"""How a call of Automod's to Discord went wrong: for want of a permission, for now, or for good."""

from __future__ import annotations


class CallError(Exception):
    """A call that did not do what it should."""


class NotAllowed(CallError):
    """The bot lacks a permission."""


class Gone(CallError):
    """There is nothing (any more) to do it to."""


class TooOld(CallError):
    """Discord takes one of the messages for too old to be deleted in bulk."""


class TryAgain(CallError):
    """It may work later; `after` is in seconds."""

    def __init__(self, after: float = 0.0) -> None:
        self.after = after
        super().__init__(f"after {after} s")
