"""Finds and deletes messages over Discord's API, and tells the log of it.

Messages come and go as plain JSON: a purge of a thousand builds no objects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import discord

from bot.core.contracts import Actor
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import ngettext
from bot.core.outbox import Delivery
from cogs.moderation.policy import SettingsPolicy
from cogs.moderation.rules.purge import Batches, PurgeFilter, split_batches
from cogs.moderation.wording import member_text

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.client import Pegasus

# Discord gives 100 messages a page; nobody waits for more pages than this.
PAGE = 100
MOST_SCANNED = 5000
_SHOW_EVERY = 5


@dataclass(frozen=True, slots=True)
class Purge:
    """What is to be deleted where: ids lie between `after_id` and `before_id`, neither included."""

    guild_id: int
    channel_id: int
    chosen: PurgeFilter
    amount: int
    before_id: int
    after_id: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """The messages that a purge takes, newest first, and how many were looked at."""

    ids: tuple[int, ...]
    scanned: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a purge ended; `failure` is what Discord said when it refused."""

    gone: int
    stopped: bool = False
    failure: str | None = None


class Screen(Protocol):
    """Shows how far it is; `stopped` ends it."""

    stopped: bool

    async def show(self, done: int) -> None:
        """Show how many are gone."""
        ...


class PurgeService:
    """Looks through channels and deletes; stateless."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot
        self._kernel = bot.kernel
        self._policy = SettingsPolicy(bot.kernel.settings)

    async def find(self, purge: Purge) -> Found:
        """Return what a purge takes, looking from the newest message back."""
        ids: list[int] = []
        scanned, before = 0, purge.before_id
        while len(ids) < purge.amount and scanned < MOST_SCANNED:
            page: Sequence[Any] = await self._bot.http.logs_from(
                purge.channel_id, PAGE, before=before
            )
            inside = [one for one in page if int(one["id"]) > purge.after_id]
            scanned += len(inside)
            # A pattern may be slow on a page of long messages: not on the loop.
            ids += await asyncio.to_thread(_matching, inside, purge.chosen)
            if len(inside) < PAGE:
                break
            before = min(int(one["id"]) for one in inside)
        return Found(tuple(ids[: purge.amount]), scanned)

    def batches(self, ids: Sequence[int]) -> Batches:
        """Return the calls that deleting takes."""
        return split_batches(ids, self._kernel.clock.now())

    async def delete(
        self, purge: Purge, ids: Sequence[int], actor: Actor, *, key: str, screen: Screen
    ) -> Outcome:
        """Delete messages call by call and tell the log how it ended."""
        outcome = await self._delete_all(purge.channel_id, ids, actor, screen)
        async with self._kernel.database.write() as session:
            await self._tell(session, purge, actor, outcome, key)
        return outcome

    async def _delete_all(
        self, channel_id: int, ids: Sequence[int], actor: Actor, screen: Screen
    ) -> Outcome:
        http, reason = self._bot.http, f"{actor.name} ({actor.user_id})"
        batches = self.batches(ids)
        calls = [*batches.bulk, *((one,) for one in batches.single)]
        gone = 0
        for count, call in enumerate(calls):
            if screen.stopped:
                return Outcome(gone, stopped=True)
            try:
                if len(call) > 1:
                    await http.delete_messages(channel_id, list(call), reason=reason)
                else:
                    await http.delete_message(channel_id, call[0], reason=reason)
            except discord.NotFound:
                # Gone already, which is as good, unless the channel is.
                pass
            except discord.HTTPException as error:
                return Outcome(gone, failure=f"{error.status} {error.text}")
            gone += len(call)
            if len(call) > 1 or count % _SHOW_EVERY == 0:
                await screen.show(gone)
        return Outcome(gone)

    async def _tell(
        self, session: AsyncSession, purge: Purge, actor: Actor, outcome: Outcome, key: str
    ) -> None:
        details = {"channel_id": str(purge.channel_id), "count": outcome.gone}
        audit = self._kernel.audit
        await audit.record(session, actor, purge.guild_id, "messages.purge", "moderation", details)
        log_id = await self._policy.log_channel_id(purge.guild_id)
        if log_id is None or not outcome.gone:
            return
        state = self._kernel.state()
        locale = await locale_of_guild(self._kernel.settings, state, purge.guild_id)
        text = ngettext(
            "🧹 {who} deleted {count} message in {channel}.",
            "🧹 {who} deleted {count} messages in {channel}.",
            outcome.gone,
            who=member_text(actor.user_id, actor.name),
            channel=f"<#{purge.channel_id}>",
        )
        payload = {"content": text.render(locale)}
        await self._kernel.outbox.send(
            session, Delivery.message(log_id, payload, dedupe_key=key, guild_id=purge.guild_id)
        )


def _matching(messages: Sequence[Any], chosen: PurgeFilter) -> list[int]:
    return [int(one["id"]) for one in messages if chosen.takes(one)]
