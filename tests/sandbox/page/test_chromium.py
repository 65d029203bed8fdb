"""The page in a real browser, by keyboard and at the width of a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.stickers import add_sticker
from tests.sandbox.chromium import Page, chromium, find_chromium
from tests.sandbox.page.browser import HOSTILE

NAME_BOX = "document.querySelector('dialog input')"
JOIN = "document.querySelector('[data-key=join]')"
MADE_OF_TEXT = "#messages i, #messages iframe, #messages script, #messages svg:not(.glyph)"
DOOR = "document.querySelector('dialog h2')?.textContent"
WRITER = "document.querySelector('.writer textarea')"
FOCUS_BOX = "document.querySelector('.writer textarea').focus()"
DANGEROUS_LINKS = "[...document.links].filter((a) => !/^https?:$/.test(a.protocol)).length"


needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")


async def come_in(page: Page, sandbox: Sandbox) -> None:
    """Give a name at the door and join the first guild."""
    await page.open(f"{sandbox.base_url}/")
    await page.until(f"{NAME_BOX} && ({NAME_BOX}.focus(), true)")
    await page.type("Vera <b>")
    await page.press("Enter")
    await page.until(f"{JOIN} && ({JOIN}.click(), true)")
    await page.until("document.querySelector('.writer textarea')")


@needs_chromium
async def test_page_shows_others_and_keeps_hostile_words_inert(
    sandbox: Sandbox, guild: Guild, tmp_path: Path
) -> None:
    general = guild.channel("general")
    for number, text in enumerate(HOSTILE):
        eve = sandbox.join(guild, f"eve{number}", global_name=text[:32])
        eve.send(general, text[:2000], files=[(f"{text[:20]}.txt", b"text")])
    async with chromium(tmp_path) as page:
        await come_in(page, sandbox)
        await page.until(f"document.querySelectorAll('li.message').length === {len(HOSTILE)}")
        sandbox.join(guild, "bob").send(general, "hello from <i>elsewhere</i> **now**")
        await page.until("document.querySelector('#messages').textContent.includes('elsewhere')")
        assert await page.evaluate(f"document.querySelectorAll('{MADE_OF_TEXT}').length") == 0
        assert await page.evaluate(DANGEROUS_LINKS) == 0
        bold = "document.querySelector('.message:last-child strong').textContent"
        assert await page.evaluate(bold) == "now"
        assert await page.evaluate("document.title") == "#general"
        await page.evaluate(FOCUS_BOX)
        await page.type("good evening")
        await page.press("Enter")
        await sandbox.wait_for_message(general, containing="good evening")
        await page.resize(360, 700)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.problems == []


@needs_chromium
async def test_page_shows_forwards_polls_and_stickers(
    sandbox: Sandbox, guild: Guild, tmp_path: Path
) -> None:
    general, eve = guild.channel("general"), sandbox.join(guild, "eve")
    source = eve.send(guild.channel("welcome"), "read <i>this</i>", files=[("a.txt", b"a")])
    eve.forward(source, general)
    eve.ask(general, "Tea?", "yes <i>please</i>", "no")
    eve.send(general, stickers=[int(add_sticker(guild, "wave <i>")["id"])])
    async with chromium(tmp_path) as page:
        await come_in(page, sandbox)
        await page.until("document.querySelectorAll('li.message').length === 3")
        shown = await page.evaluate("document.querySelector('#messages').textContent")
        for text in ("read <i>this</i>", "a.txt", "Tea?", "yes <i>please</i>", "wave <i>"):
            assert text in shown
        assert await page.evaluate(f"document.querySelectorAll('{MADE_OF_TEXT}').length") == 0
        assert page.problems == []


@needs_chromium
async def test_command_and_form_are_used_by_keyboard(
    sandbox: Sandbox, harbour: Guild, tmp_path: Path
) -> None:
    async with chromium(tmp_path) as page:
        await come_in(page, sandbox)
        await page.evaluate(FOCUS_BOX)
        await page.type("/pan")
        await page.until("document.querySelector('.writer [role=option].active')")
        await page.press("Enter")
        await page.until("document.activeElement.textContent === 'Run'")
        await page.press("Enter")
        await page.until("document.querySelector('[data-key=form]')")
        await page.until("document.activeElement.matches('.writer textarea')")
        await page.evaluate("document.querySelector('[data-key=form]').focus()")
        await page.press("Enter")
        await page.until("document.activeElement.closest('dialog')")
        await page.type("Vi")
        await page.press("Tab")
        await page.press("Enter")
        await page.until("document.querySelector('.popup [role=option].active')")
        await page.type("Vera")
        await page.until("document.querySelectorAll('.popup [role=option]').length === 1")
        await page.press("Enter")
        await page.evaluate("document.querySelector('dialog [type=submit]').click()")
        await page.until("document.querySelector('.message.private')")
        shown = await page.evaluate("document.querySelector('.message.private').textContent")
        assert "Vi, Vera <b>" in shown
        assert "Only you can see this" in shown
        assert page.problems == []


@needs_chromium
async def test_page_speaks_the_language_of_its_visitor(
    sandbox: Sandbox, guild: Guild, tmp_path: Path
) -> None:
    guild.channel("general").add_message(guild.world.users[guild.owner_id], "hola")
    async with chromium(tmp_path) as page:
        agent = await page.evaluate("navigator.userAgent")
        await page.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="es-MX")
        await page.open(f"{sandbox.base_url}/")
        await page.until(f"{DOOR} === 'Un Discord simulado'")
        await page.evaluate(f"{NAME_BOX}.focus()")
        await page.type("   ")
        await page.press("Enter")
        told = "document.querySelector('dialog [role=alert]').textContent"
        await page.until(f"{told} === 'Un nombre tiene de 1 a 32 caracteres.'")
        await page.evaluate("document.querySelector('dialog [lang=en]').click()")
        await page.until(f"{DOOR} === 'A simulated Discord'")
        assert await page.evaluate("document.activeElement.lang") == "en"
        await page.call("Page.reload")
        await page.until(f"{DOOR} === 'A simulated Discord' && ({NAME_BOX}.focus(), true)")
        await page.type("Véra")
        await page.press("Enter")
        await page.until(f"{JOIN}?.textContent === 'Join' && ({JOIN}.click(), true)")
        await page.until(f"{WRITER}?.placeholder === 'Message #general, or / for commands'")
        await page.evaluate("document.querySelector('#person [lang=es]').focus()")
        await page.press("Enter")
        await page.until(f"{WRITER}.placeholder === 'Mensaje a #general, o / para comandos'")
        await page.until("document.querySelector('li.message')")
        assert await page.evaluate("document.activeElement.lang") == "es"
        assert await page.evaluate("document.documentElement.lang") == "es"
        assert "Véra" in await page.evaluate("document.querySelector('.whoami').textContent")
        refused = [entry for entry in page.problems if "400" not in entry]
        assert refused == []


@needs_chromium
async def test_suggestions_cover_no_label_and_what_is_missing_is_told(
    sandbox: Sandbox, harbour: Guild, tmp_path: Path
) -> None:
    async with chromium(tmp_path) as page:
        await come_in(page, sandbox)
        await page.evaluate(FOCUS_BOX)
        await page.type("/pic")
        await page.until("document.querySelector('.writer [role=option].active')")
        await page.press("Enter")
        await page.until("document.activeElement.matches('.typed input')")
        await page.press("Enter")
        alert = "document.querySelector('.command-form [role=alert]')"
        await page.until(f"{alert}.textContent === '“thing” is needed.'")
        assert await page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
        await page.type("buo")
        await page.until("document.querySelector('.typed [role=option].active')")
        edges = await page.evaluate(
            "[document.querySelector('.typed .listbox').getBoundingClientRect().bottom,"
            " document.querySelector('.command-form').getBoundingClientRect().top]"
        )
        assert edges[0] <= edges[1]
        assert page.problems == []
