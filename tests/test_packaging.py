"""What is shipped is complete: the wheel's files, the locked dependencies, the container.

Nothing is built here; a build needs the network, and the rules that it follows can be read.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.core.config import load_config

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("bot", "web", "db", "cogs")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
# Part of the interface of what is declared: its arguments and errors are of these packages.
COMES_WITH = {
    "yarl": "aiohttp",
    "multidict": "aiohttp",
    "pydantic-core": "pydantic",
    "referencing": "jsonschema",
}
# Loaded when asked for; whoever lacks it is told what to install.
OPTIONAL = {"bot/sandbox/openapi.py": {"jsonschema"}, "bot/sandbox/main.py": {"jsonschema"}}
# The server that a Debian release's own client, and so pg_dump, can still dump.
POSTGRES_CLIENT = {"bookworm": 15, "trixie": 17}


def _requirements(*extras: str) -> list[Requirement]:
    optional = PROJECT["project"]["optional-dependencies"]
    texts = [
        *PROJECT["project"]["dependencies"],
        *(one for extra in extras for one in optional[extra]),
    ]
    return [Requirement(text) for text in texts]


# --- the wheel --------------------------------------------------------------------------------


def test_wheel_ships_the_four_packages_whole() -> None:
    target = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]

    # Without include or exclude, hatchling ships every file of a package that git doesn't ignore.
    assert target == {"packages": list(PACKAGES)}
    assert "exclude" not in PROJECT["tool"]["hatch"]["build"]


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_loses_nothing_to_gitignore(package: str) -> None:
    ignored = [
        line.strip().strip("/")
        for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    for path in (ROOT / package).rglob("*"):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and "__pycache__" not in parts:
            assert not any(fnmatch(part, pattern) for part in parts for pattern in ignored), path


@pytest.mark.parametrize(
    "pattern",
    [
        "bot/locales/*.po",
        "web/locales/*.po",
        "cogs/*/locales/*.po",
        "db/migrations/versions/*.py",
        "db/migrations/env.py",
        "web/dashboard/templates/*.html",
        "web/dashboard/static/*.css",
    ],
)
def test_wheel_has_what_is_read_at_run_time(pattern: str) -> None:
    assert list(ROOT.glob(pattern))


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_what_is_declared(package: str) -> None:
    declared = {canonicalize_name(one.name) for one in _requirements("speed")}
    owners = packages_distributions()
    for path in (ROOT / package).rglob("*.py"):
        for name in _imported(path) - set(PACKAGES) - sys.stdlib_module_names:
            # What an extra brings need not be installed; then its name is all there is to go by.
            known = {canonicalize_name(one) for one in owners.get(name, (name,))}
            known |= {COMES_WITH[one] for one in known & COMES_WITH.keys()}
            asked_for = OPTIONAL.get(path.relative_to(ROOT).as_posix(), set())
            assert known & (declared | asked_for), f"{path.relative_to(ROOT)} imports {name}"


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_version_is_written_once_in_meaning() -> None:
    import bot

    assert PROJECT["project"]["version"] == bot.__version__


# --- requirements.lock ------------------------------------------------------------------------


def test_lock_pins_every_dependency_within_its_bounds() -> None:
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", LOCK, re.MULTILINE))
    pinned = {canonicalize_name(name): version for name, version in locked.items()}
    for one in _requirements("speed"):
        assert one.specifier.contains(pinned[canonicalize_name(one.name)]), one.name


def test_lock_has_a_hash_for_every_pin() -> None:
    entries = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        name, _, hashes = entry.partition("\\")
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}\b", hashes), name


def test_lock_names_no_address() -> None:
    assert not re.search(r"https?://|--(?:extra-)?index|--find-links|--trusted-host", LOCK)


def test_lock_leaves_out_what_only_tests_need() -> None:
    tests = {canonicalize_name(Requirement(one).name) for one in _extra("test")}
    pinned = {canonicalize_name(one) for one in re.findall(r"^([\w.-]+)==", LOCK, re.MULTILINE)}

    assert not tests & pinned


def _extra(name: str) -> list[str]:
    return PROJECT["project"]["optional-dependencies"][name]


# --- the container ----------------------------------------------------------------------------


def test_image_is_built_in_stages_and_runs_without_root() -> None:
    stages = re.findall(r"^FROM (\S+)(?: AS (\w+))?$", DOCKERFILE, re.MULTILINE)
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]

    assert len(stages) == 2
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+", image) for image, _ in stages)
    assert "COPY --from=build " in last
    assert re.search(r"^USER (?!root|0)\w+$", last, re.MULTILINE)
    assert last.index("\nUSER ") < last.index("\nENTRYPOINT ")
    # No compiler and no pip run belong into what is shipped.
    assert "pip install" not in last


def test_image_is_asked_whether_it_lives_not_whether_it_is_well() -> None:
    [check] = re.findall(r"^HEALTHCHECK (?:.*\\\n)*.*$", DOCKERFILE, re.MULTILINE)

    assert '"alive"]' in check
    entry = re.search(r"^ENTRYPOINT .*(--config\", \"[^\"]+)", DOCKERFILE, re.MULTILINE)
    assert entry
    assert entry[1] in check


def test_image_installs_the_lock_by_hash_before_the_code() -> None:
    locked = DOCKERFILE.index("--require-hashes -r requirements.lock")
    assert locked < DOCKERFILE.index("COPY bot bot")
    assert "pip install --no-deps ." in DOCKERFILE


def test_image_has_the_packages_and_a_configuration_that_loads() -> None:
    for package in PACKAGES:
        assert f"COPY {package} {package}\n" in DOCKERFILE
    [(source, target)] = re.findall(r"^COPY (config\.toml) (\S+)$", DOCKERFILE, re.MULTILINE)
    entry = re.search(r"^ENTRYPOINT (\[.*\])$", DOCKERFILE, re.MULTILINE)

    assert entry
    assert target in entry[1]
    environment = dict(re.findall(r"(PEGASUS_\w+|DATABASE_URL)=(\S+)", DOCKERFILE))
    assert load_config(ROOT / source, environment).web.host == "0.0.0.0"


def test_image_copies_nothing_that_is_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert not any(fnmatch(source, pattern) for pattern in ignored), source


# --- compose.yaml -----------------------------------------------------------------------------


def test_compose_has_the_profiles_and_runs_the_bot_without_any() -> None:
    profiles = {name: service.get("profiles") for name, service in COMPOSE["services"].items()}

    assert profiles == {
        "pegasus": None,
        "postgres": ["postgres"],
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
    }


def test_compose_opens_ports_on_this_machine_only() -> None:
    for name, service in COMPOSE["services"].items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name


def test_compose_mounts_files_volumes_and_configs_that_exist() -> None:
    for service in COMPOSE["services"].values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            exists = (
                (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
            )
            assert exists, mount
        for config in service.get("configs", ()):
            assert config["source"] in COMPOSE["configs"]


def test_compose_configuration_loads() -> None:
    given = COMPOSE["services"]["pegasus"]["environment"]
    environment = {
        name: re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", r"\2", value)
        for name, value in given.items()
        if name != "DISCORD_TOKEN"
    }

    config = load_config(ROOT / "config.toml", environment)

    assert config.web.trusted_networks


def test_compose_gives_the_bot_longer_than_it_needs_to_stop() -> None:
    from bot.application import STOP_SECONDS

    assert int(COMPOSE["services"]["pegasus"]["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def test_compose_server_can_be_dumped_by_the_images_client() -> None:
    suites = set(re.findall(r"^FROM python:[\d.]+-slim-(\w+)", DOCKERFILE, re.MULTILINE))
    server = int(COMPOSE["services"]["postgres"]["image"].partition(":")[2])

    # pg_dump refuses a server that is newer than itself.
    assert "postgresql-client" in DOCKERFILE
    assert [POSTGRES_CLIENT[suite] >= server for suite in suites] == [True]


def test_compose_dashboard_and_rules_are_mounted_where_they_are_looked_for() -> None:
    provider = yaml.safe_load(COMPOSE["configs"]["dashboards"]["content"])["providers"][0]
    prometheus = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])
    grafana = COMPOSE["services"]["grafana"]["volumes"]
    mounted = [mount.split(":")[1] for mount in COMPOSE["services"]["prometheus"]["volumes"]]

    assert any(mount.split(":")[1].startswith(provider["options"]["path"]) for mount in grafana)
    assert set(prometheus["rule_files"]) <= set(mounted)


def test_compose_lets_prometheus_in_and_nobody_else() -> None:
    [network] = COMPOSE["networks"]["default"]["ipam"]["config"]
    variable = COMPOSE["services"]["pegasus"]["environment"]["PEGASUS_WEB__TRUSTED_NETWORKS"]
    trusted = [ip_network(one) for one in json.loads(variable)]

    # Docker picks a network of its own otherwise, which may be outside of any that is trusted.
    assert trusted == [ip_network("127.0.0.0/8"), ip_network(network["subnet"])]
