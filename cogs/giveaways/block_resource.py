"""Who may not enter a guild's giveaways, as the API reads, blocks and lets in; free of discord.py.

An item's id is the person's. A block is never changed, so there is one version of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from bot.core.errors import FieldError
from bot.core.i18n import N_, Message, _
from bot.core.resources import Item, Resource
from bot.core.settings.validation import from_field_errors
from cogs.giveaways.blocklist import LONGEST_REASON
from cogs.giveaways.bodies import STRICT, Person
from cogs.giveaways.bodychecks import is_id

if TYPE_CHECKING:
    from bot.core.contracts import Actor
    from cogs.giveaways.blocklist import Blocklist
    from db.giveaways import GiveawayBlock

_REVISION = 1


class BlockBody(BaseModel):
    """Whom to block; the reason is for the staff."""

    model_config = STRICT

    user_id: Person = Field(title=N_("Person"), description=N_("Who can't enter any more."))
    reason: str | None = Field(
        default=None,
        max_length=LONGEST_REASON,
        title=N_("Reason"),
        description=N_("Why, for the staff."),
    )


class BlockDetail(BlockBody):
    """Somebody who is blocked."""

    blocked_by: Person | None = Field(title=N_("Blocked by"))
    blocked_at: datetime = Field(title=N_("Blocked at"))


RESOURCE = Resource(
    name="giveaway-blocks",
    one="block",
    many="people who can't enter giveaways",
    title=N_("Blocked from giveaways"),
    label=lambda one: Message("<@{user_id}>", {"user_id": one.user_id}),
    model=BlockDetail,
    addition=BlockBody,
    removal=N_("Let them enter again"),
    page=50,
)


class BlockResource:
    """Answers for who is blocked, by the service that the commands use."""

    def __init__(self, blocklist: Blocklist) -> None:
        self._blocklist = blocklist

    async def list_page(self, guild_id: int, *, before: int | None, limit: int) -> Sequence[Item]:
        """Return so many of who is blocked, by their ids, the greatest first."""
        found = await self._blocklist.list_page(guild_id, before=before, limit=limit)
        return [_item(one) for one in found]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return how somebody is blocked; raises `NotFound`."""
        return _item(await self._blocklist.get(guild_id, item_id))

    async def add(self, guild_id: int, body: BlockBody, actor: Actor) -> Item:
        """Block somebody; raises `Conflict` for who is blocked already."""
        if not is_id(body.user_id):
            error = FieldError("/user_id", _("This is no ID."))
            raise from_field_errors([error], {"user_id": "user_id"})
        await self._blocklist.add(guild_id, int(body.user_id), actor, body.reason)
        return await self.get(guild_id, int(body.user_id))

    async def remove(
        self,
        guild_id: int,
        item_id: int,
        revision: int,  # noqa: ARG002 - the contract's
        actor: Actor,
    ) -> None:
        """Let somebody enter again."""
        await self._blocklist.remove(guild_id, item_id, actor)


def _item(row: GiveawayBlock) -> Item:
    body = BlockDetail(
        user_id=str(row.user_id),
        reason=row.reason,
        blocked_by=str(row.blocked_by) if row.blocked_by else None,
        blocked_at=row.blocked_at,
    )
    return Item(row.user_id, _REVISION, body)
