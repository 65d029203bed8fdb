"""A browser at the sandbox's page, and what its stream tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild

HOSTILE = [
    "<script>document.title = 'taken'</script>",
    "<img src=x onerror=\"document.title = 'taken'\">",
    '"><svg onload="document.title = \'taken\'">',
    "[click](javascript:document.title='taken') <javascript:alert(1)>",
    "``` <b>open <iframe srcdoc='<script>parent.document.title=1</script>'>",
    "\u202egnp.exe \u2066hidden",
    "Z" + "\u0335\u0322\u0310\u0352" * 40,
    "*" * 400 + "_" * 400 + "|" * 200 + "[" * 200 + "<@" * 100 + ">" * 100,
]


class Browser:
    """A browser at the page, in a language (`language`) and with a cookie jar of its own."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
        self._session = session
        self._base = sandbox.base_url
        self.language = "en-US"
        self._streams: list[aiohttp.ClientResponse] = []

    async def close(self) -> None:
        for stream in self._streams:
            stream.close()
        await self._session.close()

    async def ask(self, method: str, path: str, *, expect: int = 200, **body: Any) -> Any:
        headers = {"Origin": self._base, "Accept-Language": self.language}
        address = f"{self._base}/page{path}"
        sent = body if method != "GET" else None
        async with self._session.request(method, address, json=sent, headers=headers) as answer:
            data = await answer.json()
            assert answer.status == expect, data
            return data

    async def arrive(self, guild: Guild | None = None, name: str = "Vera") -> str:
        """Come in, join the guild and return the account's id."""
        state = await self.ask("POST", "/visitors", name=name)
        if guild is not None:
            await self.ask("POST", f"/guilds/{guild.id}/join")
        return state["visitor"]["id"]

    async def listen(self) -> Events:
        """Open the stream of events."""
        answer = await self._session.get(f"{self._base}/page/events")
        self._streams.append(answer)
        events = Events(answer)
        assert (await events.next())["kind"] == "hello"
        return events


class Events:
    """What an open page is told, in order."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while True:
                line = await self._answer.content.readline()
                assert line, "the stream has ended"
                if line.startswith(b"data: "):
                    return json.loads(line[6:])

    async def until(self, kind: str, where: Callable[[dict[str, Any]], bool] = bool) -> Any:
        while True:
            event = await self.next()
            if event["kind"] == kind and where(event):
                return event

    async def ended(self) -> bool:
        async with asyncio.timeout(30):
            while await self._answer.content.readline():
                pass
        return True


Open = Callable[[], Awaitable[Browser]]
