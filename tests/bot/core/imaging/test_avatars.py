"""Avatars come from the CDN alone, within bounds, and a failure is no error."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.core.imaging import avatars
from bot.core.imaging.avatars import AvatarFetcher, avatar_address

HASH = "0123456789abcdef0123456789abcdef"
USER = 80351110224678912


class Cdn:
    """A CDN that serves what a test puts into it and counts the requests."""

    def __init__(self) -> None:
        self.body = b"picture"
        self.status = 200
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        headers = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, body=self.body, headers=headers)


@pytest.fixture
def cdn() -> Cdn:
    return Cdn()


@pytest.fixture
async def fetcher(cdn: Cdn) -> AsyncIterator[AvatarFetcher]:
    app = web.Application()
    app.router.add_get("/{tail:.*}", cdn.answer)
    async with TestServer(app) as server:
        fetcher = AvatarFetcher(str(server.make_url("/")))
        yield fetcher
        await fetcher.close()


def test_avatar_address_without_avatar_is_discords_default() -> None:
    assert avatar_address(USER, None) == "https://cdn.discordapp.com/embed/avatars/5.png"


@pytest.mark.parametrize("avatar", ["../../evil", "x" * 32, HASH + "?", "http://evil/" + HASH])
def test_avatar_address_strange_hash_is_never_used(avatar: str) -> None:
    assert avatar not in avatar_address(USER, avatar)


async def test_fetch_returns_the_picture_and_caches_it(fetcher: AvatarFetcher, cdn: Cdn) -> None:
    assert await fetcher.fetch(USER, HASH) == b"picture"
    assert await fetcher.fetch(USER, HASH) == b"picture"

    assert cdn.asked == [f"/avatars/{USER}/{HASH}.png?size=256"]


async def test_fetch_without_avatar_asks_nobody(fetcher: AvatarFetcher, cdn: Cdn) -> None:
    assert await fetcher.fetch(USER, None) is None
    assert cdn.asked == []


@pytest.mark.parametrize("status", [404, 500, 302])
async def test_fetch_refusal_is_no_picture(fetcher: AvatarFetcher, cdn: Cdn, status: int) -> None:
    cdn.status = status

    assert await fetcher.fetch(USER, HASH) is None
    assert len(cdn.asked) == 1


async def test_fetch_oversized_picture_is_refused(fetcher: AvatarFetcher, cdn: Cdn) -> None:
    cdn.body = b"x" * (avatars.MOST_BYTES + 1)

    assert await fetcher.fetch(USER, HASH) is None


async def test_fetch_cache_is_bounded(
    fetcher: AvatarFetcher, cdn: Cdn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(avatars, "MOST_CACHED", 2)
    for user_id in (1, 2, 3, 1):
        await fetcher.fetch(user_id, HASH)

    assert len(cdn.asked) == 4


async def test_fetch_unreachable_cdn_is_no_picture(unused_tcp_port: int) -> None:
    fetcher = AvatarFetcher(f"http://127.0.0.1:{unused_tcp_port}")

    assert await fetcher.fetch(USER, HASH) is None
    await fetcher.close()
