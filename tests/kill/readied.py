"""What every victim would do first, done once before they are forked; imported last of all."""

from __future__ import annotations

import gc

import aiosqlite  # noqa: F401 - else each victim imports its driver
import asyncpg  # noqa: F401
from sqlalchemy.orm import configure_mappers

configure_mappers()
# The collector of a victim leaves alone what it shares with all others.
gc.collect()
gc.freeze()
