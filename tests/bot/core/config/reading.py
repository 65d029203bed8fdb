"""What reading a configuration says."""

from __future__ import annotations

from pathlib import Path

from bot.core.config import read_config

KEY = "k" * 32
HOOK = "https://discord.com/api/webhooks/123456789012345678/abc-DEF_ghi"


def problems(path: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    reading = read_config(path, environ or {})
    assert (reading.config is None) == bool(reading.problems)
    return [str(problem) for problem in reading.problems]
