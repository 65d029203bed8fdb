"""The transcript as a page: what is in it, and that nothing in it runs or leaves."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from cogs.tickets.markdown import render
from cogs.tickets.transcript import Record, to_html
from db.ticket_messages import TicketFile, TicketMessage, TicketVersion
from db.tickets import Ticket, TicketEvent
from tests.sandbox.chromium import chromium, find_chromium

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
HARMLESS = {"strong", "em", "u", "s", "code", "pre", "br", "span", "small", "a"}
CORPUS = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg/onload=window.hit=1>",
    '"><script src=//ADDRESS/x.js></script>',
    "<iframe src=//ADDRESS/></iframe>",
    "<link rel=stylesheet href=//ADDRESS/a.css>",
    "<style>@import '//ADDRESS/b.css'</style>",
    "</style><script>window.hit=1</script>",
    "<base href=//ADDRESS/>",
    "<meta http-equiv=refresh content=0;url=http://ADDRESS/>",
    "[x](javascript:window.hit=1)",
    "javascript:window.hit=1",
    'https://a/"onmouseover=window.hit=1',
    "https://a/'onfocus=window.hit=1 autofocus",
    "`<script>window.hit=1</script>`",
    "```html\n<script>window.hit=1</script>\n```",
    '<@1"onload=window.hit=1>',
    "\ue0000\ue001<script>window.hit=1</script>",
    "{{ 7*7 }}{% raw %}<script>window.hit=1</script>",
    "**<b onclick=window.hit=1>**__~~*<i>*~~__",
    "<t:99999999999:R>\\<script>window.hit=1</script>",
    "<form action=http://ADDRESS/><button>x</button></form>",
    "<object data=//ADDRESS/></object><embed src=//ADDRESS/>",
    "data:text/html,<script>window.hit=1</script>",
)


def make_record(texts: tuple[str, ...], **values: Any) -> Record:
    """Return a record with the texts in every place that a stranger can fill."""
    hostile = " ".join(texts)[:1000]
    ticket = Ticket(
        id=1,
        guild_id=1,
        number=12,
        category=hostile[:50],
        user_id=8,
        status="closed",
        priority="high",
        labels=[hostile[:30]],
        answers=[{"key": "q", "label": hostile[:45], "kind": "line", "shown": [hostile]}],
        created_at=AT,
        closed_at=AT,
        closed_by=9,
        claimed_by=9,
        close_reason=hostile,
    )
    messages = [make_message(number, text) for number, text in enumerate(texts, 1)]
    events = [
        TicketEvent(kind="rename", actor_id=9, at=AT, details={"value": hostile}),
        TicketEvent(kind="close", actor_id=9, at=AT, text=hostile, details={}),
        TicketEvent(kind="note", actor_id=9, at=AT, text=hostile, details={}),
    ]
    files = [
        TicketFile(
            message_id=1, name=hostile[:255], content_type="image/svg+xml", size=9, state="stored"
        ),
        TicketFile(message_id=1, name="x", content_type="text/html", size=9, state="gone"),
    ]
    versions = [TicketVersion(message_id=1, content=hostile, replaced_at=AT)]
    names = {"@8": hostile, "@&1": hostile, "#1": hostile}
    plain: dict[str, Any] = {
        "ticket": ticket,
        "guild_name": hostile,
        "messages": messages,
        "versions": versions,
        "files": files,
        "events": events,
        "names": names,
        "for_staff": True,
    }
    return Record(**(plain | values))


def make_message(number: int, text: str, **values: Any) -> TicketMessage:
    embed = {
        "title": text,
        "description": text,
        "author": text,
        "footer": text,
        "fields": [{"name": text, "value": text}],
    }
    extras = {
        "embeds": [embed],
        "stickers": [text],
        "forwarded": text,
        "poll": {"question": text, "answers": [text]},
    }
    plain: dict[str, Any] = {
        "message_id": number,
        "author_id": 8,
        "author_name": text[:100],
        "is_bot": False,
        "is_staff": False,
        "content": text,
        "extras": extras,
        "reply_to": number - 1,
        "created_at": AT,
    }
    return TicketMessage(**(plain | values))


class Tags(HTMLParser):
    """Collects the elements of a page, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags_of(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(page)
    return parser.found


@given(st.text() | st.sampled_from(CORPUS) | st.text(alphabet="<>&\"'`*_~@#:\\/ abt1\n[]()"))
def test_markdown_writes_nothing_but_its_own_elements(text: str) -> None:
    page = str(render(text, {"@1": text}, str))
    for tag, attributes in tags_of(page):
        assert tag in HARMLESS
        assert set(attributes) <= {"class", "href", "rel", "target"}
        assert (attributes.get("href") or "https://").startswith("https://")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** and *thin*", "<strong>bold</strong> and <em>thin</em>"),
        ("`a < b`", "<code>a &lt; b</code>"),
        ("```py\nx = 1\n```", "<pre>x = 1</pre>"),
        ("> said", '<span class="quote">said</span>'),
        ("<@8> <#5>", '<span class="mention">@Ada</span> <span class="mention">#5</span>'),
        ("one\ntwo", "one<br>two"),
        (r"\*not\*", "*not*"),
        ("<:smile:123456789012345678>", ":smile:"),
        ("***both***", "<strong><em>both</em></strong>"),
        ("**one *two** three*", "<strong>one *two</strong> three*"),
        ("2 * 3 * 4 ** 5", "2 * 3 * 4 ** 5"),
        ("` ```inner``` `", "<code>```inner```</code>"),
        (r"\`not **code**\`", "`not <strong>code</strong>`"),
    ],
)
def test_markdown_is_rendered(text: str, html: str) -> None:
    assert str(render(text, {"@8": "Ada"}, str)) == html


@given(st.text(alphabet="`*_~ ab\\<>/:#@1\n") | st.text(alphabet="`a https://.x"))
def test_no_text_is_hidden(text: str) -> None:
    shown = re.sub(r"<[^>]*>", "", str(render(text, {}, str)))
    assert "\ue000" not in shown
    assert shown.count("a") >= text.count("a")


def test_the_page_refers_to_nothing_outside() -> None:
    page = to_html(make_record(CORPUS))
    for tag, attributes in tags_of(page):
        assert tag not in {"script", "iframe", "object", "embed", "link", "base", "form", "svg"}
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "img":
            assert (attributes["src"] or "").startswith("data:image/")
        if tag == "a":
            assert re.match(r"https://|#m\d+$", attributes["href"] or "")


def test_pictures_are_in_the_page_and_only_real_ones() -> None:
    files = [
        TicketFile(
            message_id=1, name="a", content_type="image/png", size=9, sha256=key, state="stored"
        )
        for key in ("good", "bad")
    ]
    pictures = {"good": b"\x89PNG\r\n\x1a\nrest", "bad": b"<svg onload=alert(1)>"}
    page = to_html(make_record(("hello",), files=files, pictures=pictures))
    assert page.count("data:image/png;base64,") == 1


def test_edits_deletions_and_redactions_are_shown() -> None:
    messages = [
        make_message(1, "new text", edited_at=AT, extras={}),
        make_message(2, "gone text", deleted_at=AT, extras={}),
        make_message(3, "", content=None, redacted_at=AT, extras={}),
        make_message(4, "", content=None, author_name=None, extras={}),
    ]
    versions = [TicketVersion(message_id=1, content="old text", replaced_at=AT)]
    page = to_html(make_record(("x",), messages=messages, versions=versions, files=[]))
    for shown in (
        "new text",
        "old text",
        "Earlier versions",
        'class="deleted"',
        "gone text",
        "Removed by the staff.",
        "somebody whose data was erased",
    ):
        assert shown in page


@pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium")
async def test_nothing_runs_and_nothing_leaves_in_a_real_browser(tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(text="window.hit=1")

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    texts = tuple(one.replace("ADDRESS", f"{host}:{port}") for one in CORPUS)
    path = tmp_path / "ticket.html"
    path.write_text(to_html(make_record(texts)), encoding="utf-8")
    async with chromium(tmp_path / "profile") as page:
        await page.open(path.as_uri())
        await page.until("document.readyState === 'complete' && document.querySelector('footer')")
        assert await page.evaluate("window.hit") is None
        assert await page.evaluate("document.scripts.length") == 0
        # A click on what a member wrote runs nothing either.
        await page.evaluate("document.querySelectorAll('b,i,span').forEach((one) => one.click())")
        assert await page.evaluate("window.hit") is None
        style = await page.evaluate("getComputedStyle(document.body).maxWidth")
    await runner.cleanup()
    assert asked == []
    assert style != "none", "the page's own style is refused by its policy"


@pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium")
async def test_a_name_that_turns_its_line_turns_nothing_beside_it(tmp_path: Path) -> None:
    record = make_record(("hello",))
    record.messages[0].author_name = "nimda\u202e"
    path = tmp_path / "ticket.html"
    path.write_text(to_html(record), encoding="utf-8")
    async with chromium(tmp_path / "profile") as page:
        await page.open(path.as_uri())
        await page.until("document.readyState === 'complete' && document.querySelector('footer')")
        line = "document.querySelector('article h3')"
        left = "getBoundingClientRect().left"
        assert await page.evaluate(
            f"{line}.querySelector('b').{left} < {line}.querySelector('time').{left}"
        )
        # The clock is read from left to right, too.
        first, last = (
            "(r.setStart(t, 0), r.setEnd(t, 1), r)",
            ("(r.setStart(t, t.length - 1), r.setEnd(t, t.length), r)"),
        )
        script = f"""(() => {{
            const r = document.createRange(), t = {line}.querySelector('time').firstChild;
            return {first}.{left} < {last}.{left};
        }})()"""
        assert await page.evaluate(script)
