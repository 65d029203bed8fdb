"""The commands of role menus, and what is heard of their members, messages and roles.

Nothing is decided here. Members and messages are not cached, so news of them comes from raw
payloads.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of, in_time, manages
from bot.core.features import RateClass
from bot.core.fields.text import quote, shorten
from bot.core.i18n import _, ngettext
from bot.core.outbox.deliveries import OutboxFailed
from bot.core.roles import RoleChanged
from bot.forms import Input, Question, Values, ask
from bot.localization import locale_of
from bot.own_emoji import has_emoji
from bot.replies import answer, confirm, paginate
from cogs.rolemenus.catchup import ReactionCatchUp
from cogs.rolemenus.desk import MenuDesk
from cogs.rolemenus.editing import with_roles, with_texts
from cogs.rolemenus.holders import Holders
from cogs.rolemenus.offering import confirm_dangerous, ensure_may_offer
from cogs.rolemenus.panel import MenuPanel, texts_inputs
from cogs.rolemenus.posts import MenuPosts
from cogs.rolemenus.pressing import Full, PressService
from cogs.rolemenus.problems import MenuProblems
from cogs.rolemenus.reacting import ReactionPresses
from cogs.rolemenus.reactor import DiscordReactor
from cogs.rolemenus.reading import KEY
from cogs.rolemenus.resource import RESOURCE, MenuResource
from cogs.rolemenus.rules import MOST_ROLES, Menu, Mode, Style
from cogs.rolemenus.summaries import list_line
from cogs.rolemenus.views import OpenButton, PageButton, RoleButton, RoleSelect

if TYPE_CHECKING:
    from bot.client import Pegasus
    from db.role_menus import RoleMenuPost

Interaction = discord.Interaction["Pegasus"]
Payload = Mapping[str, Any]

_MANAGED: Mapping[Any, Any] = {"rate_class": RateClass.ADMIN, MANAGES: KEY}
_MAX_OFFERS = 25
_PAGE = 5
_Where = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread


async def complete_menu(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the guild's menus by title to those who manage them."""
    if interaction.guild_id is None or not await manages(interaction, KEY):
        return []
    cog: RoleMenus = interaction.client.get_cog("RoleMenus")  # pyright: ignore[reportAssignmentType]
    typed = current.strip().casefold()
    menus = [menu for menu, _posts in await cog.desk.list(interaction.guild_id)]
    return [
        app_commands.Choice(name=shorten(one.title, 100), value=str(one.id))
        for one in menus
        if typed in one.title.casefold()
    ][:_MAX_OFFERS]


@app_commands.guild_only()
class RoleMenus(
    commands.GroupCog,
    group_name="rolemenu",
    group_description="Menus from which members choose roles",
):
    """Joins the services to Discord's events and commands."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        reactor = DiscordReactor(bot)
        self.desk = MenuDesk(
            kernel.database,
            kernel.clock,
            kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            audit=kernel.audit,
            state=kernel.state,
            knows_emoji=self._knows_emoji,
        )
        self.presses = PressService(
            kernel.database,
            kernel.clock,
            kernel.settings,
            kernel.roles,
            kernel.state,
            on_full=self.on_full,
        )
        self.holders = Holders(kernel.database, kernel.clock, self.presses, reactor)
        self.posts = MenuPosts(
            kernel.database,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            problems=kernel.problems,
            reactor=reactor,
            state=kernel.state,
        )
        self.reactions = ReactionPresses(
            kernel.database,
            kernel.clock,
            kernel.settings,
            outbox=kernel.outbox,
            presses=self.presses,
            posts=self.posts,
            reactor=reactor,
            state=kernel.state,
        )
        self.catch_up = self._make_catch_up(reactor)
        self.problems = MenuProblems(self.desk, kernel.settings, kernel.problems, kernel.state)
        self._unsubscribe: list[Callable[[], None]] = []
        # Guilds that are to be looked at: roles change in bursts.
        self._to_review: set[int] = set()

    async def _knows_emoji(self, guild_id: int, emoji_id: int) -> bool:
        return await has_emoji(self.bot, guild_id, emoji_id)

    def _make_catch_up(self, reactor: DiscordReactor) -> ReactionCatchUp:
        kernel = self.bot.kernel
        return ReactionCatchUp(
            kernel.database,
            kernel.clock,
            jobs=kernel.jobs,
            posts=self.posts,
            presses=self.reactions,
            reader=reactor,
        )

    async def cog_load(self) -> None:
        """Take up earlier work and begin to listen."""
        menus = MenuResource(self.desk, self._removed)
        self.bot.kernel.resources.register(RESOURCE.name, menus)
        await self.presses.start()
        await self.posts.start()
        self.catch_up.start()
        self.bot.add_dynamic_items(RoleButton, OpenButton, PageButton, RoleSelect)
        bus = self.bot.kernel.bus
        self._unsubscribe = [
            bus.subscribe(RoleChanged, self.presses.role_changed),
            bus.subscribe(OutboxFailed, self.on_delivery_failed),
        ]
        for event, listener in (
            ("MESSAGE_REACTION_ADD", self.on_reaction),
            ("MESSAGE_REACTION_REMOVE", self.on_reaction_removed),
            ("MESSAGE_REACTION_REMOVE_ALL", self.on_reactions_cleared),
            ("MESSAGE_REACTION_REMOVE_EMOJI", self.on_reactions_cleared),
            ("MESSAGE_DELETE", self.on_deletion),
            ("MESSAGE_DELETE_BULK", self.on_deletion),
            ("CHANNEL_DELETE", self.on_channel_deleted),
            ("GUILD_ROLE_DELETE", self.on_roles),
            ("GUILD_ROLE_UPDATE", self.on_roles),
            ("GUILD_MEMBER_UPDATE", self.on_member),
            ("GUILD_MEMBER_REMOVE", self.on_departure),
        ):
            self.bot.intake.listen(event, KEY, listener)

    async def cog_unload(self) -> None:
        """Hear of other features no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """Take what was missed: the gateway has begun a session, and repeats nothing."""
        guilds = [one.id for one in self.bot.guilds if one.shard_id == shard_id]
        await self.catch_up.begin_session(guilds)

    # --- events -------------------------------------------------------------------------------

    def on_reaction(self, payload: Payload) -> None:
        """Take a reaction on a menu."""
        self._take_reaction(payload, on=True)

    def on_reaction_removed(self, payload: Payload) -> None:
        """Take the end of a reaction on a menu."""
        self._take_reaction(payload, on=False)

    def _take_reaction(self, payload: Payload, *, on: bool) -> None:
        own = self.bot.user
        reaction = self.reactions.read(payload, on=on, own_id=own.id if own else None)
        if reaction is not None:
            self._spawn("reaction", self.reactions.take(reaction))

    def on_reactions_cleared(self, payload: Payload) -> None:
        """Put the bot's own reactions back; members keep what they have."""
        posted = self.posts.find(int(payload["message_id"]))
        if posted is not None:
            self._spawn("renewal", self.desk.renew(posted.guild_id, posted.post_id))

    def on_deletion(self, payload: Payload) -> None:
        """Note that messages which show menus were deleted."""
        ids = [int(one) for one in payload.get("ids") or [payload["id"]]]
        found = [one for one in ids if self.posts.find(one)]
        if found:
            self._spawn("deletion", self._note_deleted(found))

    def on_channel_deleted(self, payload: Payload) -> None:
        """Note that messages went with their channel."""
        found = self.posts.in_channel(int(payload["id"]))
        if found:
            self._spawn("deletion", self._note_deleted(found))

    async def on_delivery_failed(self, event: OutboxFailed) -> None:
        """Note that a message was deleted while the bot was away."""
        for guild_id in await self.posts.delivery_failed(event):
            self.review(guild_id)

    async def _note_deleted(self, message_ids: list[int]) -> None:
        for guild_id in await self.posts.deleted(message_ids):
            self.review(guild_id)

    def on_roles(self, payload: Payload) -> None:
        """Look whether a menu offers a role that has changed."""
        self.review(int(payload["guild_id"]))

    def on_member(self, payload: Payload) -> None:
        """Free the places of roles that a member has lost."""
        guild_id, user_id = int(payload["guild_id"]), int(payload["user"]["id"])
        if self.presses.has_places(guild_id) and "roles" in payload:
            roles = [int(one) for one in payload["roles"]]
            self._spawn("member", self.presses.member_has(guild_id, user_id, roles))

    def on_departure(self, payload: Payload) -> None:
        """Free the places of somebody who has left."""
        guild_id, user_id = int(payload["guild_id"]), int(payload["user"]["id"])
        if self.presses.has_places(guild_id):
            self._spawn("departure", self.presses.member_left(guild_id, user_id))

    def on_full(self, full: Full) -> None:
        """Look whether those who hold a full role's places still have it."""
        self._spawn("holders", self.holders.look(full))

    def review(self, guild_id: int) -> None:
        """Have told what is wrong with a guild's menus; returns at once."""
        if guild_id not in self._to_review:
            self._to_review.add(guild_id)
            self._spawn("review", self._review(guild_id))

    async def _review(self, guild_id: int) -> None:
        self._to_review.discard(guild_id)
        await self.problems.review(guild_id)

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self.bot.kernel.supervisor.spawn(f"{KEY}.{name}", work)

    # --- commands -----------------------------------------------------------------------------

    @app_commands.command(
        description="Make a menu from which members choose roles", extras=_MANAGED
    )
    @app_commands.describe(
        style="What members press; buttons if left out",
        mode="What a press does; gives and takes if left out",
        limit="How many of its roles a member may have; any number if left out",
    )
    @app_commands.choices(
        style=[
            app_commands.Choice(name="Buttons, up to 25 roles", value=Style.BUTTONS.value),
            app_commands.Choice(name="Select, any number of roles", value=Style.SELECT.value),
            app_commands.Choice(name="Reactions, up to 20 roles", value=Style.REACTIONS.value),
        ],
        mode=[
            app_commands.Choice(name="Give and take", value=Mode.NORMAL.value),
            app_commands.Choice(name="One role at a time", value=Mode.UNIQUE.value),
            app_commands.Choice(name="Only give", value=Mode.ADD.value),
            app_commands.Choice(name="Only take away", value=Mode.REMOVE.value),
        ],
    )
    async def create(
        self,
        interaction: Interaction,
        style: app_commands.Choice[str] | None = None,
        mode: app_commands.Choice[str] | None = None,
        limit: app_commands.Range[int, 1, MOST_ROLES] | None = None,
    ) -> None:
        """Ask for title, text and roles, then show the menu with what can be changed."""
        async with in_time():
            await ensure_manages(interaction, KEY)
        draft = Menu(
            id=0,
            guild_id=guild_id_of(interaction),
            title="",
            style=Style(style.value) if style else Style.BUTTONS,
            mode=Mode(mode.value) if mode else Mode.NORMAL,
            most=limit,
        )
        roles = Input("roles", _("Roles"), _("Up to 25 at a time"), value=(), kind="roles")

        async def submitted(pressed: Interaction, values: Values) -> None:
            await pressed.response.defer(ephemeral=True, thinking=True)
            await self._create(pressed, draft, values)

        await ask(
            interaction, KEY, Question(_("Role menu"), [*texts_inputs(draft), roles]), submitted
        )

    async def _create(self, interaction: Interaction, draft: Menu, values: Values) -> None:
        await ensure_manages(interaction, KEY)
        chosen = [int(one) for one in values["roles"]]
        titled = with_texts(draft, values["title"], values["text"])
        # Too many are refused before anything is asked.
        with_roles(titled, chosen)
        offered = await ensure_may_offer(interaction, chosen)
        trusted = await confirm_dangerous(interaction, offered)
        if trusted is not None:
            menu = await self.desk.create(with_roles(titled, chosen, trusted))
            await answer(interaction, view=MenuPanel(self, interaction, menu))

    @app_commands.command(description="Change a role menu", extras=_MANAGED)
    @app_commands.describe(menu="The menu")
    @app_commands.autocomplete(menu=complete_menu)
    async def edit(self, interaction: Interaction, menu: str) -> None:
        """Show the menu with what can be changed."""
        await self._begin(interaction)
        found = await self.desk.find(guild_id_of(interaction), menu)
        await answer(interaction, view=MenuPanel(self, interaction, found))

    @app_commands.command(description="Post a role menu in a channel", extras=_MANAGED)
    @app_commands.describe(menu="The menu", channel="Where; here if left out")
    @app_commands.autocomplete(menu=complete_menu)
    async def post(
        self, interaction: Interaction, menu: str, channel: _Where | None = None
    ) -> None:
        """Post it, and say where."""
        await self._begin(interaction)
        found = await self.desk.find(guild_id_of(interaction), menu)
        channel_id = channel.id if channel else interaction.channel_id or 0
        await self.desk.post(found, channel_id)
        self.review(found.guild_id)
        lines = [
            _("Done: see {channel}.", channel=f"<#{channel_id}>").render(locale_of(interaction))
        ]
        summary = self.bot.kernel.state().channel(found.guild_id, channel_id)
        if (
            found.style is Style.REACTIONS
            and summary is not None
            and "manage_messages" not in summary.bot_permissions
        ):
            note = _("Without Manage Messages there I can't take back reactions that are refused.")
            lines.append(f"-# {note.render(locale_of(interaction))}")
        await answer(interaction, "\n".join(lines))

    @app_commands.command(
        name="list", description="Show all role menus and where they are posted", extras=_MANAGED
    )
    async def show_list(self, interaction: Interaction) -> None:
        """Show all menus with their messages."""
        await self._begin(interaction)
        menus = await self.desk.list(guild_id_of(interaction))
        if not menus:
            await answer(interaction, _("There is no role menu yet; /rolemenu create makes one."))
            return
        locale = locale_of(interaction)
        title = _("Role menus").render(locale)
        lines = [list_line(menu, posts, locale) for menu, posts in menus]
        pages = [
            discord.Embed(title=title, description="\n\n".join(lines[at : at + _PAGE]))
            for at in range(0, len(lines), _PAGE)
        ]
        await paginate(interaction, pages)

    @app_commands.command(description="Delete a role menu and its messages", extras=_MANAGED)
    @app_commands.describe(menu="The menu")
    @app_commands.autocomplete(menu=complete_menu)
    async def delete(self, interaction: Interaction, menu: str) -> None:
        """Ask, then delete it; members keep their roles."""
        await self._begin(interaction)
        found = await self.desk.find(guild_id_of(interaction), menu)
        question = _(
            "Delete the role menu {title} and its messages? Members keep the roles they have.",
            title=quote(found.title),
        )
        if not await confirm(interaction, question, recheck=_recheck):
            return
        posts = await self.desk.delete(found, actor_of(interaction))
        self._removed(found.guild_id, posts)
        count = ngettext(
            "Deleted, with {count} message.", "Deleted, with {count} messages.", len(posts)
        )
        await answer(interaction, count)

    def _removed(self, guild_id: int, posts: Sequence[RoleMenuPost]) -> None:
        self.posts.forget(posts)
        self.review(guild_id)

    async def _begin(self, interaction: Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)


async def _recheck(interaction: discord.Interaction[Any]) -> None:
    await ensure_manages(interaction, KEY)
