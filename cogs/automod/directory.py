"""What the gate asks Discord about members and threads. Free of discord.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Membership:
    """What is not in every payload: a member's roles, name, and when they joined."""

    role_ids: frozenset[int]
    name: str = ""
    joined_at: float | None = None
    is_bot: bool = False


class Directory(Protocol):
    """Asks Discord about members and threads; raises `CallError`s."""

    async def member(self, guild_id: int, user_id: int) -> Membership | None:
        """Return a member, `None` for somebody who is none."""
        ...

    def thread_name(self, guild_id: int, thread_id: int) -> str | None:
        """Return what a thread was called until now, `None` when that is not known."""
        ...

    async def former_name(self, guild_id: int, thread_id: int, name: str) -> str | None:
        """Return what a thread was called before it was given this name; `None` if not known."""
        ...

    async def rename_thread(self, guild_id: int, thread_id: int, name: str) -> None:
        """Give a thread its name back."""
        ...

    async def delete_thread(self, guild_id: int, thread_id: int) -> None:
        """Delete a thread."""
        ...
