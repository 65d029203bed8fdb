"""Second approval: what one person asks for is done once another person says yes.

A request is a row, its card a message that lasts, the decision a compare-and-set, the deed a
durable job. Knows neither what is done nor who may decide: features register the one, callers check
the other.
"""

from __future__ import annotations

from bot.core.approvals.service import ApprovalService
from bot.core.approvals.values import (
    ApprovalKind,
    ApprovalOrder,
    ApprovalPolicy,
    Approved,
    DefaultApprovals,
)

__all__ = [
    "ApprovalKind",
    "ApprovalOrder",
    "ApprovalPolicy",
    "ApprovalService",
    "Approved",
    "DefaultApprovals",
]
