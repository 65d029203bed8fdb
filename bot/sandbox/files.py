"""Files as Discord keeps them: a safe name, a media type, and the size of a picture."""

from __future__ import annotations

import mimetypes
import re
import struct
from pathlib import PurePath
from typing import TYPE_CHECKING

from .models import Attachment

if TYPE_CHECKING:
    from .world import World

_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF", "application/pdf"),
)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.()\-]+")


def keep_file(
    world: World,
    filename: str,
    content: bytes,
    *,
    content_type: str | None = None,
    description: str | None = None,
) -> Attachment:
    """Return an uploaded file as an attachment that the CDN serves from now on.

    A name with other than plain characters is kept as its `title`.
    """
    width, height = image_size(content)
    safe = _UNSAFE.sub("_", filename) or "unknown"
    attachment = Attachment(
        world.snowflakes.next(),
        safe,
        content,
        media_type(filename, content, content_type),
        description,
        width,
        height,
        title=PurePath(filename).stem if safe != filename else None,
    )
    world.keep_attachment(attachment)
    return attachment


def media_type(filename: str, content: bytes, named: str | None = None) -> str:
    """Return the media type of a file: by its first bytes, its name, or as the client named it."""
    for magic, name in _MAGIC:
        if content.startswith(magic):
            return name
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    guessed = "text/plain" if filename.endswith(".log") else mimetypes.guess_type(filename)[0]
    if guessed is not None and guessed.startswith("text/"):
        return f"{guessed}; charset=utf-8"
    return named or guessed or "application/octet-stream"


def image_size(content: bytes) -> tuple[int | None, int | None]:
    """Return width and height in pixels of a PNG or GIF, else nothing."""
    if content.startswith(b"\x89PNG") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content.startswith(b"GIF8") and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
        return width, height
    return None, None
