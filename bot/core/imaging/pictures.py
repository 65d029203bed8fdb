"""Small pictures that cards are put together from: avatars read safely, and round masks."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, UnidentifiedImageError

# An avatar is asked for at 256 pixels; anything far beyond was not made by Discord's CDN.
MOST_PIXELS = 1024 * 1024
FORMATS = ("PNG", "WEBP", "JPEG", "GIF")
_SMOOTH = 4


def open_picture(data: bytes) -> Image.Image | None:
    """Return the decoded picture; `None` for what is damaged, too large or of another format.

    The size is read from the header, before any pixel is decoded.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            return image.convert("RGBA")
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        ValueError,
        SyntaxError,
    ):
        # Pillow's decoders report damaged files with each of these.
        return None


def disc(diameter: int) -> Image.Image:
    """Return a round mask with a smooth edge."""
    large = Image.new("L", (diameter * _SMOOTH, diameter * _SMOOTH))
    ImageDraw.Draw(large).ellipse((0, 0, large.width - 1, large.height - 1), fill=255)
    return large.resize((diameter, diameter), Image.Resampling.LANCZOS)
