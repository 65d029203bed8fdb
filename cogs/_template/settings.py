"""What a guild can set; panel, API, stored row and dashboard form are made from it."""

from typing import Annotated

from pydantic import Field

from bot.core.fields import channel
from bot.core.i18n import N_
from bot.core.settings import FeatureSettings, setting

Place = Annotated[int, channel(needs=("view_channel", "send_messages"))]
Length = Annotated[int, Field(ge=1, le=500)]


class TemplateSettings(FeatureSettings):
    """How thanks are passed on."""

    channel_id: Place | None = setting(
        None,
        N_("Channel"),
        N_("Where thanks are posted; without one, nobody can give any."),
        unset=N_("nobody can give thanks"),
    )
    longest_reason: Length = setting(
        200, N_("Longest reason"), N_("How many characters a reason may have.")
    )
