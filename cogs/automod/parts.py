"""What carrying out and undoing both work with; the service puts it together once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.cases import CaseService
from bot.core.jobs import JobService
from cogs.automod.deletions import DeletionQueue
from cogs.automod.effects import Effects
from cogs.automod.logbook import Logbook
from cogs.automod.problems import Troubles
from cogs.automod.turns import Pace, Turns
from db.engine import Database

if TYPE_CHECKING:
    from bot.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Parts:
    """The services of the kernel and Automod's own; turns and pace are one for all who act."""

    database: Database
    clock: Clock
    jobs: JobService
    cases: CaseService
    effects: Effects
    deletions: DeletionQueue
    logbook: Logbook
    troubles: Troubles
    turns: Turns
    pace: Pace
