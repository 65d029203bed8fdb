"""Pegasus: a self-hosted Discord bot with its admin web server in the same process.

`bot.core` is the kernel, the other modules of `bot` adapt it to discord.py, `bot.sandbox` is a
simulated Discord that imports none of them. `bot.application` alone puts everything together.
"""

from __future__ import annotations

__version__ = "1.0.0"
