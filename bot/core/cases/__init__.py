"""Cases: numbered records of what was done to members, carried out once and undone cleanly.

A case and the state it wants are one transaction; Discord is brought in line afterwards, and again
after a crash. Knows nothing of how Discord is reached: an enforcer does.
"""

from __future__ import annotations

from bot.core.cases.bulk import Progress
from bot.core.cases.outcomes import Delayed, EnforcementError, Gone, NotPermitted
from bot.core.cases.policy import CasePolicy, DefaultPolicy
from bot.core.cases.service import CaseService
from bot.core.cases.values import (
    LONGEST_TIMEOUT,
    MAX_DELETE_WINDOW,
    MAX_EVIDENCE,
    MAX_EVIDENCE_BYTES,
    MAX_REASON,
    UNCHANGED,
    Case,
    CaseChanged,
    CaseEdit,
    CaseKind,
    CaseNote,
    CaseOpened,
    CaseSource,
    CaseState,
    Enforcer,
    Evidence,
    Order,
    Sanction,
    SanctionKind,
    Target,
    Told,
    Unchanged,
)

__all__ = [
    "LONGEST_TIMEOUT",
    "MAX_DELETE_WINDOW",
    "MAX_EVIDENCE",
    "MAX_EVIDENCE_BYTES",
    "MAX_REASON",
    "UNCHANGED",
    "Case",
    "CaseChanged",
    "CaseEdit",
    "CaseKind",
    "CaseNote",
    "CaseOpened",
    "CasePolicy",
    "CaseService",
    "CaseSource",
    "CaseState",
    "DefaultPolicy",
    "Delayed",
    "EnforcementError",
    "Enforcer",
    "Evidence",
    "Gone",
    "NotPermitted",
    "Order",
    "Progress",
    "Sanction",
    "SanctionKind",
    "Target",
    "Told",
    "Unchanged",
]
