"""Discord's side of appeals: the buttons in direct messages, the staff's buttons, and the forms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord.ext import commands

from bot.checks import actor_of, guild_id_of, in_time
from bot.core.cases import Told
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _
from bot.localization import locale_of
from bot.replies import LastingButton, answer, unique_id
from cogs.moderation.appealcards import MAX_ANSWER, MAX_QUESTION
from cogs.moderation.appealing import AppealService
from cogs.moderation.deeds import ensure_may_lift
from db.appeals import ACCEPTED, OPEN, REJECTED, AppealQuestion

if TYPE_CHECKING:
    from bot.client import Pegasus

_FORM_SECONDS = 840.0
_MAX_TEXT = 1500
# What whoever asks waits for Discord, to be told whether the question got there.
_ASKING_SECONDS = 5.0
_VOTES = {"accept": ACCEPTED, "reject": REJECTED}
_OUTCOMES = {
    OPEN: _("Your vote is counted."),
    ACCEPTED: _("The appeal is accepted; I lift the case."),
    REJECTED: _("The appeal is rejected."),
}
_ASKED = {
    Told.WRITTEN: _("✅ I asked them. The answer comes into this channel."),
    Told.WAITING: _("I am still trying to write to them. The answer comes into this channel."),
    Told.REFUSED: _(
        "⚠️ They take no messages from me. They are shown the question when they press Appeal again"
        " under my earlier message."
    ),
}


class Appeals(commands.Cog):
    """Appeals against punishments."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        kernel = bot.kernel
        self.service = AppealService(
            kernel.database,
            kernel.clock,
            kernel.settings,
            cases=kernel.cases,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            state=kernel.state,
        )
        self.asking_seconds = _ASKING_SECONDS

    async def cog_load(self) -> None:
        """Have the buttons of earlier runs work."""
        self.service.start()
        self.bot.add_dynamic_items(AppealButton, AnswerButton, VoteButton, AskButton)


def _cog(interaction: discord.Interaction[Any]) -> Appeals:
    cog: Any = interaction.client.get_cog("Appeals")
    return cog


def _service(interaction: discord.Interaction[Any]) -> AppealService:
    return _cog(interaction).service


class _Form(discord.ui.Modal):
    """Asks for one text."""

    def __init__(
        self,
        opened: discord.Interaction[Any],
        title: Message,
        label: Message,
        *,
        limit: int,
        shown: str | None = None,
    ) -> None:
        locale = locale_of(opened)
        super().__init__(
            title=title.render(locale),
            timeout=_FORM_SECONDS,
            custom_id=unique_id("moderation"),
        )
        self.text: discord.ui.TextInput[_Form] = discord.ui.TextInput(
            custom_id="text", style=discord.TextStyle.paragraph, max_length=limit
        )
        if shown is not None:
            self.add_item(discord.ui.TextDisplay(escape_markdown(shown)))
        self.add_item(discord.ui.Label(text=label.render(locale), component=self.text))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Hand the text in."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self.take(interaction)

    async def take(self, interaction: discord.Interaction[Any]) -> None:
        """Do what the form is for, and answer."""
        raise NotImplementedError

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)


class AppealForm(_Form):
    """Asks why a case should be lifted."""

    def __init__(self, opened: discord.Interaction[Any], case_id: int) -> None:
        super().__init__(opened, _("Appeal"), _("Why should it be lifted?"), limit=_MAX_TEXT)
        self._case_id = case_id

    async def take(self, interaction: discord.Interaction[Any]) -> None:
        """Take the appeal."""
        await _service(interaction).appeal(self._case_id, interaction.user.id, self.text.value)
        await answer(interaction, _("Thank you. The moderators see your appeal."))


class AnswerForm(_Form):
    """Shows a question of the staff and asks for the answer."""

    def __init__(self, opened: discord.Interaction[Any], question: AppealQuestion) -> None:
        title, label = _("A question of the moderators"), _("Your answer")
        super().__init__(opened, title, label, limit=MAX_ANSWER, shown=question.question)
        self._question_id = question.id

    async def take(self, interaction: discord.Interaction[Any]) -> None:
        """Give the answer."""
        await _service(interaction).questions.answer(
            self._question_id, interaction.user.id, self.text.value
        )
        await answer(interaction, _("Thank you. The moderators see your answer."))


class QuestionForm(_Form):
    """Asks a moderator what they want to know."""

    def __init__(self, opened: discord.Interaction[Any], appeal_id: int) -> None:
        super().__init__(opened, _("Ask"), _("What do you want to know?"), limit=MAX_QUESTION)
        self._appeal_id = appeal_id

    async def take(self, interaction: discord.Interaction[Any]) -> None:
        """Ask whoever appeals."""
        cog, actor = _cog(interaction), actor_of(interaction)
        appeal = await cog.service.get(guild_id_of(interaction), self._appeal_id)
        question = await cog.service.questions.ask(appeal, actor, self.text.value)
        told = await cog.service.questions.told(question, cog.asking_seconds)
        await answer(interaction, _ASKED[told])


class _AppealItem(LastingButton):
    """What the buttons have in common: an id, which is all that is known of them."""

    def __init__(self, item: discord.ui.Button[Any], about: int) -> None:
        super().__init__(item)  # pyright: ignore[reportCallIssue] - the library's base, which follows
        self._about = about

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Make the button anew from its id."""
        return cls(item, int(match["id"]))  # pyright: ignore[reportArgumentType] - the template is a button's


class AppealButton(
    _AppealItem,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"moderation:appeal:(?P<id>\d{1,18})",
):
    """The button under a message about a case; it works for the person it is about."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form, or that of a question that waits: no message may have got there."""
        service, user_id = _service(interaction), interaction.user.id
        async with in_time():
            question = await service.questions.waiting(self._about, user_id)
            if question is None:
                await service.ensure_may(self._about, user_id)
        form = AppealForm(interaction, self._about)
        await interaction.response.send_modal(
            form if question is None else AnswerForm(interaction, question)
        )


class AnswerButton(
    _AppealItem,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"moderation:appeal:answer:(?P<id>\d{1,18})",
):
    """The button under a question, for the person who is asked."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form."""
        questions = _service(interaction).questions
        async with in_time():
            question = await questions.ensure_may(self._about, interaction.user.id)
        await interaction.response.send_modal(AnswerForm(interaction, question))


class AskButton(
    _AppealItem,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"moderation:appeal:ask:(?P<id>\d{1,18})",
):
    """The button of an appeal's card that asks whoever appeals, for the staff."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form; a form can't follow a deferred answer."""
        async with in_time():
            await _ensure_decides(interaction, self._about)
        await interaction.response.send_modal(QuestionForm(interaction, self._about))


class VoteButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"moderation:appeal:(?P<what>accept|reject):(?P<id>\d{1,18})",
):
    """A button of an appeal's card, for the staff."""

    def __init__(self, item: discord.ui.Button[Any], what: str, appeal_id: int) -> None:
        super().__init__(item)
        self._what = what
        self._appeal_id = appeal_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Make the button anew from its id."""
        return cls(item, match["what"], int(match["id"]))  # pyright: ignore[reportArgumentType] - the template is a button's

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Count the vote."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _ensure_decides(interaction, self._appeal_id)
        state = await _service(interaction).vote(
            guild_id_of(interaction), self._appeal_id, actor_of(interaction), _VOTES[self._what]
        )
        await answer(interaction, _OUTCOMES[state])


async def _ensure_decides(interaction: discord.Interaction[Any], appeal_id: int) -> None:
    """Raise `Denied` for those who could not have punished in this way themselves."""
    kind = await _service(interaction).kind_of(guild_id_of(interaction), appeal_id)
    await ensure_may_lift(interaction, kind)
