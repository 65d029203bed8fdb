"""What is counted of a message's parts, and by whom and where messages are counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cogs.automod.rules.windows import Windows
from tests.cogs.automod.rules.corpora import message
from tests.cogs.automod.rules.judging import context, engine, judge

ANN, BOB = 11, 12
HERE, THERE = 21, 22


def file(name: str, kind: str | None = None) -> dict[str, Any]:
    """Return an attachment; Discord leaves the type out where it knows none."""
    return {"id": "1", "filename": name, "size": 9} | ({"content_type": kind} if kind else {})


PICTURE = file("cat.png", "image/png")
PROGRAM = file("cat.png", "application/x-msdownload")
NO_TYPE = file("cat.png")


@pytest.mark.parametrize(
    ("spec", "files", "hits"),
    [
        ({"mimes": ["application/x-msdownload"]}, [PROGRAM], 1),
        ({"mimes": ["application/x-msdownload"]}, [PICTURE, PICTURE, PROGRAM], 1),
        ({"mimes": ["image/*"]}, [PICTURE, PROGRAM, PICTURE], 2),
        ({"mimes": ["image/png"]}, [file("cat", "image/png; charset=binary")], 1),
        ({"mimes": ["image/png"]}, [PROGRAM, NO_TYPE], 0),
        ({"mode": "allow", "mimes": ["image/*"]}, [PICTURE, PICTURE], 0),
        ({"mode": "allow", "mimes": ["image/*"]}, [PICTURE, PROGRAM, NO_TYPE], 2),
        ({"mode": "allow", "extensions": ["png"]}, [PICTURE, file("a.gif")], 1),
        ({"mode": "allow", "extensions": ["png"], "mimes": ["image/*"]}, [PROGRAM], 1),
        ({"extensions": ["exe"], "mimes": ["video/*"]}, [file("a.exe"), file("b", "video/mp4")], 2),
        ({"limit": 3}, [PICTURE] * 2, 0),
        ({"limit": 3}, [PICTURE] * 3, 3),
    ],
)
def test_attachments_count_each_by_name_and_type(
    spec: dict[str, Any], files: list[Any], hits: int
) -> None:
    made = engine({"when": {"type": "attachments", **spec}})

    assert len(judge(made, "", attachments=files).hits) == hits
    forwarded = [{"message": {"attachments": files}}]
    assert len(judge(made, "", message_snapshots=forwarded).hits) == hits


def test_attachments_are_summed_over_a_window() -> None:
    made = engine({"when": {"type": "attachments", "limit": 3, "window": 30}})
    windows, where = Windows(), context()
    found = [
        made.judge(message("", number, attachments=[PICTURE, PICTURE]), where, windows)
        for number in (1, 2)
    ]

    assert found[0] is None
    assert found[1] is not None
    assert found[1].message_ids == (1, 2)


@pytest.mark.parametrize(("count", "hit"), [(1, False), (2, True)])
def test_stickers_are_counted(count: int, hit: bool) -> None:
    made = engine({"when": {"type": "stickers", "limit": 2}})
    stickers = [{"id": str(number), "name": "wave"} for number in range(count)]

    assert judge(made, "", sticker_items=stickers).is_hit is hit


@pytest.mark.parametrize(("count", "hit"), [(49, False), (50, True)])
def test_characters_are_counted(count: int, hit: bool) -> None:
    made = engine({"when": {"type": "length", "limit": 50}})

    assert judge(made, "x" * count).is_hit is hit


@pytest.mark.parametrize(
    ("per", "hits"),
    [("member", [3, 4, 6]), ("member_channel", [6]), ("channel", [5, 6])],
)
def test_rate_is_counted_per_member_per_channel_or_both(per: str, hits: list[int]) -> None:
    made = engine({"when": {"type": "rate", "limit": 3, "window": 30, "per": per}})
    windows, where = Windows(), context()
    said = [(ANN, HERE), (ANN, THERE), (ANN, HERE), (ANN, THERE), (BOB, HERE), (ANN, HERE)]
    found = []
    for number, (author, channel) in enumerate(said, 1):
        facts = replace(message("hi", number, author), channel_id=channel)
        judgement = made.judge(facts, where, windows)
        if judgement is not None:
            found.append(number)
            # In a full channel the others did no wrong.
            assert all(said[one - 1][0] == author for one in judgement.message_ids)

    assert found == hits
