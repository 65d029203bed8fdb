"""Puts Welcome's messages into the outbox, always in the caller's transaction.

It knows where a message goes and how it is worded; whether one is due, the service decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.contracts import BotState, GuildSummary
from bot.core.guild_locale import locale_of_guild
from bot.core.jobs import Job, JobService
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import Delivery
from bot.core.settings import SettingsStore
from cogs.welcome.preview import Preview, Sample
from cogs.welcome.rules import (
    Kind,
    Order,
    Person,
    Visit,
    channel_for,
    pick_variant,
    private_key,
    within_permissions,
)
from cogs.welcome.settings import WelcomeSettings
from cogs.welcome.wording import (
    CARD_FILE,
    Greeting,
    Place,
    compose,
    compose_digest,
    compose_private,
    sample_names,
    texts_for,
)
from db.welcome import claim_turn

CARD_RENDERER = "welcome_card"
DELETE_JOB = "welcome.delete"
# How soon a removal looks again at a message that has yet to be delivered.
_LOOK_AGAIN = timedelta(minutes=1)


class Announcer:
    """Words messages and sends them by way of the outbox."""

    def __init__(
        self,
        *,
        clock: Clock,
        settings: SettingsStore,
        jobs: JobService,
        outbox: OutboxService,
        state: Callable[[], BotState],
        count: Callable[[str], None] = lambda _: None,
        random: Random | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._outbox = outbox
        self._state = state
        self._count = count
        self._random = random or Random()  # noqa: S311 - which text is sent is no secret

    def start(self) -> None:
        """Take over the deletions that are due, also those of earlier runs."""
        self._jobs.register(DELETE_JOB, self.delete_message)

    def guild(self, guild_id: int) -> GuildSummary | None:
        """Return the guild as Discord shows it now; `None` while it is not seen."""
        return self._state().guild(guild_id)

    async def place(self, guild: GuildSummary) -> Place:
        """Return the guild as texts speak of it, in its own language."""
        locale = await locale_of_guild(self._settings, self._state(), guild.id)
        return Place(guild.name, guild.member_count, locale or guild.locale)

    async def announce(
        self,
        session: AsyncSession,
        settings: WelcomeSettings,
        visit: Visit,
        hold: timedelta = timedelta(),
    ) -> None:
        """Send the public message about one person; nothing where there is no channel for it.

        It leaves after `hold`, until when it can be taken back.
        """
        guild = self.guild(visit.guild_id)
        if guild is None:
            return
        channel_id = self._open_channel(settings, visit.kind, guild)
        if channel_id is None:
            return
        place = await self._place_at(guild, visit)
        text = await self._choose_text(session, settings, visit, place)
        allowed = self._allowed(settings, visit.guild_id, channel_id)
        greeting = compose(allowed, visit.kind, text, visit.person, place)
        payload = with_card(greeting, visit)
        self._count(visit.kind.value)
        await self._send(
            session,
            settings,
            payload,
            guild_id=visit.guild_id,
            channel_id=channel_id,
            key=visit.key,
            subject_id=visit.person.id,
            hold=hold,
        )

    async def write_to(
        self,
        session: AsyncSession,
        settings: WelcomeSettings,
        visit: Visit,
        hold: timedelta = timedelta(),
    ) -> None:
        """Send the private message after `hold`; closed direct messages are no fault."""
        guild = self.guild(visit.guild_id)
        if guild is None:
            return
        place = await self._place_at(guild, visit)
        payload = compose_private(settings, visit.person, place)
        self._count("private")
        leaves_at = self._clock.now() + hold
        delivery = Delivery.direct(
            visit.person.id,
            payload,
            dedupe_key=private_key(visit.key),
            guild_id=visit.guild_id,
            expires_at=leaves_at + settings.stale_after,
            not_before=leaves_at if hold else None,
        )
        await self._outbox.send(session, delivery)

    async def announce_all(
        self,
        session: AsyncSession,
        settings: WelcomeSettings,
        guild: GuildSummary,
        names: Sequence[str],
        key: str,
    ) -> None:
        """Send one message about many who joined."""
        channel_id = self._open_channel(settings, Kind.JOIN, guild)
        if channel_id is not None:
            payload = compose_digest(names, await self.place(guild))
            self._count("digest")
            await self._send(
                session, settings, payload, guild_id=guild.id, channel_id=channel_id, key=key
            )

    async def retract(self, session: AsyncSession, visit: Visit) -> bool:
        """Take back what was not delivered yet; True when that spared the guild the greeting."""
        unseen = await self.take_back(session, [visit.key])
        # One that is under way may be seen or not, but is not tried again.
        if visit.key in unseen or await self._outbox.cancel(session, visit.key):
            await self._jobs.cancel(session, _deletion_key(visit.key))
        await self._outbox.cancel(session, private_key(visit.key))
        return visit.key in unseen

    async def take_back(self, session: AsyncSession, keys: Collection[str]) -> frozenset[str]:
        """Take back the greetings and private messages that wait; return the greetings' keys."""
        both = {*keys, *map(private_key, keys)}
        return (await self._outbox.cancel_waiting(session, both)).intersection(keys)

    async def delete_message(self, job: Job, session: AsyncSession) -> datetime | None:
        """Remove a message again, once it has been there for long enough; handles `DELETE_JOB`."""
        key, lifetime = job.payload["key"], timedelta(seconds=job.payload["seconds"])
        receipt = await self._outbox.get_receipt(session, key)
        now = self._clock.now()
        if receipt is not None and receipt.is_open:
            return now + min(lifetime, _LOOK_AGAIN)
        if receipt is None or receipt.sent_at is None:
            return None
        if now < receipt.sent_at + lifetime:
            return receipt.sent_at + lifetime
        delivery = Delivery.delete(
            job.payload["channel_id"],
            key,
            dedupe_key=_deletion_key(key),
            guild_id=job.guild_id,
            subject_id=job.payload["subject_id"],
        )
        await self._outbox.send(session, delivery)
        return None

    async def preview(
        self, settings: WelcomeSettings, sample: Sample, guild: GuildSummary, person: Person
    ) -> Preview:
        """Return a message as it would be sent now, without sending or counting it."""
        place = await self.place(guild)
        if sample is Sample.PRIVATE:
            return Preview(sample, Greeting(compose_private(settings, person, place)))
        if sample is Sample.RAID:
            names = sample_names(person, settings.raid_size)
            channel_id = channel_for(settings, Kind.JOIN, guild.system_channel_id)
            return Preview(sample, Greeting(compose_digest(names, place)), channel_id)
        kind = Kind(sample)
        channel_id = channel_for(settings, kind, guild.system_channel_id)
        text = self._random.choice(texts_for(settings, kind, place.locale))
        allowed = self._allowed(settings, guild.id, channel_id)
        return Preview(sample, compose(allowed, kind, text, person, place), channel_id)

    async def _place_at(self, guild: GuildSummary, visit: Visit) -> Place:
        place = await self.place(guild)
        if visit.member_count is None:
            return place
        return replace(place, member_count=visit.member_count)

    def _open_channel(
        self, settings: WelcomeSettings, kind: Kind, guild: GuildSummary
    ) -> int | None:
        """Return the channel for a message; `None` also for one that is gone.

        Discord tells a bot of all channels, those it may not see included. That the chosen one is
        gone is told as a problem of the settings, and trying it at each join would help nobody.
        """
        channel_id = channel_for(settings, kind, guild.system_channel_id)
        if channel_id is None or self._state().channel(guild.id, channel_id) is None:
            return None
        return channel_id

    def _allowed(
        self, settings: WelcomeSettings, guild_id: int, channel_id: int | None
    ) -> WelcomeSettings:
        channel = self._state().channel(guild_id, channel_id) if channel_id else None
        return within_permissions(settings, channel.bot_permissions) if channel else settings

    async def _choose_text(
        self, session: AsyncSession, settings: WelcomeSettings, visit: Visit, place: Place
    ) -> str:
        texts = texts_for(settings, visit.kind, place.locale)
        turn = 0
        if settings.order is Order.IN_TURN and len(texts) > 1:
            turn = await claim_turn(session, visit.guild_id, visit.kind)
        return pick_variant(texts, settings.order, turn=turn, random=self._random)

    async def _send(
        self,
        session: AsyncSession,
        settings: WelcomeSettings,
        payload: Mapping[str, Any],
        *,
        guild_id: int,
        channel_id: int,
        key: str,
        subject_id: int | None = None,
        hold: timedelta = timedelta(),
    ) -> None:
        leaves_at = self._clock.now() + hold
        delivery = Delivery.message(
            channel_id,
            payload,
            dedupe_key=key,
            guild_id=guild_id,
            subject_id=subject_id,
            expires_at=leaves_at + settings.stale_after,
            not_before=leaves_at if hold else None,
        )
        if await self._outbox.send(session, delivery) and settings.delete_after is not None:
            await self._jobs.schedule(
                session,
                DELETE_JOB,
                leaves_at + settings.delete_after,
                {
                    "channel_id": channel_id,
                    "key": key,
                    "subject_id": subject_id,
                    "seconds": settings.delete_after.total_seconds(),
                },
                dedupe_key=_deletion_key(key),
                guild_id=guild_id,
                subject_id=subject_id,
            )


def _deletion_key(key: str) -> str:
    return f"{key}:delete"


def with_card(greeting: Greeting, visit: Visit) -> Mapping[str, Any]:
    """Return the message with its card as the outbox stores it: not drawn, but what to draw."""
    if greeting.card is None:
        return greeting.payload
    arguments = {
        "card": asdict(greeting.card),
        "user_id": visit.person.id,
        "avatar": visit.person.avatar,
    }
    attachment = {"renderer": CARD_RENDERER, "filename": CARD_FILE, "args": arguments}
    return {**greeting.payload, "attachments": [attachment]}
