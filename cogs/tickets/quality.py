"""Figures, ready texts, and who can't open tickets; free of discord.py."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.audit import AuditLog
from bot.core.contracts import Actor
from bot.core.errors import Conflict, FieldError, InvalidInput, NotFound
from bot.core.fields.text import quote, shorten
from bot.core.i18n import _
from bot.core.outbox import Delivery
from cogs.tickets.figures import Figures
from cogs.tickets.office import Office
from cogs.tickets.settings import KEY
from cogs.tickets.summary import sum_up
from cogs.tickets.words import words_of
from db import ticket_blocks as blocks
from db import ticket_quality as table
from db import tickets
from db.ticket_blocks import TicketBlock
from db.ticket_panels import hold_guild
from db.ticket_quality import TicketTag

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MOST_TAGS = 100
LONGEST_TAG, LONGEST_TAG_NAME, LONGEST_TRIGGER = 2000, 50, 200
LONGEST_BLOCK_REASON = 512
_MOST_CACHED = 500


class Quality:
    """What makes tickets good."""

    def __init__(self, office: Office, audit: AuditLog) -> None:
        self._office = office
        self._audit = audit
        # The tags that are sent by themselves, by guild: asked at each message of an opener.
        self._automatic: OrderedDict[int, Sequence[tuple[frozenset[str], TicketTag]]] = (
            OrderedDict()
        )

    async def figures(self, guild_id: int, days: int) -> Figures:
        """Return how fast and how well tickets were seen to in the last days."""
        since = self._office.clock.now() - timedelta(days=days)
        zone = await self._office.zone(guild_id)
        return await sum_up(self._office.database, guild_id, since, zone)

    # --- tags ----------------------------------------------------------------------------------

    async def list_tags(self, guild_id: int) -> Sequence[TicketTag]:
        """Return a guild's tags by name."""
        async with self._office.database.read() as session:
            return await table.list_tags(session, guild_id)

    async def save_tag(
        self,
        guild_id: int,
        name: str,
        content: str,
        trigger: str | None,
        actor: Actor,
        *,
        new: bool,
        seen: TicketTag | None = None,
    ) -> str:
        """Keep a tag and return its name; raises `InvalidInput`, `Conflict` and `NotFound`.

        With `seen` it has to say what it said then.
        """
        name, content, trigger = _checked_tag(name, content, trigger)
        async with self._office.database.write() as session:
            if new:
                await hold_guild(session, guild_id)
                if len(await table.list_tags(session, guild_id)) >= MOST_TAGS:
                    raise InvalidInput(_("A server has at most {count} tags.", count=MOST_TAGS))
                tag = TicketTag(
                    guild_id=guild_id,
                    name=name,
                    content=content,
                    trigger=trigger,
                    created_by=actor.user_id or None,
                )
                if not await table.add_tag(session, tag):
                    message = _("There is a tag called {name} already.", name=quote(name))
                    raise Conflict(
                        message,
                        errors=(FieldError("/name", message),),
                        hint=_("/ticket tag edit changes it."),
                    )
            elif not await table.change_tag(
                session, guild_id, name, content, trigger, was=_said(seen)
            ):
                raise await self._not_as_seen(session, guild_id, name)
            await self._record(session, actor, guild_id, "add" if new else "edit", name)
        self._automatic.pop(guild_id, None)
        return name

    async def remove_tag(
        self, guild_id: int, name: str, actor: Actor, *, seen: TicketTag | None = None
    ) -> None:
        """Delete a tag; raises `NotFound`, and `Conflict` where it was `seen` otherwise."""
        key = name.casefold().strip()
        async with self._office.database.write() as session:
            if not await table.remove_tag(session, guild_id, key, was=_said(seen)):
                raise await self._not_as_seen(session, guild_id, key)
            await self._record(session, actor, guild_id, "remove", name)
        self._automatic.pop(guild_id, None)

    async def use_tag(self, guild_id: int, name: str) -> TicketTag:
        """Return a tag that is to be sent, and count that; raises `NotFound`."""
        key = " ".join(name.split()).casefold()
        async with self._office.database.write() as session:
            tag = await table.get_tag(session, guild_id, key)
            if tag is None:
                raise _no_tag(name)
            await table.count_use(session, guild_id, key)
        return tag

    async def answer_by_itself(self, ticket_id: int, guild_id: int, text: str) -> None:
        """Send the tags whose words an opener has written, each once in a ticket."""
        said = set(words_of(text))
        found = [
            tag for words, tag in await self._triggers(guild_id) if words and said.issuperset(words)
        ]
        for tag in found[:3]:
            async with self._office.database.write() as session:
                ticket = await tickets.get_ticket(session, ticket_id)
                if ticket is None or ticket.channel_id is None:
                    return
                delivery = Delivery.message(
                    ticket.channel_id,
                    {"content": tag.content, "allowed_mentions": {"parse": []}},
                    dedupe_key=f"{KEY}:{ticket_id}:tag:{tag.name}",
                    guild_id=guild_id,
                )
                if await self._office.outbox.send(session, delivery):
                    await table.count_use(session, guild_id, tag.name)

    async def _triggers(self, guild_id: int) -> Sequence[tuple[frozenset[str], TicketTag]]:
        known = self._automatic.get(guild_id)
        if known is None:
            tags = await self.list_tags(guild_id)
            known = [(frozenset(words_of(one.trigger)), one) for one in tags if one.trigger]
            self._automatic[guild_id] = known
            if len(self._automatic) > _MOST_CACHED:
                self._automatic.popitem(last=False)
        return known

    async def _not_as_seen(
        self, session: AsyncSession, guild_id: int, name: str
    ) -> NotFound | Conflict:
        if await table.get_tag(session, guild_id, name) is None:
            return _no_tag(name)
        return Conflict(_("Somebody else has changed this tag meanwhile."))

    async def _record(
        self, session: AsyncSession, actor: Actor, guild_id: int, what: str, name: str
    ) -> None:
        await self._audit.record(
            session, actor, guild_id, f"{KEY}.tag_{what}", "settings", {"feature": KEY, "tag": name}
        )

    # --- who can't open tickets ------------------------------------------------------------------

    async def block(self, guild_id: int, user_id: int, actor: Actor, reason: str | None) -> bool:
        """Keep somebody from opening tickets; False when they were kept already."""
        async with self._office.database.write() as session:
            block = TicketBlock(
                guild_id=guild_id,
                user_id=user_id,
                reason=shorten(reason.strip(), LONGEST_BLOCK_REASON) or None if reason else None,
                blocked_by=actor.user_id or None,
                blocked_at=self._office.clock.now(),
            )
            if not await blocks.add_block(session, block):
                return False
            await self._audit.record(
                session, actor, guild_id, f"{KEY}.block", "moderation", target_id=user_id
            )
        return True

    async def unblock(
        self, guild_id: int, user_id: int, actor: Actor, *, blocked_at: datetime | None = None
    ) -> bool:
        """Let somebody open tickets again; False when they could, or were not blocked then."""
        async with self._office.database.write() as session:
            if not await blocks.remove_block(session, guild_id, user_id, blocked_at):
                return False
            await self._audit.record(
                session, actor, guild_id, f"{KEY}.unblock", "moderation", target_id=user_id
            )
        return True

    async def list_blocks(self, guild_id: int) -> Sequence[TicketBlock]:
        """Return who can't open tickets, the latest first, at most a thousand."""
        async with self._office.database.read() as session:
            return await blocks.list_blocks(session, guild_id)

    async def list_blocks_below(
        self, guild_id: int, before: int | None, *, limit: int
    ) -> Sequence[TicketBlock]:
        """Return so many who can't open tickets, by their ids from below one on, greatest first."""
        async with self._office.database.read() as session:
            return await blocks.list_blocks_below(session, guild_id, before, limit=limit)

    async def get_block(self, guild_id: int, user_id: int) -> TicketBlock | None:
        """Return that somebody can't open tickets, `None` when they can."""
        async with self._office.database.read() as session:
            return await blocks.get_block(session, guild_id, user_id)


def _checked_tag(name: str, content: str, trigger: str | None) -> tuple[str, str, str | None]:
    name = " ".join(name.split()).casefold()
    if not 0 < len(name) <= LONGEST_TAG_NAME:
        message = _("A tag's name has 1 to {count} characters.", count=LONGEST_TAG_NAME)
        raise InvalidInput(message, errors=(FieldError("/name", message),))
    if not 0 < len(content.strip()) <= LONGEST_TAG:
        message = _("A tag's text has 1 to {count} characters.", count=LONGEST_TAG)
        raise InvalidInput(message, errors=(FieldError("/content", message),))
    words = (trigger or "").strip()
    if len(words) > LONGEST_TRIGGER or (words and not words_of(words)):
        message = _("These are no words to wait for: {text}", text=quote(words[:60]))
        raise InvalidInput(
            message,
            errors=(FieldError("/trigger", message),),
            hint=_("Write words with spaces between them; all of them have to be said."),
        )
    return name, content.strip(), words or None


def _said(seen: TicketTag | None) -> tuple[str, str | None] | None:
    return None if seen is None else (seen.content, seen.trigger)


def _no_tag(name: str) -> NotFound:
    return NotFound(
        _("There is no tag called {name}.", name=quote(name)),
        hint=_("/ticket tag list shows all."),
    )
