"""A few routes of Discord's REST API on loopback, for tests of delivery that must see the wire.

It keeps messages, drops repeats by enforced nonce, and answers as it is told. It knows nothing of
the bot; the full simulation is `bot.sandbox`.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import discord
from aiohttp import web

BOT = {"id": "42", "username": "pegasus", "discriminator": "0", "bot": True}
UNKNOWN_MEMBER = {"code": 10007, "message": "Unknown Member"}
DISCORD_EPOCH_MS = 1_420_070_400_000


@dataclass
class Answer:
    """What to answer instead of doing as asked."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    # Do as asked, but lose the answer on its way.
    after_the_fact: bool = False


@dataclass
class LoopbackDiscord:
    """The state of the little Discord, and a note of every request."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    nonces: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    bans: set[int] = field(default_factory=set)
    # How often somebody who was not banned was, and how often somebody who was banned was freed.
    bans_made: int = 0
    bans_lifted: int = 0
    # Who was removed; to remove them once more is an error, as they are not there.
    kicked: set[int] = field(default_factory=set)
    # By member; and every call that gave or took one, as method, member and role.
    roles: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    role_calls: list[tuple[str, int, int]] = field(default_factory=list)
    url: str = ""
    _last_id: int = 0

    def make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._intercept])
        app.router.add_get("/users/@me", self._me)
        app.router.add_get("/oauth2/applications/@me", self._application)
        app.router.add_post("/users/@me/channels", self._open_dm)
        app.router.add_post("/channels/{channel}/messages", self._create)
        app.router.add_get("/channels/{channel}/messages", self._list)
        app.router.add_patch("/channels/{channel}/messages/{message}", self._edit)
        app.router.add_delete("/channels/{channel}/messages/{message}", self._delete)
        app.router.add_put("/guilds/{guild}/bans/{user}", self._ban)
        app.router.add_delete("/guilds/{guild}/bans/{user}", self._unban)
        app.router.add_get("/guilds/{guild}/members/{user}", self._member)
        app.router.add_delete("/guilds/{guild}/members/{user}", self._kick)
        role = "/guilds/{guild}/members/{user}/roles/{role}"
        app.router.add_put(role, self._add_role)
        app.router.add_delete(role, self._remove_role)
        return app

    def said(self) -> list[str]:
        return [message["content"] for message in self.messages]

    def forget_nonces(self) -> None:
        self.nonces.clear()

    def add(self, channel_id: int, body: dict[str, Any], author: dict[str, Any] = BOT) -> Any:
        embeds = [{"type": "rich", **embed} for embed in body.get("embeds") or ()]
        message = {
            "id": str(self._make_id()),
            "channel_id": str(channel_id),
            "author": author,
            "content": (body.get("content") or "").strip(),
            "embeds": embeds,
            "components": body.get("components") or [],
            "attachments": body.get("attachments") or [],
        }
        if "interaction_metadata" in body:
            message["interaction_metadata"] = body["interaction_metadata"]
        self.messages.append(message)
        return message

    @web.middleware
    async def _intercept(self, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await self._read(request)
        request["body"] = body
        if request.path.startswith("/channels") or request.path == "/users/@me/channels":
            self.requests.append((request.method, request.path_qs, body))
            if self.answers:
                return await self._answer(self.answers.pop(0), request, handler)
        return await handler(request)

    async def _answer(self, answer: Answer, request: web.Request, handler: Any) -> web.Response:
        if answer.after_the_fact:
            await handler(request)
            assert request.transport is not None
            request.transport.abort()
        return _json(answer.body, status=answer.status, headers=answer.headers)

    async def _read(self, request: web.Request) -> Any:
        if request.content_type != "multipart/form-data":
            return await request.json() if request.can_read_body else None
        body = None
        async for part in await request.multipart():
            if part.name == "payload_json":
                body = json.loads(await part.text())
            else:
                self.files.append((part.filename, bytes(await part.read())))
        return body

    async def _me(self, request: web.Request) -> web.Response:
        return _json({**BOT, "avatar": None})

    async def _application(self, request: web.Request) -> web.Response:
        application = {"id": "42", "name": "pegasus", "flags": 0, "owner": {**BOT, "avatar": None}}
        application |= {"description": "", "icon": None, "bot_public": True, "verify_key": ""}
        return _json(application | {"bot_require_code_grant": False, "team": None})

    async def _open_dm(self, request: web.Request) -> web.Response:
        return _json({"id": f"9{request['body']['recipient_id']}", "type": 1})

    async def _create(self, request: web.Request) -> web.Response:
        body, nonce = request["body"], request["body"].get("nonce")
        if body.get("enforce_nonce") and nonce in self.nonces:
            known = [one for one in self.messages if one["id"] == self.nonces[nonce]]
            return _json(known[0]) if known else _unknown_message()
        message = self.add(int(request.match_info["channel"]), body)
        if nonce:
            self.nonces[nonce] = message["id"]
        return _json({**message, "nonce": nonce})

    async def _list(self, request: web.Request) -> web.Response:
        after, limit = int(request.query.get("after", 0)), int(request.query["limit"])
        channel = request.match_info["channel"]
        later = [m for m in self.messages if m["channel_id"] == channel and int(m["id"]) > after]
        return _json(later[:limit][::-1])

    async def _edit(self, request: web.Request) -> web.Response:
        for message in self.messages:
            if message["id"] == request.match_info["message"]:
                message.update(request["body"])
                return _json(message)
        return _unknown_message()

    async def _delete(self, request: web.Request) -> web.Response:
        left = [one for one in self.messages if one["id"] != request.match_info["message"]]
        if len(left) == len(self.messages):
            return _unknown_message()
        self.messages = left
        return web.Response(status=204)

    async def _ban(self, request: web.Request) -> web.Response:
        user_id = int(request.match_info["user"])
        self.bans_made += user_id not in self.bans
        self.bans.add(user_id)
        return web.Response(status=204)

    async def _unban(self, request: web.Request) -> web.Response:
        user_id = int(request.match_info["user"])
        if user_id not in self.bans:
            return _json({"code": 10026, "message": "Unknown Ban"}, status=404)
        self.bans.discard(user_id)
        self.bans_lifted += 1
        return web.Response(status=204)

    async def _member(self, request: web.Request) -> web.Response:
        if int(request.match_info["user"]) in self.kicked:
            return _json(UNKNOWN_MEMBER, status=404)
        return _json({"joined_at": "2020-01-01T00:00:00+00:00"})

    async def _kick(self, request: web.Request) -> web.Response:
        user_id = int(request.match_info["user"])
        if user_id in self.kicked:
            return _json(UNKNOWN_MEMBER, status=404)
        self.kicked.add(user_id)
        return web.Response(status=204)

    async def _add_role(self, request: web.Request) -> web.Response:
        user_id, role_id = self._note_role_call(request)
        self.roles[user_id].add(role_id)
        return web.Response(status=204)

    async def _remove_role(self, request: web.Request) -> web.Response:
        user_id, role_id = self._note_role_call(request)
        self.roles[user_id].discard(role_id)
        return web.Response(status=204)

    def _note_role_call(self, request: web.Request) -> tuple[int, int]:
        user_id, role_id = int(request.match_info["user"]), int(request.match_info["role"])
        self.role_calls.append((request.method, user_id, role_id))
        return user_id, role_id

    def _make_id(self) -> int:
        now = int(time.time() * 1000) - DISCORD_EPOCH_MS << 22
        self._last_id = max(now, self._last_id + 1)
        return self._last_id


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    # discord.py reads a body as JSON only when its type stands alone, without a charset.
    own = {"Content-Type": "application/json", **(headers or {})}
    return web.Response(body=json.dumps(body).encode(), status=status, headers=own)


def _unknown_message() -> web.Response:
    return _json({"code": 10008, "message": "Unknown Message"}, status=404)


@asynccontextmanager
async def serve_discord() -> AsyncIterator[LoopbackDiscord]:
    """Serve a little Discord on a free port for as long as the block lasts."""
    server = LoopbackDiscord()
    runner = web.AppRunner(server.make_app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def log_in(url: str, token: str = "loopback.token.value") -> AsyncIterator[discord.Client]:
    """Give a discord.py client that is logged in at that address, without a gateway."""
    discord.http.Route.BASE = url
    client = discord.Client(intents=discord.Intents.none(), max_ratelimit_timeout=30.0)
    try:
        await client.login(token)
        yield client
    finally:
        await client.close()
