"""Templates of giveaways as the API reads, adds, changes and deletes them; free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from bot.core.errors import Conflict
from bot.core.i18n import N_, _
from bot.core.resources import Item, Resource
from cogs.giveaways.bodies import STRICT, LastingBody, Person, TermsBody
from cogs.giveaways.bodyplans import plan_from, seconds, terms_of
from cogs.giveaways.plan import Plan
from cogs.giveaways.templates import LONGEST_NAME

if TYPE_CHECKING:
    from bot.core.contracts import Actor
    from cogs.giveaways.bodychecks import BodyChecks
    from cogs.giveaways.templates import Templates
    from db.giveaways import GiveawayTemplate


class NamedBody(BaseModel):
    """What a template is called."""

    model_config = STRICT

    name: str = Field(
        min_length=1,
        max_length=LONGEST_NAME,
        title=N_("Name"),
        description=N_("What to call the template; no other may be called so."),
    )


class TemplateBody(TermsBody, LastingBody, NamedBody):
    """A plan under a name: all of a giveaway but where, when and by whom it is held.

    `duration`, `claim_window` and `reward_role_time` are in seconds.
    """


class TemplateDetail(TemplateBody):
    """A template on record."""

    id: str = Field(title=N_("ID"))
    created_by: Person | None = Field(title=N_("Added by"))
    created_at: datetime = Field(title=N_("Added"))


RESOURCE = Resource(
    name="giveaway-templates",
    one="giveaway template",
    many="giveaway templates",
    title=N_("Templates"),
    label=attrgetter("name"),
    model=TemplateDetail,
    addition=TemplateBody,
    change=TemplateBody,
)


class TemplateResource:
    """Answers for templates, by the service that the commands use."""

    def __init__(self, templates: Templates, checks: BodyChecks) -> None:
        self._templates = templates
        self._checks = checks

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return a guild's templates by name."""
        return [_item(one) for one in await self._templates.list(guild_id)]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one template; raises `NotFound`."""
        return _item(await self._templates.find(guild_id, item_id))

    async def add(self, guild_id: int, body: TemplateBody, actor: Actor) -> Item:
        """Keep a plan; raises as `Templates.add` does, with an error per wrong field."""
        await self._checks.check(guild_id, body)
        plan = plan_from(body, seconds(body.duration))
        return _item(await self._templates.add(guild_id, body.name, plan, actor))

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: TemplateBody, actor: Actor
    ) -> Item:
        """Put a plan in the place of one that nobody has changed meanwhile."""
        seen = await self._seen(guild_id, item_id, revision)
        await self._checks.check(guild_id, body, Plan.from_json(seen.plan))
        plan = plan_from(body, seconds(body.duration))
        return _item(await self._templates.change(seen, body.name, plan, actor))

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Delete a template that nobody has changed meanwhile."""
        seen = await self._seen(guild_id, item_id, revision)
        await self._templates.delete(seen, actor, exactly=True)

    async def _seen(self, guild_id: int, item_id: int, revision: int) -> GiveawayTemplate:
        found = await self._templates.find(guild_id, item_id)
        if found.revision != revision:
            raise Conflict(_("This template was changed or deleted meanwhile."))
        return found


def _item(row: GiveawayTemplate) -> Item:
    plan = Plan.from_json(row.plan)
    lasts = plan.duration
    body = TemplateDetail(
        **terms_of(plan),
        duration=None if lasts is None else round(lasts.total_seconds()),
        name=row.name,
        id=str(row.id),
        created_by=None if row.created_by is None else str(row.created_by),
        created_at=row.created_at,
    )
    return Item(row.id, row.revision, body)
