"""Giveaways: what is given away, who entered, what was drawn, and the prizes in the vault.

A giveaway's `status` is only changed by a compare-and-set. How many entered is counted, never kept:
a count beside the rows would be wrong as soon as a person's data is erased.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_RECORD,
    DELETE_ROW,
    FORGET_PERSON,
    NOBODY,
    Base,
    Erasure,
    Json,
    RowId,
    Snowflake,
    UtcDateTime,
    person,
    secret,
)

SCHEDULED, ACTIVE, PAUSED = "scheduled", "active", "paused"
# Entries are frozen, the winners are being found.
DRAWING = "drawing"
ENDED, CANCELLED = "ended", "cancelled"
# In these it is still to come or goes on.
OPEN_STATUSES = (SCHEDULED, ACTIVE, PAUSED, DRAWING)

# What a drawn person's row says: the claim is open; it is theirs; nobody took it in time; they
# were passed over at the draw; the host drew again in their place.
PENDING, WON = "pending", "won"
EXPIRED, SKIPPED, REPLACED = "expired", "skipped", "replaced"
# Of a winner: they had the role already that the giveaway gives.
HELD = "had the role"

_ANONYMOUS_ENTRY = Erasure(clears=("salt",))
# Whoever has a prize to claim is still needed for it.
_FORGET_WINNER = Erasure(kept_while=("state", (PENDING,)))
# A role that was won for a time is there.
GIVEN = "given"
_AFTER_ITS_END = Erasure(deletes=True, kept_while=("state", (GIVEN,)))


def search_key_of(title: str, prize: str) -> str:
    """Return what a giveaway is searched by, without regard to case.

    Kept, since neither SQLite nor PostgreSQL in the C locale knows capitals other than English
    ones.
    """
    return f"{title}\n{prize}".casefold()


def _search_key(context: Any) -> str:
    values = context.get_current_parameters()
    return search_key_of(values["title"], values["prize"])


class Giveaway(Base):
    """A giveaway; `number` is how its guild calls it.

    `ends_at` is NULL for one that ends by its number of entries or by hand, and `remaining` holds
    the seconds that were left while it is paused. `planned_seconds` is how long it is to last
    without pauses, NULL for one without an end, and for those that were made before it was kept.
    `seed` is the secret end of the hash chain whose beginning is `commitment` (see
    `cogs.giveaways.verify`); `rounds` counts the draws so far. `revision` counts its changes,
    `posts` the messages that have shown it. Each winner is given `prize_amount` of the currency,
    `prize_xp` of experience, and the role, for `reward_role_seconds` if that is set.
    """

    __tablename__ = "giveaways"
    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        Index(None, "guild_id", "status"),
        Index(None, "status", "ends_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    number: Mapped[int] = mapped_column(Integer)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    message_id: Mapped[int | None] = mapped_column(Snowflake)
    host_id: Mapped[int] = mapped_column(
        Snowflake, index=True, info=person(Erasure(replacement=NOBODY))
    )
    created_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    title: Mapped[str] = mapped_column(String(256))
    description: Mapped[str | None] = mapped_column(Text)
    prize: Mapped[str] = mapped_column(String(256))
    search_key: Mapped[str | None] = mapped_column(Text, default=_search_key)
    winner_count: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(20))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    remaining: Mapped[int | None] = mapped_column(Integer)
    planned_seconds: Mapped[int | None] = mapped_column(Integer)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    requirements: Mapped[dict[str, Any]] = mapped_column(Json)
    bonus_entries: Mapped[list[Any]] = mapped_column(Json)
    embed_config: Mapped[dict[str, Any]] = mapped_column(Json)
    max_entries: Mapped[int | None] = mapped_column(Integer)
    end_at_entries: Mapped[int | None] = mapped_column(Integer)
    claim_seconds: Mapped[int | None] = mapped_column(Integer)
    reward_role_id: Mapped[int | None] = mapped_column(Snowflake)
    reward_role_seconds: Mapped[int | None] = mapped_column(Integer)
    prize_amount: Mapped[int | None] = mapped_column(BigInteger)
    prize_xp: Mapped[int | None] = mapped_column(BigInteger)
    # Its host would know who wins whenever they end it.
    seed: Mapped[str] = mapped_column(String(64), info=secret())
    commitment: Mapped[str] = mapped_column(String(64))
    rounds: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    posts: Mapped[int] = mapped_column(Integer, default=0)
    series_id: Mapped[int | None] = mapped_column(RowId, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GiveawayNumber(Base):
    """The last number that a guild's giveaways were given."""

    __tablename__ = "giveaway_numbers"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(Integer)


class GiveawayEntry(Base):
    """An entry with its `weight`, decided when it was made; `item_entries` of it are of items used.

    `digest` stands for the person in the proof: SHA-256 over giveaway, person and `salt`. Erasing a
    person clears person and salt; what remains names nobody and the draw can still be checked.
    """

    __tablename__ = "giveaway_entries"
    __table_args__ = (UniqueConstraint("giveaway_id", "user_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    giveaway_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(_ANONYMOUS_ENTRY)
    )
    salt: Mapped[str | None] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(64))
    weight: Mapped[int] = mapped_column(Integer)
    item_entries: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GiveawayRound(Base):
    """A draw: the entries it was made from, and the seed once it is public.

    `wanted` is how many winners were to be found. `drawn_at` is NULL while they are being found.
    """

    __tablename__ = "giveaway_rounds"

    giveaway_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    wanted: Mapped[int] = mapped_column(Integer)
    entries_root: Mapped[str] = mapped_column(String(64))
    entry_count: Mapped[int] = mapped_column(Integer)
    total_weight: Mapped[int] = mapped_column(Integer)
    seed: Mapped[str | None] = mapped_column(String(64))
    requested_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    frozen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    drawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GiveawayWinner(Base):
    """A person who was drawn, also one who was passed over; nobody is drawn twice.

    `position` is the place in the round's order of drawing. `reason` is a word for why somebody was
    passed over, or `HELD` of a winner from whom the role is not to be taken.
    """

    __tablename__ = "giveaway_winners"
    __table_args__ = (
        UniqueConstraint("giveaway_id", "digest"),
        UniqueConstraint("giveaway_id", "round", "position"),
        Index(None, "state", "claim_until"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    giveaway_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    round: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    user_id: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(_FORGET_WINNER))
    digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    claim_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GiveawayPrize(Base):
    """A code in the vault, encrypted; handed to one winner and to nobody else."""

    __tablename__ = "giveaway_prizes"
    __table_args__ = (UniqueConstraint("giveaway_id", "position"), UniqueConstraint("winner_id"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    giveaway_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    position: Mapped[int] = mapped_column(Integer)
    key_id: Mapped[str] = mapped_column(String(16))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    winner_id: Mapped[int | None] = mapped_column(RowId)
    handed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GiveawayLoan(Base):
    """A role that somebody won for a time, until `ends_at`.

    The row is there for as long as the role is `GIVEN`. It is what takes the role again, so whoever
    has their data erased is erased here after it.
    """

    __tablename__ = "giveaway_loans"
    __table_args__ = (
        UniqueConstraint("guild_id", "user_id", "role_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(_AFTER_ITS_END))
    role_id: Mapped[int] = mapped_column(Snowflake)
    state: Mapped[str] = mapped_column(String(16))
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GiveawayMessages(Base):
    """How many messages a member has written since a giveaway began that asks for some."""

    __tablename__ = "giveaway_messages"

    giveaway_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    count: Mapped[int] = mapped_column(Integer)


class GiveawayTemplate(Base):
    """A plan that a guild keeps for later, by name; `name_key` is it without regard to case.

    `revision` counts its changes.
    """

    __tablename__ = "giveaway_templates"
    __table_args__ = (UniqueConstraint("guild_id", "name_key"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    name: Mapped[str] = mapped_column(String(50))
    name_key: Mapped[str] = mapped_column(String(100))
    plan: Mapped[dict[str, Any]] = mapped_column(Json)
    revision: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    created_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GiveawaySeries(Base):
    """A giveaway that comes again: its plan and the cron rule, read in an IANA zone.

    With `by_clock` the plan's duration is what clocks show between beginning and end. `revision`
    counts its changes.
    """

    __tablename__ = "giveaway_series"
    __table_args__ = (Index(None, "guild_id", "stopped_at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    channel_id: Mapped[int] = mapped_column(Snowflake)
    host_id: Mapped[int] = mapped_column(
        Snowflake, index=True, info=person(Erasure(replacement=NOBODY))
    )
    plan: Mapped[dict[str, Any]] = mapped_column(Json)
    rule: Mapped[str] = mapped_column(String(100))
    timezone: Mapped[str] = mapped_column(String(64))
    by_clock: Mapped[bool | None] = mapped_column(Boolean)
    revision: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    created_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GiveawayBlock(Base):
    """A person who may not enter a guild's giveaways."""

    __tablename__ = "giveaway_blocks"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_RECORD)
    )
    reason: Mapped[str | None] = mapped_column(String(512))
    blocked_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    blocked_at: Mapped[datetime] = mapped_column(UtcDateTime)
