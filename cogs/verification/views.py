"""What members press and fill in at the gate, and the buttons on the staff's card."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self, cast

import discord

from bot.checks import guild_id_of
from bot.core.i18n import Message, _
from bot.localization import locale_of
from bot.replies import LastingButton, unique_id
from cogs.verification.challenges import Kind
from cogs.verification.questions import LONGEST_ANSWER, LONGEST_LABEL
from cogs.verification.steps import AskForm, AskPicture, AskWords

if TYPE_CHECKING:
    from cogs.verification.cog import Verification

Interaction = discord.Interaction[Any]
_Button = discord.ui.DynamicItem[discord.ui.Button[Any]]

PICTURE_FILE = "letters.png"
# Discord forgets a form after a quarter of an hour.
_FORM_SECONDS = 840.0
_LONGEST_TYPED = 60

_READ = _("Which five letters or digits do you read?")
_DESCRIBED = _("Five bent letters or digits. If you can't see them, ask the staff to let you in.")
_DESCRIBED_WITH_WORDS = _(
    "Five bent letters or digits. If you can't see them, ask for the question in words."
)


def _cog(interaction: Interaction) -> Verification:
    return cast("Verification", interaction.client.get_cog("Verification"))


class _GateButton(LastingButton):
    """What the buttons share: they are made anew from their ids, after restarts, too."""

    def __init__(self, item: discord.ui.Button[Any], match: re.Match[str]) -> None:
        super().__init__(item)  # pyright: ignore[reportCallIssue] - the other base's
        self._match = match

    @classmethod
    async def from_custom_id(
        cls,
        interaction: Interaction,  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Make the button anew from its id."""
        return cls(cast("discord.ui.Button[Any]", item), match)


class BeginButton(_GateButton, _Button, template=r"verification:begin"):
    """The panel's button."""

    async def press(self, interaction: Interaction) -> None:
        """Begin, or go straight in."""
        await _cog(interaction).begin(interaction)


class ShowButton(_GateButton, _Button, template=r"verification:show:(?P<kind>picture|words)"):
    """Asks for another question, of this kind."""

    async def press(self, interaction: Interaction) -> None:
        """Put a new question in place of the old one."""
        await _cog(interaction).ask_again(interaction, Kind(self._match["kind"]))


class EnterButton(_GateButton, _Button, template=r"verification:enter:(?P<token>[0-9a-f]{32})"):
    """Opens the form for the answer; the token is what the answer is sealed with."""

    async def press(self, interaction: Interaction) -> None:
        """Open the form at once: whether the question still stands shows when it is answered."""
        await interaction.response.send_modal(AnswerForm(interaction, self._match["token"]))


class ReviewButton(
    _GateButton,
    _Button,
    template=r"verification:review:(?P<what>approve|refuse):(?P<user>\d{1,20}):(?P<moment>\d{1,15})",
):
    """Decides on the answers to a form."""

    async def press(self, interaction: Interaction) -> None:
        """Let in or turn down, for staff."""
        guild_id_of(interaction)
        match = self._match
        await _cog(interaction).decide(
            interaction,
            int(match["user"]),
            int(match["moment"]),
            let_in=match["what"] == "approve",
        )


BUTTONS = (BeginButton, ShowButton, EnterButton, ReviewButton)


class _Form(discord.ui.Modal):
    def __init__(self, opened: Interaction, title: Message) -> None:
        super().__init__(
            title=title.render(locale_of(opened)),
            timeout=_FORM_SECONDS,
            custom_id=unique_id("verification"),
        )

    async def on_error(self, interaction: Interaction, error: Exception) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)


class AnswerForm(_Form):
    """Takes what somebody read or reckoned."""

    def __init__(self, opened: Interaction, token: str) -> None:
        super().__init__(opened, _("Verification"))
        self._token = token
        self._typed: discord.ui.TextInput[AnswerForm] = discord.ui.TextInput(
            custom_id="typed", max_length=_LONGEST_TYPED
        )
        locale = locale_of(opened)
        self.add_item(
            discord.ui.Label(
                text=_("Your answer").render(locale),
                description=_("Capitals and small letters are the same").render(locale),
                component=self._typed,
            )
        )

    async def on_submit(self, interaction: Interaction) -> None:
        """Have the answer judged."""
        await _cog(interaction).entered(interaction, self._token, self._typed.value)


class QuestionForm(_Form):
    """The guild's own questions."""

    def __init__(self, opened: Interaction, asked: AskForm) -> None:
        super().__init__(opened, _("Verification"))
        self._token = asked.token
        self._inputs: list[discord.ui.TextInput[QuestionForm]] = []
        for number, question in enumerate(asked.questions, 1):
            typed: discord.ui.TextInput[QuestionForm] = discord.ui.TextInput(
                custom_id=f"answer{number}", max_length=LONGEST_ANSWER
            )
            self._inputs.append(typed)
            is_short = len(question.text) <= LONGEST_LABEL
            label = _("Question {number}", number=number).render(locale_of(opened))
            self.add_item(
                discord.ui.Label(
                    text=question.text if is_short else label,
                    description=None if is_short else question.text,
                    component=typed,
                )
            )

    async def on_submit(self, interaction: Interaction) -> None:
        """Have the answers judged."""
        answers = [one.value for one in self._inputs]
        await _cog(interaction).filled_in(interaction, self._token, answers)


def picture_message(asked: AskPicture, picture: bytes, locale: str) -> dict[str, Any]:
    """Return the parts of a message with a picture; what it shows its description doesn't tell."""
    others = [(_("New picture"), "verification:show:picture")]
    if asked.words:
        others.append((_("Question in words"), "verification:show:words"))
    described = _DESCRIBED_WITH_WORDS if asked.words else _DESCRIBED
    return {
        "content": _with_note(asked.note, _READ, locale),
        "file": discord.File(BytesIO(picture), PICTURE_FILE, description=described.render(locale)),
        "view": _row(_("Enter the text"), asked.token, others, locale),
    }


def words_message(asked: AskWords, locale: str) -> dict[str, Any]:
    """Return the parts of a message with a question in words."""
    others = [
        (_("New question"), "verification:show:words"),
        (_("Picture instead"), "verification:show:picture"),
    ]
    return {
        "content": _with_note(asked.note, asked.text, locale),
        "view": _row(_("Answer"), asked.token, others, locale),
    }


def _with_note(note: Message | None, text: Message, locale: str) -> str:
    return f"{note.render(locale)}\n{text.render(locale)}" if note else text.render(locale)


def _row(
    enter: Message, token: str, others: list[tuple[Message, str]], locale: str
) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for label, custom_id in ((enter, f"verification:enter:{token}"), *others):
        style = discord.ButtonStyle.primary if label is enter else discord.ButtonStyle.secondary
        button: discord.ui.Button[Any] = discord.ui.Button(
            label=label.render(locale), custom_id=custom_id, style=style
        )
        view.add_item(button)
    # Presses are found by their ids: a view that runs would be kept in memory for each message.
    view.stop()
    return view
