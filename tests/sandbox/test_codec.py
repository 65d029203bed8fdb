"""JSON is the same on the wire with orjson and without it."""

from __future__ import annotations

import json
from types import ModuleType

import pytest

from bot.sandbox import codec

VALUE = {"t": "MESSAGE_CREATE", "d": {"content": "¿qué? 名 🎉", "id": "1"}, "s": 2**53, "n": None}
LIBRARIES = [pytest.param(codec.orjson, id="as installed"), pytest.param(None, id="without orjson")]


@pytest.fixture(params=LIBRARIES, autouse=True)
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    library: ModuleType | None = request.param
    monkeypatch.setattr(codec, "orjson", library)


def test_encoded_json_is_compact_and_decodes_to_the_same() -> None:
    encoded = codec.encode(VALUE)
    assert encoded == json.dumps(VALUE, separators=(",", ":"), ensure_ascii=False).encode()
    assert codec.decode(encoded) == codec.decode(encoded.decode()) == VALUE


@pytest.mark.parametrize("data", [b"", b"{", "nonsense"])
def test_what_is_no_json_raises_value_error(data: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"."):
        codec.decode(data)
