"""The command line: exit statuses, and mistakes told in words."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot import __version__
from bot.__main__ import main, run_loop
from bot.core.log import reset_logging
from db.ownership import owning

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz1234567890AB"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in an empty folder, without the configuration of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in tuple(os.environ):
        if name.startswith(("PEGASUS_", "DISCORD_", "DATABASE_")):
            monkeypatch.delenv(name)
    yield
    reset_logging()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["run", "--port", "99999"],
        ["demo", "--for", "soon"],
        ["demo", "--for", "-1"],
        ["sandbox", "--discord-port", "x"],
        ["backup"],
    ],
)
def test_wrong_arguments_end_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["run"], ["run", "--port", "0"]])
def test_run_without_token_says_what_to_do(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    for words in ("E008", "DISCORD_TOKEN", "https://discord.com/developers", "python -m bot demo"):
        assert words in said
    assert "Traceback" not in said


def test_run_on_a_taken_port_names_it(
    taken_port: int,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    assert main(["run", "--port", str(taken_port)]) == 2
    said = capsys.readouterr().err
    assert f"127.0.0.1:{taken_port}" in said
    assert "--port" in said
    assert "Traceback" not in said


def test_demo_with_one_port_for_two_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--port", "8123", "--discord-port", "8123"]) == 2
    assert "both 8123" in capsys.readouterr().err


def test_demo_on_a_file_says_that_it_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes").touch()
    assert main(["demo", "--data", "notes"]) == 2
    assert "notes is a file, not a folder." in capsys.readouterr().err


def test_second_bot_on_one_sqlite_file_is_refused(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with owning(path):
        assert main(["run", "--port", "0"]) == 2
    said = capsys.readouterr().err
    assert f"runs on the database {path} already" in said
    assert "database.url" in said


def test_backup_and_restore_say_what_lies_where(
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    file, notes = tmp_path / "pegasus.backup", tmp_path / "notes.txt"
    notes.write_text("these are my notes")
    assert main(["backup", str(file)]) == 0
    assert main(["backup", str(file)]) == 0
    first, again = capsys.readouterr().out.splitlines()
    assert first.endswith("pegasus.backup.")
    assert again.endswith("over an older one.")
    assert main(["restore", str(file)]) == 0
    (kept,) = Path(sqlite_url.removeprefix("sqlite:///")).parent.glob("*.replaced-*")
    assert str(kept) in capsys.readouterr().out

    assert main(["backup", str(notes)]) == 1
    assert "is no backup: choose another name" in capsys.readouterr().err
    assert notes.read_text() == "these are my notes"
    assert main(["restore", str(notes)]) == 1
    assert "E004: This is not a Pegasus backup." in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "migrate"])
def test_database_out_of_reach_ends_with_a_message(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/nothing")
    assert main([command]) == 1
    said = capsys.readouterr().err
    assert "E001" in said
    assert "127.0.0.1:1" in said
    assert "secret" not in said
    assert "Traceback" not in said


def test_bad_configuration_is_listed_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text("[web]\nport = 'x'\n[discord]\ntoken_fil = 'y'\n")
    assert main(["run"]) == 2
    said = capsys.readouterr().err
    for words in ("E008", "config.toml", "web.port", "token_fil"):
        assert words in said
    assert "Traceback" not in said


def test_configuration_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "nowhere.toml", "migrate"]) == 2
    assert "nowhere.toml" in capsys.readouterr().err


def test_check_lists_every_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "not a token")
    (tmp_path / "config.toml").write_text("[web]\nport = 'x'\n[log]\nlevel = 'loud'\n")
    assert main(["check"]) == 1
    said = capsys.readouterr().out
    for words in ("web.port", "log.level", "token", "to put right"):
        assert words in said


def test_check_in_order_ends_with_zero(
    sqlite_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("PEGASUS_WEB__PORT", "0")
    monkeypatch.setenv("PEGASUS_DISCORD__API_BASE_URL", "http://127.0.0.1:1")
    assert main(["check"]) == 0, capsys.readouterr().out
    # Nobody was there to ask about the token, so order is not claimed.
    assert "Nothing wrong was found, but" in capsys.readouterr().out


def test_check_ends_quietly_when_nobody_reads_on(tmp_path: Path) -> None:
    environ = {**os.environ, "PEGASUS_WEB__PORT": "0"}
    environ.pop("DISCORD_TOKEN", None)
    command = [sys.executable, "-m", "bot", "check"]
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(  # noqa: PLW1510
        command, cwd=tmp_path, env=environ, stdout=write_end, stderr=subprocess.PIPE, text=True
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_openapi_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["openapi"].startswith("3.1")
    assert "/api/stats" in document["paths"]


def test_migrate_makes_a_new_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'new' / 'pegasus.db'}")
    assert main(["migrate"]) == 0
    assert main(["migrate"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert (tmp_path / "new" / "pegasus.db").exists()


def test_backup_and_restore_go_round(
    tmp_path: Path,
    sqlite_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    file = tmp_path / "pegasus.backup"
    assert main(["backup", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert main(["restore", str(file)]) == 0
    assert "restored" in capsys.readouterr().out


def test_restore_of_something_else_is_refused(
    tmp_path: Path,
    sqlite_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    (tmp_path / "letter.txt").write_text("Dear database")
    assert main(["restore", str(tmp_path / "letter.txt")]) == 1
    assert main(["restore", str(tmp_path / "nothing")]) == 1
    assert main(["backup", str(tmp_path / "no" / "folder")]) == 1
    said = capsys.readouterr().err
    assert "not a Pegasus backup" in said
    assert "can't be read" in said
    assert "can't be written" in said
    assert "Traceback" not in said


def test_sandbox_on_a_taken_port_says_so(
    taken_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sandbox", "--discord-port", str(taken_port)]) == 2
    said = capsys.readouterr().err
    assert str(taken_port) in said
    assert "--discord-port" in said


def test_demo_on_a_taken_port_says_so(taken_port: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--port", "0", "--discord-port", str(taken_port)]) == 2
    said = capfd.readouterr().err
    assert str(taken_port) in said
    assert "--discord-port" in said
    assert "Traceback" not in said


def test_work_runs_on_uvloop_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[asyncio.AbstractEventLoop] = []

    def new_event_loop() -> asyncio.AbstractEventLoop:
        made.append(asyncio.new_event_loop())
        return made[-1]

    monkeypatch.setitem(sys.modules, "uvloop", SimpleNamespace(new_event_loop=new_event_loop))
    running: list[asyncio.AbstractEventLoop] = []
    assert run_loop(_note_loop(running)) == 7
    assert running == made


def test_work_runs_on_the_standard_loop_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    running: list[asyncio.AbstractEventLoop] = []
    assert run_loop(_note_loop(running)) == 7
    assert [type(loop).__module__.partition(".")[0] for loop in running] == ["asyncio"]


async def _note_loop(running: list[asyncio.AbstractEventLoop]) -> int:
    running.append(asyncio.get_running_loop())
    return 7
