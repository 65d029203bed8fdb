"""What a giveaway's row holds of its plan, and the plan that a row says. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cogs.giveaways.plan import Look, Plan, Requirements, bonuses_from_json, bonuses_to_json
from cogs.giveaways.rules import LONGEST, SHORTEST
from cogs.giveaways.settings import GiveawaySettings
from db.giveaways import Giveaway


def plan_of(giveaway: Giveaway) -> Plan:
    """Return what a giveaway is, as a plan: for editing it, or for another like it.

    One whose end was put off may last longer than another may be planned to.
    """
    lasts, window = _lasts(giveaway), giveaway.claim_seconds
    title = giveaway.title if giveaway.title != giveaway.prize else None
    return Plan(
        prize=giveaway.prize,
        winners=giveaway.winner_count,
        duration=None if lasts is None else min(max(lasts, SHORTEST), LONGEST),
        title=title,
        description=giveaway.description,
        requirements=Requirements.from_json(giveaway.requirements),
        bonuses=bonuses_from_json(giveaway.bonus_entries),
        look=Look.from_json(giveaway.embed_config),
        max_entries=giveaway.max_entries,
        end_at_entries=giveaway.end_at_entries,
        claim_window=timedelta(seconds=window or 0),
        reward_role_id=giveaway.reward_role_id,
        reward_role_time=role_time_of(giveaway),
        prize_amount=giveaway.prize_amount,
        prize_xp=giveaway.prize_xp,
    )


def _lasts(giveaway: Giveaway) -> timedelta | None:
    """Return how long a giveaway is to last; of a paused one that is old enough, what is left."""
    if giveaway.planned_seconds is not None:
        return timedelta(seconds=giveaway.planned_seconds)
    if giveaway.ends_at is not None:
        return giveaway.ends_at - giveaway.starts_at
    return None if giveaway.remaining is None else timedelta(seconds=giveaway.remaining)


def window_of(plan: Plan, settings: GiveawaySettings) -> timedelta:
    """Return how long winners have to claim, nothing where they need not."""
    window = settings.claim_window if plan.claim_window is None else plan.claim_window
    return window or timedelta(0)


def role_time_of(giveaway: Giveaway) -> timedelta | None:
    """Return how long winners have their role, `None` for good."""
    seconds = giveaway.reward_role_seconds
    return None if seconds is None else timedelta(seconds=seconds)


def audited(giveaway: Giveaway) -> dict[str, Any]:
    """Return what of a giveaway a change is told of."""
    ends_at, plan = giveaway.ends_at, plan_of(giveaway).to_json()
    # When it ends says it better.
    del plan["duration"]
    return {
        **plan,
        "starts_at": giveaway.starts_at.isoformat(),
        "ends_at": None if ends_at is None else ends_at.isoformat(),
        "remaining": giveaway.remaining,
        "channel_id": str(giveaway.channel_id),
        "host_id": str(giveaway.host_id),
    }


def columns_of(plan: Plan) -> dict[str, Any]:
    """Return what a row holds of a plan; when it begins and ends stands beside it."""
    window = plan.claim_window
    return {
        "title": plan.title or plan.prize,
        "description": plan.description,
        "prize": plan.prize,
        "winner_count": plan.winners,
        "requirements": plan.requirements.to_json(),
        "bonus_entries": bonuses_to_json(plan.bonuses),
        "embed_config": plan.look.to_json(),
        "max_entries": plan.max_entries,
        "end_at_entries": plan.end_at_entries,
        "claim_seconds": round(window.total_seconds()) if window else None,
        **_rewards_of(plan),
    }


def _rewards_of(plan: Plan) -> dict[str, Any]:
    time = plan.reward_role_time
    return {
        "reward_role_id": plan.reward_role_id,
        "reward_role_seconds": time and round(time.total_seconds()),
        "prize_amount": plan.prize_amount,
        "prize_xp": plan.prize_xp,
    }
