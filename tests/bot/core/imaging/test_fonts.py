"""Character maps are read from font files themselves."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from bot.core.imaging.fonts import UnreadableFontError, load_fonts, read_face


def font_file(path: Path, cmap: bytes, outline: bytes = b"glyf") -> Path:
    """Write a font that has nothing but an (empty) outline table and a character map."""
    head = struct.pack(">IHHHH", 0x00010000, 2, 0, 0, 0)
    start = len(head) + 2 * 16
    records = struct.pack(">4sIII", b"cmap", 0, start, len(cmap))
    records += struct.pack(">4sIII", outline, 0, start + len(cmap), 0)
    path.write_bytes(head + records + cmap)
    return path


def format_12(*groups: tuple[int, int]) -> bytes:
    body = b"".join(struct.pack(">III", start, end, 1) for start, end in groups)
    head = struct.pack(">HHIII", 12, 0, 16 + len(body), 0, len(groups))
    return struct.pack(">HHHHI", 0, 1, 3, 10, 12) + head + body


def test_read_face_package_font_covers_latin_but_no_cjk() -> None:
    face = load_fonts(()).regular

    assert all(map(face.has, "aZ0éñŁЖΩ"))
    assert not any(map(face.has, "日한😀"))


def test_read_face_format_12_covers_exactly_its_groups(tmp_path: Path) -> None:
    face = read_face(font_file(tmp_path / "a.ttf", format_12((0x1F600, 0x1F602), (0x41, 0x42))))

    codes = (0x40, 0x41, 0x42, 0x43, 0x1F5FF, 0x1F600, 0x1F602, 0x1F603)
    assert [face.has(chr(code)) for code in codes] == [
        False, True, True, False, False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"\0" * 12, b"ttcf", b"\0\1\0\0\xff\xff" + b"x" * 40])
def test_read_face_damaged_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.ttf"
    path.write_bytes(data)

    with pytest.raises(UnreadableFontError):
        read_face(path)


def test_read_face_without_outlines_is_refused(tmp_path: Path) -> None:
    path = font_file(tmp_path / "colour.ttf", format_12((65, 66)), outline=b"SVG ")

    with pytest.raises(UnreadableFontError):
        read_face(path)


def test_load_fonts_prefers_bold_and_passes_over_italics_and_broken_files(tmp_path: Path) -> None:
    good = format_12((0x4E00, 0x4E10))
    for name in ("Han-Regular.ttf", "Han-Bold.ttf", "Han-Italic.ttf", "HanMono-Regular.ttf"):
        font_file(tmp_path / name, good)
    (tmp_path / "Broken-Bold.ttf").write_bytes(b"nothing")

    fallbacks = load_fonts((tmp_path,)).fallbacks

    assert [Path(face.path).name for face in fallbacks] == ["Han-Bold.ttf"]


def test_load_fonts_missing_directory_is_fine(tmp_path: Path) -> None:
    assert load_fonts((tmp_path / "nowhere",)).fallbacks == ()
