"""What a guild has decided about cases: points, who is written to, where the log is.

The moderation feature installs its own policy, from its settings; this one holds until then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from bot.core.cases.values import Case, CaseKind, FollowUp

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

FollowUps = Mapping[int, FollowUp]

_NOTIFIED = frozenset(
    {
        CaseKind.WARN,
        CaseKind.TIMEOUT,
        CaseKind.MUTE,
        CaseKind.KICK,
        CaseKind.SOFTBAN,
        CaseKind.BAN,
        CaseKind.TEMPBAN,
    }
)


class CasePolicy(Protocol):
    """The decisions of a guild that cases are made by."""

    async def points_for(self, guild_id: int, kind: CaseKind) -> int:
        """Return the warn points that a case of this kind gives unless its order says."""
        ...

    async def warn_lifetime(self, guild_id: int) -> timedelta | None:
        """Return how long points count; `None` is for ever."""
        ...

    async def mute_role_id(self, guild_id: int) -> int | None:
        """Return the role that mutes, `None` while there is none."""
        ...

    async def log_channel_id(self, guild_id: int) -> int | None:
        """Return the channel for messages about cases; `None` takes the guild's log channel."""
        ...

    async def notifies(self, guild_id: int, kind: CaseKind) -> bool:
        """Return whether the member is written to."""
        ...

    async def closing_words(self, guild_id: int, kind: CaseKind) -> str | None:
        """Return what ends the message to the member, such as how to appeal; markdown is shown."""
        ...

    async def components(self, case: Case, locale: str | None) -> Sequence[Mapping[str, Any]]:
        """Return Discord's component rows for the message to the member, such as to appeal."""
        ...

    async def follow(self, session: AsyncSession, cases: Sequence[Case]) -> FollowUps:
        """Decide what follows from new cases of one guild, in the transaction that opens them.

        Returns by case id what follows where something does; people are told of it.
        """
        ...


class DefaultPolicy:
    """One point for a warning, which counts for 90 days; members are told of what hits them."""

    async def points_for(self, guild_id: int, kind: CaseKind) -> int:  # noqa: ARG002
        """Return 1 for a warning, else 0."""
        return int(kind is CaseKind.WARN)

    async def warn_lifetime(self, guild_id: int) -> timedelta | None:  # noqa: ARG002
        """Return 90 days."""
        return timedelta(days=90)

    async def mute_role_id(self, guild_id: int) -> int | None:  # noqa: ARG002
        """Return `None`: nobody has chosen a role."""
        return None

    async def log_channel_id(self, guild_id: int) -> int | None:  # noqa: ARG002
        """Return `None`: the guild's log channel serves."""
        return None

    async def notifies(self, guild_id: int, kind: CaseKind) -> bool:  # noqa: ARG002
        """Return true for all that a member feels."""
        return kind in _NOTIFIED

    async def closing_words(self, guild_id: int, kind: CaseKind) -> str | None:  # noqa: ARG002
        """Return `None`: nobody has written any."""
        return None

    async def components(self, case: Case, locale: str | None) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002
        """Return none."""
        return ()

    async def follow(self, session: AsyncSession, cases: Sequence[Case]) -> FollowUps:  # noqa: ARG002
        """Do nothing: a case has no consequences but its own."""
        return {}
