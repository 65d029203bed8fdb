"""Where the transcripts of a panel's tickets are posted: whoever reads there reads them all."""

from __future__ import annotations

from bot.core.contracts import BotState
from bot.core.errors import Denied, NotFound
from bot.core.i18n import _
from bot.core.preflight import can_post
from cogs.tickets.panel import Panel
from cogs.tickets.settings import TicketSettings


def log_channel_of(panel: Panel, settings: TicketSettings) -> int | None:
    """Return the channel that is told of a panel's closed tickets: its own, else the server's.

    One that was deleted is not replaced by the server's, whose readers are others.
    """
    return panel.log_channel_id if panel.log_channel_id is not None else settings.log_channel_id


def check_log_channel(state: BotState, guild_id: int, panel: Panel) -> None:
    """Raise when no transcript can be posted in the panel's own channel."""
    if panel.log_channel_id is None:
        return
    channel = state.channel(guild_id, panel.log_channel_id)
    if channel is None:
        raise NotFound(_("I can't see that channel."))
    refusal = can_post(channel, ("embed_links", "attach_files"))
    if refusal is not None:
        raise Denied(refusal.message, hint=refusal.fix)
