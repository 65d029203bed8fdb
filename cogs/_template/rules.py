"""Decides whether thanks may be passed on, and in which words; pure, so every case is a test.

What time it is and what chance decides would be passed in, like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.errors import InvalidInput
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _

if TYPE_CHECKING:
    from cogs._template.settings import TemplateSettings


@dataclass(frozen=True, slots=True)
class Thanks:
    """Who thanks whom, and what for."""

    giver_id: int
    receiver_id: int
    receiver_is_bot: bool
    reason: str


def word_thanks(settings: TemplateSettings, thanks: Thanks) -> Message:
    """Return the text to post; raises `InvalidInput` for thanks that can't be passed on."""
    reason = " ".join(thanks.reason.split())
    if thanks.giver_id == thanks.receiver_id:
        raise InvalidInput(_("You can't thank yourself."), hint=_("Choose another member."))
    if thanks.receiver_is_bot:
        raise InvalidInput(_("A bot has no use for thanks."), hint=_("Choose another member."))
    if not 0 < len(reason) <= settings.longest_reason:
        raise InvalidInput(
            _("A reason has 1 to {count} characters.", count=settings.longest_reason)
        )
    return _(
        "<@{giver}> thanks <@{receiver}>: {reason}",
        giver=thanks.giver_id,
        receiver=thanks.receiver_id,
        reason=escape_markdown(reason),
    )
