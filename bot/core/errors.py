"""The one tree of expected errors: what went wrong, in words, with an HTTP status and a code.

Two translators turn them into answers: the command tree's handler and the web's error middleware.
"""

from __future__ import annotations

from typing import Any, ClassVar

from bot.core.i18n import N_, Message, _


class AppError(Exception):
    """An error that has an answer for the person it happened to.

    `message` says what went wrong and `hint` what to do about it; both are translated when shown.
    `code` is the application error code (E001 to E008), `status` the HTTP status.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self, message: Message | str, *, hint: Message | None = None, **context: Any
    ) -> None:
        self.message = message if isinstance(message, Message) else Message(message)
        self.hint = hint
        # For logs only; never shown to people.
        self.context = context
        super().__init__(str(self.message))

    def render(self, locale: str | None) -> str:
        """Return message and hint as one text in the reader's language."""
        parts = [self.message, self.hint] if self.hint else [self.message]
        return " ".join(part.render(locale) for part in parts)


class DatabaseUnavailable(AppError):
    """The database can't be reached (E001)."""

    code, status, title = "E001", 503, N_("Database unavailable")

    def __init__(self, message: Message | None = None, **context: Any) -> None:
        text = message or _("The database can't be reached at the moment.")
        super().__init__(text, hint=_("Please try again in a minute."), **context)


class DiscordFailed(AppError):
    """Discord refused or did not answer (E002)."""

    code, status, title = "E002", 502, N_("Discord error")


class RateLimited(AppError):
    """Too many requests (E003); `retry_after` is in seconds."""

    code, status, title = "E003", 429, N_("Rate limit exceeded")

    def __init__(self, message: Message, *, retry_after: float, **context: Any) -> None:
        super().__init__(message, **context)
        self.retry_after = retry_after


class InvalidInput(AppError):
    """The input can't be accepted (E004); `errors` holds one entry per wrong field."""

    code, status, title = "E004", 400, N_("Invalid input")

    def __init__(
        self,
        message: Message | str,
        *,
        errors: tuple[FieldError, ...] = (),
        hint: Message | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, hint=hint, **context)
        self.errors = errors


class FieldError:
    """What is wrong with one field: a JSON pointer to it and a message."""

    __slots__ = ("message", "pointer")

    def __init__(self, pointer: str, message: Message) -> None:
        self.pointer = pointer
        self.message = message

    def __repr__(self) -> str:
        return f"FieldError({self.pointer!r}, {str(self.message)!r})"


class Conflict(InvalidInput):
    """Somebody else changed the thing meanwhile, or it is in another state (E004)."""

    status, title = 409, N_("Conflict")


class Denied(AppError):
    """The person may not do this (E005)."""

    code, status, title = "E005", 403, N_("Permission denied")


class Unauthenticated(Denied):
    """Nobody is logged in, or the key is not known (E005)."""

    status, title = 401, N_("Authentication required")


class NotFound(AppError):
    """There is no such thing (E006)."""

    code, status, title = "E006", 404, N_("Not found")


class TimedOut(AppError):
    """The work took longer than it may (E007)."""

    code, status, title = "E007", 504, N_("Operation timed out")


class ConfigurationError(AppError):
    """The process can't run as configured (E008); names file, key and accepted values."""

    code, status, title = "E008", 500, N_("Configuration error")


class Unexpected(AppError):
    """A fault of ours (E008); the reference finds it in the log."""

    code, status, title = "E008", 500, N_("Unexpected error")

    def __init__(self, reference: str, **context: Any) -> None:
        super().__init__(
            _("Something went wrong on our side."),
            hint=_(
                "If it happens again, tell the bot's owner this reference: {reference}",
                reference=reference,
            ),
            reference=reference,
            **context,
        )
