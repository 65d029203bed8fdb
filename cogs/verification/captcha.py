"""The letters of a picture: chosen, compared with what was typed, and drawn."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.core.imaging.fonts import FontSet

# No 0 O D Q, 1 I J L 7, 2 Z, 5 S, 6 G, 8 B, U V: people mistake them for each other.
ALPHABET = "ACEFHKMNPRTWXY349"
LENGTH = 5


def draw_answer(random: Random) -> str:
    """Return letters for a picture, each as likely as any other."""
    return "".join(random.choice(ALPHABET) for _position in range(LENGTH))


def read_answer(typed: str) -> str:
    """Return what somebody typed as it is compared: capital letters and digits alone."""
    return "".join(one for one in typed.upper() if one.isalnum())


def draw_captcha(answer: str, random: Random, fonts: FontSet, avatar: bytes | None = None) -> bytes:
    """Return the picture as PNG. CPU work: in a thread.

    The first call loads Pillow, which a bot does without as long as nobody asks for a picture.
    """
    from cogs.verification.drawing import draw

    return draw(answer, random, fonts, avatar)
