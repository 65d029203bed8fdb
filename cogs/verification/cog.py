"""Joins verification to Discord: events, the panel, what members press, what staff command.

Nothing is decided here. What an interaction brings is all that is known of a member, so the gate
works without the members intent; with it, joins start a member's time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of, in_time
from bot.core.contracts import MemberFacts
from bot.core.errors import Denied, InvalidInput, NotFound
from bot.core.features import RateClass
from bot.core.i18n import Message, _
from bot.core.imaging.avatars import AvatarFetcher
from bot.core.imaging.studio import NotDrawnError, Studio
from bot.core.jobs import Retry
from bot.core.outbox import Delivery
from bot.core.preflight import Action, Refusal, can_act, can_post, may_decide_on
from bot.core.settings import SettingsChanged
from bot.localization import locale_of
from bot.replies import answer
from bot.state import member_facts, names_of
from cogs.verification import wording
from cogs.verification.challenges import Kind
from cogs.verification.desk import KEY, Desk
from cogs.verification.easel import Easel
from cogs.verification.gate import Gate
from cogs.verification.moving import RoleMoves
from cogs.verification.rules import Applicant
from cogs.verification.settings import VerificationSettings
from cogs.verification.staff import StaffGate
from cogs.verification.steps import Answer, AskForm, AskPicture, AskWords, Told
from cogs.verification.timers import GUILD_PAUSE, Timers
from cogs.verification.views import BUTTONS, QuestionForm, picture_message, words_message

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction = discord.Interaction["Pegasus"]


@app_commands.guild_only()
class Verification(
    commands.GroupCog,
    group_name="verification",
    group_description="Have new members show that they are people",
):
    """The gate's side that Discord sees."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.desk = Desk(
            database=kernel.database,
            clock=kernel.clock,
            settings=kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            roles=kernel.roles,
            state=kernel.state,
            count=functools.partial(kernel.metrics.feature_event, KEY),
        )
        self.gate = Gate(self.desk)
        self.staff = StaffGate(self.desk)
        self.moves = RoleMoves(self.desk)
        self._unsubscribe: Callable[[], None] = lambda: None
        self.members = GuildMembers(bot)
        self.timers = Timers(self.desk, kernel.cases, self.members)
        # No avatar stands on these pictures: nothing is ever fetched.
        self.studio = Studio(AvatarFetcher(), kernel.config.cards.font_directories)
        self.easel = Easel(self.studio)

    async def cog_load(self) -> None:
        """Have the buttons of earlier runs work, take up earlier work and begin to listen."""
        self.bot.add_dynamic_items(*BUTTONS)
        self.timers.start()
        bus = self.bot.kernel.bus
        self._unsubscribe = bus.subscribe(SettingsChanged, self.moves.settings_changed)
        self.bot.intake.listen("GUILD_MEMBER_ADD", KEY, self.on_arrival)
        self.bot.intake.listen("GUILD_MEMBER_REMOVE", KEY, self.on_departure)

    async def cog_unload(self) -> None:
        """Give back what drawing holds."""
        self._unsubscribe()
        await self.studio.close()

    # --- events ------------------------------------------------------------------------------

    def on_arrival(self, payload: Mapping[str, Any]) -> None:
        """Hand a join on."""
        user = payload["user"]
        applicant = Applicant(
            int(payload["guild_id"]),
            int(user["id"]),
            payload.get("nick") or user.get("global_name") or user["username"],
            is_bot=user.get("bot", False),
        )
        joined_at = discord.utils.parse_time(payload.get("joined_at"))
        since = joined_at or self.bot.kernel.clock.now()
        self._spawn("member_joined", self.timers.member_joined(applicant, since))

    def on_departure(self, payload: Mapping[str, Any]) -> None:
        """Hand a departure on."""
        guild_id, user_id = int(payload["guild_id"]), int(payload["user"]["id"])
        self._spawn("member_left", self.timers.member_left(guild_id, user_id))

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self.bot.kernel.supervisor.spawn(f"{KEY}.{name}", work)

    # --- members at the gate -----------------------------------------------------------------

    async def begin(self, interaction: Interaction) -> None:
        """Answer the panel's button with a message of the member's own."""
        wanted = Kind.WORDS if self.easel.is_full else None
        async with in_time():
            asked = await self.gate.press(applicant_of(interaction), wanted)
        await self._show(interaction, asked, edit=False)

    async def ask_again(self, interaction: Interaction, kind: Kind) -> None:
        """Put another question into the member's message."""
        async with in_time():
            asked = await self.gate.press(applicant_of(interaction), kind)
        # A form is never asked for here, but the method may have changed meanwhile.
        await self._show(interaction, asked, edit=True)

    async def entered(self, interaction: Interaction, token: str, typed: str) -> None:
        """Judge an answer, and go on in the member's message."""
        async with in_time():
            asked = await self.gate.answer(applicant_of(interaction), token, typed)
        await self._show(interaction, asked, edit=True)

    async def filled_in(self, interaction: Interaction, token: str, answers: Sequence[str]) -> None:
        """Judge the answers to the form."""
        async with in_time():
            asked = await self.gate.answer_form(applicant_of(interaction), token, answers)
        await self._show(interaction, asked, edit=False)

    async def _show(self, interaction: Interaction, asked: Answer, *, edit: bool) -> None:
        locale = locale_of(interaction)
        match asked:
            case AskForm():
                await interaction.response.send_modal(QuestionForm(interaction, asked))
            case AskPicture():
                await self._show_picture(interaction, asked, edit=edit)
            case AskWords():
                await self._put(interaction, words_message(asked, locale), edit=edit)
            case Told():
                parts = {"content": asked.text.render(locale)}
                await self._put(interaction, parts, edit=edit)

    async def _show_picture(
        self, interaction: Interaction, asked: AskPicture, *, edit: bool
    ) -> None:
        """Show the picture; under load the question in words, or a word of patience."""
        await interaction.response.defer(ephemeral=True, thinking=not edit)
        locale = locale_of(interaction)
        try:
            picture = await self.easel.draw(asked.letters)
        except NotDrawnError:
            await self._show_instead(interaction, asked, edit=edit)
            return
        await self._put(interaction, picture_message(asked, picture, locale), edit=edit)

    async def _show_instead(
        self, interaction: Interaction, asked: AskPicture, *, edit: bool
    ) -> None:
        other: Answer = Told(wording.BUSY)
        if asked.words:
            other = await self.gate.press(applicant_of(interaction), Kind.WORDS)
        if isinstance(other, AskForm | AskPicture):
            # The settings were changed at this very moment.
            other = Told(wording.BUSY)
        await self._show(interaction, other, edit=edit)

    async def _put(self, interaction: Interaction, parts: dict[str, Any], *, edit: bool) -> None:
        """Answer anew, or put it in the place of the member's question before."""
        if not edit:
            await answer(interaction, parts.pop("content"), **parts)
            return
        if not interaction.response.is_done():
            await interaction.response.defer()
        file = parts.get("file")
        await interaction.edit_original_response(
            content=parts["content"],
            view=parts.get("view"),
            attachments=[file] if file else [],
        )

    # --- staff -------------------------------------------------------------------------------

    async def decide(
        self, interaction: Interaction, user_id: int, moment: int, *, let_in: bool
    ) -> None:
        """Decide on a form's answers; the card then says who did."""
        guild_id = guild_id_of(interaction)
        await interaction.response.defer()
        actor = await self._actor_facts(interaction)
        raise_refusal(may_decide_on(Action.ADD_ROLE, actor))
        if let_in:
            settings = await self.staff.usable_settings(guild_id)
            member = await self.members.look(guild_id, user_id)
            self._ensure_may_let_in(settings, actor, member)
        applicant = Applicant(guild_id, user_id, name="")
        decided = await self.staff.decide(
            applicant, moment, let_in=let_in, actor=actor_of(interaction)
        )
        done = wording.decided_line(decided, actor_of(interaction))
        locale = await self.desk.locale(guild_id)
        await interaction.edit_original_response(content=done.render(locale), view=None)

    @app_commands.command(
        description="Let a member in without a question", extras={"rate_class": RateClass.ADMIN}
    )
    @app_commands.describe(member="Whom to let in")
    async def manual(self, interaction: Interaction, member: discord.Member) -> None:
        """Let the member in, if the one who asks may give the roles."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        settings = await self.staff.usable_settings(guild_id_of(interaction))
        facts = member_facts(member)
        self._ensure_may_let_in(settings, await self._actor_facts(interaction), facts)
        text = await self.staff.pass_by_hand(applicant_in(facts), actor_of(interaction))
        await answer(interaction, text)

    @app_commands.command(
        description="Post the message with the button by which members verify",
        extras={"rate_class": RateClass.ADMIN, "works_while_off": True, MANAGES: KEY},
    )
    @app_commands.describe(channel="Where; the verification channel if left out")
    async def post(
        self, interaction: Interaction, channel: discord.TextChannel | None = None
    ) -> None:
        """Post the panel, and say what is still to be done."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        guild_id, kernel = guild_id_of(interaction), self.bot.kernel
        state = await kernel.settings.get(guild_id, KEY)
        channel_id = channel.id if channel else state.settings.channel_id
        guild = kernel.state().guild(guild_id)
        if channel_id is None or guild is None:
            raise InvalidInput(
                _("There is no verification channel yet."),
                hint=_("Name a channel, or choose one with /verification settings."),
            )
        place = kernel.state().channel(guild_id, channel_id)
        if place is None:
            raise NotFound(_("I can't see that channel."))
        raise_refusal(can_post(place))
        locale = await self.desk.locale(guild_id)
        payload = wording.panel_payload(state.settings, guild.name, locale)
        async with kernel.database.write() as session:
            await kernel.outbox.send(
                session,
                Delivery.message(
                    channel_id,
                    payload,
                    dedupe_key=f"{KEY}:panel:{interaction.id}",
                    guild_id=guild_id,
                ),
            )
        await answer(interaction, _posted(channel_id, enabled=state.enabled))

    async def _actor_facts(self, interaction: Interaction) -> MemberFacts:
        """Return who acts; a grant of verification lets them ask for roles, within their rank."""
        user = interaction.user
        if not isinstance(user, discord.Member):
            raise Denied(_("This only works inside a server, not in direct messages."))
        permissions = names_of(interaction.permissions.value)
        if await self.bot.kernel.permissions.has(user.guild.id, user.id, KEY):
            permissions |= {"manage_roles"}
        return replace(member_facts(user), permissions=permissions)

    def _ensure_may_let_in(
        self, settings: VerificationSettings, actor: MemberFacts, target: MemberFacts | None
    ) -> None:
        """Raise `Denied` with the fix unless both may change the roles that passing changes."""
        state = self.bot.kernel.state()
        me = state.me(actor.guild_id)
        if me is None:
            raise NotFound(_("I am not in this server any more."))
        for action, role_id in (
            (Action.ADD_ROLE, settings.verified_role_id),
            (Action.REMOVE_ROLE, settings.unverified_role_id),
        ):
            role = state.role(actor.guild_id, role_id) if role_id is not None else None
            if role is not None:
                raise_refusal(can_act(action, bot=me, actor=actor, target=target, role=role))


class GuildMembers:
    """Asks Discord for a member, as members are not cached."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot

    async def look(self, guild_id: int, user_id: int) -> MemberFacts | None:
        """Return the member as Discord has them now, `None` when they are not in the guild."""
        guild = self._bot.get_guild(guild_id)
        if guild is None:
            raise Retry(GUILD_PAUSE, "the guild is not there")
        try:
            return member_facts(await guild.fetch_member(user_id))
        except discord.NotFound:
            return None


def applicant_of(interaction: Interaction) -> Applicant:
    """Return who is at the gate, from what the interaction tells of them."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        raise Denied(_("This only works inside a server, not in direct messages."))
    return replace(applicant_in(member_facts(user)), locale=locale_of(interaction))


def applicant_in(facts: MemberFacts) -> Applicant:
    """Return what the rules need to know of a member."""
    return Applicant(
        facts.guild_id,
        facts.id,
        facts.name,
        role_ids=facts.role_ids,
        pending=facts.pending,
        is_bot=facts.is_bot,
    )


def raise_refusal(refusal: Refusal | None) -> None:
    """Raise `Denied` with the way out, where there is a refusal."""
    if refusal is not None:
        raise Denied(refusal.message, hint=refusal.fix)


def _posted(channel_id: int, *, enabled: bool) -> Message:
    channel = f"<#{channel_id}>"
    if enabled:
        return _("The panel is on its way to {channel}.", channel=channel)
    return _(
        "The panel is on its way to {channel}. Verification itself is still switched off: "
        "switch it on with /verification settings.",
        channel=channel,
    )
