"""What comes again as the API reads, begins, changes and stops it; free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, Field

from bot.core.errors import Conflict, FieldError
from bot.core.fields import choice
from bot.core.guild_locale import BASICS
from bot.core.i18n import N_, _
from bot.core.resources import Item, Resource
from bot.core.settings.validation import from_field_errors
from cogs.giveaways.bodies import LastingBody, Person, Place, TermsBody
from cogs.giveaways.bodyplans import plan_from, seconds, terms_of
from cogs.giveaways.plan import Plan
from cogs.giveaways.rules import checked_start
from cogs.giveaways.series import Repeat, SeriesOrder, repeat_of

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.contracts import Actor
    from bot.core.settings import SettingsStore
    from cogs.giveaways.bodychecks import BodyChecks
    from cogs.giveaways.series import Series
    from db.giveaways import GiveawaySeries

_REPEATS = choice(daily=N_("Every day"), weekly=N_("Every week"), monthly=N_("Every month"))

# So late a start may be sent by whose clock is slow, or who typed the minute that it is.
_LATE = timedelta(minutes=1)


class SeriesHeldBody(LastingBody):
    """Where, when, how often and by whom what comes again is held."""

    channel_id: Place = Field(title=N_("Channel"), description=N_("Where each of them is posted."))
    starts_at: AwareDatetime | None = Field(
        default=None,
        title=N_("Next begins"),
        description=N_(
            "When the next one begins, and at which time of day those after it do; a new series "
            "begins at once if left out."
        ),
    )
    repeat: Annotated[Repeat, _REPEATS] = Field(
        title=N_("Comes again"),
        description=N_("Every day, week or month, at that time in the server's time zone."),
    )
    by_clock: bool = Field(
        default=False,
        title=N_("Ends by the clock"),
        description=N_(
            "Each ends at the same time of day, also where the clocks change in between; whole "
            "days do anyway."
        ),
    )
    host_id: Person | None = Field(
        default=None,
        title=N_("Host"),
        description=N_("Who holds them; whoever adds the series if left out."),
    )


class SeriesBody(TermsBody, SeriesHeldBody):
    """What comes again; `duration`, `claim_window` and `reward_role_time` are in seconds.

    Without `starts_at` a new one begins at once. Of one that there is, that and the host stay as
    they are where they are not sent.
    """


class SeriesDetail(SeriesBody):
    """What comes again, on record: `starts_at` is when it comes next."""

    id: str = Field(title=N_("ID"))
    timezone: str = Field(title=N_("Time zone"))
    created_by: Person | None = Field(title=N_("Added by"))
    created_at: datetime = Field(title=N_("Added"))


RESOURCE = Resource(
    name="giveaway-series",
    one="giveaway series",
    many="giveaway series",
    title=N_("Giveaways that come again"),
    label=attrgetter("prize"),
    model=SeriesDetail,
    addition=SeriesBody,
    change=SeriesBody,
    removal=N_("Stop"),
)


class SeriesResource:
    """Answers for what comes again, by the service that the commands use."""

    def __init__(
        self, series: Series, checks: BodyChecks, *, settings: SettingsStore, clock: Clock
    ) -> None:
        self._series = series
        self._checks = checks
        self._settings = settings
        self._clock = clock

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return a guild's series that go on, in the order in which they were begun."""
        found = await self._series.list(guild_id)
        due = await self._series.map_due(found)
        return [_item(one, due.get(one.id)) for one in found]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one series that goes on; raises `NotFound`."""
        found = await self._series.get(guild_id, item_id)
        return await self._read(found)

    async def add(self, guild_id: int, body: SeriesBody, actor: Actor) -> Item:
        """Begin a series; raises as `Series.begin` does, with an error per wrong field."""
        await self._checks.check(guild_id, body, channel_id=body.channel_id, host_id=body.host_id)
        self._ensure_to_come(body)
        host_id = int(body.host_id or actor.user_id)
        order = await self._order_of(guild_id, body, body.starts_at, host_id)
        return await self._read(await self._series.begin(order, actor))

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: SeriesBody, actor: Actor
    ) -> Item:
        """Change a series from its next giveaway on; raises as `Series.change` does."""
        seen = await self._seen(guild_id, item_id, revision)
        due = (await self._series.map_due([seen])).get(seen.id)
        moved = body.channel_id if body.channel_id != str(seen.channel_id) else None
        host_id = body.host_id if body.host_id != str(seen.host_id) else None
        before = Plan.from_json(seen.plan)
        await self._checks.check(guild_id, body, before, channel_id=moved, host_id=host_id)
        starts_at = body.starts_at or due
        if starts_at != due:
            self._ensure_to_come(body)
        order = await self._order_of(guild_id, body, starts_at, int(host_id or seen.host_id))
        anew = starts_at != due or body.repeat != repeat_of(seen.rule)
        return await self._read(await self._series.change(seen, order, actor, anew=anew))

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Have one not come again; what is open of it goes on."""
        seen = await self._seen(guild_id, item_id, revision)
        await self._series.stop(seen, actor, exactly=True)

    def _ensure_to_come(self, body: SeriesBody) -> None:
        """Raise for a past start: a series that began now instead would come at another time."""
        if body.starts_at is not None and body.starts_at < self._clock.now() - _LATE:
            error = FieldError("/starts_at", _("This is in the past."))
            raise from_field_errors([error], {"starts_at": "starts_at"})

    async def _order_of(
        self, guild_id: int, body: SeriesBody, starts_at: datetime | None, host_id: int
    ) -> SeriesOrder:
        timezone = (await self._settings.get(guild_id, BASICS)).settings.time_zone
        now = self._clock.now()
        return SeriesOrder(
            guild_id=guild_id,
            channel_id=int(body.channel_id),
            host_id=host_id,
            plan=plan_from(body, seconds(body.duration)),
            first=checked_start(starts_at or now, now),
            repeat=body.repeat,
            timezone=timezone,
            by_clock=body.by_clock,
        )

    async def _seen(self, guild_id: int, item_id: int, revision: int) -> GiveawaySeries:
        found = await self._series.get(guild_id, item_id)
        if found.revision != revision:
            raise Conflict(_("This series was changed meanwhile, has come again or was stopped."))
        return found

    async def _read(self, series: GiveawaySeries) -> Item:
        return _item(series, (await self._series.map_due([series])).get(series.id))


def _item(row: GiveawaySeries, due_at: datetime | None) -> Item:
    plan = Plan.from_json(row.plan)
    lasts = plan.duration
    body = SeriesDetail(
        **terms_of(plan),
        duration=None if lasts is None else round(lasts.total_seconds()),
        channel_id=str(row.channel_id),
        starts_at=due_at,
        repeat=repeat_of(row.rule),
        by_clock=bool(row.by_clock),
        host_id=str(row.host_id) if row.host_id else None,
        id=str(row.id),
        timezone=row.timezone,
        created_by=None if row.created_by is None else str(row.created_by),
        created_at=row.created_at,
    )
    return Item(row.id, row.revision, body)
