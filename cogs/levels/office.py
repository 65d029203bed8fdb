"""The services of levels, built once and shared by the cogs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import discord

from bot.core.imaging.avatars import AvatarFetcher
from bot.core.imaging.studio import Studio
from bot.membership import DiscordMembers
from cogs.levels.book import Book
from cogs.levels.boosts import Boosts
from cogs.levels.card import Cards
from cogs.levels.counting import TextCounter
from cogs.levels.gifts import Gifts
from cogs.levels.importing import Importer
from cogs.levels.plan import Plans
from cogs.levels.reconciling import Reconciler
from cogs.levels.returning import Returning
from cogs.levels.ruling import Ruling
from cogs.levels.seats import Seats
from cogs.levels.staff import StaffDesk
from cogs.levels.standings import Standings
from cogs.levels.talking import Talk

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.kernel import Kernel

Interaction: TypeAlias = "discord.Interaction[Pegasus]"


@dataclass(frozen=True, slots=True)
class Office:
    """Who does what for levels."""

    bot: Pegasus
    plans: Plans
    boosts: Boosts
    book: Book
    counter: TextCounter
    seats: Seats
    talk: Talk
    returning: Returning
    ruling: Ruling
    standings: Standings
    staff: StaffDesk
    reconciler: Reconciler
    importer: Importer
    gifts: Gifts
    studio: Studio
    cards: Cards

    def afk_channel(self, guild_id: int) -> int | None:
        """Return the voice channel of a guild for those who are away."""
        return afk_channel_of(self.bot, guild_id)


def afk_channel_of(bot: Pegasus, guild_id: int) -> int | None:
    """Return the voice channel of a guild for those who are away."""
    guild = bot.get_guild(guild_id)
    return guild.afk_channel.id if guild is not None and guild.afk_channel is not None else None


def hears(bot: Pegasus, guild_id: int) -> bool:
    """Tell whether the connection that brings a guild's events is there."""
    guild = bot.get_guild(guild_id)
    shards = bot.kernel.state().gateway().shards
    return guild is not None and any(one.connected and one.id == guild.shard_id for one in shards)


def open_office(bot: Pegasus) -> Office:
    """Build the services for a client."""
    kernel = bot.kernel
    database, clock = kernel.database, kernel.clock
    plans, seats, boosts = Plans(), Seats(), Boosts(database, clock)
    book = Book(
        clock,
        kernel.settings,
        plans=plans,
        outbox=kernel.outbox,
        roles=kernel.roles,
        bus=kernel.bus,
        state=kernel.state,
    )
    counter = _counter(kernel, book, plans, boosts)
    studio = _studio(kernel)
    return Office(
        bot=bot,
        plans=plans,
        boosts=boosts,
        book=book,
        counter=counter,
        seats=seats,
        talk=_talk(bot, seats, book, boosts),
        returning=Returning(database, kernel.settings, book=book, spawn=kernel.supervisor.spawn),
        ruling=Ruling(
            database, clock, jobs=kernel.jobs, batches=kernel.batches, state=kernel.state
        ),
        standings=Standings(database, clock, book=book, counter=counter),
        staff=StaffDesk(
            database, clock, book=book, counter=counter, boosts=boosts, audit=kernel.audit
        ),
        reconciler=_reconciler(bot, book),
        importer=_importer(bot, book),
        gifts=_gifts(bot, book),
        studio=studio,
        cards=Cards(studio),
    )


def _counter(kernel: Kernel, book: Book, plans: Plans, boosts: Boosts) -> TextCounter:
    return TextCounter(
        kernel.database,
        kernel.clock,
        kernel.settings,
        book=book,
        plans=plans,
        boosts=boosts,
        spawn=kernel.supervisor.spawn,
        state=kernel.state,
        reads_content=kernel.config.discord.message_content_intent,
    )


def _talk(bot: Pegasus, seats: Seats, book: Book, boosts: Boosts) -> Talk:
    kernel = bot.kernel
    return Talk(
        kernel.database,
        kernel.clock,
        kernel.settings,
        seats=seats,
        book=book,
        boosts=boosts,
        state=kernel.state,
        afk_channel=lambda guild_id: afk_channel_of(bot, guild_id),
        hears=lambda guild_id: hears(bot, guild_id),
    )


def _reconciler(bot: Pegasus, book: Book) -> Reconciler:
    kernel = bot.kernel
    return Reconciler(
        kernel.database,
        kernel.clock,
        book=book,
        finder=DiscordMembers(bot),
        roles=kernel.roles,
        state=kernel.state,
    )


def _importer(bot: Pegasus, book: Book) -> Importer:
    kernel = bot.kernel
    return Importer(
        kernel.database,
        kernel.clock,
        book=book,
        finder=DiscordMembers(bot),
        audit=kernel.audit,
        state=kernel.state,
    )


def _gifts(bot: Pegasus, book: Book) -> Gifts:
    kernel = bot.kernel
    return Gifts(
        kernel.database,
        kernel.clock,
        kernel.settings,
        book=book,
        finder=DiscordMembers(bot),
        spawn=kernel.supervisor.spawn,
    )


def _studio(kernel: Kernel) -> Studio:
    avatars = AvatarFetcher(kernel.config.discord.cdn_base_url)
    return Studio(avatars, kernel.config.cards.font_directories)
