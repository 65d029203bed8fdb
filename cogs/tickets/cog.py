"""The commands of tickets, and what is heard of their rooms; nothing is decided here."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.jobs import JobFailed
from bot.core.outbox import OutboxFailed
from bot.core.settings import SettingsChanged
from bot.delivery import RenderedFile
from bot.membership import DiscordMembers
from bot.own_emoji import has_emoji
from cogs.tickets.access import Access, Interaction
from cogs.tickets.asking import Asker, PageButton
from cogs.tickets.buttons import TicketButton
from cogs.tickets.desk import PanelDesk
from cogs.tickets.file_commands import FileCommands
from cogs.tickets.files import FILE_RENDERER, FileStore, HttpFetcher
from cogs.tickets.handling import Handling
from cogs.tickets.herald import TRANSCRIPT_RENDERER
from cogs.tickets.history import DiscordHistory
from cogs.tickets.letting_go import LettingGo
from cogs.tickets.lookup import DiscordPeople
from cogs.tickets.panel_commands import OpenButton, PanelCommands, PanelSelect
from cogs.tickets.ports import Request
from cogs.tickets.preflight import PanelProblems
from cogs.tickets.quality_resources import BLOCKS, TAGS, BlockResource, TagResource
from cogs.tickets.record_commands import RecordCommands
from cogs.tickets.resource import RESOURCE, PanelResource
from cogs.tickets.rooms import DiscordRooms
from cogs.tickets.service import Outside, TicketService
from cogs.tickets.settings import KEY
from cogs.tickets.tag_commands import RateButton, TagCommands
from cogs.tickets.ticket_actions import TICKETS
from cogs.tickets.ticket_resource import TicketResource

if TYPE_CHECKING:
    from bot.client import Pegasus

Payload = Mapping[str, Any]


@app_commands.guild_only()
class Tickets(
    Handling,
    PanelCommands,
    RecordCommands,
    FileCommands,
    TagCommands,
    commands.GroupCog,
    group_name="ticket",
    group_description="Talk to the staff in a room of your own",
):
    """Joins the services to Discord's events and commands."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        config = bot.kernel.config
        self._fetcher = HttpFetcher(config.discord.cdn_base_url)
        outside = Outside(
            rooms=DiscordRooms(bot),
            members=DiscordMembers(bot),
            history=DiscordHistory(bot),
            fetcher=self._fetcher,
            store=FileStore(config.tickets.files_of(bot.kernel.database.path)),
        )
        self.service = TicketService.build(bot.kernel, outside)
        self.letting_go = LettingGo(
            self.service.office,
            DiscordPeople(bot),
            bot.kernel.permissions,
            let_go=self.service.losses.let_go,
            spawn=self._spawn,
        )
        self.service.capture.noted.append(self.letting_go.note)
        self.service.losses.looking.append(self.letting_go.look_at_all)
        self.service.keeper.staff_left.append(self.letting_go.take_staff_change)
        self.access = Access(self.service.office, bot.kernel.permissions)
        self.asker = Asker(self.service)
        self.desk = PanelDesk(
            self.service.office,
            bot.kernel.audit,
            changed=self.service.following.follow,
            recheck=bot.kernel.problems.recheck,
            knows_emoji=self._knows_emoji,
        )

    async def cog_load(self) -> None:
        """Take up earlier work and begin to listen."""
        await self.service.start()
        await self.desk.start()
        bus, problems = self.bot.kernel.bus, self.bot.kernel.problems
        self._unsubscribe = [
            bus.subscribe(JobFailed, self.service.keeper.job_failed),
            bus.subscribe(SettingsChanged, self.service.following.settings_changed),
            bus.subscribe(OutboxFailed, self.desk.delivery_failed),
            problems.add_source(PanelProblems(self.service.office).find),
        ]
        self.bot.kernel.unwritten.register(KEY, self.service.capture.flush)
        self._hand_over()
        self.bot.add_dynamic_items(TicketButton, PageButton, OpenButton, PanelSelect, RateButton)
        self.bot.renderers[TRANSCRIPT_RENDERER] = self._render
        self.bot.renderers[FILE_RENDERER] = self._read_file
        for event, listener in (
            ("CHANNEL_DELETE", self.on_room_deleted),
            ("THREAD_DELETE", self.on_room_deleted),
            ("GUILD_MEMBER_ADD", self.on_return),
            ("GUILD_MEMBER_REMOVE", self.on_departure),
            ("GUILD_MEMBER_UPDATE", self.on_member_changed),
            ("GUILD_ROLE_DELETE", self.service.demotion.take_deleted_role),
            ("READY", self.service.capture.take_gap),
            # What is sent until the bot is back in the guild is not told either.
            ("GUILD_DELETE", self.service.capture.take_gap),
            ("MESSAGE_CREATE", self.service.capture.take_message),
            ("MESSAGE_UPDATE", self.service.capture.take_edit),
            ("MESSAGE_DELETE", self.on_deletion),
            ("MESSAGE_DELETE_BULK", self.on_deletion),
        ):
            self.bot.intake.listen(event, KEY, listener)

    def _hand_over(self) -> None:
        """Have the API use the services of the commands."""
        kernel, quality = self.bot.kernel, self.service.quality
        tickets = TicketResource(
            self.service,
            DiscordPeople(self.bot),
            permissions=kernel.permissions,
            audit=kernel.audit,
        )
        for resource, answering in (
            (TICKETS, tickets),
            (RESOURCE, PanelResource(self.desk)),
            (TAGS, TagResource(quality)),
            (BLOCKS, BlockResource(quality)),
        ):
            kernel.resources.register(resource.name, answering)

    async def cog_unload(self) -> None:
        """Write down what was heard."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self.bot.kernel.unwritten.remove(KEY)
        await self.service.capture.flush()
        await self._fetcher.close()

    async def _knows_emoji(self, guild_id: int, emoji_id: int) -> bool:
        return await has_emoji(self.bot, guild_id, emoji_id)

    async def _render(self, args: Mapping[str, Any]) -> RenderedFile:
        data = await self.service.archive.render(
            int(args["ticket_id"]), locale=args.get("locale"), for_staff=False
        )
        return RenderedFile(data)

    async def _read_file(self, args: Mapping[str, Any]) -> RenderedFile:
        return RenderedFile(await self.service.files.read(int(args["file_id"])))

    async def begin(self, interaction: Interaction, request: Request) -> None:
        """Lead somebody who has pressed a panel to their ticket."""
        await self.asker.begin(interaction, request)

    # --- events --------------------------------------------------------------------------------

    def on_room_deleted(self, payload: Payload) -> None:
        """Note that a ticket's room was deleted by hand."""
        channel_id = int(payload["id"])
        self._spawn("room", self.service.losses.room_deleted(channel_id))
        if "thread_metadata" not in payload and "parent_id" in payload:
            self._spawn("posts", self.desk.channel_deleted(channel_id))

    def on_deletion(self, payload: Payload) -> None:
        """Note that messages were deleted, in tickets or among those that show panels."""
        self.service.capture.take_deletion(payload)
        ids = [int(one) for one in payload.get("ids") or [payload["id"]]]
        if found := self.desk.posted.intersection(ids):
            self._spawn("deletion", self.desk.note_deleted(sorted(found)))

    def on_departure(self, payload: Payload) -> None:
        """Close the tickets of somebody who has left, where the panel says so."""
        guild_id, user_id = int(payload["guild_id"]), int(payload["user"]["id"])
        self._spawn("departure", self.service.losses.member_left(guild_id, user_id))

    def on_member_changed(self, payload: Payload) -> None:
        """Have the rooms follow of somebody who has lost a role by which they see to tickets."""
        self.service.demotion.take_update(payload)
        self.letting_go.take_update(payload)

    def on_return(self, payload: Payload) -> None:
        """Let somebody who comes back into their open tickets; others cost no query."""
        guild_id, user_id = int(payload["guild_id"]), int(payload["user"]["id"])
        if self.service.capture.tickets_with(guild_id, user_id):
            self._spawn("return", self.service.losses.member_returned(guild_id, user_id))

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """Look for what was missed: the gateway has begun a session, and repeats nothing."""
        guilds = [one.id for one in self.bot.guilds if one.shard_id == shard_id]
        await self.service.losses.begin_session(guilds)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Look for what was missed while the bot was out of a guild that it was added to again."""
        await self.service.losses.begin_session([guild.id])

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self.bot.kernel.supervisor.spawn(f"{KEY}.{name}", work)
