"""Decides what becomes of a join or a departure; pure, so that every case is a plain test.

Instants and random numbers are passed in. Nothing here knows of Discord, texts or the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from cogs.welcome.settings import WelcomeSettings

T = TypeVar("T")

# Long enough for a script's joins to show that they are many, too short for a person to notice.
BREATH = timedelta(seconds=2)
# Other private messages to the same person wait behind this one.
LONGEST_PRIVATE_HOLD = timedelta(minutes=1)


class Order(StrEnum):
    """How the next one of several texts is chosen."""

    RANDOM = "random"
    IN_TURN = "in_turn"


class Kind(StrEnum):
    """The messages that Welcome sends about one person."""

    JOIN = "join"
    RETURNING = "returning"
    LEAVE = "leave"


class State(StrEnum):
    """What became of an arrival; the last three are final."""

    SCREENING = "screening"
    GATHERED = "gathered"
    GREETED = "greeted"
    DROPPED = "dropped"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Person:
    """Someone as Discord describes them; `avatar` is the hash of their picture."""

    id: int
    username: str
    display_name: str
    avatar: str | None = None
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """Someone joined, as GUILD_MEMBER_ADD says; `pending` until membership screening is passed.

    `member_count` is the guild's with this join and without later ones, if known.
    """

    guild_id: int
    person: Person
    joined_at: datetime
    pending: bool = False
    member_count: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay of a person and the message it calls for; `key` is the same in every process.

    `member_count` is the guild's at the event that the message is about, if known.
    """

    guild_id: int
    person: Person
    joined_at: datetime
    kind: Kind
    member_count: int | None = None

    @property
    def key(self) -> str:
        """Under which the message is sent once and no more."""
        return visit_key(self.kind, self.guild_id, self.person.id, self.joined_at)


def visit_key(kind: str, guild_id: int, user_id: int, joined_at: datetime) -> str:
    """Return the key of the message of a kind about one stay."""
    return f"welcome.{kind}:{guild_id}:{user_id}:{round(joined_at.timestamp() * 1000)}"


def private_key(key: str) -> str:
    """Return the key of the private message that goes with a public one."""
    return f"{key}:dm"


@dataclass(frozen=True, slots=True)
class Past:
    """What is on record when someone joins.

    `left_at` is a departure, whose event may be handled before that of the join it belongs to;
    `recent` counts the guild's other arrivals within the raid window, `since_digest` those of them
    that the next message about a crowd would name.
    """

    returning: bool = False
    left_at: datetime | None = None
    recent: int = 0
    since_digest: int = 0

    @property
    def kind(self) -> Kind:
        """Which message the person gets."""
        return Kind.RETURNING if self.returning else Kind.JOIN


@dataclass(frozen=True, slots=True)
class Decision:
    """The state that an arrival goes into, and why it was dropped."""

    state: State
    reason: str = ""


def decide_arrival(
    settings: WelcomeSettings, arrival: Arrival, past: Past, now: datetime
) -> Decision:
    """Decide about a join.

    Who has yet to pass membership screening waits, since they can't see the guild until then.
    """
    if arrival.person.is_bot and not settings.greet_bots:
        return Decision(State.DROPPED, "bot")
    if past.left_at is not None and past.left_at >= arrival.joined_at:
        return Decision(State.DROPPED, "left already")
    if not is_wanted(settings, past.kind):
        return Decision(State.DROPPED, "not wanted")
    if now - arrival.joined_at > settings.stale_after:
        return Decision(State.DROPPED, "stale")
    if arrival.pending:
        return Decision(State.SCREENING)
    return greet_or_gather(settings, recent=past.recent, since_digest=past.since_digest)


def greet_or_gather(settings: WelcomeSettings, *, recent: int, since_digest: int) -> Decision:
    """Decide about someone who is in: alone, or together with the others of a raid.

    From the `raid_size`-th arrival within the window on, all are gathered until the rate falls, and
    with them the others of the window whose greetings still wait. Who comes first after a message
    about the crowd may be the last to come, and is greeted in full: see `greeting_hold`.
    """
    is_gathered = is_raid(settings, recent) and since_digest > 0
    return Decision(State.GATHERED if is_gathered else State.GREETED)


def is_raid(settings: WelcomeSettings, recent: int) -> bool:
    """Tell whether one more arrival is a raid's; `recent` counts others within the raid window."""
    return recent + 1 >= settings.raid_size


def greeting_hold(settings: WelcomeSettings, recent: int, now: datetime) -> timedelta:
    """Return how long a greeting waits, so that it can be taken back should this be a raid.

    `recent` counts others within the raid window: who comes alone does not wait. In a raid the
    greeting waits for the next message about the crowd, which takes its place if more come.
    """
    if is_raid(settings, recent):
        return digest_due(settings, now) - now
    return BREATH if recent else timedelta()


def private_hold(settings: WelcomeSettings, recent: int) -> timedelta:
    """Return how long a private message waits: a raid must not be answered with a mass of them."""
    return min(settings.raid_window, LONGEST_PRIVATE_HOLD) if recent else timedelta()


def is_departure_told(
    settings: WelcomeSettings, *, was_seen: bool, is_bot: bool, recent: int
) -> bool:
    """Tell whether a departure gets a message; `recent` counts others within the raid window.

    Those whom nobody saw arrive leave unannounced, and so does a crowd: a purge after a raid would
    otherwise be a flood of goodbyes.
    """
    if is_bot and not settings.greet_bots:
        return False
    return settings.leave_enabled and was_seen and recent + 1 < settings.raid_size


def digest_due(settings: WelcomeSettings, now: datetime) -> datetime:
    """Return when those gathered now are announced: at the end of the current raid window.

    Windows follow one another without a gap, so there is at most one message in each.
    """
    seconds = settings.raid_window.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)


def is_digest_stale(settings: WelcomeSettings, gathered_at: datetime, now: datetime) -> bool:
    """Tell whether gathered arrivals are too old to be announced, as after an outage."""
    return now - gathered_at > settings.raid_window + settings.stale_after


def is_greeted(settings: WelcomeSettings, kind: Kind) -> bool:
    """Tell whether this kind of message is switched on."""
    return {
        Kind.JOIN: settings.join_enabled,
        Kind.RETURNING: settings.returning_enabled,
        Kind.LEAVE: settings.leave_enabled,
    }[kind]


def is_wanted(settings: WelcomeSettings, kind: Kind) -> bool:
    """Tell whether anything is to be said to or about the person, in public or in private."""
    return is_greeted(settings, kind) or gets_private_message(settings, kind)


def gets_private_message(settings: WelcomeSettings, kind: Kind) -> bool:
    """Tell whether the person is also written to; who comes back has read it already."""
    return settings.dm_enabled and kind is Kind.JOIN


def channel_for(settings: WelcomeSettings, kind: Kind, system_channel_id: int | None) -> int | None:
    """Return where a message goes: its own channel, else that for joins, else Discord's own."""
    own = {
        Kind.JOIN: None,
        Kind.RETURNING: settings.returning_channel_id,
        Kind.LEAVE: settings.leave_channel_id,
    }[kind]
    return own or settings.join_channel_id or system_channel_id


def within_permissions(settings: WelcomeSettings, permissions: frozenset[str]) -> WelcomeSettings:
    """Return the settings without the card or embed that the bot may not post in a channel.

    A plain greeting is better than none; the missing permission is told as a problem.
    """
    if "administrator" in permissions:
        return settings
    return settings.model_copy(
        update={
            "card_enabled": settings.card_enabled and "attach_files" in permissions,
            "embed_enabled": settings.embed_enabled and "embed_links" in permissions,
        }
    )


def pick_variant(variants: Sequence[T], order: Order, *, turn: int, random: Random) -> T:
    """Return one of the variants; `turn` counts the messages sent before this one.

    Raises `IndexError` when there is none.
    """
    if order is Order.IN_TURN:
        return variants[turn % len(variants)]
    return variants[random.randrange(len(variants))]
