"""Hears of joins and departures and hands them on; shows what Welcome would say.

Nothing is decided here. Members are not cached, so news of them comes from raw payloads.
"""

from __future__ import annotations

import functools
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import MANAGES, ensure_manages, guild_id_of
from bot.core.errors import NotFound
from bot.core.features import RateClass
from bot.core.i18n import _
from bot.core.imaging.avatars import AvatarFetcher
from bot.core.imaging.studio import NotDrawnError, Studio
from bot.core.problems.rules import Problem, find_problems
from bot.core.settings.model import FeatureState
from bot.delivery import RenderedFile
from bot.localization import locale_of
from bot.replies import answer
from cogs.welcome.announcer import CARD_RENDERER, Announcer
from cogs.welcome.card import Card, draw_card
from cogs.welcome.preview import Preview, Sample, notes_on
from cogs.welcome.rules import Arrival, Person
from cogs.welcome.service import KEY, WelcomeService
from cogs.welcome.wording import CARD_FILE, without_card

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction = discord.Interaction["Pegasus"]


@app_commands.guild_only()
class Welcome(
    commands.GroupCog,
    group_name="welcome",
    group_description="Greet new members and say goodbye",
):
    """Joins Welcome's service to Discord's events and commands."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.announcer = Announcer(
            clock=kernel.clock,
            settings=kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            state=kernel.state,
            count=functools.partial(kernel.metrics.feature_event, KEY),
        )
        self.service = WelcomeService(
            kernel.database, kernel.clock, kernel.settings, kernel.jobs, self.announcer
        )
        avatars = AvatarFetcher(kernel.config.discord.cdn_base_url)
        self.studio = Studio(avatars, kernel.config.cards.font_directories)

    async def cog_load(self) -> None:
        """Take up earlier work and begin to listen."""
        await self.service.start()
        self.bot.renderers[CARD_RENDERER] = self.render_card
        for event, listener in (
            ("GUILD_MEMBER_ADD", self.on_arrival),
            ("GUILD_MEMBER_UPDATE", self.on_member_payload),
            ("GUILD_MEMBER_REMOVE", self.on_departure),
            ("READY", self.on_new_session),
        ):
            self.bot.intake.listen(event, KEY, listener)

    async def cog_unload(self) -> None:
        """Close the connection to the CDN."""
        await self.studio.close()

    def on_arrival(self, payload: Mapping[str, Any]) -> None:
        """Hand a join on."""
        guild_id, person = int(payload["guild_id"]), person_in(payload)
        joined_at = discord.utils.parse_time(payload.get("joined_at"))
        arrival = Arrival(
            guild_id,
            person,
            joined_at or self.bot.kernel.clock.now(),
            pending=payload.get("pending", False),
            member_count=self._count_with(guild_id, 1),
        )
        self.service.note_arrival(guild_id, person.id, pending=arrival.pending)
        self._spawn("member_joined", self.service.member_joined(arrival))

    def on_departure(self, payload: Mapping[str, Any]) -> None:
        """Hand a departure on, also that of someone who is not cached."""
        guild_id = int(payload["guild_id"])
        count = self._count_with(guild_id, -1)
        work = self.service.member_left(guild_id, person_in(payload), count)
        self._spawn("member_left", work)

    def on_new_session(self, _payload: Mapping[str, Any]) -> None:
        """Say that events between the last session and this one are lost."""
        self.service.doubt_screening()

    def on_member_payload(self, payload: Mapping[str, Any]) -> None:
        """Hand it on when a member who waited has passed membership screening."""
        guild_id, user_id = int(payload["guild_id"]), int(payload["user"]["id"])
        if payload.get("pending") is not False or not self.service.is_screening(guild_id, user_id):
            return
        work = self.service.screening_passed(guild_id, person_in(payload))
        self._spawn("screening_passed", work)

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self.bot.kernel.supervisor.spawn(f"welcome.{name}", work)

    def _count_with(self, guild_id: int, change: int) -> int | None:
        # discord.py counts an event only after its listeners have heard of it.
        guild = self.bot.kernel.state().guild(guild_id)
        return None if guild is None else guild.member_count + change

    async def render_card(self, arguments: Mapping[str, Any]) -> RenderedFile:
        """Draw the card of a message that is about to be delivered."""
        card = Card(**arguments["card"])
        data = await self.studio.draw(
            functools.partial(draw_card, card),
            user_id=arguments["user_id"],
            avatar=arguments["avatar"],
        )
        return RenderedFile(data, f"{card.headline}: {card.name}")

    @app_commands.command(
        description="Show a message as it would be sent now, only to you",
        extras={"rate_class": RateClass.ADMIN, "works_while_off": True, MANAGES: KEY},
    )
    @app_commands.describe(
        kind="The message to show; the greeting if left out",
        member="The member to show it for; you if left out",
    )
    @app_commands.choices(
        kind=[
            app_commands.Choice(name="Greeting", value=Sample.JOIN.value),
            app_commands.Choice(
                name="Greeting of a returning member", value=Sample.RETURNING.value
            ),
            app_commands.Choice(name="Goodbye", value=Sample.LEAVE.value),
            app_commands.Choice(name="Private message", value=Sample.PRIVATE.value),
            app_commands.Choice(name="Greeting of many at once", value=Sample.RAID.value),
        ]
    )
    async def test(
        self,
        interaction: Interaction,
        kind: app_commands.Choice[str] | None = None,
        member: discord.Member | None = None,
    ) -> None:
        """Answer with the message itself, then with where it goes and what is in its way."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        guild_id = guild_id_of(interaction)
        guild = self.bot.kernel.state().guild(guild_id)
        if guild is None:
            raise NotFound(_("I am not in this server any more."))
        state = await self.bot.kernel.settings.get(guild_id, KEY)
        sample = Sample(kind.value) if kind else Sample.JOIN
        person = person_of(member or interaction.user)
        preview = await self.announcer.preview(state.settings, sample, guild, person)
        await self._show(interaction, preview, person)
        problems = self._problems(guild_id, state)
        await answer(interaction, notes_on(preview, state, problems, locale_of(interaction)))

    def _problems(self, guild_id: int, state: FeatureState) -> list[Problem]:
        """What would be in the way if the feature were on."""
        kernel = self.bot.kernel
        intents = ("members",) if kernel.config.discord.members_intent else ()
        feature = kernel.registry.get(KEY)
        return find_problems(
            feature, replace(state, enabled=True), kernel.state(), guild_id, intents
        )

    async def _show(self, interaction: Interaction, preview: Preview, person: Person) -> None:
        payload, options = dict(preview.greeting.payload), {}
        if preview.greeting.card is not None:
            draw = functools.partial(draw_card, preview.greeting.card)
            try:
                data = await self.studio.draw(draw, user_id=person.id, avatar=person.avatar)
                options["file"] = discord.File(BytesIO(data), CARD_FILE)
            except NotDrawnError:
                payload = without_card(payload)
        embeds = [discord.Embed.from_dict(embed) for embed in payload.get("embeds", ())]
        await answer(interaction, payload.get("content"), embeds=embeds, **options)


def person_of(user: discord.abc.User) -> Person:
    """Return what the rules need to know of a Discord user or member."""
    avatar = user.avatar.key if user.avatar else None
    return Person(user.id, user.name, user.display_name, avatar, user.bot)


def person_in(payload: Mapping[str, Any]) -> Person:
    """Return what the rules need to know of the member in a raw payload."""
    user = payload["user"]
    shown = payload.get("nick") or user.get("global_name") or user["username"]
    return Person(
        int(user["id"]), user["username"], shown, user.get("avatar"), user.get("bot", False)
    )
