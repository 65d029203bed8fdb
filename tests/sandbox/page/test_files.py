"""The page's files: complete, from here alone, and free of markup made of text."""

from __future__ import annotations

import re

import aiohttp

from bot.sandbox import Sandbox
from bot.sandbox.page.files import load_files
from tests.sandbox.page.browser import Browser


async def test_page_loads_nothing_from_elsewhere(sandbox: Sandbox, browser: Browser) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.base_url}/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)
    assert re.findall(r'(?:src|href)="([^"#][^"]*)"', page) == [
        "/page/static/icon.svg",
        "/page/static/page.css",
        "/page/static/main.js",
    ]


def test_modules_build_no_markup_from_text() -> None:
    files = load_files()
    for name, file in files.items():
        source = file.body.decode()
        assert "https://" not in source.replace("https?:", ""), name
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source
        )
        for imported in re.findall(r'from "\./([^"]+)"', source):
            assert imported in files, f"{name} imports {imported}"
        if name.endswith(".js"):
            assert source.count("\n") < 250, name


async def test_file_is_sent_once(sandbox: Sandbox) -> None:
    address = f"{sandbox.base_url}/page/static/main.js"
    async with aiohttp.ClientSession() as session:
        async with session.get(address) as answer:
            headers = {"If-None-Match": answer.headers["ETag"]}
        async with session.get(address, headers=headers) as answer:
            assert answer.status == 304
        async with session.get(f"{sandbox.base_url}/page/static/..%2fvisit.py") as answer:
            assert answer.status == 404
