"""The view of Discord while there is no client: not connected, and empty."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.contracts import (
    BotCounts,
    ChannelSummary,
    GatewayStatus,
    GuildSummary,
    MemberFacts,
    RoleSummary,
    ShardStatus,
)


class NullState:
    """A `BotState` with nothing in it; `fatal` says why there will never be more.

    `earlier` is how the connections stood before: the same shards are now not connected.
    """

    def __init__(self, fatal: str | None = None, *, earlier: GatewayStatus | None = None) -> None:
        earlier = earlier or GatewayStatus()
        self._gateway = GatewayStatus(
            shards=tuple(
                ShardStatus(one.id, connected=False, disconnected_for=one.disconnected_for)
                for one in earlier.shards
            ),
            first_ready=earlier.first_ready,
            fatal=fatal,
            identify_remaining=earlier.identify_remaining,
        )

    def gateway(self) -> GatewayStatus:
        """Return a gateway without any connection."""
        return self._gateway

    def counts(self) -> BotCounts:
        """Return nothing but zeros."""
        return BotCounts()

    def guild(self, guild_id: int) -> GuildSummary | None:  # noqa: ARG002
        """Return `None`: the bot is in no guild."""
        return None

    def guilds(self) -> Sequence[GuildSummary]:
        """Return no guild."""
        return ()

    def channels(self, guild_id: int) -> Sequence[ChannelSummary]:  # noqa: ARG002
        """Return no channel."""
        return ()

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:  # noqa: ARG002
        """Return `None`: there is no channel."""
        return None

    def roles(self, guild_id: int) -> Sequence[RoleSummary]:  # noqa: ARG002
        """Return no role."""
        return ()

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:  # noqa: ARG002
        """Return `None`: there is no role."""
        return None

    def member(self, guild_id: int, user_id: int) -> MemberFacts | None:  # noqa: ARG002
        """Return `None`: there is no member."""
        return None

    def me(self, guild_id: int) -> MemberFacts | None:  # noqa: ARG002
        """Return `None`: the bot is nowhere a member."""
        return None
