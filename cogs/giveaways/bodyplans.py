"""A plan from what the API is sent, and what it shows of a plan. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any

from bot.core.resources import Item
from cogs.giveaways.bodies import (
    BonusBody,
    GiveawayDetail,
    ItemBonusBody,
    LevelBonusBody,
    LookBody,
    RequirementsBody,
    TermsBody,
)
from cogs.giveaways.columns import plan_of
from cogs.giveaways.plan import (
    AnyBonus,
    Bonus,
    ItemBonus,
    LevelBonus,
    Look,
    Plan,
    Requirements,
)
from cogs.giveaways.rules import checked_plan
from db.giveaways import Giveaway


@dataclass(frozen=True, slots=True)
class Counts:
    """How many have entered, who has won, or may yet claim, and the codes, all and handed out."""

    entries: int = 0
    winner_ids: Sequence[int] = ()
    codes: tuple[int, int] = (0, 0)


def plan_from(body: TermsBody, duration: timedelta | None) -> Plan:
    """Return the plan that was sent; raises `InvalidInput` for mistakes. Ids have to be ids."""
    needs = body.requirements
    return checked_plan(
        Plan(
            prize=body.prize,
            winners=body.winners,
            duration=duration,
            title=body.title,
            description=body.description,
            requirements=Requirements(
                any_roles=tuple(map(int, needs.any_roles)),
                all_roles=tuple(map(int, needs.all_roles)),
                no_roles=tuple(map(int, needs.no_roles)),
                bypass_roles=tuple(map(int, needs.bypass_roles)),
                account_age=seconds(needs.account_age),
                time_in_guild=seconds(needs.time_in_guild),
                level=needs.level,
                messages=needs.messages,
            ),
            bonuses=_bonuses_from(body),
            look=Look(**body.look.model_dump()),
            max_entries=body.max_entries,
            end_at_entries=body.end_at_entries,
            claim_window=seconds(body.claim_window),
            reward_role_id=int(body.reward_role_id) if body.reward_role_id else None,
            reward_role_time=seconds(body.reward_role_time),
            prize_amount=body.prize_amount,
            prize_xp=body.prize_xp,
        )
    )


def _bonuses_from(body: TermsBody) -> tuple[AnyBonus, ...]:
    return (
        *(Bonus(int(one.role_id), one.entries) for one in body.bonus_entries),
        *(LevelBonus(one.level, one.entries) for one in body.level_bonus_entries),
        *(ItemBonus(int(one.item_id), one.entries, one.most) for one in body.item_bonus_entries),
    )


def seconds(count: int | None) -> timedelta | None:
    """Return so many seconds, and no more than any rule allows plus some."""
    return None if count is None else timedelta(seconds=min(count, 10**9))


def terms_of(plan: Plan) -> dict[str, Any]:
    """Return what bodies say of a plan, all but how long it lasts."""
    stored = plan.to_json()
    needs = replace(plan.requirements, messages_since=None).to_json()
    del stored["duration"], stored["bonuses"]
    return stored | {
        "requirements": RequirementsBody.model_validate(needs),
        "bonus_entries": [
            BonusBody(role_id=str(x.role_id), entries=x.entries) for x in plan.role_bonuses
        ],
        "level_bonus_entries": [
            LevelBonusBody(level=x.level, entries=x.entries) for x in plan.level_bonuses
        ],
        "item_bonus_entries": [
            ItemBonusBody(item_id=str(x.item_id), entries=x.entries, most=x.most)
            for x in plan.item_bonuses
        ],
        "look": LookBody.model_validate(plan.look.to_json()),
    }


def item_of(giveaway: Giveaway, counts: Counts) -> Item:
    """Return a giveaway as the API shows it; an item's id is its number in the guild."""
    return Item(giveaway.number, giveaway.revision, detail_of(giveaway, counts))


def detail_of(giveaway: Giveaway, counts: Counts) -> GiveawayDetail:
    """Return all that the API shows of a giveaway."""
    return GiveawayDetail(
        **terms_of(plan_of(giveaway)),
        id=str(giveaway.number),
        giveaway_id=str(giveaway.id),
        status=giveaway.status,
        channel_id=str(giveaway.channel_id),
        message_id=None if giveaway.message_id is None else str(giveaway.message_id),
        starts_at=giveaway.starts_at.astimezone(UTC),
        ends_at=giveaway.ends_at,
        host_id=str(giveaway.host_id) if giveaway.host_id else None,
        entries=counts.entries,
        winner_ids=[str(one) for one in counts.winner_ids],
        codes=counts.codes[0],
        codes_handed=counts.codes[1],
        commitment=giveaway.commitment,
        created_at=giveaway.created_at,
        ended_at=giveaway.ended_at,
    )
