"""Runs a module of the benchmark with no more libraries than an installation of the bot has.

    python -m tests.benchmarks.installed MODULE ARGUMENT...

structlog loads rich, which takes 5 MB, where a tool of the developers has brought it.
"""

from __future__ import annotations

import runpy
import sys

DEVELOPERS_ONLY = ("rich",)

if __name__ == "__main__":
    sys.modules.update(dict.fromkeys(DEVELOPERS_ONLY))  # pyright: ignore[reportArgumentType, reportCallIssue]
    del sys.argv[0]
    runpy.run_module(f"tests.benchmarks.{sys.argv[0]}", run_name="__main__")
