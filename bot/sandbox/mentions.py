"""Who a message pings.

The mentions in its text, as far as `allowed_mentions` and permissions let them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_USER = re.compile(r"<@!?(\d{15,20})>")
_ROLE = re.compile(r"<@&(\d{15,20})>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")


@dataclass(slots=True, frozen=True)
class Mentions:
    """The users and roles a message pings, and whether it pings everyone."""

    users: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()
    everyone: bool = False


NOBODY = Mentions()


def find_mentions(
    content: str, allowed: dict[str, Any] | None = None, *, may_ping_everyone: bool = True
) -> Mentions:
    """Return the mentions in a message; without `allowed` everything that is written counts.

    https://discord.com/developers/docs/resources/message#allowed-mentions-object
    """
    if "@" not in content:
        return NOBODY
    users = tuple(dict.fromkeys(map(int, _USER.findall(content))))
    roles = tuple(dict.fromkeys(map(int, _ROLE.findall(content))))
    everyone = may_ping_everyone and _EVERYONE.search(content) is not None
    if allowed is None:
        return Mentions(users, roles, everyone)
    kinds = allowed.get("parse") or ()
    return Mentions(
        users if "users" in kinds else _listed(users, allowed.get("users")),
        roles if "roles" in kinds else _listed(roles, allowed.get("roles")),
        everyone and "everyone" in kinds,
    )


def _listed(found: tuple[int, ...], listed: list[Any] | None) -> tuple[int, ...]:
    wanted = {int(entry) for entry in listed or ()}
    return tuple(entry for entry in found if entry in wanted)
