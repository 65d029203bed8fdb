"""What hosts and winners read is whole, and shows as it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.errors import InvalidInput
from bot.core.money import Currency
from cogs.giveaways.access import choices_of
from cogs.giveaways.announcing import closed_payload
from cogs.giveaways.buttons import claimed_text
from cogs.giveaways.listing import describe
from cogs.giveaways.typed import number_in
from cogs.giveaways.winning import Claimed
from tests.cogs.giveaways.rows import AT, make_giveaway

COINS = Currency("coins", "🪙")


def test_long_giveaway_is_described_whole_in_pages() -> None:
    roles = [str(2**62 + one) for one in range(10)]
    names = ("any_roles", "all_roles", "no_roles", "bypass_roles")
    giveaway = make_giveaway(
        requirements=dict.fromkeys(names, roles),
        bonus_entries=[{"role_id": one, "entries": 100} for one in roles],
        description="x" * 2000,
        prize="p" * 256,
        message_id=2**62,
    )
    winners = [2**63 - 1 - one for one in range(50)]
    for locale in ("en", "es"):
        pages = describe(giveaway, COINS, 100_000, winners, locale)
        assert len(pages) > 1
        assert all(0 < len(page) < 2000 for page in pages)
        whole = "\n".join(pages)
        assert all(f"<@{one}>" in whole for one in winners)
        assert all(whole.count(f"<@&{one}>") == 5 for one in roles)
        assert giveaway.commitment in whole


def test_short_giveaway_is_one_page() -> None:
    assert len(describe(make_giveaway(), COINS, 0, (), "en")) == 1


def test_what_is_to_begin_says_when_it_ends_as_well() -> None:
    """Whoever has moved one of the two sees what it is now."""
    ends_at = AT + timedelta(days=1)
    [text] = describe(make_giveaway(status="scheduled", ends_at=ends_at), COINS, 0, (), "en")
    for instant in (AT, ends_at):
        assert f"<t:{int(instant.timestamp())}:f>" in text


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("AB-12", "```\nAB-12\n```"),
        ("A`B`*C*", "```\nA`B`*C*\n```"),
        ("`", "```\n`\n```"),
        ("A```B_", r"A\`\`\`B\_"),
    ],
)
def test_code_shows_as_it_is(code: str, shown: str) -> None:
    text = claimed_text(Claimed(make_giveaway(), code, is_new=True), "en")
    assert text.endswith(f":\n{shown}")


def test_winner_of_currency_and_a_role_reads_of_both() -> None:
    giveaway = make_giveaway(prize_amount=5, reward_role_id=7, reward_role_seconds=86_400)
    claimed = Claimed(giveaway, None, is_new=True, amount=COINS.amount(5))
    assert claimed_text(claimed, "en").splitlines()[1:] == [
        "🪙 5 was put into your account.",
        "Your role <@&7> is on its way, for 1 day.",
    ]


def test_winner_of_experience_reads_of_it_and_is_sent_to_nobody() -> None:
    claimed = Claimed(make_giveaway(prize_xp=1500, host_id=9), None, is_new=True)
    assert claimed_text(claimed, "en").splitlines()[1:] == ["1,500 experience is counted for you."]


@pytest.mark.parametrize(
    ("seconds", "line"),
    [(None, "The role <@&7> came with it."), (3600, "The role <@&7> came with it, for 1 hour.")],
)
def test_who_presses_again_is_promised_no_role_that_may_be_over(
    seconds: int | None, line: str
) -> None:
    giveaway = make_giveaway(reward_role_id=7, reward_role_seconds=seconds)
    again = Claimed(giveaway, None, is_new=False)
    assert claimed_text(again, "en").splitlines()[1:] == [line]

    withheld = Claimed(giveaway, None, is_new=False, is_role_withheld=True)
    assert claimed_text(withheld, "en").splitlines()[1:] == []


def test_winner_for_whom_no_code_is_left_reads_so() -> None:
    giveaway = make_giveaway(prize_amount=5, host_id=9)
    claimed = Claimed(giveaway, None, is_new=True, amount=COINS.amount(5), is_code_missing=True)
    missing, paid = claimed_text(claimed, "en").splitlines()[1:]
    assert missing.startswith("There is no code left for you: ask <@9>")
    assert paid == "🪙 5 was put into your account."


def test_winner_is_sent_to_the_staff_where_there_is_no_host() -> None:
    """Their data was erased, or the giveaway came from the API."""
    giveaway = make_giveaway(host_id=0)
    for is_code_missing in (False, True):
        claimed = Claimed(giveaway, None, is_new=True, is_code_missing=is_code_missing)
        text = claimed_text(claimed, "en")
        assert "staff" in text
        assert "<@0>" not in text


@pytest.mark.parametrize(
    ("typed", "number"),
    [("", None), ("12", 12), (" 1,000 ", 1000), ("1.000.000", 1_000_000), ("0", 0), ("-1", -1)],
)
def test_whole_number_is_read(typed: str, number: int | None) -> None:
    assert number_in({"winners": typed}, "winners") == number


@pytest.mark.parametrize("typed", ["2.5", "1,50", "1.5.0", ".5", "--1", "1,0000", "٣", "1e3"])
def test_what_is_no_whole_number_is_not_made_one(typed: str) -> None:
    """Two and a half are not twenty-five."""
    with pytest.raises(InvalidInput):
        number_in({"winners": typed}, "winners")


def test_giveaway_without_a_title_of_its_own_is_offered_by_one_name() -> None:
    mug, lamp = make_giveaway(title="A mug", prize="A mug"), make_giveaway(prize="A lamp")
    names = [one.name for one in choices_of([mug, lamp])]
    assert names == ["#1 A mug", "#1 Giveaway: A lamp"]


def test_what_is_over_has_no_winners_to_be_drawn() -> None:
    [over] = describe(make_giveaway(), COINS, 3, [5], "en")
    [on] = describe(make_giveaway(status="active"), COINS, 3, [], "en")
    assert "Winners to be drawn: 2" in on
    assert "to be drawn" not in over


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((1, 1), "1 person has entered."),
        ((2, 2), "2 people have entered."),
        ((1, 3), "1 person with 3 entries."),
    ],
)
def test_entries_are_told_apart_from_people_where_they_differ(
    entries: tuple[int, int], said: str
) -> None:
    payload = closed_payload(make_giveaway(), root="ab", entries=entries, locale="en")
    assert payload["content"].splitlines()[0] == f"🔒 The entries are closed: {said}"
