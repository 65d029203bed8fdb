"""What is pressed in games: moves of blackjack and the odds. Known by their ids, so they last."""

from __future__ import annotations

import re
from typing import Any, Protocol, Self, cast

import discord

from bot.checks import guild_id_of, in_time
from bot.core.i18n import N_, _
from bot.localization import locale_of
from bot.replies import LastingButton, answer
from cogs.economy.desk import priced, public_locale, settings_of
from cogs.economy.game_wording import hand_board, odds_embed
from cogs.economy.games import Game, blackjack
from cogs.economy.games.blackjack import Move
from cogs.economy.hands import Hand, Hands, Press
from cogs.economy.settings import EconomySettings
from cogs.economy.wording import Currency

_Button = discord.ui.DynamicItem[discord.ui.Button[Any]]
_LABELS = {Move.HIT: N_("Hit"), Move.STAND: N_("Stand"), Move.DOUBLE: N_("Double")}


class _Cog(Protocol):
    hands: Hands


class _GameButton(LastingButton):
    """What the buttons share: they are made anew from their ids."""

    def __init__(self, item: discord.ui.Button[Any], match: re.Match[str]) -> None:
        super().__init__(item)  # pyright: ignore[reportCallIssue] - the other base's
        self._match = match

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Make the button anew from its id."""
        return cls(cast("discord.ui.Button[Any]", item), match)


class MoveButton(
    _GameButton,
    _Button,
    template=r"economy:blackjack:(?P<move>hit|stand|double):(?P<game>\d{1,18}):(?P<version>\d{1,6})",
):
    """A move on a hand, as it was when the button was shown."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Make the move and show the hand as it is then."""
        hands = cast("_Cog", interaction.client.get_cog("Games")).hands
        async with in_time():
            settings = await settings_of(interaction)
            with priced(Currency.of(settings)):
                hand = await hands.move(self._press(interaction))
            locale = await public_locale(interaction)
        await interaction.response.edit_message(**hand_message(hand, settings, locale))

    def _press(self, interaction: discord.Interaction[Any]) -> Press:
        message, place = interaction.message, {}
        if message is not None and not message.flags.ephemeral:
            place = {"channel_id": message.channel.id, "message_id": message.id}
        return Press(
            int(self._match["game"]),
            int(self._match["version"]),
            guild_id_of(interaction),
            interaction.user.id,
            Move(self._match["move"]),
            **place,
        )


class OddsButton(
    _GameButton, _Button, template=r"economy:odds:(?P<game>coinflip|dice|slots|blackjack)"
):
    """Tells the odds of a game."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Show the published table in the reader's language."""
        embed = odds_embed(Game(self._match["game"]), locale_of(interaction))
        await answer(interaction, embed=discord.Embed.from_dict(embed))


BUTTONS = (MoveButton, OddsButton)


def odds_view(game: Game, locale: str | None) -> discord.ui.View:
    """Return the one button under a game that is over."""
    return _view([_odds_button(game, locale)])


def hand_message(hand: Hand, settings: EconomySettings, locale: str | None) -> dict[str, Any]:
    """Return what shows a hand: its board and the moves that it allows."""
    buttons: list[discord.ui.Button[Any]] = []
    if hand.is_open:
        buttons = [
            discord.ui.Button(
                label=_(_LABELS[move]).render(locale),
                style=discord.ButtonStyle.primary,
                custom_id=f"economy:blackjack:{move}:{hand.game.id}:{hand.game.version}",
            )
            for move in blackjack.moves(hand.deal)
        ]
    buttons.append(_odds_button(Game.BLACKJACK, locale))
    embed = discord.Embed.from_dict(hand_board(hand, settings, locale))
    return {"embed": embed, "view": _view(buttons)}


def _odds_button(game: Game, locale: str | None) -> discord.ui.Button[Any]:
    return discord.ui.Button(
        label=_("Odds").render(locale),
        style=discord.ButtonStyle.secondary,
        custom_id=f"economy:odds:{game}",
    )


def _view(buttons: list[discord.ui.Button[Any]]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for button in buttons:
        view.add_item(button)
    # One that has stopped is not kept in memory; the buttons above answer for it.
    view.stop()
    return view
