"""The `alive` command: it asks where the configuration says that the bot listens."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.probe import probe

STATUS = web.AppKey("status", int)


async def _livez(request: web.Request) -> web.Response:
    return web.Response(status=int(request.app[STATUS]))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(("status", "said"), [(200, None), (503, "answers 503")])
async def test_probe_asks_the_listener_that_serves_health(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, status: int, said: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    app = web.Application()
    app[STATUS] = status
    app.router.add_get("/livez", _livez)
    async with TestServer(app) as server:
        listeners = [
            {"port": 1, "serve": ["api"]},
            {"host": host, "port": server.port, "serve": ["health", "metrics"]},
        ]
        monkeypatch.setenv("PEGASUS_WEB__LISTENERS", json.dumps(listeners))
        wrong = await asyncio.to_thread(probe, None)
    assert (wrong is None) if said is None else (wrong is not None and said in wrong)


def test_probe_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PEGASUS_WEB__PORT", str(reserved.getsockname()[1]))
        wrong = probe(None)
    assert wrong is not None
    assert "does not answer" in wrong


def test_probe_where_nothing_serves_health(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEGASUS_WEB__LISTENERS", '[{"port": 1, "serve": ["api"]}]')
    assert probe(None) is None
