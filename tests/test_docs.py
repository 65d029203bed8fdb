"""The documents keep their word: what they name exists, and what exists is in them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot.__main__ import EXIT_CONFIGURATION, EXIT_PROBLEM, build_parser
from bot.core import preflight
from bot.core.health.rules import MIB, Limits, Vitals, judge
from bot.core.permission_names import NAMES
from bot.sandbox.control.request import operations
from bot.sandbox.control.watching import FAULTS
from cogs.tickets import preflight as tickets
from tests.fakes import FakeClock
from tests.web.support import REGISTRY
from web.app import declared_routes
from web.routes import Access, Route

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
SANDBOX = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
FEATURES = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("bot", "web", "db", "cogs")
    for path in sorted((ROOT / folder).rglob("*.py"))
)

TWO_COMMANDS = ["pip install -e . && python -m bot demo", "pip install -e '.[test]' && pytest"]
WHO = {
    Access.ANYONE: "anyone",
    Access.DETAIL: "anyone; details for operators",
    Access.OPERATOR: "operators",
    Access.GUILD: "operators",
    Access.SESSION: "whoever is logged in",
}
LIMITS = Limits()
# Each check's limits as the operating guide writes them: where degraded and unhealthy begin.
HEALTH = {
    "gateway": (
        {LIMITS.disconnected_degraded, LIMITS.ack_age_degraded, LIMITS.latency_degraded},
        {LIMITS.disconnected_unhealthy, LIMITS.ack_age_unhealthy},
    ),
    "startup": (set(), {LIMITS.startup_unhealthy}),
    "auth": (set(), set()),
    "deaf": ({LIMITS.deaf_after}, set()),
    "database": ({LIMITS.ping_degraded}, {LIMITS.database_unhealthy}),
    "event_loop": ({LIMITS.lag_degraded}, {LIMITS.stall_unhealthy}),
    "memory": ({LIMITS.memory_degraded}, {LIMITS.memory_unhealthy}),
    "disk": ({LIMITS.disk_degraded}, {LIMITS.disk_unhealthy}),
    "tasks": ({LIMITS.unavailable_degraded}, set()),
    "sampler": (set(), {LIMITS.sample_stale}),
}
UNITS = {"ms": 0.001, "s": 1, "h": 3600, "%": 0.01, "MB": MIB}


def _label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table with this first heading, row by row."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip()[1:-1].split("|")])
    return rows


def _named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# --- README -----------------------------------------------------------------------------------


def test_readme_begins_with_the_two_commands() -> None:
    first = re.search(r"```console\n(.*?)```", README, re.DOTALL)

    assert first
    assert first[1].splitlines() == TWO_COMMANDS
    # On the first screen.
    assert README[: first.start()].count("\n") < 10


def _subcommands() -> dict[str, argparse.ArgumentParser]:
    parser = build_parser()
    [action] = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(action.choices)


def test_readme_has_every_command_with_its_options() -> None:
    described = {
        name.removeprefix("pegasus ").split()[0]: row[1]
        for row in _rows(README, "Command")
        for name in _named(row[0])
    }
    commands = _subcommands()

    assert described.keys() == commands.keys()
    for name, parser in commands.items():
        options = {
            option
            for action in parser._actions
            if action.help not in (argparse.SUPPRESS, None)
            and "--help" not in action.option_strings
            for option in action.option_strings
        }
        assert set(re.findall(r"--[a-z-]+", described[name])) == options, name


def test_readme_has_every_route_and_who_may_see_it() -> None:
    described = {path: row[1] for row in _rows(README, "Path") for path in _named(row[0])}
    routes: dict[str, Route] = {route.path: route for route in declared_routes(REGISTRY.all())}

    assert described.keys() == routes.keys()
    for path, route in routes.items():
        assert described[path] == WHO[route.access], path


def test_readme_names_the_top_level_as_it_is() -> None:
    [tree] = re.findall(r"```\n(bot/ .*?)```", README, re.DOTALL)
    for line in tree.splitlines():
        assert (ROOT / line.split()[0]).is_dir(), line


def test_readme_invites_the_bot_with_what_it_needs() -> None:
    # What single commands need besides, a message names; these are needed by defaults and rules.
    needed = {name for rule in preflight._RULES.values() for name in rule.bot}
    needed |= {*tickets._FOR_THREADS, *tickets._FOR_CHANNELS}
    [listed] = re.findall(r"and the permissions\s(.*?);", README, re.DOTALL)

    # The developer portal calls one of them otherwise than the client does.
    portal = NAMES | {"moderate_members": "Moderate Members"}
    assert {portal[name] for name in needed} <= set(re.split(r",\s+|\s+and\s+", listed.strip()))


# --- every document ---------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=_label)
def test_links_lead_somewhere(document: Path) -> None:
    for target in _links(document.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, target


def _links(text: str) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            yield target


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=_label)
def test_paths_in_the_text_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:\.ci|bot|cogs|db|docs|tests|web)/[\w/.*-]*)`", text):
        # The feature guide makes a feature of this name.
        if "birthday" not in name:
            assert list(ROOT.glob(name.rstrip("/"))), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=_label)
def test_configuration_keys_in_the_text_exist(document: Path) -> None:
    from bot.core.config.problems import known_keys, sections

    keys = {".".join(key) for key in known_keys()} | {"web.listeners"}
    text = document.read_text(encoding="utf-8")
    for name in re.findall(rf"`((?:{'|'.join(sections())})\.[a-z_]+)`", text):
        assert name in keys or (ROOT / name.replace(".", "/")).with_suffix(".py").exists(), name
    for section, key in re.findall(r"\bPEGASUS_([A-Z0-9]+)__([A-Z_]+)\b", text):
        assert f"{section}.{key}".lower() in keys
    for section in re.findall(r"`\[(\w+)\]`", text):
        assert section in sections()


# --- the operating guide ----------------------------------------------------------------------


def test_guide_has_every_alert() -> None:
    rules = yaml.safe_load((ROOT / "docs/monitoring/alerts.yaml").read_text(encoding="utf-8"))
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    described = [name for row in _rows(OPERATIONS, "Alert") for name in row[0].split(", ")]

    assert sorted(described) == sorted(alerts)


def test_sandbox_guide_has_every_operation_and_fault() -> None:
    requests = re.findall(r"^\| `([A-Z]+) (/\S+)` \|", SANDBOX, re.MULTILINE)
    faults = [_named(kind)[0] for kind, _what in _rows(SANDBOX, "`kind`")]

    assert sorted(requests) == sorted((method, path) for method, path, _ in operations)
    assert sorted(faults) == sorted(FAULTS)


def test_guide_has_every_health_check_with_its_limits() -> None:
    rows = {_named(name)[0]: cells for name, *cells in _rows(OPERATIONS, "Check")}
    judged = {check.name for check in judge(Vitals(at=FakeClock().now(), uptime=0), LIMITS)}

    assert rows.keys() == HEALTH.keys() == judged | {"sampler"}
    for name, cells in rows.items():
        for cell, limits in zip(cells, HEALTH[name], strict=True):
            assert _quantities(cell) == pytest.approx(sorted(limits)), f"{name}: {cell}"


def _quantities(cell: str) -> list[float]:
    found = re.findall(r"(\d+) (ms|s|h|%|MB)(?!\w)", cell)
    return sorted(int(number) * UNITS[unit] for number, unit in found)


def test_guide_has_every_exit_status() -> None:
    assert [row[0] for row in _rows(OPERATIONS, "Exit status")] == [
        "0",
        str(EXIT_PROBLEM),
        str(EXIT_CONFIGURATION),
    ]


def test_guide_names_log_lines_that_are_written() -> None:
    for row in _rows(OPERATIONS, "Alert"):
        for name in _named(row[1]):
            is_metric = name.startswith(("pegasus_bot_", "process_"))
            if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", name) and not is_metric:
                assert f'"{name}"' in SOURCES, name


# --- the feature guide ------------------------------------------------------------------------


def test_feature_guide_reads_the_whole_of_welcome() -> None:
    named = [name for row in _rows(FEATURES, "File") for name in _named(row[0])]
    files = {path.name for path in (ROOT / "cogs" / "welcome").glob("*.py")}

    assert {name for name in named if name.endswith(".py") and "/" not in name} == files


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))

    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name) for name in names)
