"""How a call to Discord for a case went wrong: to be put right by people, not there, or later."""

from __future__ import annotations

from datetime import timedelta

# The reason of a delay while there is no way to Discord.
NOT_CONNECTED = "not_connected"


class EnforcementError(Exception):
    """The call did not do what it should, as far as is known; `reason` is a short word for it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}" if detail else reason)


class NotPermitted(EnforcementError):
    """People have to put something right first: a permission, or the place of a role."""


class Gone(EnforcementError):
    """There is nothing to do it to: `member_gone`, `user_gone`, `role_gone` or `not_banned`."""


class Delayed(EnforcementError):
    """It may work later; `after` is how long to wait at least."""

    def __init__(self, reason: str, detail: str = "", *, after: timedelta = timedelta()) -> None:
        super().__init__(reason, detail)
        self.after = after
