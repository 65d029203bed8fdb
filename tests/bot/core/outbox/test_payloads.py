from __future__ import annotations

from typing import Any

import pytest

from bot.core.outbox.payloads import is_same_message, without_file

BUTTONS = [{"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "a:1", "label": "Go"}]}]


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ({"content": "  hello \n"}, {"content": "hello", "embeds": [], "components": []}),
        (
            {"content": "https://example.org"},
            {"content": "https://example.org", "embeds": [{"type": "link", "title": "Example"}]},
        ),
        (
            {"embeds": [{"title": "T", "color": 1, "image": {"url": "attachment://c.png"}}]},
            {
                "content": "",
                "embeds": [{"type": "rich", "title": "T", "image": {"url": "https://x"}}],
            },
        ),
        (
            {"components": BUTTONS},
            {"content": "", "components": [{**BUTTONS[0], "id": 1}]},
        ),
        (
            {"attachments": [{"filename": "card.png", "renderer": "card"}]},
            {
                "content": "",
                "attachments": [{"filename": "card.png", "url": "https://x", "id": "7"}],
            },
        ),
    ],
)
def test_message_is_recognized_as_discord_gives_it_back(sent: Any, seen: Any):
    assert is_same_message(sent, seen)


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ({"content": "hello"}, {"content": "goodbye"}),
        ({"content": "hello"}, {"content": ""}),
        ({"embeds": [{"title": "T"}]}, {"content": "", "embeds": []}),
        ({"embeds": [{"title": "T"}]}, {"embeds": [{"type": "rich", "title": "U"}]}),
        ({"content": "hello", "components": BUTTONS}, {"content": "hello"}),
        ({"attachments": [{"filename": "a.png"}]}, {"attachments": [{"filename": "b.png"}]}),
    ],
)
def test_other_message_is_not_taken_for_it(sent: Any, seen: Any):
    assert not is_same_message(sent, seen)


def test_without_file_drops_the_image_and_keeps_the_words():
    body = {
        "content": "Hi",
        "embeds": [{"title": "T", "image": {"url": "attachment://card.png"}}],
    }

    assert without_file(body, "card.png") == {"content": "Hi", "embeds": [{"title": "T"}]}
    assert without_file(body, "other.png") == body


def test_without_file_drops_a_gallery_that_becomes_empty():
    text = {"type": 10, "content": "Hi"}
    card = {"type": 12, "items": [{"media": {"url": "attachment://card.png"}}]}
    photo = {"media": {"url": "https://example.org/a.png"}}
    both = {"type": 12, "items": [*card["items"], photo]}
    body = {"flags": 1 << 15, "components": [{"type": 17, "components": [text, card, both]}]}

    pruned = without_file(body, "card.png")

    assert pruned["components"] == [
        {"type": 17, "components": [text, {"type": 12, "items": [photo]}]}
    ]
