"""Turns whatever went wrong with a request into one of the expected errors.

aiohttp raises its own exceptions for unknown paths, wrong methods and large bodies; they get the
application's codes here.
"""

from __future__ import annotations

from aiohttp import web

from bot.core.errors import (
    AppError,
    DatabaseUnavailable,
    Denied,
    InvalidInput,
    NotFound,
    TimedOut,
    Unauthenticated,
)
from bot.core.i18n import N_, Message, _
from bot.core.settings import StaleSettings
from db.engine import is_connection_error


class MethodNotAllowed(InvalidInput):
    """The path exists, but not for this method (E004); the answer names those it has."""

    status, title = 405, N_("Method not allowed")


class TooLarge(InvalidInput):
    """The body is longer than any that is needed (E004)."""

    status, title = 413, N_("Request too large")


class UnsupportedMedia(InvalidInput):
    """The body is of a type that the route does not take (E004)."""

    status, title = 415, N_("Unsupported media type")


class ExpectationFailed(InvalidInput):
    """The client expects something that this server does not do (E004)."""

    status, title = 417, N_("Expectation failed")


class PreconditionFailed(InvalidInput):
    """The change is meant for a version that is no longer the present one (E004)."""

    status, title = 412, N_("Precondition failed")

    def __init__(self, stale: StaleSettings) -> None:
        super().__init__(stale.message, hint=stale.hint, errors=stale.errors)
        self.stale = stale


class OldVersion(InvalidInput):
    """The change is meant for a version that is no longer the present one (E004)."""

    status, title = 412, N_("Precondition failed")


class PreconditionRequired(InvalidInput):
    """The change does not say which version it is meant for (E004)."""

    status, title = 428, N_("Precondition required")


class TooSlow(TimedOut):
    """The body did not arrive in time (E007)."""

    status, title = 408, N_("Request timed out")


_BY_STATUS: dict[int, tuple[type[AppError], Message]] = {
    400: (InvalidInput, _("The request can't be understood.")),
    401: (Unauthenticated, _("You are not logged in.")),
    403: (Denied, _("You may not do this.")),
    404: (NotFound, _("There is nothing at this address.")),
    405: (MethodNotAllowed, _("This address does not take requests of this kind.")),
    408: (TooSlow, _("The request took too long to arrive.")),
    413: (TooLarge, _("The request is too large.")),
    415: (UnsupportedMedia, _("This address does not take content of this type.")),
    417: (ExpectationFailed, _("The server can't meet what the Expect field asks for.")),
}


def error_for_status(status: int) -> AppError:
    """Return the expected error that an HTTP status of aiohttp's stands for."""
    kind, message = _BY_STATUS.get(status, _BY_STATUS[400])
    return kind(message)


def as_app_error(error: BaseException) -> AppError | None:
    """Return the expected error that an exception amounts to, `None` when nobody expected it."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, web.HTTPException):
        return error_for_status(error.status) if error.status >= 400 else None
    if is_connection_error(error):
        return DatabaseUnavailable()
    if isinstance(error, TimeoutError):
        return TimedOut(_("That took too long."), hint=_("Please try again."))
    return None
