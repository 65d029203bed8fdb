"""The shape of the code base: who imports whom, how long things are, what names are not used."""

from __future__ import annotations

import ast
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path for folder in ("bot", "web", "db", "cogs") for path in (ROOT / folder).rglob("*.py")
)
LONGEST_MODULE = 450
LONGEST_FUNCTION = 50
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py"}
# Where an error of any sort ends, and why there.
MAY_CATCH_ALL = {
    "bot/application.py": "while stopping, whatever a step does, the next ones must still run",
    "bot/connection.py": "whatever ends a client, only a refusal may keep the bot offline",
    "bot/core/events.py": "a listener's failure is not the publisher's",
    "bot/core/messages.py": "a gate's failure must not end the gateway's receive loop",
    "bot/core/problems/__init__.py": "a guild that can't be looked at must not hold up the others",
    "bot/core/supervisor.py": "whatever ends a task, it is logged and started again",
    "bot/replies.py": "a button outside our views must reach the one place that answers errors",
    "bot/tree.py": "the one place that answers a command's error",
    "bot/websocket.py": "a frame's failure must not end the client",
    "web/middlewares/errors.py": "the one place that answers a request's error",
}
# Who holds tasks of its own, and why.
MAY_START_TASKS = {
    "bot/core/supervisor.py": "the supervisor itself",
    "bot/core/metrics/exposition.py": "many scrapes share one rendering",
    "bot/core/work/runner.py": "an attempt, which the runner that claimed the work awaits",
    "bot/core/usage.py": "a batch that must be written whole, even if its writer is cancelled",
    "cogs/levels/counting.py": "experience that must be written once, as bot/core/usage.py does",
    "cogs/giveaways/counting.py": "messages that must be counted once, likewise",
    "bot/demo.py": "the guide that is printed once the demo has started",
}
# Each of these must load where discord.py is not installed.
WITHOUT_DISCORD = [
    "bot.core.kernel",
    "bot.core.settings",
    "bot.core.jobs",
    "bot.core.outbox",
    "db.schema",
    "web.app",
    "bot.sandbox",
]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _feature_modules() -> list[str]:
    # Importing any of them runs the manifest, `__init__`, too.
    return [
        f"cogs.{path.parent.name}.{path.stem}"
        for path in sorted((ROOT / "cogs").glob("*/*.py"))
        if path.stem in ("settings", "rules", "service")
    ]


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_module_is_short_documented_and_well_named(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert path.name not in FORBIDDEN_NAMES
    assert len(source.splitlines()) <= LONGEST_MODULE
    if "versions" not in path.parts:
        assert ast.get_docstring(tree), "a module says what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert "versions" in path.parts or length <= LONGEST_FUNCTION, f"{node.name}: {length}"
            assert not node.name.startswith("async_")


def test_no_file_that_people_edit_is_long() -> None:
    tests = (ROOT / "tests").rglob("*.py")
    pages = (path for folder in ("bot", "web") for path in (ROOT / folder).rglob("*.*"))
    edited = [*tests, *(path for path in pages if path.suffix in (".css", ".js", ".html"))]
    assert {".css", ".js", ".html", ".py"} == {path.suffix for path in edited}
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in edited}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_modules_load_without_discord() -> None:
    modules = WITHOUT_DISCORD + _feature_modules()
    script = (
        "import sys, importlib\n"
        "sys.modules['discord'] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_broad_except_only_where_nothing_may_get_through() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _raises_on(node)
    }

    assert found == set(MAY_CATCH_ALL)


def _is_broad(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(map(_is_broad, kind.elts))
    return kind is None or (
        isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")
    )


def _raises_on(handler: ast.ExceptHandler) -> bool:
    """Tell whether the handler ends by raising what it caught: it cleans up and hides nothing."""
    last = handler.body[-1]
    while isinstance(last, ast.With):
        last = last.body[-1]
    return isinstance(last, ast.Raise)


def test_background_work_starts_through_the_supervisor_only() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if "sandbox" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        # The tasks of a group end with their block; only loose ones escape.
        if isinstance(node, ast.Attribute)
        and node.attr in ("create_task", "ensure_future")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("asyncio", "loop")
    }

    assert found == set(MAY_START_TASKS)


@pytest.mark.parametrize("contract", ["web", "kernel", "sandbox"])
def test_contract_names_every_module_beside_the_kernel(contract: str) -> None:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    forbidden = set(contracts[f"importlinter:contract:{contract}"]["forbidden_modules"].split())
    beside = {f"bot.{path.stem}" for path in (ROOT / "bot").glob("*.py")} - {"bot.__init__"}
    beside |= {f"bot.{path.parent.name}" for path in (ROOT / "bot").glob("*/__init__.py")}
    beside -= {"bot.core", "bot.sandbox"}
    assert beside <= forbidden


def test_kernel_serves_no_http() -> None:
    for path in sorted((ROOT / "bot" / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            else:
                continue
            assert not any(name.startswith("aiohttp.web") for name in names), path
