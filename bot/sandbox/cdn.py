"""The sandbox's CDN.

Attachments as they were uploaded, and a painted picture for any avatar or icon.
"""

from __future__ import annotations

import colorsys
import math
import struct
import zlib
from functools import lru_cache

from aiohttp import web

from .world import World

_SIZE = 128
_SHADES = 16  # between inside and outside, at an edge
_Colour = tuple[float, float, float]
# An uploaded document may run nothing: it has the page for people as its neighbour.
_INERT = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}


def add_cdn_routes(router: web.UrlDispatcher, world: World) -> None:
    """Serve the CDN's paths under `/cdn`."""

    async def attachment(request: web.Request) -> web.Response:
        found = world.find_attachment(int(request.match_info["attachment_id"]))
        if found is None:
            return web.Response(status=404)
        headers = {"Content-Type": found.content_type, **_INERT}
        return web.Response(body=found.content, headers=headers)

    async def picture(request: web.Request) -> web.Response:
        seed = request.match_info["name"].partition(".")[0]
        return web.Response(body=paint(seed), content_type="image/png")

    router.add_get(r"/cdn/attachments/{channel_id:\d+}/{attachment_id:\d+}/{filename}", attachment)
    router.add_get(r"/cdn/embed/avatars/{name}", picture)
    router.add_get(r"/cdn/{kind:avatars|icons|banners}/{owner_id:\d+}/{name}", picture)
    router.add_get(r"/cdn/guilds/{guild_id:\d+}/users/{user_id:\d+}/avatars/{name}", picture)


@lru_cache(maxsize=256)
def paint(seed: str) -> bytes:
    """Return a small PNG with two colours chosen by the seed."""
    hue = zlib.crc32(seed.encode()) % 360 / 360
    light, dark = colorsys.hls_to_rgb(hue, 0.62, 0.6), colorsys.hls_to_rgb(hue, 0.4, 0.6)
    centre, radius = _SIZE / 2 - 0.5, _SIZE * 0.34
    mixed = [_mix(dark, light, share / _SHADES) for share in range(_SHADES + 1)]
    rows = bytearray()
    for y in range(_SIZE):
        rows.append(0)
        for x in range(_SIZE):
            inside = radius - math.hypot(x - centre, y - centre) + 0.5
            rows += mixed[round(_SHADES * min(1.0, max(0.0, inside)))]
    return _png(_SIZE, _SIZE, bytes(rows))


def _mix(one: _Colour, other: _Colour, share: float) -> bytes:
    """Return the colour that has `share` of the other: what smooths an edge."""
    return bytes(round(255 * (a + (b - a) * share)) for a, b in zip(one, other, strict=True))


def _png(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
