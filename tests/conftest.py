"""Fixtures that every test may use: a migrated database on both engines, and a settable clock.

A test that takes `database` runs once on SQLite and once on PostgreSQL. Nothing is started for a
run in which no test asks.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from discord.asset import Asset
from discord.http import Route
from hypothesis import settings as hypothesis_settings

from db.engine import Database
from db.migrate import upgrade
from tests.collector import freeze_collected
from tests.engines import share_statements
from tests.fakes import FakeClock
from tests.postgres import PostgresAdmin, ScratchDatabase, TestRun, run_in_thread
from tests.tracebacks import log_tracebacks_plainly

# A busy machine makes one example slow now and then, which says nothing about the rule.
hypothesis_settings.register_profile("pegasus", deadline=None)
hypothesis_settings.load_profile("pegasus")

_RUN = pytest.StashKey[TestRun]()
# How long what a test set off may go on after it.
REST_SECONDS = 2.0
_URL_FIXTURES = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}


def pytest_configure(config: pytest.Config) -> None:
    # Workers and many tests start processes: each would compile all sources anew.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    share_statements()
    log_tracebacks_plainly()
    shared: dict[str, str] | None = getattr(config, "workerinput", None)
    if shared is None:
        config.stash[_RUN] = TestRun.begin()
    else:
        config.stash[_RUN] = TestRun(
            Path(shared["pegasus_folder"]), shared["pegasus_run"], int(shared["pegasus_owner"])
        )


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collect without the garbage collector, which would walk what is there to stay many times.

    That is 6 s of CPU out of 14 in each worker, and 1 s for each time that it would do so later.
    """
    gc.disable()
    try:
        _import_share(session.config)
        return (yield)
    finally:
        gc.enable()
        freeze_collected()


def _import_share(config: pytest.Config) -> None:
    """Import a worker's share of the tests first.

    What one worker has compiled the others need not: to rewrite the assertions of all is 7 s of CPU
    in each of them, where it has not been done before.
    """
    shared: dict[str, Any] | None = getattr(config, "workerinput", None)
    if shared is None or config.args != config.getini("testpaths"):
        return
    number, workers = int(shared["workerid"].removeprefix("gw")), shared["workercount"]
    modules = sorted((config.rootpath / "tests").rglob("test_*.py"))
    for path in modules[number::workers]:
        name = path.relative_to(config.rootpath).with_suffix("")
        # Collecting it tells what is wrong with it.
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(name.parts))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start more workers than there are cores: many tests wait for other processes."""
    return (os.cpu_count() or 1) * 3 // 2 + 1


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    run = node.config.stash[_RUN]
    node.workerinput |= {
        "pegasus_folder": str(run.folder),
        "pegasus_run": run.name,
        "pegasus_owner": str(run.owner),
    }


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and _RUN in config.stash:
        config.stash[_RUN].end()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that each test copies."""
    path = tmp_path_factory.mktemp("template") / "pegasus.db"
    run_in_thread(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_admin(request: pytest.FixtureRequest) -> Iterator[PostgresAdmin]:
    """The right to create databases on the run's PostgreSQL, with a migrated template there."""
    run = request.config.stash[_RUN]
    with PostgresAdmin(run.start_server()) as admin:
        with run.locked():
            if not admin.has_database(run.template):
                run_in_thread(_migrate(admin.create_database(run.template)))
        yield admin


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite file that belongs to the test alone."""
    path = tmp_path / "pegasus.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def scratch(
    postgres_admin: PostgresAdmin, request: pytest.FixtureRequest
) -> Iterator[ScratchDatabase]:
    """The PostgreSQL database of this process's tests, one after the other."""
    run = request.config.stash[_RUN]
    scratch = ScratchDatabase(postgres_admin, run.template, f"{run.name}_{os.getpid()}")
    yield scratch
    scratch.drop()


@pytest.fixture
def postgres_url(scratch: ScratchDatabase) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database that belongs to the test alone."""
    yield scratch.get_url()
    scratch.clean()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database: the test runs once on each engine."""
    return request.getfixturevalue(_URL_FIXTURES[request.param])


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database: the test runs once on each engine."""
    async with _open(database_url) as database:
        yield database


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    """A migrated SQLite database, for what is special to that engine."""
    async with _open(sqlite_url) as database:
        yield database


@pytest.fixture
async def postgres_database(postgres_url: str) -> AsyncIterator[Database]:
    """A migrated PostgreSQL database, for what is special to that engine."""
    async with _open(postgres_url) as database:
        yield database


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until the test moves it."""
    return FakeClock()


@pytest.fixture(autouse=True)
def discord_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have discord.py's class attributes, which a bot sets to its Discord, put back afterwards."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(Asset, "BASE", Asset.BASE)


@pytest.fixture(autouse=True)
def ordinary_collector() -> Iterator[None]:
    """Have the garbage collector come by as often as before; an application tunes it when ready."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)


@asynccontextmanager
async def _open(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await _come_to_rest(database)
        await database.close()


async def _come_to_rest(database: Database) -> None:
    """Let what the test set off give its connections back; what goes on for ever is ended."""
    pool: Any = database.engine.pool
    with suppress(TimeoutError):
        async with asyncio.timeout(REST_SECONDS):
            while pool.checkedout():
                await asyncio.sleep(0.01)
            return
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=REST_SECONDS)


async def _migrate(url: str) -> None:
    async with _open(url) as database:
        await upgrade(database)
