"""What the parts of the feature expect of each other, and of Discord."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.core.contracts import Actor
from bot.core.errors import Denied
from db.tickets import Ticket

# Answers by the questions' keys: a text; values or ids as strings; files as `cogs.tickets.form`
# describes them.
Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """For whom a ticket is to be opened, as the press tells; `name` is the user name."""

    user_id: int
    name: str
    role_ids: frozenset[int] = frozenset()
    is_bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """That a ticket of a panel be opened.

    `actor` asks for it, for themselves or as staff for somebody else. `channel_id` is where they
    did. `origin` is `{}` or the message it is about: `guild_id`, `channel_id`, `message_id`,
    `author_id` (as strings) and `content`. `request_id` is the interaction's: the same one opens
    one ticket.
    """

    guild_id: int
    panel_id: int
    applicant: Applicant
    actor: Actor
    channel_id: int
    request_id: int
    answers: Answers = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_for_another(self) -> bool:
        """Whether staff open it for somebody else."""
        return self.applicant.user_id != self.actor.user_id


class Openings(Protocol):
    """Opens tickets; `cogs.tickets.opening`."""

    async def admit(self, request: Request) -> None:
        """Raise `Denied` or `NotFound` with everything that is in the way, before a form is shown.

        What is said may be outdated when the form is sent: `open` asks again.
        """
        ...

    async def open(self, request: Request) -> Ticket:
        """Open the ticket, whose room is made right after; raises as `admit` does.

        The same request again returns the same ticket.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomPlan:
    """How a room is to be: made so when there is none, brought into line when there is.

    `parent_ids` are the text channel of a thread or the categories of a channel, in the order in
    which they are tried. `viewers` are members who take part, `staff_roles` roles that do, because
    they see to the ticket or, as `told_roles`, because they are told of it. In a `locked` room
    nobody but the staff can write. `topic` and `reason` are texts in the guild's language.
    `plain_names` are taken in turn where Discord refuses the name.
    """

    guild_id: int
    is_thread: bool
    parent_ids: tuple[int, ...]
    name: str
    topic: str
    viewers: frozenset[int]
    staff_roles: frozenset[int]
    told_roles: frozenset[int] = frozenset()
    locked: bool = False
    reason: str = ""
    plain_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who was let into a room so far: members, and roles; `None` where nobody knows which.

    Of those who are `entering` nobody knows whether they were let in: that was begun, not ended.
    """

    viewers: frozenset[int] = frozenset()
    roles: frozenset[int] | None = frozenset()
    entering: frozenset[int] = frozenset()


# Who is in a thread by which roles.
Crowd = Mapping[int, frozenset[int]]


class RoomGone(Exception):
    """The room was deleted."""


class RoomRefused(Denied):
    """Discord or a limit of the guild does not allow it until people have put something right."""


class Rooms(Protocol):
    """Makes and changes rooms on Discord.

    Everything may be called again after a crash. Raises `RoomRefused` with the fix, `RoomGone`
    (but for making), and `bot.core.jobs.Retry` for what passes.
    """

    async def find(self, plan: RoomPlan, since: datetime) -> Sequence[int]:
        """Return rooms like the planned one that the bot has made since then, the latest first.

        However long ago that was: a thread that nobody wrote in is found when it is archived, too.
        """
        ...

    async def make(self, plan: RoomPlan) -> int:
        """Make a room and return its id."""
        ...

    async def align(self, channel_id: int, plan: RoomPlan, was: Admitted) -> None:
        """Have those in the room who are to be and nobody else, and lock or unlock it.

        `was` is who had been let in. A role that is new to a thread is let in by being mentioned,
        which is left to the caller.
        """
        ...

    async def expel(self, channel_id: int, plan: RoomPlan, crowd: Crowd) -> Crowd:
        """Take out of a thread those of a crowd who have none of its roles any more.

        Returns who is in it by a role now, also of a thread that is over; nobody where Discord does
        not tell. Who was let in by hand stays.
        """
        ...

    async def rename(self, channel_id: int, plan: RoomPlan) -> None:
        """Give the room the plan's name."""
        ...

    async def move(self, channel_id: int, plan: RoomPlan) -> None:
        """Put a channel under the first category of the plan that has a place."""
        ...

    async def remove(self, channel_id: int, plan: RoomPlan) -> None:
        """Delete a channel; a thread is locked and archived."""
        ...

    async def is_there(self, channel_id: int, plan: RoomPlan) -> bool:
        """Tell whether the room still exists."""
        ...
