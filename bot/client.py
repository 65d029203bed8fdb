"""The Discord client: loads features, joins them to the kernel, and starts the intake.

What a feature does is in its own folder; what every command goes through is in `bot.tree`.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.acknowledgements import Acknowledgements
from bot.core.config import Config
from bot.core.features import Feature
from bot.core.kernel import Kernel
from bot.core.prefixes import PrefixCommands
from bot.delivery import DiscordCourier, Renderer
from bot.enforcement import DiscordEnforcer
from bot.intake import Intake
from bot.localization import CatalogueTranslator
from bot.observer import Observer
from bot.panels import settings_command
from bot.sessions import Sessions
from bot.tree import Fallback, OwnCommands, PegasusTree, record_use
from bot.tuning import settle_memory
from bot.written.running import WrittenCommands
from db.engine import is_connection_error

log = structlog.get_logger(__name__)

# As in Discord's developer portal, others of a team may only look.
_OWNING_ROLES = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
# How long after a GUILD_CREATE no other must have come for the bot to be ready. The library's 2 s
# are for bots that fetch all members then; a guild that comes later is simply taken in later.
GUILD_READY_SECONDS = 0.5
# A connection on which nothing at all comes in for this long, not even the answer to a heartbeat,
# is dead; Discord asks for one heartbeat every 41 s.
SILENCE_SECONDS = 60.0


def intents_for(config: Config) -> discord.Intents:
    """Return the intents to ask for: what features use, and the privileged ones as configured."""
    intents = discord.Intents.none()
    intents.guilds = True
    intents.guild_messages = True
    intents.guild_reactions = True
    intents.moderation = True
    intents.voice_states = True
    intents.dm_messages = True
    intents.auto_moderation_execution = True
    intents.members = config.discord.members_intent
    intents.message_content = config.discord.message_content_intent
    return intents


# Pegasus has no voice, so that the libraries for it are missing is no news.
discord.VoiceClient.warn_nacl = False
discord.VoiceClient.warn_dave = False


class Pegasus(commands.AutoShardedBot):
    """The bot: one gateway client for all features, with the kernel at hand as `kernel`."""

    def __init__(
        self,
        kernel: Kernel,
        intake: Intake,
        *,
        sessions: Sessions | None = None,
        acknowledgements: Acknowledgements | None = None,
    ) -> None:
        config = kernel.config
        self.acknowledgements = acknowledgements or Acknowledgements(
            kernel.metrics, kernel.clock.now
        )
        super().__init__(
            command_prefix=commands.when_mentioned,
            intents=intents_for(config),
            help_command=None,
            owner_ids=set(config.discord.owner_ids) or None,
            tree_cls=PegasusTree,
            allowed_mentions=discord.AllowedMentions.none(),
            # Half a million cached members are 550 MB, and fetching them all takes minutes:
            # what a feature needs it asks for.
            chunk_guilds_at_startup=False,
            guild_ready_timeout=GUILD_READY_SECONDS,
            heartbeat_timeout=SILENCE_SECONDS,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            shard_count=config.discord.shard_count,
            **_shard_choice(config),
            activity=_activity(config.discord.status),
            # Longer waits belong in the outbox, which outlives the process.
            max_ratelimit_timeout=30.0,
            http_trace=self.acknowledgements.trace_config(kernel.metrics.http_trace()),
        )
        self.kernel = kernel
        self.intake = intake
        self._sessions = sessions or Sessions()
        # What makes a file when a message with one is delivered, by name; features add theirs.
        self.renderers: dict[str, Renderer] = {}
        # Answers slash commands that are not in the tree, such as a guild's own, and returns
        # whether it did; what it raises is told to the person.
        self.fallback: Fallback | None = None
        # Names the guild's own slash commands that a person may use, for /help.
        self.own_commands: OwnCommands | None = None
        self.prefixes = _prefixes_of(kernel)
        self._courier = DiscordCourier(self, kernel.clock, self.renderers)
        self._enforcer = DiscordEnforcer(self)
        self._features: dict[str, Feature] = {}
        self._is_settled = False

    async def setup_hook(self) -> None:
        """Load every feature, let deliveries out and register the commands, before connecting."""
        self._take_owners()
        if self.user is not None:
            await self.kernel.ownership.confirm(self.user.id)
        await self.tree.set_translator(CatalogueTranslator())
        for feature in self.kernel.registry.all():
            await self._load(feature)
        Observer(self)
        self.prefixes.runner = WrittenCommands(self)
        if self.intents.message_content:
            self.intake.add_observer("prefixes", self.prefixes.see)
        self.intake.attach(self)
        kernel = self.kernel
        kernel.metrics.know_listeners([*self.extra_events, *kernel.bus.listener_names()])
        # Not sooner: an earlier run's message may want a picture that only a feature can draw.
        kernel.outbox.use(self._courier)
        kernel.cases.use(self._enforcer)
        kernel.roles.use(self._enforcer)
        kernel.supervisor.start("command_sync", self._sync_commands)

    async def close(self) -> None:
        """Close the gateway and the API session, and end what can do nothing without them."""
        self.kernel.outbox.leave(self._courier)
        self.kernel.cases.leave(self._enforcer)
        self.kernel.roles.leave(self._enforcer)
        await self.kernel.supervisor.end("command_sync")
        await super().close()

    def _take_owners(self) -> None:
        """Take the application's owners where the configuration names none.

        Logging in has fetched them; the admin pages know them as soon as the bot runs.
        """
        if self.owner_ids or self.application is None:
            return
        team = self.application.team
        if team is None:
            self.owner_ids = {self.application.owner.id}
        else:
            owning = {one.id for one in team.members if one.role in _OWNING_ROLES}
            self.owner_ids = owning | ({team.owner_id} if team.owner_id else set())

    async def _load(self, feature: Feature) -> None:
        """Set one feature up; where that fails the others work on and health tells."""

        async def load() -> bool:
            # Not load_extension, which runs the package a second time and so declares it twice.
            await importlib.import_module(f"cogs.{feature.key}").setup(self)
            return True

        failed = self.kernel.registry.failed
        if await self.kernel.supervisor.spawn(f"load {feature.key}", load()):
            failed.discard(feature.key)
        else:
            failed.add(feature.key)

    async def connect(self, *, reconnect: bool = True) -> None:
        """Open the gateway that the API names; raises `SessionsUsedUp` when it may not be now."""
        recommended = await self._sessions.look_up(self.http)
        if self.shard_count is None:
            self.shard_count = recommended
        self.kernel.metrics.know_shards(self.shard_ids or range(self.shard_count or 1))
        await super().connect(reconnect=reconnect)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:  # noqa: ARG002
        """Wait for this shard's turn to begin a session."""
        await self._sessions.wait_turn(shard_id or 0)

    async def add_feature(
        self, feature: Feature, *parts: commands.Cog | app_commands.ContextMenu
    ) -> None:
        """Add a feature's cogs and its context menus, with the `/<group> settings` panel.

        Where no cog has the feature's command group, one is made for the panel.
        """
        cogs = [part for part in parts if isinstance(part, commands.Cog)]
        menus = [part for part in parts if isinstance(part, app_commands.ContextMenu)]
        # A GroupCog's own group.
        groups = [group for cog in cogs if (group := cog.__cog_app_commands_group__) is not None]
        if feature.settings.model_fields:
            own = next((group for group in groups if group.name == feature.group_name), None)
            if own is not None:
                own.add_command(settings_command(feature))
            else:
                self._add_panel_group(feature)
        for cog in cogs:
            await self.add_cog(cog)
            # Of a GroupCog, get_app_commands() lists what is in the group instead of the group.
            group = cog.__cog_app_commands_group__
            for command in [group] if group else cog.get_app_commands():
                self._features[command.name] = feature
        for menu in menus:
            self.tree.add_command(menu)
            self._features[menu.name] = feature

    def _add_panel_group(self, feature: Feature) -> None:
        group = app_commands.Group(
            name=feature.group_name, description=feature.description, guild_only=True
        )
        group.add_command(settings_command(feature))
        self.tree.add_command(group)
        self._features[group.name] = feature

    def feature_of(
        self, command: app_commands.Command[Any, ..., Any] | app_commands.ContextMenu
    ) -> Feature | None:
        """Return the feature that a command belongs to."""
        root = command if isinstance(command, app_commands.ContextMenu) else command.root_parent
        return self._features.get((root or command).name)

    async def on_ready(self) -> None:
        """Take the guilds' settings into memory, so that no message has to wait for them."""
        log.info("ready", guilds=len(self.guilds), shards=sorted(self.shards))
        await self.kernel.settings.warm([guild.id for guild in self.guilds])
        if not self._is_settled:
            self._is_settled = True
            settle_memory()

    async def on_raw_app_command_permissions_update(
        self, payload: discord.RawAppCommandPermissionsUpdateEvent
    ) -> None:
        """Have it asked anew who may use a command that is written."""
        if isinstance(self.prefixes.runner, WrittenCommands):
            self.prefixes.runner.access.forget(payload.guild.id)

    async def on_app_command_completion(
        self,
        interaction: discord.Interaction[Pegasus],
        command: app_commands.Command[Any, ..., Any] | app_commands.ContextMenu,  # noqa: ARG002
    ) -> None:
        """Record a command that went well; failures are recorded where they are answered."""
        record_use(interaction, "ok")

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Log a listener's failure without its arguments, which hold what people wrote."""
        error = sys.exception()
        if error is not None and is_connection_error(error):
            log.warning("listener_needs_database", listener=event_method)
        else:
            log.error("listener_failed", listener=event_method, exc_info=error)
        self.kernel.faults.listener_failed(event_method, error)

    async def _sync_commands(self) -> None:
        # One process of a sharded set is enough, and each shard belongs to exactly one.
        if self.shard_ids is not None and 0 not in self.shard_ids:
            return
        synced = await self.tree.sync()
        log.info("commands_registered", count=len(synced))


def _prefixes_of(kernel: Kernel) -> PrefixCommands:
    return PrefixCommands(
        kernel.database,
        kernel.clock,
        settings=kernel.settings,
        limits=kernel.limits,
        outbox=kernel.outbox,
        spawn=kernel.supervisor.spawn,
        state=kernel.state,
    )


def _shard_choice(config: Config) -> dict[str, Any]:
    """Without a choice discord.py runs all shards, but an empty list would mean none."""
    ids = list(config.discord.shard_ids)
    return {"shard_ids": ids} if ids else {}


def _activity(status: str | None) -> discord.BaseActivity | None:
    return discord.CustomActivity(status) if status else None
