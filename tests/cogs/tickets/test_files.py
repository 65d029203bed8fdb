"""Files of tickets are fetched, stored once, kept within the space, and handed out again."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from bot.core.jobs import Retry
from cogs.tickets.files import FileStore, HttpFetcher, TooLargeError
from db.engine import Database
from db.ticket_messages import TicketFile
from tests.cogs.tickets.stage import Stage
from tests.cogs.tickets.talk import PNG, attachment, message, opened, rows, say
from tests.fakes import FakeClock


async def test_files_are_stored_once_and_within_the_space(
    database: Database, tmp_path: Path
) -> None:
    stage, ticket = await opened(database, tmp_path)
    await stage.set(files_quota=1)
    small = [attachment(one, f"{one}.png", len(PNG)) for one in (1, 2)]
    for one in small:
        stage.cdn[one["url"]] = PNG
    large = attachment(3, "film.mp4", 2_000_000, "video/mp4")
    huge = attachment(4, "huge.bin", 30 * 1024 * 1024, "application/zip")
    gone, lying = attachment(5, "gone.png", 9), attachment(6, "lies.png", 9)
    stage.cdn[lying["url"]] = TooLargeError()
    await say(stage, ticket, 1, "", attachments=[*small, large, huge, gone, lying])
    await stage.jobs.run_due()
    found = {one.name: one for one in await rows(stage, TicketFile)}
    assert {name: one.state for name, one in found.items()} == {
        "1.png": "stored",
        "2.png": "stored",
        "film.mp4": "over_quota",
        "huge.bin": "too_large",
        "gone.png": "gone",
        "lies.png": "too_large",
    }
    assert found["1.png"].sha256 == found["2.png"].sha256
    assert len(await stage.service.files.store.list(timedelta())) == 1


async def test_an_address_that_has_expired_is_asked_for_anew(
    sqlite_database: Database, tmp_path: Path
) -> None:
    stage, ticket = await opened(sqlite_database, tmp_path)
    old = attachment(5, "a.png", len(PNG))
    fresh = {**old, "url": old["url"] + "?ex=2"}
    stage.cdn[fresh["url"]] = PNG
    await say(stage, ticket, 1, "", attachments=[old])
    stage.history[ticket.channel_id or 0] = [
        message(ticket.channel_id, 1, "", stage.clock.now(), attachments=[fresh])
    ]
    await stage.jobs.run_due()
    assert [one.state for one in await rows(stage, TicketFile)] == ["stored"]


async def test_a_silent_cdn_is_asked_again(sqlite_database: Database, tmp_path: Path) -> None:
    stage, ticket = await opened(sqlite_database, tmp_path)
    file = attachment(5, "a.png", len(PNG))
    stage.cdn[file["url"]] = Retry(timedelta(seconds=30))
    await say(stage, ticket, 1, "", attachments=[file])
    await stage.jobs.run_due()
    assert [one.state for one in await rows(stage, TicketFile)] == ["pending"]
    stage.cdn[file["url"]] = PNG
    await stage.wait(31)
    assert [one.state for one in await rows(stage, TicketFile)] == ["stored"]


async def test_a_forms_files_are_kept_and_shown_in_the_room(
    database: Database, tmp_path: Path
) -> None:
    stage = await Stage.make(database, FakeClock(), files=tmp_path)
    question = {"key": "pic", "label": "Picture", "kind": "file"}
    panel = await stage.panel(pages=[{"questions": [question]}])
    file = attachment(5, "lamp.png", len(PNG))
    stage.cdn[file["url"]] = PNG
    ticket = await stage.open(panel, answers={"pic": [file]})
    await stage.wait(3)
    (kept,) = await rows(stage, TicketFile)
    assert (kept.state, kept.question) == ("stored", "pic")
    sent = [one.payload.get("attachments") for one in stage.courier.delivered]
    shown = [one[0] for one in sent if one and one[0]["renderer"] == "ticket_file"]
    assert [one["filename"] for one in shown] == ["lamp.png"]
    assert await stage.service.files.read(kept.id) == PNG
    page = await stage.service.archive.render(ticket.id, locale="en", for_staff=True)
    assert b"data:image/png;base64" in page


async def test_one_file_that_cannot_be_had_holds_up_no_other(
    sqlite_database: Database, tmp_path: Path
) -> None:
    stage, ticket = await opened(sqlite_database, tmp_path)
    silent = [attachment(one, f"{one}.png", len(PNG)) for one in range(1, 13)]
    good = attachment(20, "good.png", len(PNG))
    stage.cdn = {one["url"]: Retry(timedelta(seconds=30)) for one in silent}
    stage.cdn[good["url"]] = PNG
    await say(stage, ticket, 1, "", attachments=[*silent, good])
    await stage.jobs.run_due()
    found = {one.name: one.state for one in await rows(stage, TicketFile)}
    assert (found["good.png"], found["1.png"]) == ("stored", "pending")
    await stage.wait(timedelta(days=2))
    assert {one.state for one in await rows(stage, TicketFile)} == {"stored", "gone"}


@pytest.mark.parametrize(
    "url", ["http://[", "https://cdn.discordapp.com:x/a", "https://cdn.discordapp.com\\/a"]
)
async def test_an_address_that_is_none_is_given_up(url: str) -> None:
    fetcher = HttpFetcher("https://cdn.example.org")
    assert await fetcher.fetch(url) is None
    await fetcher.close()


async def test_what_the_cdn_refuses_is_given_up_and_a_fault_is_not() -> None:
    app = web.Application()

    async def reply(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), body=PNG)

    app.router.add_get("/{status}", reply)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    fetcher = HttpFetcher(f"http://{host}:{port}")
    assert await fetcher.fetch(f"http://{host}:{port}/200") == PNG
    for status in (301, 400, 403, 404, 415):
        assert await fetcher.fetch(f"http://{host}:{port}/{status}") is None
    for status in (429, 500, 503):
        with pytest.raises(Retry):
            await fetcher.fetch(f"http://{host}:{port}/{status}")
    await fetcher.close()
    await runner.cleanup()


async def test_jobs_at_once_do_not_pass_the_space(database: Database, tmp_path: Path) -> None:
    stage = await Stage.make(database, FakeClock(), files=tmp_path)
    await stage.set(files_quota=1)
    panel = await stage.panel()
    contents = [bytes([number]) * 400_000 for number in range(4)]
    gate = asyncio.Barrier(4)

    class Slow:
        async def fetch(self, url: str) -> bytes | None:
            async with asyncio.timeout(5):
                await gate.wait()
            return contents[int(url)]

    keeper: Any = stage.service.files
    keeper._fetcher = Slow()
    jobs: list[Any] = []
    tickets = [await stage.open(panel, 100 + number) for number in range(4)]
    for number, ticket in enumerate(tickets):
        file = {**attachment(number, "a.bin", 400_000), "url": str(number)}
        await say(stage, ticket, number + 1, "", attachments=[file])
        jobs.append(SimpleNamespace(payload={"ticket_id": ticket.id}))
    await asyncio.gather(*(keeper._fetch_all(job) for job in jobs))
    states = [one.state for one in await rows(stage, TicketFile)]
    assert sorted(states) == ["over_quota", "over_quota", "stored", "stored"]


async def test_a_content_that_is_stored_again_survives_the_sweep(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    digest = await store.put(PNG)
    (path,) = tmp_path.glob("??/*")
    old = time.time() - 100_000
    os.utime(path, (old, old))
    listed = await store.list(timedelta(days=1))
    assert listed == [digest]
    await store.put(PNG)
    await store.delete(listed, timedelta(days=1))
    assert await store.get(digest) == PNG


async def test_a_content_that_a_sweep_took_meanwhile_is_stored_again(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, ticket = await opened(sqlite_database, tmp_path)
    store = stage.service.files.store
    put, calls = store.put, []

    async def swept(data: bytes) -> str:
        digest = await put(data)
        calls.append(digest)
        if len(calls) == 1:
            await store.delete([digest], timedelta())
        return digest

    monkeypatch.setattr(store, "put", swept)
    file = attachment(5, "a.png", len(PNG))
    stage.cdn[file["url"]] = PNG
    await say(stage, ticket, 1, "", attachments=[file])
    await stage.jobs.run_due()
    (kept,) = await rows(stage, TicketFile)
    assert await store.get(kept.sha256) == PNG
