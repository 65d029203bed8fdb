"""What anti-nuke asks of Discord, as a protocol that tests can stand in for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody of the staff as Discord has them now."""

    id: int
    name: str
    is_bot: bool
    role_ids: frozenset[int]


class StaffControls(Protocol):
    """Reads members and gives and takes their roles; every call may be repeated without harm.

    Raises `NotPermitted`, `Gone` or `Delayed` from `bot.core.cases.outcomes`.
    """

    async def read_member(self, guild_id: int, user_id: int) -> StaffMember:
        """Return a member past every cache; raises `Gone` for one who is none."""
        ...

    async def add_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        """Give a role."""
        ...

    async def remove_role(self, guild_id: int, user_id: int, role_id: int, *, reason: str) -> None:
        """Take a role."""
        ...
