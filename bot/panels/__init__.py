"""The `/<feature> settings` panel, made from any feature's settings model (Components V2).

`paging` divides the fields, `screens` draws, `forms` asks for one value, `panel` reacts.
"""

from __future__ import annotations

from bot.panels.command import settings_command
from bot.panels.panel import SettingsPanel

__all__ = ["SettingsPanel", "settings_command"]
