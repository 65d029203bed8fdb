"""What a process loads for rules, and when."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("re2", "publicsuffixlist", "cogs.automod.rules.engine")


def test_engine_is_loaded_with_the_first_rules() -> None:
    """In a process of its own: this one has loaded everything."""
    code = (
        "import sys, cogs.automod, cogs.automod.gate, cogs.automod.trying, cogs.automod.service\n"
        "from cogs.automod.engines import compile_engine\n"
        "from cogs.automod.settings import AutomodSettings\n"
        f"print([name in sys.modules for name in {HEAVY}])\n"
        "rule = {'name': 'a', 'when': {'type': 'words', 'words': ['bad']}}\n"
        "compile_engine(AutomodSettings.read({'rules': [rule]}))\n"
        f"print([name in sys.modules for name in {HEAVY[::2]}])\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout

    assert told.splitlines() == ["[False, False, False]", "[True, True]"]
