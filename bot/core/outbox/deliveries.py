"""What the outbox and its courier say to each other: what is to be delivered, and how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, Self

from bot.core.events import Event
from bot.core.work import WorkSnapshot

Payload = Mapping[str, Any]


class DeliveryKind(StrEnum):
    """What is to be done on Discord."""

    SEND = "message.send"
    EDIT = "message.edit"
    DELETE = "message.delete"
    DIRECT = "dm.send"


SENDING = frozenset({DeliveryKind.SEND, DeliveryKind.DIRECT})
# The reason of a delay while nobody is there to deliver.
NOT_CONNECTED = "not_connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something to say on Discord, with a key under which it is said once and no more.

    The payload is the JSON body of Discord's Create Message or Edit Message, taken as it is; a
    body without `allowed_mentions` mentions nobody. Files are not stored: an entry of its
    `attachments` names a renderer that makes the file at delivery, such as
    `{"renderer": "welcome_card", "filename": "card.png", "args": {...}}`.
    It leaves at `not_before` if that is later than now; what comes after it of its subject in its
    channel waits too. The subject is what stands before the first colon of the key. What is not
    delivered by `expires_at` is dropped. `subject_id` is the person whom the key or the payload of
    a message in a channel names: it is exported and erased with their data.
    """

    kind: DeliveryKind
    dedupe_key: str
    payload: Payload = field(default_factory=dict)
    guild_id: int | None = None
    channel_id: int | None = None
    user_id: int | None = None
    subject_id: int | None = None
    message_id: int | None = None
    target_key: str | None = None
    expires_at: datetime | None = None
    not_before: datetime | None = None

    @classmethod
    def message(
        cls,
        channel_id: int,
        payload: Payload,
        *,
        dedupe_key: str,
        guild_id: int | None = None,
        subject_id: int | None = None,
        expires_at: datetime | None = None,
        not_before: datetime | None = None,
    ) -> Self:
        """A new message in a channel."""
        return cls(
            kind=DeliveryKind.SEND,
            dedupe_key=dedupe_key,
            payload=payload,
            guild_id=guild_id,
            channel_id=channel_id,
            subject_id=subject_id,
            expires_at=expires_at,
            not_before=not_before,
        )

    @classmethod
    def direct(
        cls,
        user_id: int,
        payload: Payload,
        *,
        dedupe_key: str,
        guild_id: int | None = None,
        expires_at: datetime | None = None,
        not_before: datetime | None = None,
    ) -> Self:
        """A direct message to a person."""
        return cls(
            kind=DeliveryKind.DIRECT,
            dedupe_key=dedupe_key,
            payload=payload,
            guild_id=guild_id,
            user_id=user_id,
            expires_at=expires_at,
            not_before=not_before,
        )

    @classmethod
    def edit(
        cls,
        channel_id: int,
        message: int | str,
        payload: Payload,
        *,
        dedupe_key: str,
        guild_id: int | None = None,
        subject_id: int | None = None,
    ) -> Self:
        """A change to a message, named by its id or by the key of the delivery that sends it."""
        return cls(
            kind=DeliveryKind.EDIT,
            dedupe_key=dedupe_key,
            payload=payload,
            guild_id=guild_id,
            subject_id=subject_id,
            channel_id=channel_id,
            **_name_message(message),
        )

    @classmethod
    def edit_direct(
        cls,
        user_id: int,
        message: int | str,
        payload: Payload,
        *,
        dedupe_key: str,
        guild_id: int | None = None,
    ) -> Self:
        """A change to a direct message, named by its id or by the key of its delivery."""
        return cls(
            kind=DeliveryKind.EDIT,
            dedupe_key=dedupe_key,
            payload=payload,
            guild_id=guild_id,
            user_id=user_id,
            message_id=message if isinstance(message, int) else None,
            target_key=message if isinstance(message, str) else None,
        )

    @classmethod
    def delete_direct(
        cls, user_id: int, message: int | str, *, dedupe_key: str, guild_id: int | None = None
    ) -> Self:
        """The removal of a direct message, named by its id or by the key of its delivery."""
        return cls(
            kind=DeliveryKind.DELETE,
            dedupe_key=dedupe_key,
            guild_id=guild_id,
            user_id=user_id,
            message_id=message if isinstance(message, int) else None,
            target_key=message if isinstance(message, str) else None,
        )

    @classmethod
    def delete(
        cls,
        channel_id: int,
        message: int | str,
        *,
        dedupe_key: str,
        guild_id: int | None = None,
        subject_id: int | None = None,
    ) -> Self:
        """The removal of a message, named by its id or by the key of the delivery that sends it."""
        return cls(
            kind=DeliveryKind.DELETE,
            dedupe_key=dedupe_key,
            guild_id=guild_id,
            subject_id=subject_id,
            channel_id=channel_id,
            **_name_message(message),
        )


def _name_message(message: int | str) -> dict[str, Any]:
    return {"message_id" if isinstance(message, int) else "target_key": message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A delivery as the courier gets it; `nonce` is the same at each attempt."""

    kind: DeliveryKind
    dedupe_key: str
    nonce: str
    payload: Payload
    guild_id: int | None = None
    channel_id: int | None = None
    user_id: int | None = None
    message_id: int | None = None
    attempt: int = 1

    @property
    def is_direct(self) -> bool:
        """Whether it is about a direct message: those are found by their person."""
        return self.channel_id is None and self.user_id is not None


class Courier(Protocol):
    """Takes an entry to Discord."""

    async def deliver(self, entry: Entry) -> int | None:
        """Deliver and return the message's id, or `None` where there is none (any more).

        A repeat with the same nonce within `NONCE_WINDOW` must not be seen. Raises `Delayed`,
        `NotPermitted` or `Undeliverable`.
        """
        ...

    async def find_sent(self, entry: Entry, since: datetime) -> Sequence[int]:
        """Return the bot's messages since an instant that say what the entry says, oldest first.

        Raises as `deliver` does.
        """
        ...


class DeliveryError(Exception):
    """The entry was not delivered, as far as is known; `reason` is a short word for it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}" if detail else reason)


class Delayed(DeliveryError):
    """It may work later.

    `after` is how long to wait at least. `maybe_sent` says that the entry may have reached Discord
    although no answer came back.
    """

    def __init__(
        self,
        reason: str,
        detail: str = "",
        *,
        after: timedelta = timedelta(),
        maybe_sent: bool = False,
    ) -> None:
        super().__init__(reason, detail)
        self.after = after
        self.maybe_sent = maybe_sent


class NotPermitted(DeliveryError):
    """A permission is missing: the entry waits, parked, until people have put that right."""


class Undeliverable(DeliveryError):
    """It never will work."""


class Refused(Undeliverable):
    """The person does not want it, such as one whose direct messages are closed: no fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxParked(Event):
    """A delivery waits for a permission; what follows of its subject there waits behind it."""

    guild_id: int | None
    channel_id: int | None
    dedupe_key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxFailed(Event):
    """A delivery was given up; `reason` is a word such as `expired` or `channel_gone`."""

    guild_id: int | None
    channel_id: int | None
    user_id: int | None
    dedupe_key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryBroke(Event):
    """An attempt ended by a fault of ours; it is made again later."""

    kind: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class Calls:
    """Whom messages call: people and roles."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery: whether it may yet be sent, or else when and as which message.

    One that is parked is open, and waits for people to put something right.
    """

    is_open: bool
    sent_at: datetime | None
    message_id: int | None
    is_parked: bool = False


@dataclass(frozen=True, slots=True)
class OutboxSnapshot(WorkSnapshot):
    """How the deliveries stand; `outcomes` counts this process's attempts by kind and outcome."""

    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)
