"""What a guild can set for all features at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.core.fields import Language, TimeZone, channel
from bot.core.i18n import N_
from bot.core.prefixes import PATTERN, check_prefix
from bot.core.settings import FeatureSettings, setting

LogChannel = Annotated[int, channel(needs=("view_channel", "send_messages", "embed_links"))]
Prefix = Annotated[str, BeforeValidator(check_prefix), Field(pattern=PATTERN)]


class GeneralSettings(FeatureSettings):
    """The guild's basics."""

    language: Language | None = setting(
        None,
        N_("Language"),
        N_("The language for texts that everyone sees; without it, the language set in Discord."),
        unset=N_("the language set in Discord"),
    )
    time_zone: TimeZone = setting(
        "UTC", N_("Time zone"), N_("The zone in which days begin and times are read and shown.")
    )
    log_channel_id: LogChannel | None = setting(
        None,
        N_("Log channel"),
        N_("Where I tell staff about problems, such as a channel that I can't post in."),
        unset=N_("nowhere"),
    )
    prefix: Prefix | None = setting(
        None,
        N_("Prefix"),
        N_("A sign such as ! before a command in a message; works where I may read messages."),
        unset=N_("commands with a slash only"),
    )
