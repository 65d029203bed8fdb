"""How the benchmark's processes speak: one JSON object per line on stdin and stdout.

The parent asks and waits; a child answers in order. Neither does anything between two questions, so
that talking costs the measured process nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
Handler = Callable[..., Awaitable[Answer]]

ROOT = Path(__file__).resolve().parents[2]
BOT_CORE, WORLD_CORE = 0, 1


def pin(core: int) -> None:
    """Keep this process on one core, where the machine has another for the rest."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[core % len(cores)]})


def say(answer: Answer) -> None:
    """Send one answer to the parent."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def obey(handlers: Mapping[str, Handler]) -> None:
    """Answer the parent's questions until it closes the line."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        question = json.loads(line)
        say(await handlers[question.pop("ask")](**question))


class Child:
    """A process of the benchmark, seen from the parent; use it in a `with` block."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.installed", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.greeting: Answer = {}

    def __enter__(self) -> Child:
        self.greeting = self.hear()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def ask(self, question: str, **details: Any) -> Answer:
        """Ask and wait for the answer; raises RuntimeError when the child has died."""
        self.tell(question, **details)
        return self.hear()

    def tell(self, question: str, **details: Any) -> None:
        """Ask without waiting; `hear` gets the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"ask": question} | details) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Answer:
        """Wait for the next answer; raises RuntimeError when the child has died."""
        assert self._process.stdout is not None
        # Whatever else a library prints is not an answer.
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"a benchmark process ended with status {self._process.wait()}")
