"""Avatars are decoded within bounds."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from bot.core.imaging.pictures import disc, open_picture


def png(width: int, height: int) -> bytes:
    output = BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(output, "PNG")
    return output.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A few bytes that claim to be a picture of any size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk


def test_open_picture_returns_pixels() -> None:
    picture = open_picture(png(64, 64))

    assert picture is not None
    assert picture.size == (64, 64)
    assert picture.mode == "RGBA"


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"<svg/>", png(64, 64)[:60], png(2000, 2000), bomb(60_000, 60_000)],
    ids=["empty", "gif head", "svg", "cut off", "too large", "bomb"],
)
def test_open_picture_refuses_what_is_damaged_or_huge(data: bytes) -> None:
    assert open_picture(data) is None


def test_disc_is_round() -> None:
    mask = disc(40)

    assert mask.getpixel((20, 20)) == 255
    assert mask.getpixel((0, 0)) == 0
