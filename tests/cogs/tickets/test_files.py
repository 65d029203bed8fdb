"""Files of tickets are fetched, stored once, kept within the space, and handed out again."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import delete

from bot.core.contracts import GuildSummary
from bot.core.errors import Conflict, InvalidInput, NotFound
from bot.core.jobs import Retry
from cogs.tickets.attachments import Handles
from cogs.tickets.files import FETCH_JOB, FileStore, HttpFetcher, TooLargeError
from db.engine import Database
from db.jobs import Job
from db.ticket_messages import TicketFile
from db.tickets import Ticket
from tests.cogs.tickets.stage import GUILD, Stage, View
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
    await stage.settle()
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


async def test_a_file_whose_job_was_given_up_does_not_wait_for_ever(
    sqlite_database: Database, tmp_path: Path
) -> None:
    stage, ticket = await opened(sqlite_database, tmp_path)
    await say(stage, ticket, 1, "", attachments=[attachment(1, "a.png", 9)])
    async with sqlite_database.write() as session:
        await session.execute(delete(Job).where(Job.kind == FETCH_JOB))
    stage.clock.advance(timedelta(days=3))
    await stage.service.files.sweep()
    assert [one.state for one in await rows(stage, TicketFile)] == ["pending"]
    stage.clock.advance(timedelta(days=2))
    await stage.service.files.sweep()
    assert [one.state for one in await rows(stage, TicketFile)] == ["gone"]


async def test_jobs_at_once_do_not_pass_the_space(database: Database, tmp_path: Path) -> None:
    stage = await Stage.make(database, FakeClock(), files=tmp_path)
    await stage.set(files_quota=1)
    panel = await stage.panel()
    contents = [bytes([number]) * 400_000 for number in range(4)]
    gate = asyncio.Barrier(4)

    class Slow:
        async def fetch(self, url: str) -> bytes | None:
            async with asyncio.timeout(30):
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


async def stocked(database: Database, tmp_path: Path) -> tuple[Stage, Ticket]:
    """Return a ticket with two files of one name, one of another, and one that is not kept."""
    stage, ticket = await opened(database, tmp_path)
    names = ("a.zip", "a.zip", "ñu `x`.bin", "gone.bin")
    for number, name in enumerate(names, 1):
        file = attachment(number, name, 100, "application/zip")
        if name != "gone.bin":
            stage.cdn[file["url"]] = name.encode() + bytes([number])
        await say(stage, ticket, number, "", attachments=[file])
    await stage.jobs.run_due()
    return stage, ticket


async def test_every_file_is_handed_out_by_its_name(database: Database, tmp_path: Path) -> None:
    stage, ticket = await stocked(database, tmp_path)
    handout = stage.service.handout
    offers = await handout.offer(ticket, "A.ZIP")
    assert [label for label, _value in offers] == ["a.zip · 6 B", "a.zip · 6 B"]
    assert len({value for _label, value in offers}) == 2
    contents = [
        (await handout.get(ticket, value, 10**6)).path.read_bytes() for _label, value in offers
    ]
    assert contents == [b"a.zip\x02", b"a.zip\x01"]
    given = await handout.get(ticket, "ñu `x`.bin", 10**6)
    assert (given.name, given.path.read_bytes()) == ("ñu `x`.bin", "ñu `x`.bin".encode() + b"\x03")
    other = await stage.open(await stage.panel("Other"))
    with pytest.raises(NotFound, match="no file"):
        await handout.get(other, "a.zip", 10**6)


async def test_why_a_file_cannot_be_had_is_said_with_what_to_do(
    sqlite_database: Database, tmp_path: Path
) -> None:
    stage, ticket = await stocked(sqlite_database, tmp_path)
    handout = stage.service.handout
    with pytest.raises(Conflict, match="could not be fetched") as failed:
        await handout.get(ticket, "gone.bin", 10**6)
    link = f"https://discord.com/channels/{GUILD}/{ticket.channel_id}/4"
    assert link in failed.value.render("en")
    with pytest.raises(InvalidInput, match="takes 5 B at most") as large:
        await handout.get(ticket, "a.zip", 5)
    assert f"{ticket.channel_id}/2" in large.value.render("en")
    ticket.channel_id = None
    with pytest.raises(InvalidInput) as large:
        await handout.get(ticket, "a.zip", 5)
    assert "Ask whoever runs this bot" in large.value.render("en")


async def test_the_transcript_says_how_to_get_each_file(
    sqlite_database: Database, tmp_path: Path
) -> None:
    stage, ticket = await stocked(sqlite_database, tmp_path)
    page = (await stage.service.archive.render(ticket.id, locale="en", for_staff=False)).decode()
    found = [one for one in await rows(stage, TicketFile) if one.state == "stored"]
    for one in found:
        handle = f"#{one.id}" if one.name == "a.zip" else one.name
        assert f"get it with /ticket file file:{handle} ticket:1" in page
        assert (await stage.service.handout.get(ticket, handle, 10**6)).name == one.name


class Boosted(View):
    """A guild that takes files of 50 MB."""

    def guild(self, guild_id: int) -> GuildSummary | None:
        found = super().guild(guild_id)
        return replace(found, largest_upload=50 * 1024 * 1024) if found else None


async def test_a_large_file_of_a_form_is_named_where_it_cannot_be_posted(
    sqlite_database: Database, tmp_path: Path
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock(), files=tmp_path)
    question = {"key": "pic", "label": "Film", "kind": "file"}
    panel = await stage.panel(pages=[{"questions": [question]}])
    file = attachment(5, "film.mp4", 12 * 1024 * 1024, "video/mp4")
    stage.cdn[file["url"]] = bytes(12 * 1024 * 1024)
    ticket = await stage.open(panel, answers={"pic": [file]})
    await stage.wait(3)
    (said,) = [one for one in stage.said(ticket.channel_id) if "film.mp4" in one]
    assert "`/ticket file file:film.mp4 ticket:1`" in said
    assert (await stage.service.handout.get(ticket, "film.mp4", 25 * 1024 * 1024)).path.exists()


async def test_a_server_with_boosts_is_shown_larger_files(
    sqlite_database: Database, tmp_path: Path
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock(), files=tmp_path)
    stage.view = Boosted()
    question = {"key": "pic", "label": "Film", "kind": "file"}
    panel = await stage.panel(pages=[{"questions": [question]}])
    file = attachment(5, "film.mp4", 12 * 1024 * 1024, "video/mp4")
    stage.cdn[file["url"]] = bytes(12 * 1024 * 1024)
    ticket = await stage.open(panel, answers={"pic": [file]})
    await stage.wait(3)
    sent = [one.payload for one in stage.courier.delivered if one.channel_id == ticket.channel_id]
    (shown,) = [one for one in sent if (one.get("attachments") or [{}])[0].get("renderer")]
    assert shown["attachments"][0]["filename"] == "film.mp4"


@pytest.mark.parametrize(
    ("content", "quota", "words"),
    [(b"x" * 9, 0, "no space left"), (None, 1, "could not fetch"), (b"", 1, "")],
)
async def test_a_file_of_a_form_that_is_not_kept_is_asked_for_in_the_room(
    sqlite_database: Database, tmp_path: Path, content: bytes | None, quota: int, words: str
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock(), files=tmp_path)
    await stage.set(files_quota=quota)
    question = {"key": "pic", "label": "Film", "kind": "file"}
    panel = await stage.panel(pages=[{"questions": [question]}])
    file = attachment(5, "film.mp4", 9, "video/mp4")
    if content is not None:
        stage.cdn[file["url"]] = content
    ticket = await stage.open(panel, answers={"pic": [file]})
    await stage.wait(3)
    said = [one for one in stage.said(ticket.channel_id) if "came with your form" in one]
    assert [words in one for one in said] == ([True] if words else [])


async def test_a_name_in_any_script_keeps_its_ending(
    sqlite_database: Database, tmp_path: Path
) -> None:
    stage, ticket = await opened(sqlite_database, tmp_path)
    file = {**attachment(1, "___.png", 9), "title": "写真"}
    await say(stage, ticket, 1, "", attachments=[file])
    assert [one.name for one in await rows(stage, TicketFile)] == ["写真.png"]


async def test_a_name_that_would_hide_its_ending_does_not(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """Written from right to left, the end of a program's name looks like that of a picture."""
    stage, ticket = await opened(sqlite_database, tmp_path)
    file = {**attachment(1, "photogpj.exe", 9), "title": "photo\u202egpj"}
    await say(stage, ticket, 1, "", attachments=[file])
    assert [one.name for one in await rows(stage, TicketFile)] == ["photogpj.exe"]


def test_thousands_of_files_are_told_apart_in_one_pass() -> None:
    asked: list[str] = []

    class Name(str):
        def __eq__(self, other: object) -> bool:
            asked.append("eq")
            return super().__eq__(other)

        __hash__ = str.__hash__

    files: Any = [SimpleNamespace(id=one, name=Name(f"{one}.png"), size=1) for one in range(2000)]
    handles = Handles(files)
    assert [handles.of(one) for one in files[:2]] == ["0.png", "1.png"]
    assert handles.find("#7") is files[7]
    assert handles.find("1999.png") is files[1999]
    assert len(asked) < 20_000
