"""Gateway transport compression: one shared context per connection, flushed after every message."""

from __future__ import annotations

import importlib
import zlib
from typing import Protocol

try:
    import zstandard
except ImportError:
    zstandard = None

try:
    # In the standard library from Python 3.14 on.
    zstd = importlib.import_module("compression.zstd")
except ImportError:
    zstd = None


class Compressor(Protocol):
    """Turns one gateway message into the bytes of one binary WebSocket message."""

    def compress(self, payload: bytes) -> bytes:
        """Return the bytes that carry this message."""
        ...


class ZlibStream:
    """`compress=zlib-stream`: every message ends in the Z_SYNC_FLUSH suffix 00 00 FF FF."""

    def __init__(self) -> None:
        self._context = zlib.compressobj(1)

    def compress(self, payload: bytes) -> bytes:
        """Return the bytes that carry this message."""
        return self._context.compress(payload) + self._context.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """`compress=zstd-stream`: one zstd frame per connection, one flushed block per message."""

    def __init__(self) -> None:
        if zstandard is None:
            raise UnknownCompressionError("zstd-stream")
        self._context = zstandard.ZstdCompressor(level=1).compressobj()
        self._flush_mode = zstandard.COMPRESSOBJ_FLUSH_BLOCK

    def compress(self, payload: bytes) -> bytes:
        """Return the bytes that carry this message."""
        return self._context.compress(payload) + self._context.flush(self._flush_mode)


class StandardZstdStream:
    """The same with the standard library's zstd."""

    def __init__(self) -> None:
        if zstd is None:
            raise UnknownCompressionError("zstd-stream")
        self._context = zstd.ZstdCompressor(level=1)
        self._flush_mode = self._context.FLUSH_BLOCK

    def compress(self, payload: bytes) -> bytes:
        """Return the bytes that carry this message."""
        return self._context.compress(payload, self._flush_mode)


class UnknownCompressionError(ValueError):
    """The client asked for a compression that this gateway does not offer."""


def compressor_for(name: str | None) -> Compressor | None:
    """Return the compressor a client asked for in its URL, or None for plain text.

    Raises UnknownCompressionError.
    """
    if not name:
        return None
    if name == "zlib-stream":
        return ZlibStream()
    if name == "zstd-stream":
        return StandardZstdStream() if zstandard is None else ZstdStream()
    raise UnknownCompressionError(name)
