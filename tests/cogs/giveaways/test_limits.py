"""However much a giveaway says, Discord takes its message, and nobody reads half a name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.money import Currency
from cogs.giveaways.columns import plan_of
from cogs.giveaways.plan import (
    Bonus,
    ItemBonus,
    LevelBonus,
    Plan,
    Requirements,
    bonuses_to_json,
)
from cogs.giveaways.rules import checked_plan
from cogs.giveaways.settings import GiveawaySettings
from cogs.giveaways.wording import View, message_payload
from db.giveaways import Giveaway
from tests.cogs.giveaways.rows import make_giveaway

BIG = 10**18


def roles(first: int) -> tuple[int, ...]:
    return tuple(BIG + first + one for one in range(10))


FULL = Plan(
    prize="*" * 256,
    winners=50,
    title="w" * 256,
    description="d" * 2000,
    duration=timedelta(days=1),
    requirements=Requirements(
        any_roles=roles(0),
        all_roles=roles(10),
        no_roles=roles(20),
        bypass_roles=roles(30),
        account_age=timedelta(days=3650, seconds=-1),
        time_in_guild=timedelta(days=3650, seconds=-1),
        level=1000,
        messages=100_000,
    ),
    bonuses=(
        *(Bonus(one, 100) for one in roles(40)),
        *(LevelBonus(991 + one, 100) for one in range(10)),
        *(ItemBonus(one, 100, 10) for one in range(5)),
    ),
    max_entries=100_000,
    end_at_entries=100_000,
    claim_window=timedelta(days=29, seconds=-1),
    reward_role_id=BIG,
    reward_role_time=timedelta(days=364, seconds=-1),
    prize_amount=10**12,
    prize_xp=10**9,
)


def embed_of(locale: str, **values: Any) -> dict[str, Any]:
    plan = checked_plan(FULL)
    giveaway: Giveaway = make_giveaway(
        title=plan.title,
        prize=plan.prize,
        description=plan.description,
        winner_count=plan.winners,
        requirements=plan.requirements.to_json(),
        bonus_entries=bonuses_to_json(plan.bonuses),
        max_entries=plan.max_entries,
        end_at_entries=plan.end_at_entries,
        claim_seconds=10**6,
        reward_role_id=BIG,
        reward_role_seconds=10**6 + 1,
        prize_amount=10**12,
        prize_xp=10**9,
        host_id=BIG,
        **values,
    )
    assert replace(plan_of(giveaway), duration=None).prize == plan.prize
    view = View(
        giveaway=giveaway,
        settings=GiveawaySettings(),
        currency=Currency("c" * 32, "🪙"),
        # Fifty characters, each of them escaped, and a custom emoji.
        items={one: f"<:{'e' * 32}:{BIG}> **{chr(92)}*{'*' * 98}**" for one in range(5)},
        entries=100_000,
        winner_ids=[BIG + one for one in range(50)] if values.get("status") == "ended" else [],
    )
    return message_payload(view, locale)["embeds"][0]


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("status", ["active", "paused", "drawing", "ended"])
def test_message_of_the_longest_giveaway_is_taken(locale: str, status: str) -> None:
    embed = embed_of(locale, status=status)

    fields = embed["fields"]
    assert len(embed["description"]) <= 4096
    assert all(len(one["value"]) <= 1024 and len(one["name"]) <= 256 for one in fields)
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [text for one in fields for text in (one["name"], one["value"])]
    assert sum(map(len, texts)) <= 6000


@pytest.mark.parametrize("locale", ["en", "es"])
def test_all_roles_are_shown_while_one_may_enter(locale: str) -> None:
    shown = "\n".join(one["value"] for one in embed_of(locale, status="active")["fields"])

    wanted = {str(one) for first in range(0, 50, 10) for one in roles(first)}
    assert set(re.findall(r"<@&(\d{19})>", shown)) == wanted
    assert "<@&" not in re.sub(r"<@&\d{19}>", "", shown)
