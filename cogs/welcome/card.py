"""The welcome card as a value, and the way to its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.core.imaging.fonts import FontSet


@dataclass(frozen=True, slots=True)
class Card:
    """What stands on a card: three lines, and the accent colour as 0xRRGGBB.

    The username takes the place of a name of which the fonts can't draw every letter.
    """

    headline: str
    name: str
    username: str
    footline: str
    accent: int


def draw_card(card: Card, fonts: FontSet, avatar: bytes | None = None) -> bytes:
    """Return the card as PNG. CPU work: in a thread.

    The first call loads Pillow: some 5 MB that a bot does without as long as it draws no card.
    """
    from cogs.welcome.drawing import draw

    return draw(card, fonts, avatar)
