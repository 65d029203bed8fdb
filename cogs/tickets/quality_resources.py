"""Who can't open tickets, and the ready texts, as the API changes them; free of discord.py."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from bot.core.errors import Conflict, FieldError, NotFound
from bot.core.i18n import N_, Message, _
from bot.core.resources import Item, Resource
from cogs.tickets.ticket_bodies import BlockBody, BlockDetail, TagBody, TagDetail, TagTextBody

if TYPE_CHECKING:
    from bot.core.contracts import Actor
    from cogs.tickets.quality import Quality
    from db.ticket_blocks import TicketBlock
    from db.ticket_quality import TicketTag

BLOCKS = Resource(
    name="ticket-blocks",
    one="block from tickets",
    many="blocks from tickets",
    title=N_("Blocked from tickets"),
    label=lambda one: Message("<@{user_id}>", {"user_id": one.id}),
    model=BlockDetail,
    addition=BlockBody,
    page=50,
    removal=N_("Let them open tickets"),
)
TAGS = Resource(
    name="ticket-tags",
    one="ready text for tickets",
    many="ready texts for tickets",
    title=N_("Ready texts"),
    label=attrgetter("name"),
    model=TagDetail,
    addition=TagBody,
    change=TagTextBody,
)


class BlockResource:
    """Answers for who is blocked from tickets; an item's id is the person's."""

    def __init__(self, quality: Quality) -> None:
        self._quality = quality

    async def list_page(self, guild_id: int, *, before: int | None, limit: int) -> Sequence[Item]:
        """Return so many who are blocked by their ids, the greatest first, from below one on."""
        found = await self._quality.list_blocks_below(guild_id, before, limit=limit)
        return [_block(one) for one in found]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return that somebody is blocked; raises `NotFound`."""
        return _block(await self._find(guild_id, item_id))

    async def add(self, guild_id: int, body: BlockBody, actor: Actor) -> Item:
        """Keep somebody from opening tickets; raises `Conflict` where they are kept already."""
        user_id = int(body.user_id)
        if not await self._quality.block(guild_id, user_id, actor, body.reason):
            message = _("{member} is blocked already.", member=f"<@{user_id}>")
            raise Conflict(message, errors=(FieldError("/user_id", message),))
        return await self.get(guild_id, user_id)

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Let somebody open tickets again, if they are blocked as they were seen."""
        block = await self._find(guild_id, item_id)
        if _block(block).revision != revision or not await self._quality.unblock(
            guild_id, item_id, actor, blocked_at=block.blocked_at
        ):
            raise Conflict(_("Somebody else has changed this meanwhile."))

    async def _find(self, guild_id: int, user_id: int) -> TicketBlock:
        fits = user_id < 1 << 63
        found = await self._quality.get_block(guild_id, user_id) if fits else None
        if found is None:
            raise NotFound(_("{member} is not blocked.", member=f"<@{user_id}>"))
        return found


class TagResource:
    """Answers for ready texts; an item's id is made of its name, by which the staff know it."""

    def __init__(self, quality: Quality) -> None:
        self._quality = quality

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return a guild's ready texts by name."""
        return [_tag(one) for one in await self._quality.list_tags(guild_id)]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one ready text; raises `NotFound`."""
        return _tag(await self._find(guild_id, item_id))

    async def add(self, guild_id: int, body: TagBody, actor: Actor) -> Item:
        """Keep a new ready text; raises `Conflict` for a name that is taken."""
        name = await self._quality.save_tag(
            guild_id, body.name, body.content, body.trigger, actor, new=True
        )
        return await self.get(guild_id, tag_id(name))

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: TagTextBody, actor: Actor
    ) -> Item:
        """Have a ready text say something else, if it says what was seen."""
        seen = await self._seen(guild_id, item_id, revision)
        await self._quality.save_tag(
            guild_id, seen.name, body.content, body.trigger, actor, new=False, seen=seen
        )
        return await self.get(guild_id, item_id)

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Delete a ready text that says what was seen."""
        seen = await self._seen(guild_id, item_id, revision)
        await self._quality.remove_tag(guild_id, seen.name, actor, seen=seen)

    async def _seen(self, guild_id: int, item_id: int, revision: int) -> TicketTag:
        found = await self._find(guild_id, item_id)
        if _tag(found).revision != revision:
            raise Conflict(_("Somebody else has changed this tag meanwhile."))
        return found

    async def _find(self, guild_id: int, item_id: int) -> TicketTag:
        for one in await self._quality.list_tags(guild_id):
            if tag_id(one.name) == item_id:
                return one
        raise NotFound(_("This tag has been deleted."))


def tag_id(name: str) -> int:
    """Return the id that stands for a name, which never changes, in addresses."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest())


def _block(block: TicketBlock) -> Item:
    body = BlockDetail(
        id=str(block.user_id),
        reason=block.reason,
        blocked_by=str(block.blocked_by) if block.blocked_by else None,
        blocked_at=block.blocked_at,
    )
    return Item.as_shown(block.user_id, body)


def _tag(tag: TicketTag) -> Item:
    item_id = tag_id(tag.name)
    body = TagDetail(id=str(item_id), name=tag.name, content=tag.content, trigger=tag.trigger)
    return Item.as_shown(item_id, body)
