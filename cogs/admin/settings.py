"""The settings of the administration itself: there are none."""

from __future__ import annotations

from bot.core.settings import FeatureSettings


class AdminSettings(FeatureSettings):
    """Nothing to set: whoever manages the server may use these commands."""
