"""Joins giveaways to Discord: the /giveaway commands, each group of them in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.outbox.deliveries import OutboxFailed
from cogs.giveaways import block_resource, series_resource, template_resource
from cogs.giveaways.block_resource import BlockResource
from cogs.giveaways.board import Board
from cogs.giveaways.bodychecks import BodyChecks
from cogs.giveaways.changing import ChangeCommands
from cogs.giveaways.forgetting import Forgetting
from cogs.giveaways.hosting import HostCommands
from cogs.giveaways.items import ItemCheck
from cogs.giveaways.looking import LookCommands
from cogs.giveaways.opening import Opening
from cogs.giveaways.proof import Proofs
from cogs.giveaways.proving import ProofCommands
from cogs.giveaways.resource import RESOURCE, GiveawayResource
from cogs.giveaways.rounds import hasten_draws
from cogs.giveaways.running import Running
from cogs.giveaways.series import Series
from cogs.giveaways.series_resource import SeriesResource
from cogs.giveaways.settings import KEY
from cogs.giveaways.stocking import Stocking
from cogs.giveaways.template_resource import TemplateResource
from cogs.giveaways.templates import Templates
from cogs.giveaways.upkeep import MessageWatch
from cogs.giveaways.vault import vault_of

if TYPE_CHECKING:
    from bot.client import Pegasus


@app_commands.guild_only()
class Giveaways(
    HostCommands,
    ChangeCommands,
    LookCommands,
    Running,
    ProofCommands,
    commands.GroupCog,
    group_name="giveaway",
    group_description="Giveaways of this server",
):
    """Joins the services of giveaways to Discord's events and commands."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.watch = MessageWatch(kernel.database, kernel.problems)
        self.board = Board(
            kernel.database,
            kernel.clock,
            kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            state=kernel.state,
            watch=self.watch,
        )
        self.opening = Opening(
            kernel.database,
            kernel.clock,
            kernel.settings,
            jobs=kernel.jobs,
            audit=kernel.audit,
            board=self.board,
        )
        self.series = Series(
            kernel.database,
            kernel.clock,
            settings=kernel.settings,
            jobs=kernel.jobs,
            opening=self.opening,
            problems=kernel.problems,
        )
        self.forgetting = Forgetting(
            kernel.database, kernel.clock, settings=kernel.settings, jobs=kernel.jobs
        )
        self._unsubscribe: Callable[[], None] = lambda: None
        self.templates = Templates(kernel.database, kernel.clock, kernel.audit)
        self.proofs = Proofs(kernel.database)
        self.vault = vault_of(kernel.config, kernel.clock, kernel.database.path)
        self.set_up_running(self.board, self.vault)
        self.stocking = Stocking(
            kernel.database, kernel.audit, vault=self.vault, winning=self.runner.winning
        )
        self._hand_over_resources()

    def _hand_over_resources(self) -> None:
        kernel = self.bot.kernel
        checks = BodyChecks(
            kernel.settings,
            kernel.state,
            kernel.cases.mute_role_id,
            items=ItemCheck(kernel.database, kernel.settings),
        )
        giveaways = GiveawayResource(
            kernel.database,
            kernel.clock,
            opening=self.opening,
            drawing=self.runner.drawing,
            winning=self.runner.winning,
            proofs=self.proofs,
            stocking=self.stocking,
            audit=kernel.audit,
            checks=checks,
        )
        series = SeriesResource(self.series, checks, settings=kernel.settings, clock=kernel.clock)
        for resource, service in (
            (RESOURCE, giveaways),
            (template_resource.RESOURCE, TemplateResource(self.templates, checks)),
            (series_resource.RESOURCE, series),
            (block_resource.RESOURCE, BlockResource(self.runner.blocklist)),
        ):
            kernel.resources.register(resource.name, service)

    async def cog_load(self) -> None:
        """Take up the work of earlier runs and begin to listen."""
        await self.watch.start()
        self.board.start()
        self.opening.start()
        self.series.start()
        await self.forgetting.start()
        await self.start_running()
        self.board.listeners.append(self.runner.counter.note)
        bus = self.bot.kernel.bus
        self._unsubscribe = bus.subscribe(OutboxFailed, self.watch.delivery_failed)
        for event, listener in (
            ("MESSAGE_DELETE", self.on_deletion),
            ("MESSAGE_DELETE_BULK", self.on_deletion),
            ("CHANNEL_DELETE", self.on_channel_deleted),
            ("THREAD_DELETE", self.on_channel_deleted),
            ("GUILD_ROLE_DELETE", self.on_role_deleted),
        ):
            self.bot.intake.listen(event, KEY, listener)

    async def cog_unload(self) -> None:
        """Store what was counted, and hear of nothing more."""
        self._unsubscribe()
        await self.stop_running()

    def on_deletion(self, payload: Mapping[str, Any]) -> None:
        """Hand on which messages of giveaways were deleted."""
        ids = [int(one) for one in payload.get("ids") or [payload["id"]]]
        self._note_deleted(self.watch.find(ids))

    def on_channel_deleted(self, payload: Mapping[str, Any]) -> None:
        """Hand on which messages went with their channel."""
        self._note_deleted(self.watch.in_channel(int(payload["id"])))

    def on_role_deleted(self, payload: Mapping[str, Any]) -> None:
        """Hand on that a role is gone, which giveaways may ask for."""
        gone = self.board.role_deleted(int(payload["guild_id"]), int(payload["role_id"]))
        self.bot.kernel.supervisor.spawn(f"{KEY}.role_deletion", gone)

    def _note_deleted(self, message_ids: list[int]) -> None:
        if message_ids:
            supervisor = self.bot.kernel.supervisor
            supervisor.spawn(f"{KEY}.deletion", self.watch.deleted(message_ids))

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """Find what was deleted meanwhile: the gateway has begun a session, and repeats nothing."""
        guilds = {one.id for one in self.bot.guilds if one.shard_id == shard_id}
        await hasten_draws(self.runner.stage, guilds)
        await self.board.look_again(guilds)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Go on in a guild that the bot was added to again."""
        await hasten_draws(self.runner.stage, {guild.id})
        await self.board.look_again({guild.id})
