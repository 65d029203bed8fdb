"""The composition root: builds every service, starts them in order and stops them in reverse.

Order of start: database, features, web (bound early, so that a taken port fails at once), workers,
Discord. The process then lives until it is told to stop; a lost gateway or database is reported and
recovered from, never a reason to exit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import structlog

from bot import __version__
from bot.core.config import Config, load_config
from bot.core.errors import ConfigurationError
from bot.core.i18n import _
from bot.core.log import configure_logging
from bot.runtime import Runtime, StopStep
from db.engine import Database, driver_url, sqlite_path
from db.ownership import OwnedByAnother, owning
from db.version import starts_at_head

log = structlog.get_logger(__name__)

# Docker sends SIGKILL ten seconds after SIGTERM.
STOP_SECONDS = 9.5
TOKEN_PAGE = "https://discord.com/developers/applications"  # noqa: S105 - an address, not a secret


class Application:
    """One running bot with its web server; `run()` lasts until a signal or `request_stop()`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._stop = asyncio.Event()
        self.runtime: Runtime | None = None
        self.started = asyncio.Event()

    def request_stop(self) -> None:
        """Begin to stop; a second call ends the process at once."""
        if self._stop.is_set():
            log.warning("stopping_at_once")
            os._exit(130)
        self._stop.set()

    async def run(self) -> int:
        """Start everything, wait to be stopped, stop everything; returns the exit status.

        Raises `ConfigurationError` when another bot runs on the same SQLite file.
        """
        url = driver_url(self.config.database.url.get_secret_value())
        with watching_signals(self.request_stop), _alone_on(sqlite_path(url)):
            runtime = self.runtime = await self._build()
            try:
                await runtime.start()
                log.info("web_started", version=__version__, address=runtime.base_url)
                self.started.set()
                await self._stop.wait()
                log.info("stopping")
            finally:
                await stop_in_order(runtime.stop_steps())
        log.info("stopped")
        return 0

    async def _build(self) -> Runtime:
        runtime = Runtime(self.config, aiohttp.ClientSession())
        try:
            await _migrate(runtime.kernel.database)
        except Exception:
            await stop_in_order(runtime.stop_steps()[-2:])
            # Not loaded above: a start that finds the newest schema does without Alembic.
            from bot.maintenance import told_in_words

            with told_in_words(runtime.kernel.database.safe_url):
                raise
        return runtime


@contextmanager
def watching_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Have the loop call `stop` when the process is told to end, by Ctrl+C or by a supervisor."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            loop.add_signal_handler(number, stop)
    except NotImplementedError:
        # On Windows the loop takes no signals; it is woken from the handler instead.
        for number in before:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    try:
        yield
    finally:
        for number, handler in before.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            if handler is not None:  # None stands for one that Python did not set
                signal.signal(number, handler)


@contextmanager
def _alone_on(path: Path | None) -> Iterator[None]:
    try:
        with owning(path):
            yield
    except OwnedByAnother as error:
        raise ConfigurationError(
            _("Another Pegasus runs on the database {path} already.", path=str(path)),
            hint=_(
                "Stop it first, or give this one a database of its own with database.url; "
                "several processes can share a PostgreSQL database."
            ),
        ) from error


async def _migrate(database: Database) -> None:
    exists = database.path is None or database.path.exists()
    if exists and await starts_at_head(database):
        return
    # Alembic takes 12 MB, so it is loaded only when there is work for it.
    from db.migrate import upgrade

    await upgrade(database)


async def stop_in_order(steps: list[StopStep]) -> None:
    """Run each step within its seconds; one that fails or lasts longer is logged and skipped."""
    for name, seconds, step in steps:
        try:
            async with asyncio.timeout(seconds):
                await step()
        except TimeoutError:
            log.warning("stop_step_timed_out", step=name, seconds=seconds)
        except Exception:  # whatever a step does, the next ones must still run
            log.exception("stop_step_failed", step=name)


async def run_production(config_path: Path | None, *, port: int | None = None) -> int:
    """Run against Discord as configured.

    Raises `ConfigurationError` for what is wrong in the configuration, a missing token included.
    """
    overrides = {} if port is None else {"web": {"port": port}}
    config = load_config(config_path, os.environ, overrides)
    if port is not None and config.web.listeners:
        raise ConfigurationError(
            _("--port can't be used together with web.listeners, which name their own ports."),
            hint=_("Leave --port away, or change the ports in web.listeners."),
        )
    if config.discord.token is None:
        raise ConfigurationError(
            _("There is no bot token: set DISCORD_TOKEN, or discord.token_file in config.toml."),
            hint=_(
                "You get one at {portal} (your application, Bot, Reset Token). To look around "
                "without one, run: python -m bot demo",
                portal=TOKEN_PAGE,
            ),
        )
    configure_logging(config.log, config.secrets())
    return await Application(config).run()
