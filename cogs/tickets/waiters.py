"""Who waits, in this process, for the room of a ticket to be made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import event as database_event

from bot.core.errors import DiscordFailed
from bot.core.i18n import _

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Waiters:
    """One future for each ticket that somebody waits for."""

    def __init__(self) -> None:
        self._futures: dict[int, asyncio.Future[None]] = {}

    @contextmanager
    def waiting(self, ticket_id: int) -> Iterator[asyncio.Future[None]]:
        """Yield what is settled once the room is made, or can't be."""
        future = asyncio.get_running_loop().create_future()
        try:
            yield self._futures.setdefault(ticket_id, future)
        finally:
            self._futures.pop(ticket_id, None)

    def has(self, ticket_id: int) -> bool:
        """Tell whether somebody waits, and is told so without a letter."""
        return ticket_id in self._futures

    def tell_after_commit(self, session: AsyncSession, ticket_id: int) -> None:
        """Have whoever waits told that the room is there, once that is stored."""

        def tell(_session: object) -> None:
            future = self._futures.get(ticket_id)
            if future is not None and not future.done():
                future.set_result(None)

        database_event.listen(session.sync_session, "after_commit", tell, once=True)

    def fail(self, ticket_id: int, error: Exception) -> None:
        """Tell whoever waits why there will be no room."""
        future = self._futures.get(ticket_id)
        if future is not None and not future.done():
            future.set_exception(error)


def no_room() -> DiscordFailed:
    """Return what somebody is told for whose ticket Discord made no room."""
    return DiscordFailed(
        _("Discord did not make the room."), hint=_("Please try again in a few minutes.")
    )
