"""Discord's error answers: status, JSON code, message and the field errors of a form.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class RestError(Exception):
    """An answer other than success; the endpoint turns it into Discord's JSON."""

    def __init__(self, status: int, code: int, message: str, *, errors: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> Json:
        """Return the answer's JSON."""
        payload: Json = {"message": self.message, "code": self.code}
        if self.errors:
            payload["errors"] = self.errors
        return payload


_NAMES = {
    10003: "Unknown Channel",
    10004: "Unknown Guild",
    10006: "Unknown Invite",
    10007: "Unknown Member",
    10008: "Unknown Message",
    10011: "Unknown Role",
    10013: "Unknown User",
    10014: "Unknown Emoji",
    10015: "Unknown Webhook",
    10026: "Unknown Ban",
    10060: "Unknown sticker",
    10062: "Unknown interaction",
    10063: "Unknown application command",
    10065: "Unknown Voice State",
    10066: "Unknown application command permissions",
    40032: "Target user is not connected to voice.",
    40060: "Interaction has already been acknowledged.",
    50001: "Missing Access",
    50003: "Cannot execute action on a DM channel",
    50005: "Cannot edit a message authored by another user",
    50006: "Cannot send an empty message",
    50007: "Cannot send messages to this user",
    50008: "Cannot send messages in a non-text channel",
    50013: "Missing Permissions",
    50016: "Provided too few or too many messages to delete. Must provide 2 to 100 messages.",
    50019: "A message can only be pinned in the channel it was sent in",
    50021: "Cannot execute action on a system message",
    50024: "Cannot execute action on this channel type",
    50027: "Invalid Webhook Token",
    50028: "Invalid Role",
    50034: "You can only bulk delete messages that are under 14 days old.",
    50083: "Thread is archived",
    50109: "The request body contains invalid JSON.",
    30035: "Maximum number of bans for non-guild members have been exceeded",
    30003: "Maximum number of pins reached (250)",
    30005: "Maximum number of guild roles reached (250)",
    30007: "Maximum number of webhooks reached (15)",
    30010: "Maximum number of reactions reached (20)",
    30013: "Maximum number of guild channels reached (500)",
    30046: "Maximum number of edits to messages older than 1 hour reached",
    30032: "Maximum number of application commands reached (100).",
    50278: "Cannot send messages to this user due to having no mutual guilds",
    160004: "A thread has already been created for this message",
}


def error(status: int, code: int) -> RestError:
    """Return the error of a known code with Discord's message."""
    return RestError(status, code, _NAMES[code])


def not_found(code: int) -> RestError:
    """Return a 404 of this code."""
    return error(404, code)


def missing_access() -> RestError:
    """Return 50001: the bot may not see the place."""
    return error(403, 50001)


def missing_permissions() -> RestError:
    """Return 50013."""
    return error(403, 50013)


class FormCheck:
    """Collects the field errors of a request body and raises them together as 50035."""

    def __init__(self) -> None:
        self._errors: Json = {}

    def fail(self, path: str, code: str, message: str) -> None:
        """Note an error at a dotted path such as `embeds.0.title`."""
        node = self._errors
        for part in path.split("."):
            node = node.setdefault(part, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def text(self, path: str, value: Any, low: int, high: int, *, required: bool = False) -> None:
        """Check a string's length in characters; None passes unless `required`."""
        if value is None:
            if required:
                self.fail(path, "BASE_TYPE_REQUIRED", "This field is required")
        elif not isinstance(value, str):
            self.fail(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
        elif len(value) > high and low == 0:
            self.fail(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
        elif not low <= len(value) <= high:
            self.fail(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")

    def number(self, path: str, value: Any, low: float, high: float) -> None:
        """Check a number's range; None passes."""
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < low:
            self.fail(
                path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {low}."
            )
        elif value > high:
            self.fail(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {high}.")

    def entries(self, path: str, value: Any, low: int, high: int) -> list[Any]:
        """Check a list's length and return it, empty when it is no list."""
        if not isinstance(value, list):
            self.fail(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.")
            return []
        if not low <= len(value) <= high:
            self.fail(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
        return value

    def choice(self, path: str, value: Any, allowed: Any) -> None:
        """Check that a value, when given, is one of those allowed."""
        if value is not None and value not in allowed:
            listed = ", ".join(str(entry) for entry in allowed)
            self.fail(path, "BASE_TYPE_CHOICES", f"Value must be one of ({listed}).")

    def finish(self) -> None:
        """Raise what was noted, if anything."""
        if self._errors:
            raise RestError(400, 50035, "Invalid Form Body", errors=self._errors)


def invalid_form(path: str, code: str, message: str) -> RestError:
    """Return a 50035 with one field error."""
    check = FormCheck()
    check.fail(path, code, message)
    return RestError(400, 50035, "Invalid Form Body", errors=check._errors)
