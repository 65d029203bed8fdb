"""What a guild sets for all of its commands; each command has its own besides."""

from datetime import timedelta
from typing import Annotated

from bot.core.fields import duration
from bot.core.i18n import N_
from bot.core.settings import FeatureSettings, setting

Cooldown = Annotated[timedelta, duration(maximum=timedelta(days=1))]


class CustomCommandSettings(FeatureSettings):
    """What holds for every command."""

    cooldown: Cooldown = setting(
        timedelta(),
        N_("Cooldown"),
        N_("How long a member waits before the same command again; a command's own may be longer."),
    )
