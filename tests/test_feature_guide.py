"""The feature guide keeps its word: its commands make a feature that works without another edit."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cogs
from bot.core.contracts import SYSTEM
from bot.core.features import discover
from db.engine import Database
from tests.simcord_env import running_bench

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tree in which the guide's commands were run, with its features beside the real ones."""
    (commands,) = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    for folder in ("cogs/_template", "tests/cogs/_template"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pyc*"))
    subprocess.run(["sh", "-euc", commands], cwd=tmp_path, check=True)
    monkeypatch.setattr(cogs, "__path__", [*cogs.__path__, str(tmp_path / "cogs")])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("cogs.birthday")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def test_copied_template_has_the_new_name_throughout(copied: Path) -> None:
    for path in [*copied.glob("*/birthday/**/*.py"), *copied.glob("*/cogs/birthday/**/*.py")]:
        assert "template" not in path.read_text(encoding="utf-8").lower(), path.name
    assert discover().get("birthday").settings.__name__ == "BirthdaySettings"


async def test_copied_template_is_loaded_and_works(copied: Path, sqlite_database: Database) -> None:
    options = {"discord": {"shard_count": 1}}
    async with running_bench(sqlite_database, registry=discover(), settings=options) as bench:
        guild = bench.env.create_guild("Harbour")
        wall = guild.create_text_channel("wall")
        ada = guild.add_member(bench.env.create_user("ada"))
        bob = guild.add_member(bench.env.create_user("bob"))
        await bench.kernel.settings.change(
            guild.id, "birthday", {"channel_id": wall.id}, enabled=True, actor=SYSTEM
        )

        await ada.slash(wall, "birthday give", member=bob, reason="the tea")
        await bench.deliver()

        assert wall.last_message.content == f"<@{ada.id}> thanks <@{bob.id}>: the tea"


def test_guide_has_a_row_for_every_feature() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))

    assert {feature.key for feature in discover().all()} <= rows


def test_guide_names_only_files_and_names_that_exist() -> None:
    for name in re.findall(r"`((?:cogs|db|docs|tests|bot)/[\w/.]+)`", GUIDE):
        if "birthday" not in name:
            assert (ROOT / name).exists(), name
    for module in re.findall(r"`(bot(?:\.\w+)+)`", GUIDE):
        importlib.import_module(module)
    welcome = [path.name for path in (ROOT / "cogs" / "welcome").glob("*.py")]
    for name in re.findall(r"^\| `(\w+\.py)`", GUIDE, re.MULTILINE):
        assert name in welcome
