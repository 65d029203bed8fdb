"""The pictures that the sandbox's CDN paints."""

from __future__ import annotations

import struct
import zlib

from bot.sandbox.cdn import paint


def test_painted_picture_has_a_smooth_edge() -> None:
    picture = paint("somebody")
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    start = picture.index(b"IDAT")
    (length,) = struct.unpack(">I", picture[start - 4 : start])
    rows = zlib.decompress(picture[start + 4 : start + 4 + length])
    assert len(rows) == height * (1 + 3 * width)
    middle = rows[height // 2 * (1 + 3 * width) :][1 : 1 + 3 * width]
    colours = {middle[at : at + 3] for at in range(0, len(middle), 3)}
    assert len(colours) > 2
    assert paint("somebody else") != picture
