"""What a giveaway is to be comes back from storage as it was."""

from __future__ import annotations

import json
from datetime import timedelta

from cogs.giveaways.plan import Bonus, ItemBonus, LevelBonus, Look, Plan, Requirements

FULL = Plan(
    prize="A keyboard",
    winners=3,
    duration=timedelta(days=2),
    title="For our anniversary",
    description="Thank you all.",
    requirements=Requirements(
        any_roles=(1, 2),
        all_roles=(3,),
        no_roles=(2**62,),
        bypass_roles=(5,),
        account_age=timedelta(days=30),
        time_in_guild=timedelta(hours=1),
        level=5,
        messages=20,
    ),
    bonuses=(Bonus(7, 4), LevelBonus(5, 1), LevelBonus(20, 3), ItemBonus(2**40, 2, 3)),
    look=Look(colour=0, image_url="https://example.org/a.png"),
    max_entries=100,
    end_at_entries=50,
    claim_window=timedelta(hours=24),
    reward_role_id=9,
    reward_role_time=timedelta(days=7),
    prize_amount=10**12,
    prize_xp=10**9,
)


def test_plan_comes_back_from_json_as_it_was() -> None:
    for plan in (FULL, Plan(prize="A mug")):
        assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_ids_are_strings_in_json() -> None:
    assert FULL.to_json()["requirements"]["no_roles"] == [str(2**62)]


def test_roles_that_pass_are_no_requirement() -> None:
    assert Requirements(bypass_roles=(1,)).is_empty
    assert not Requirements(messages=1).is_empty
