"""What members press: enter, leave, claim. Known by their ids alone, so they work for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, Self, cast
from uuid import UUID

import discord

from bot.checks import guild_id_of, in_time
from bot.core.durations import Span
from bot.core.errors import Denied
from bot.core.fields.text import escape_markdown, shorten
from bot.core.goods import title_of
from bot.core.i18n import Message, _, ngettext
from bot.core.money import Number
from bot.localization import locale_of
from bot.replies import LastingButton, answer
from cogs.giveaways.announcing import withheld_line
from cogs.giveaways.columns import role_time_of
from cogs.giveaways.entering import Entered, Entrant, Inside, Left, Refused
from cogs.giveaways.mentions import people
from cogs.giveaways.offers import Offer
from cogs.giveaways.runner import Runner
from cogs.giveaways.using import Press, Used
from cogs.giveaways.winning import Claimed

Interaction = discord.Interaction[Any]
_Button = discord.ui.DynamicItem[discord.ui.Button[Any]]
# Of a button.
_LONGEST_LABEL = 80
_PIECE = r"(?P<item>\d{1,18}):(?P<nth>\d{1,4})"
_ID = r"(?P<giveaway>[0-9a-f-]{32,36})"


class _Cog(Protocol):
    runner: Runner


def _runner(interaction: Interaction) -> Runner:
    return cast("_Cog", interaction.client.get_cog("Giveaways")).runner


class _GiveawayButton(LastingButton):
    """What the buttons share: they are made anew from their ids."""

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

    @property
    def giveaway_id(self) -> UUID:
        """The giveaway that the id names."""
        return UUID(self._match["giveaway"])


class EnterButton(_GiveawayButton, _Button, template=rf"giveaways:enter:{_ID}"):
    """Enters; whoever is in already is offered to leave."""

    async def press(self, interaction: Interaction) -> None:
        """Enter, or say all that is in the way."""
        async with in_time():
            came = await _runner(interaction).entering.enter(
                self.giveaway_id, entrant_of(interaction)
            )
        match came:
            case Entered(weight, ()):
                await answer(interaction, _entered(weight))
            case Entered(weight, offers):
                view = _view(self.giveaway_id, interaction, offers, can_leave=False)
                await answer(interaction, _entered(weight), view=view)
            case Inside(weight, offers):
                view = _view(self.giveaway_id, interaction, offers)
                await answer(interaction, _inside(weight), view=view)
            case Refused(obstacles):
                first = _("You can't enter this giveaway yet:")
                shown = _listed([first, *obstacles], locale_of(interaction))
                await answer(interaction, shown)


class LeaveButton(_GiveawayButton, _Button, template=rf"giveaways:leave:{_ID}"):
    """Takes an entry back; only whoever entered sees it."""

    async def press(self, interaction: Interaction) -> None:
        """Leave, and say so in the place of the question."""
        async with in_time():
            left = await _runner(interaction).entering.leave(
                self.giveaway_id, guild_id_of(interaction), interaction.user.id
            )
        locale = locale_of(interaction)
        content = "\n".join(one.render(locale) for one in _left_lines(left))
        await interaction.response.edit_message(content=content, view=None)


class UseButton(_GiveawayButton, _Button, template=rf"giveaways:use:{_ID}:{_PIECE}"):
    """Uses a piece of an item for more entries; leaving gives it back, so nothing is asked."""

    async def press(self, interaction: Interaction) -> None:
        """Use it, and say how it is now in the place of what was said before."""
        press = Press(
            giveaway_id=self.giveaway_id,
            user_id=interaction.user.id,
            item_id=int(self._match["item"]),
            nth=int(self._match["nth"]),
            key=f"giveaway:{interaction.id}",
        )
        async with in_time():
            done = await _runner(interaction).using.use(press, entrant_of(interaction))
        locale = locale_of(interaction)
        if isinstance(done, Refused):
            first = _("You could not enter this giveaway any more, so nothing was used:")
            await answer(interaction, _listed([first, *done.obstacles], locale))
            return
        text = _used(done) if isinstance(done, Used) else _inside(done.weight)
        await interaction.response.edit_message(
            content=text.render(locale),
            view=_view(self.giveaway_id, interaction, done.offers),
        )


class ClaimButton(_GiveawayButton, _Button, template=r"giveaways:claim:(?P<winner>\d{1,18})"):
    """The button in a winner's letter."""

    async def press(self, interaction: Interaction) -> None:
        """Claim the prize that the letter is about."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        winner_id = int(self._match["winner"])
        claimed = await _runner(interaction).winning.claim(winner_id, interaction.user.id)
        await answer(interaction, claimed_text(claimed, locale_of(interaction)))


class PrizeButton(_GiveawayButton, _Button, template=rf"giveaways:prize:{_ID}"):
    """The button of the announcement, for winners whose private messages are closed."""

    async def press(self, interaction: Interaction) -> None:
        """Claim what the presser has won."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        claimed = await _runner(interaction).winning.claim_in(self.giveaway_id, interaction.user.id)
        await answer(interaction, claimed_text(claimed, locale_of(interaction)))


BUTTONS = (EnterButton, LeaveButton, UseButton, ClaimButton, PrizeButton)


def entrant_of(interaction: Interaction) -> Entrant:
    """Return who presses, from what the press itself tells."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        raise Denied(_("This only works inside a server, not in direct messages."))
    roles = frozenset(one.id for one in user.roles)
    return Entrant(guild_id_of(interaction), user.id, roles, user.created_at, user.joined_at)


def _view(
    giveaway_id: UUID,
    interaction: Interaction,
    offers: Sequence[Offer],
    *,
    can_leave: bool = True,
) -> discord.ui.View:
    """Return the buttons of somebody who is in: their items, then leaving."""
    locale, view = locale_of(interaction), discord.ui.View(timeout=None)
    for one in offers:
        view.add_item(_use_button(giveaway_id, one, locale))
    if can_leave:
        view.add_item(
            discord.ui.Button(
                label=_("Leave the giveaway").render(locale),
                custom_id=f"giveaways:leave:{giveaway_id}",
            )
        )
    # One that has stopped is not kept in memory; the button above answers for it.
    view.stop()
    return view


def _use_button(giveaway_id: UUID, offer: Offer, locale: str) -> discord.ui.Button[Any]:
    item = offer.item
    # Without its emoji: Discord refuses a button with one that was deleted since.
    label = ngettext(
        "Use 1 {item}: +{count} entry",
        "Use 1 {item}: +{count} entries",
        offer.entries,
        item=item.name,
    )
    return discord.ui.Button(
        label=shorten(label.render(locale), _LONGEST_LABEL),
        style=discord.ButtonStyle.primary,
        custom_id=f"giveaways:use:{giveaway_id}:{item.id}:{offer.nth}",
    )


def _used(used: Used) -> Message:
    return ngettext(
        "You have used 1 {item} and are in with {count} entry. Leaving the giveaway gives it back.",
        "You have used 1 {item} and are in with {count} entries. "
        "Leaving the giveaway gives it back.",
        used.weight,
        item=title_of(used.item),
    )


def _listed(lines: Sequence[Message], locale: str) -> str:
    return "\n- ".join(one.render(locale) for one in lines)


def _left_lines(left: Left | None) -> Iterator[Message]:
    if left is None:
        yield _("You are not in this giveaway.")
        return
    yield _("You have left the giveaway. Press its button to enter again.")
    if left.returned:
        yield ngettext(
            "{count} piece that you had used is in your inventory again.",
            "{count} pieces that you had used are in your inventory again.",
            left.returned,
        )
    if left.expired:
        yield ngettext(
            "The time of {count} piece that you had used is over.",
            "The time of {count} pieces that you had used is over.",
            left.expired,
        )


def _entered(weight: int) -> Message:
    if weight == 1:
        return _("You are in. Good luck!")
    return ngettext(
        "You are in, with {count} entry. Good luck!",
        "You are in, with {count} entries. Good luck!",
        weight,
    )


def _inside(weight: int) -> Message:
    return ngettext(
        "You are in this giveaway already, with {count} entry.",
        "You are in this giveaway already, with {count} entries.",
        weight,
    )


def claimed_text(claimed: Claimed, locale: str) -> str:
    """Return what somebody reads who has claimed, now or before."""
    text = (
        _("The prize is yours. Congratulations!")
        if claimed.is_new
        else _("You have this prize already.")
    )
    lines = [text.render(locale)]
    if claimed.code is not None:
        lines += [_("Your code, which nobody else was given:").render(locale)]
        lines += [_fenced(claimed.code)]
    lines += [one.render(locale) for one in _given_lines(claimed)]
    return "\n".join(lines)


def _given_lines(claimed: Claimed) -> Iterator[Message]:
    giveaway = claimed.giveaway
    # Nobody holds one of the API, or of somebody whose data was erased.
    host = people([giveaway.host_id]) if giveaway.host_id else _("the staff of the server")
    if claimed.is_code_missing:
        yield _(
            "There is no code left for you: ask {host} to add one, then press the button again.",
            host=host,
        )
    if claimed.amount is not None:
        yield _("{amount} was put into your account.", amount=claimed.amount)
    if giveaway.prize_xp is not None:
        yield _("{xp} experience is counted for you.", xp=Number(giveaway.prize_xp))
    if giveaway.reward_role_id is not None:
        yield from _role_lines(claimed)
    elif not (claimed.amount or giveaway.prize_xp or claimed.code or claimed.is_code_missing):
        yield (
            _("{host} holds this giveaway: ask them for it.", host=host)
            if giveaway.host_id
            else _("Ask the staff of the server for it.")
        )


def _role_lines(claimed: Claimed) -> Iterator[Message]:
    giveaway, role = claimed.giveaway, f"<@&{claimed.giveaway.reward_role_id}>"
    time = role_time_of(giveaway)
    if claimed.is_role_withheld:
        # Whether it was given before that is not known.
        if claimed.is_new:
            yield withheld_line(giveaway)
    elif not claimed.is_new:
        # Its time may be over by now.
        yield (
            _("The role {role} came with it.", role=role)
            if time is None
            else _("The role {role} came with it, for {time}.", role=role, time=Span(time))
        )
    elif time is None:
        yield _("Your role {role} is on its way.", role=role)
    else:
        yield _("Your role {role} is on its way, for {time}.", role=role, time=Span(time))


def _fenced(code: str) -> str:
    """Return a code so that it shows as it is; only three backticks in a row would end a fence."""
    return f"```\n{code}\n```" if "```" not in code else escape_markdown(code)
