"""Joins Automod's services to Discord: the gate, raw events, and the buttons of the log.

Nothing is decided here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from discord.ext import commands

from bot.checks import actor_of, guild_id_of, manages
from bot.core.i18n import _
from bot.core.messages import MessagesDeleted
from bot.core.settings import SettingsChanged
from bot.localization import locale_of
from bot.replies import answer
from cogs.automod.blocklist import Blocklist
from cogs.automod.bridge import DiscordBridge
from cogs.automod.engines import Engines
from cogs.automod.gate import Gate
from cogs.automod.needs import NeedsResolver
from cogs.automod.planning import KEY
from cogs.automod.problems import REFUSED_PATTERN
from cogs.automod.service import AutomodService
from cogs.automod.views import ExemptionOffer, IncidentButton, Interaction, undone_text
from db import automod as table
from db.problems import list_guilds_with

if TYPE_CHECKING:
    from bot.client import Pegasus

Payload = Mapping[str, Any]
# Before features that only count or answer.
ORDER = 100
_SURROUNDING = (
    "GUILD_UPDATE",
    "GUILD_ROLE_CREATE",
    "GUILD_ROLE_UPDATE",
    "GUILD_ROLE_DELETE",
    "CHANNEL_CREATE",
    "CHANNEL_UPDATE",
    "CHANNEL_DELETE",
)


class Automod(commands.Cog):
    """Automod in one process."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.bridge = DiscordBridge(bot, kernel.config.discord.cdn_base_url)
        self.service = AutomodService(
            kernel.database,
            kernel.clock,
            kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            cases=kernel.cases,
            problems=kernel.problems,
            supervisor=kernel.supervisor,
            state=kernel.state,
            remover=self.bridge,
            changer=self.bridge,
            acted=kernel.metrics.automod_acted,
            happened=functools.partial(kernel.metrics.feature_event, KEY),
        )
        self.needs = NeedsResolver(self.bridge, kernel.clock, kernel.supervisor)
        self.blocklist = Blocklist(kernel.config.automod.blocked_domains, kernel.supervisor)
        self.engines = Engines(
            kernel.settings,
            kernel.clock,
            kernel.supervisor,
            surroundings=self.bridge,
            troubles=self.service.troubles,
            invites=self.needs.book,
            blocklist=self.blocklist,
        )
        self.gate = Gate(
            self.engines,
            self.needs,
            self.service,
            directory=self.bridge,
            clock=kernel.clock,
            supervisor=kernel.supervisor,
        )
        self._unsubscribe: Callable[[], None] = lambda: None

    async def cog_load(self) -> None:
        """Take up earlier work and begin to judge."""
        self.service.start()
        self.blocklist.start()
        async with self.bot.kernel.database.read() as session:
            self.engines.suspect(await list_guilds_with(session, KEY, REFUSED_PATTERN))
        intake = self.bot.intake
        intake.add_gate(KEY, self.gate.judge, ORDER, bots=True)
        intake.add_screen(KEY, self.gate.would_pass)
        intake.add_delete_observer(KEY, self.on_deletion)
        for event, listener in (
            ("GUILD_CREATE", self.on_guild),
            ("GUILD_DELETE", self.on_guild_gone),
            ("GUILD_MEMBER_ADD", self.gate.hear_member),
            ("GUILD_MEMBER_UPDATE", self.gate.hear_member),
            ("THREAD_CREATE", functools.partial(self.gate.hear_thread, created=True)),
            ("THREAD_UPDATE", functools.partial(self.gate.hear_thread, created=False)),
            ("AUTO_MODERATION_ACTION_EXECUTION", self.gate.hear_native),
            ("VOICE_STATE_UPDATE", self.gate.hear_voice),
            *((event, self.on_surroundings) for event in _SURROUNDING),
        ):
            intake.listen(event, KEY, listener)
        self._unsubscribe = self.bot.kernel.bus.subscribe(SettingsChanged, self.on_settings)
        self.bot.add_dynamic_items(IncidentButton)

    async def cog_unload(self) -> None:
        """Let go of what outlives this client."""
        self._unsubscribe()
        await self.blocklist.stop()
        await self.bridge.close()

    def on_guild(self, payload: Payload) -> None:
        """Have a guild's engine made before its first message."""
        self.engines.expect(int(payload["id"]))
        self.engines.doubt(int(payload["id"]))

    def on_guild_gone(self, payload: Payload) -> None:
        """Forget a guild that was left; one that is only unavailable comes back."""
        if not payload.get("unavailable"):
            self.engines.forget(int(payload["id"]))

    def on_surroundings(self, payload: Payload) -> None:
        """Look at roles and channels anew with the next message: the cache changes after this."""
        guild_id = int(payload.get("guild_id") or payload["id"])
        self.engines.doubt(guild_id)
        if "permission_overwrites" in payload:
            self.service.deletions.permit(int(payload["id"]))

    def on_deletion(self, deleted: MessagesDeleted) -> None:
        """Leave alone what others have deleted; our own deletions are told of here, too."""
        if self.service.deletions.note_gone(deleted.channel_id, deleted.message_ids):
            work = self.service.note_deleted(deleted.message_ids)
            self.bot.kernel.supervisor.spawn("automod.deleted", work)

    async def on_settings(self, event: SettingsChanged) -> None:
        """Compile new rules."""
        if event.feature == KEY:
            await self.engines.renew(event.state)

    # --- buttons -----------------------------------------------------------------------------

    async def members_of(self, incident_id: int) -> Sequence[table.IncidentMember]:
        """Return the members of an incident, with what was done to them."""
        async with self.bot.kernel.database.read() as session:
            return await table.list_members(session, incident_id, limit=50)

    async def undo(
        self, interaction: Interaction, incident: table.Incident, *, pardon: bool
    ) -> None:
        """Undo an incident and answer; of no violation, offer an exemption to who may give it."""
        undone = await self.service.undo(
            incident.guild_id, incident.id, user_id=interaction.user.id, pardon=pardon
        )
        entry = self.engines.get(incident.guild_id)
        if entry is not None and incident.user_id is not None:
            entry.windows.forget_member(incident.user_id)
        locale = locale_of(interaction)
        text = undone_text(undone.shown, undone.failures, locale, pardon=pardon)
        options: dict[str, Any] = {}
        if pardon and await manages(interaction, KEY):
            view = ExemptionOffer(self, incident, interaction.user.id, locale)
            if view.children:
                options["view"] = view
        await answer(interaction, text, **options)

    async def exempt(
        self, interaction: Interaction, what: str, target_id: int, rules: list[str]
    ) -> None:
        """Spare a member or a channel from rules from now on, as a change of the settings."""
        guild_id = guild_id_of(interaction)
        settings = self.bot.kernel.settings
        state = await settings.get(guild_id, KEY)
        name = f"exempt_{what}s"
        changed = [
            rule.model_copy(update={name: (*getattr(rule, name), target_id)})
            if rule.name in rules and target_id not in getattr(rule, name)
            else rule
            for rule in state.settings.rules
        ]
        values = [rule.model_dump(mode="json", by_alias=True) for rule in changed]
        await settings.change(
            guild_id,
            KEY,
            {"rules": values},
            actor=actor_of(interaction),
            expected_revision=state.revision,
        )
        await answer(interaction, _("Done: these rules leave them alone from now on."))
