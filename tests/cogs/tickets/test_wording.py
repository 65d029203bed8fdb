"""What is said of tickets keeps to Discord's limits, whatever people have written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.tickets.panel import Panel
from cogs.tickets.wording import (
    Scene,
    failed_payload,
    farewell_payload,
    log_payload,
    request_payload,
    welcome_payload,
)
from db.engine import Database
from db.tickets import Ticket
from tests.cogs.tickets.stage import OPENER, Stage
from tests.fakes import FakeClock

NOW = datetime(2026, 11, 27, tzinfo=UTC)
HOSTILE = st.sampled_from(["*", "_", "a", "|", "`", "ñ", "<@123456789012345678>", "\\"])


def long_text(most: int) -> Any:
    """Return texts of one piece over and over, most of which are escaped."""
    return st.builds(
        lambda piece, count: (piece * most)[: max(count, 1)], HOSTILE, st.integers(1, most)
    )


ANSWERS = st.lists(
    st.fixed_dictionaries(
        {
            "label": long_text(45),
            "kind": st.sampled_from(["line", "paragraph", "user", "file", "radio"]),
            "shown": st.lists(long_text(1000), max_size=10),
        }
    ),
    max_size=25,
)


def ticket(**values: Any) -> Ticket:
    plain: dict[str, Any] = {
        "id": 1,
        "number": 999_999,
        "user_id": 1 << 62,
        "claimed_by": 1 << 62,
        "closed_by": 1 << 62,
        "priority": "urgent",
        "status": "open",
        "labels": [],
        "origin": {},
        "answers": [],
        "channel_id": 5,
        "close_at": NOW,
        "close_reason": None,
        "created_at": NOW,
    }
    return Ticket(**(plain | values))


def scene(name: str, guild: str, welcome: str | None = None, **values: Any) -> Scene:
    panel = Panel(name=name.strip() or "a", welcome=welcome)
    return Scene(ticket=ticket(**values), panel=panel, guild_name=guild, locale="es", opens_at=NOW)


def assert_fits(payload: dict[str, Any]) -> None:
    assert len(payload.get("content", "")) <= 2000
    embeds = payload.get("embeds", [])
    total = 0
    for embed in embeds:
        parts = [embed.get("title", ""), embed.get("description", "")]
        parts.append(embed.get("footer", {}).get("text", ""))
        assert len(parts[0]) <= 256
        assert len(parts[1]) <= 4096
        assert len(embed["fields"]) <= 25
        for one in embed["fields"]:
            assert 1 <= len(one["name"]) <= 256
            assert 1 <= len(one["value"]) <= 1024
            parts += [one["name"], one["value"]]
        total += sum(map(len, parts))
    assert total <= 6000
    assert len(payload["allowed_mentions"].get("roles", ())) <= 100


@given(
    long_text(45),
    long_text(100),
    st.sampled_from([None, "{server}" * 187, "{panel}" * 214, "x" * 1500, "{opener}" * 187]),
    ANSWERS,
    st.lists(long_text(30), max_size=10),
    st.none() | long_text(1000),
)
def test_the_first_message_fits_whatever_is_in_it(
    name: str,
    guild: str,
    welcome: str | None,
    answers: list[dict[str, Any]],
    labels: list[str],
    about: str | None,
) -> None:
    origin = {"guild_id": "1", "channel_id": "2", "message_id": "3", "author_id": "4"}
    shown = scene(
        name,
        guild,
        welcome,
        answers=answers,
        labels=labels,
        origin=origin | {"content": about} if about else {},
    )
    payload = welcome_payload(shown, roles=range(1 << 62, (1 << 62) + 50))
    assert_fits(payload)
    assert payload["components"]
    if answers:
        assert len(payload["embeds"][1]["fields"]) == len(answers)


@given(long_text(45), long_text(100), long_text(500), long_text(3000))
def test_letters_and_lines_fit(name: str, guild: str, reason: str, error: str) -> None:
    shown = scene(name, guild, close_reason=reason)
    renderer: dict[str, Any] = {}
    for payload in (
        farewell_payload(shown, filename="a", renderer=renderer),
        log_payload(shown, filename="a", renderer=renderer),
        request_payload(shown, by=1 << 62, reason=reason),
        failed_payload(shown, error),
    ):
        assert_fits(payload)


def test_what_is_cut_is_said_to_be_in_the_transcript() -> None:
    answers = [
        {"label": "Short", "kind": "line", "shown": ["yes"]},
        {"label": "Long", "kind": "paragraph", "shown": ["word " * 200]},
    ]
    whole = scene("Help", "Garden", answers=answers)
    assert "footer" not in welcome_payload(whole, roles=())["embeds"][1]
    cut = scene("Help", "Garden", answers=answers[:1] + [answers[1]] * 10)
    embed = welcome_payload(cut, roles=())["embeds"][1]
    assert embed["footer"]["text"] == "…: todo está en la transcripción."
    assert embed["fields"][0]["value"] == "yes"
    assert {len(one["value"]) for one in embed["fields"][1:]} != {0}


@pytest.mark.parametrize("count", [50, 130])
async def test_more_roles_than_a_message_holds_are_called_in_several(
    sqlite_database: Database, count: int
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    when = {"question": "kind", "values": ["a"]}
    choices = [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]
    kind = {"key": "kind", "label": "Kind", "kind": "radio", "choices": choices}
    roles = [str(1000 + one) for one in range(count)]
    routes = [{"when": when, "staff_roles": roles[at : at + 10]} for at in range(0, count, 10)]
    panel = await stage.panel(pages=[{"questions": [kind]}], routes=routes)
    ticket = await stage.open(panel, answers={"kind": ["a"]})
    said = stage.said(ticket.channel_id)
    assert said[0].startswith(f"<@{OPENER}> <@&1000>")
    assert len(said) == -(-count // 50)
    assert all(f"<@&{one}>" in " ".join(said) for one in roles)
