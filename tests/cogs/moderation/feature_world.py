"""One process that keeps the settings of moderation, on a real database."""

from __future__ import annotations

from typing import Any

from bot.core.audit import AuditLog
from bot.core.contracts import SYSTEM
from bot.core.features import FeatureRegistry
from bot.core.settings import SettingsStore
from cogs import general, moderation
from cogs.moderation.policy import SettingsPolicy
from cogs.moderation.thresholds import Thresholds
from db.engine import Database
from tests.bot.core.cases.world import GUILD, FakeDiscord, World
from tests.fakes import FakeClock


class ModeratedWorld(World):
    """Cases under the policy of moderation's settings; a second process can be made of it."""

    def __init__(
        self, database: Database, clock: FakeClock, discord: FakeDiscord | None = None
    ) -> None:
        super().__init__(database, clock, discord)
        self.settings = SettingsStore(
            database,
            clock,
            self.bus,
            FeatureRegistry([general.FEATURE, moderation.FEATURE]),
            AuditLog(clock, self.bus, self.supervisor),
            state=lambda: self.view,
        )
        thresholds = Thresholds(self.cases, self.settings, self.jobs, clock, lambda: self.view)
        thresholds.start()
        self.cases.use_policy(SettingsPolicy(self.settings, thresholds))

    async def set(self, **changes: Any) -> None:
        await self.settings.change(GUILD, "moderation", changes, actor=SYSTEM)
