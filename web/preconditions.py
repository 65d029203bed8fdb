"""Which version of a thing a change is meant for: `If-Match`, as RFC 9110 has it.

It only reads what the client says. That nobody changed anything meanwhile is decided by the
database, in the transaction of the change.
"""

from __future__ import annotations

import re
from typing import Protocol

from aiohttp import web

from bot.core.errors import InvalidInput
from bot.core.i18n import _
from web.problems import PreconditionRequired

_VERSION = re.compile(r"v(\d{1,18})", re.ASCII)
# No revision is this one, so a change that is meant for it is refused with what is there.
NEVER = -1


class Versioned(Protocol):
    """What has versions, such as a feature's settings."""

    @property
    def revision(self) -> int:
        """The number in the present version."""
        ...


def expected_revision(
    request: web.Request, current: Versioned, *, required: bool = False
) -> int | None:
    """Return the revision that the request's `If-Match` asks for, `None` for any.

    Raises `PreconditionRequired` when there has to be one, `InvalidInput` for what is no list of
    versions. Weak versions match nothing, and of several the present one counts.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header and required:
        raise PreconditionRequired(
            _("This change has to say which version it is meant for."),
            hint=_("Send the ETag that came with what you read: If-Match: {etag}", etag='"v3"'),
        )
    if header in ("", "*"):
        return None
    tags = request.if_match
    if not tags:
        raise InvalidInput(
            _("The If-Match field is not a version."),
            hint=_("Write it in quotes, such as {etag}.", etag='"v3"'),
        )
    known = [int(found[1]) for tag in tags if (found := _strong_version(tag.value, tag.is_weak))]
    if current.revision in known:
        return current.revision
    return known[0] if known else NEVER


def _strong_version(value: str, is_weak: bool) -> re.Match[str] | None:
    return None if is_weak else _VERSION.fullmatch(value)
