"""Every command as Discord is told of it, translations included, from a client that never connects.

What holds for all features at once is tested on this, without a wire and without a simulated world.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.assembly import LiveState, build_kernel
from bot.client import Pegasus
from bot.core.config import Config
from bot.core.features import FeatureRegistry, discover
from bot.core.kernel import Kernel
from bot.intake import Intake
from bot.localization import CatalogueTranslator
from cogs import _template
from db.engine import Database
from tests.fakes import FakeClock

SPANISH = "es-ES"
CHAT_INPUT = 1
_SUBCOMMANDS = (1, 2)


@dataclass(frozen=True, slots=True)
class Named:
    """A command, group, option or choice: what Discord shows of it in English and in Spanish."""

    feature: str
    path: tuple[str, ...]
    kind: str
    payload: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name as registered."""
        return self.payload["name"]

    @property
    def spanish_name(self) -> str:
        """The name that a Spanish client shows."""
        return self._spanish("name") or self.name

    @property
    def descriptions(self) -> list[str]:
        """The description in each language; a choice and a context menu have none."""
        if "description" not in self.payload:
            return []
        english = self.payload["description"]
        return [english, self._spanish("description") or english]

    @property
    def is_translated(self) -> bool:
        """Whether the description has a Spanish text; of a choice or menu, the name."""
        part = "name" if self.kind in ("choice", "menu") else "description"
        return self._spanish(part) is not None

    def children(self) -> list[Named]:
        """Return what stands directly under it: subcommands, or options, or choices."""
        return [_named(self.feature, self.path, one) for one in self.payload.get("options", ())] + [
            Named(self.feature, (*self.path, str(one["name"])), "choice", one)
            for one in self.payload.get("choices", ())
        ]

    def walk(self) -> Iterator[Named]:
        """Yield it and everything below it."""
        yield self
        for child in self.children():
            yield from child.walk()

    def _spanish(self, part: str) -> str | None:
        return (self.payload.get(f"{part}_localizations") or {}).get(SPANISH)

    def __str__(self) -> str:
        return " ".join(self.path)


def _named(feature: str, above: tuple[str, ...], payload: Mapping[str, Any]) -> Named:
    if not above:
        kind = "command" if payload["type"] == CHAT_INPUT else "menu"
    else:
        kind = "command" if payload["type"] in _SUBCOMMANDS else "option"
    return Named(feature, (*above, payload["name"]), kind, payload)


@asynccontextmanager
async def resting_kernel(
    database: Database, registry: FeatureRegistry | None = None
) -> AsyncIterator[tuple[Kernel, Intake]]:
    """Build a kernel and an intake whose workers don't run."""
    clock = FakeClock()
    async with aiohttp.ClientSession() as http:
        kernel = build_kernel(
            Config(),
            database=database,
            clock=clock,
            http=http,
            registry=registry or discover(),
            state=LiveState(),
        )
        try:
            yield kernel, Intake(clock, kernel.supervisor.spawn)
        finally:
            await kernel.supervisor.stop()


@asynccontextmanager
async def loaded_client(kernel: Kernel, intake: Intake) -> AsyncIterator[Pegasus]:
    """Make a client with every feature loaded, as before each new connection, and close it."""
    async with Pegasus(kernel, intake) as client:
        await client.setup_hook()
        # There is no Discord to register the commands with.
        await kernel.supervisor.end("command_sync")
        yield client


@contextmanager
def loadable_template() -> Iterator[FeatureRegistry]:
    """Have the feature that others are copied from loaded beside the real ones."""
    # A client imports a feature by its key, which a folder that is never loaded does not bear.
    sys.modules["cogs.template"] = _template
    try:
        yield FeatureRegistry([*discover().all(), _template.FEATURE])
    finally:
        del sys.modules["cogs.template"]


async def list_commands(folder: Path, template: Path) -> tuple[Named, ...]:
    """Return every top-level command and context menu, those of the template feature included.

    `template` is a migrated SQLite file, which is copied into the folder.
    """
    path = folder / "commands.db"
    path.write_bytes(template.read_bytes())
    database = Database(f"sqlite:///{path}")
    try:
        with loadable_template() as registry:
            async with (
                resting_kernel(database, registry) as (kernel, intake),
                loaded_client(kernel, intake) as client,
            ):
                return tuple([await _describe(client, one) for one in client.tree.get_commands()])
    finally:
        await database.close()


async def _describe(client: Pegasus, command: Any) -> Named:
    payload = await command.get_translated_payload(client.tree, CatalogueTranslator())
    feature = client._features.get(command.name)
    return _named(feature.key if feature else "", (), payload)
