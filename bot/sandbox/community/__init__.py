"""A populated world that lives: three guilds whose members talk, come, go and use the bot.

Everything is drawn from a seeded generator, so that a run can be repeated; within a run no message
is written twice.
"""

from __future__ import annotations

from .life import Community
from .population import Town, build_towns

__all__ = ["Community", "Town", "build_towns"]
