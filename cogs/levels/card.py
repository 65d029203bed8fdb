"""The rank card as a value, the way to its picture, and the pictures that were drawn lately."""

from __future__ import annotations

import functools
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.core.imaging.fonts import FontSet
    from bot.core.imaging.studio import Studio

# Some 60 kB each.
MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class Card:
    """What stands on a card: lines ready to be read, how full the bar is, the accent as 0xRRGGBB.

    The username takes the place of a name of which the fonts can't draw every letter.
    """

    name: str
    username: str
    level: str
    rank: str
    progress: str
    share: float
    accent: int


def draw_card(card: Card, fonts: FontSet, avatar: bytes | None = None) -> bytes:
    """Return the card as PNG. CPU work: in a thread. The first call loads Pillow."""
    from cogs.levels.drawing import draw

    return draw(card, fonts, avatar)


class Cards:
    """Draws cards, each once for as long as it is among those asked for last."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._kept: OrderedDict[tuple[Card, int, str | None], bytes] = OrderedDict()

    async def draw(self, card: Card, *, user_id: int, avatar: str | None) -> bytes:
        """Return the picture; raises `NotDrawnError`."""
        key = card, user_id, avatar
        if key not in self._kept:
            drawn = await self._studio.draw(
                functools.partial(draw_card, card), user_id=user_id, avatar=avatar
            )
            self._kept[key] = drawn
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
