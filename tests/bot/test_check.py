"""The `check` command: every problem at once, in words with the fix, and nothing changed by it."""

from __future__ import annotations

import socket
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot import check
from bot.check import Finding, Level, list_pending, run_check, sum_up
from bot.core.imaging.fonts import Face, FontSet, load_fonts
from bot.sandbox import Sandbox
from db.engine import Database
from db.migrate import upgrade
from db.version import current, head

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.abcdefghijklmnopqrstuvwxyz0123456789AB"

# Nothing is asked of the real Discord.
API = "PEGASUS_DISCORD__API_BASE_URL"
NOBODY_THERE = {API: "http://127.0.0.1:1"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DISCORD_TOKEN": TOKEN, "PEGASUS_WEB__PORT": "0", **NOBODY_THERE}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def problems(findings: list[Finding]) -> list[str]:
    return [str(finding.message) for finding in findings if finding.is_problem]


def warnings(findings: list[Finding]) -> list[str]:
    return [str(one.message) for one in findings if one.level is Level.WARNING]


async def test_first_start_is_in_order_and_leaves_no_trace(
    environ: dict[str, str], tmp_path: Path
) -> None:
    findings = await run_check(None, environ)
    assert problems(findings) == []
    assert any("data/pegasus.db will be created" in str(finding) for finding in findings)
    assert list(tmp_path.iterdir()) == []


async def test_finding_is_one_readable_line(environ: dict[str, str]) -> None:
    for finding in await run_check(None, environ):
        assert "\n" not in str(finding)
        assert str(finding).startswith(("fine:", "unknown:", "warning:", "problem:"))


async def test_all_problems_are_told_at_once(tmp_path: Path, taken: int) -> None:
    environ = {
        "DISCORD_TOKEN": f'"{TOKEN}"',
        "DATABASE_URL": "postgresql://pegasus:hunter2@127.0.0.1:1/pegasus",
        "PEGASUS_WEB__PORT": str(taken),
    }
    token, database, port = problems(await run_check(None, environ))
    assert "quotation marks" in token
    assert TOKEN not in token
    assert "postgresql://pegasus:***@127.0.0.1:1/pegasus can't be reached" in database
    assert "hunter2" not in database
    assert f"127.0.0.1:{taken} is taken" in port


async def test_broken_configuration_is_told_beside_the_token(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text("[web]\nport = 99999\nprot = 1\n")
    found = problems(await run_check(path, {"DISCORD_TOKEN": "your-token-here"}))
    assert len(found) == 3
    assert "web.port" in found[0]
    assert "three parts" in found[2]


async def test_valid_token_is_told_with_the_bots_name(environ: dict[str, str]) -> None:
    async with Sandbox(token=TOKEN) as sandbox:
        environ |= {API: sandbox.api_base_url}
        findings = await run_check(None, environ)
    assert problems(findings) == []
    assert any("is valid: Discord knows the bot as" in str(one) for one in findings)
    assert str(sum_up(findings)) == "Everything is in order."


async def test_token_of_the_sandbox_is_told_as_such(environ: dict[str, str]) -> None:
    async with Sandbox() as sandbox:
        environ |= {API: sandbox.api_base_url, "DISCORD_TOKEN": sandbox.token}
        findings = await run_check(None, environ)
        assert problems(findings) == []
        assert any("is the sandbox's" in str(one) for one in findings)
    async with Sandbox(token=TOKEN) as other:
        (problem,) = problems(await run_check(None, environ | {API: other.api_base_url}))
    assert "is no sandbox" in problem


async def test_made_up_token_is_a_problem(environ: dict[str, str]) -> None:
    async with Sandbox() as sandbox:
        findings = await run_check(None, environ | {API: sandbox.api_base_url})
    (problem,) = problems(findings)
    assert "Discord refuses the bot token" in problem
    assert TOKEN not in problem


async def test_intent_that_is_not_switched_on_is_a_problem(environ: dict[str, str]) -> None:
    async with Sandbox(token=TOKEN, allowed_intents=0) as sandbox:
        environ |= {API: sandbox.api_base_url}
        members, content = problems(await run_check(None, environ))
        assert "Server Members" in members
        assert "discord.message_content_intent = false" in content
        without = environ | {
            "PEGASUS_DISCORD__MEMBERS_INTENT": "false",
            "PEGASUS_DISCORD__MESSAGE_CONTENT_INTENT": "false",
        }
        assert problems(await run_check(None, without)) == []


async def test_order_is_not_claimed_when_discord_could_not_be_asked(
    environ: dict[str, str],
) -> None:
    findings = await run_check(None, environ)
    (unknown,) = [one for one in findings if one.level is Level.UNKNOWN]
    assert "could not be asked" in str(unknown)
    assert "in order" not in str(sum_up(findings))


async def test_what_is_right_is_looked_at_beside_what_is_wrong(tmp_path: Path, taken: int) -> None:
    path = tmp_path / "other.toml"
    path.write_text(
        f"[web]\nhost = 'a b'\npublic_url = 'http://bot.example'\n"
        f"listeners = [{{port = {taken}, serve = ['api']}}]\n"
        "[jobs]\npoll_seconds = 500\nlease_seconds = 6\n"
    )
    (tmp_path / "file").touch()
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/file/pegasus.db"}
    findings = await run_check(path, environ)
    host, poll, public, token, database = problems(findings)
    assert "web.host" in host
    assert "jobs.poll_seconds" in poll
    assert "insecure_http" in public
    assert "There is no bot token" in token
    assert "can't be created" in database
    assert any("ports are looked at" in str(one) for one in findings)


async def test_broken_token_file_is_one_problem(tmp_path: Path) -> None:
    environ = {"PEGASUS_DISCORD__TOKEN_FILE": str(tmp_path / "nowhere"), "PEGASUS_WEB__PORT": "0"}
    (problem,) = problems(await run_check(None, environ))
    assert "token_file" in problem


async def test_strangers_in_a_trusted_network_are_a_warning(environ: dict[str, str]) -> None:
    open_to_all = environ | {"PEGASUS_WEB__TRUSTED_NETWORKS": "0.0.0.0/0"}
    everywhere = {"PEGASUS_WEB__HOST": "0.0.0.0"}
    found = warnings(await run_check(None, open_to_all | everywhere))
    assert any("strangers can read" in one for one in found)
    # Where only this machine can ask, and where only neighbours are let in, it is no danger.
    for harmless in (
        open_to_all,
        environ | everywhere | {"PEGASUS_WEB__TRUSTED_NETWORKS": "10.0.0.0/8"},
    ):
        found = warnings(await run_check(None, harmless))
        assert not any("strangers can read" in one for one in found)


async def test_missing_token_says_where_to_get_one() -> None:
    (problem,) = problems(await run_check(None, {"PEGASUS_WEB__PORT": "0", **NOBODY_THERE}))
    assert "DISCORD_TOKEN" in problem
    assert "https://discord.com/developers/applications" in problem
    assert "python -m bot demo" in problem


async def test_secret_file_readable_by_all_is_a_warning(
    environ: dict[str, str], tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text(TOKEN)
    secret.chmod(0o644)
    del environ["DISCORD_TOKEN"]
    environ["PEGASUS_DISCORD__TOKEN_FILE"] = str(secret)
    findings = await run_check(None, environ)
    assert problems(findings) == []
    assert any("chmod 600" in warning for warning in warnings(findings))


async def test_reachable_database_at_head_is_fine(
    environ: dict[str, str], database_url: str
) -> None:
    database = Database(database_url)
    async with database.write() as session:
        await session.execute(text("DROP TABLE IF EXISTS alembic_version"))
        await session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        await session.execute(
            text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": head()}
        )
    await database.close()
    findings = await run_check(None, environ | {"DATABASE_URL": database_url})
    assert problems(findings) == []
    assert any("has the newest schema" in str(finding) for finding in findings)


async def test_pending_migrations_are_named(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    findings = await run_check(None, environ | {"DATABASE_URL": f"sqlite:///{path}"})
    (warning,) = [one for one in warnings(findings) if "migrations to come" in one]
    assert all(name in warning for name in list_pending(None))
    database = Database(f"sqlite:///{path}")
    assert await current(database) is None
    await database.close()


async def test_schema_of_a_newer_version_is_a_problem(
    environ: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "newer.db"
    database = Database(f"sqlite:///{path}")
    await upgrade(database)
    async with database.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'f00f00f00f00'"))
    await database.close()
    (problem,) = problems(await run_check(None, environ | {"DATABASE_URL": f"sqlite:///{path}"}))
    assert "f00f00f00f00" in problem
    assert "newer version" in problem


async def test_file_that_is_no_database_is_a_problem(
    environ: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "notes.db"
    path.write_text("these are my notes, " * 100)
    (problem,) = problems(await run_check(None, environ | {"DATABASE_URL": f"sqlite:///{path}"}))
    assert str(path) in problem
    assert path.read_text().startswith("these are my notes")


async def test_database_folder_that_can_not_be_made_is_a_problem(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    url = f"sqlite:///{tmp_path}/file/pegasus.db"
    (problem,) = problems(await run_check(None, environ | {"DATABASE_URL": url}))
    assert "can't be created" in problem


def test_pending_migrations_end_at_the_head() -> None:
    assert list_pending(None)[-1].startswith(head())
    assert list_pending(head()) == []


@pytest.mark.parametrize(("host", "said"), [("203.0.113.1", "is no address of this machine")])
async def test_foreign_address_is_a_problem(environ: dict[str, str], host: str, said: str) -> None:
    environ |= {"PEGASUS_WEB__HOST": host, "PEGASUS_WEB__PORT": "8080"}
    (problem,) = problems(await run_check(None, environ))
    assert said in problem


async def test_every_listener_is_looked_at(environ: dict[str, str], taken: int) -> None:
    environ["PEGASUS_WEB__LISTENERS"] = (
        f'[{{"port": 0, "serve": ["health"]}}, {{"port": {taken}, "serve": ["api"]}}]'
    )
    (problem,) = problems(await run_check(None, environ))
    assert str(taken) in problem


async def test_proxy_that_could_make_operators_of_all_is_a_warning(
    environ: dict[str, str],
) -> None:
    public = environ | {"PEGASUS_WEB__PUBLIC_URL": "https://bot.example"}
    assert any("web.trusted_proxies" in one for one in warnings(await run_check(None, public)))
    known = public | {"PEGASUS_WEB__TRUSTED_PROXIES": "127.0.0.1/32"}
    assert not any("web.trusted_" in one for one in warnings(await run_check(None, known)))
    open_to_all = known | {"PEGASUS_WEB__TRUSTED_NETWORKS": "127.0.0.0/8,10.0.0.0/8"}
    found = warnings(await run_check(None, open_to_all))
    assert any("web.trusted_networks" in one for one in found)


async def test_debug_log_is_a_warning(environ: dict[str, str]) -> None:
    findings = await run_check(None, environ | {"PEGASUS_LOG__LEVEL": "debug"})
    assert any("debug" in warning for warning in warnings(findings))


async def test_blocked_domains_that_cannot_be_read_are_a_warning(
    environ: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "blocked.txt"
    environ |= {"PEGASUS_AUTOMOD__BLOCKED_DOMAINS": str(path)}
    assert any(str(path) in warning for warning in warnings(await run_check(None, environ)))
    path.write_text("evil.example\n")
    assert not any(str(path) in warning for warning in warnings(await run_check(None, environ)))


async def test_scripts_without_a_font_are_named(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = load_fonts(())
    thai = Face("thai.ttf", _starts=array("I", [0x0E01]), _ends=array("I", [0x0E5B]))
    monkeypatch.setattr(check, "load_fonts", lambda _: replace(own, fallbacks=(thai,)))
    (warning,) = [one for one in warnings(await run_check(None, environ)) if "scripts" in one]
    assert "Chinese" in warning
    assert "Korean" in warning
    assert "Thai" not in warning


async def test_missing_fonts_and_speedups_are_told(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_fonts(_directories: Any) -> FontSet:
        raise ModuleNotFoundError("font_roboto")

    monkeypatch.setattr(check, "load_fonts", no_fonts)
    monkeypatch.setattr(check, "SPEEDUPS", ("uvloop", "a_module_that_is_not_there"))
    findings = await run_check(None, environ)
    (problem,) = problems(findings)
    assert "font-roboto" in problem
    assert any("a_module_that_is_not_there" in warning for warning in warnings(findings))
