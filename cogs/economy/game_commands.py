"""The games' commands: they read what Discord gives, call the services and show what fell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import guild_id_of, in_time
from bot.core.i18n import N_, _
from bot.localization import locale_of
from bot.replies import answer
from bot.written import written
from cogs.economy.amounts import LONGEST_TEXT
from cogs.economy.auditing import Auditing
from cogs.economy.desk import MOVES, Interaction, priced, public_locale, settings_of
from cogs.economy.game_buttons import BUTTONS, hand_message, odds_view
from cogs.economy.game_wording import game_board
from cogs.economy.games.bets import Bet, CoinBet, DuelBet, LuckyBet, SlotsBet
from cogs.economy.games.coinflip import Side
from cogs.economy.games.dice import FACES
from cogs.economy.gaming import REFERENCE, Gaming, Seat
from cogs.economy.hands import Hand, Hands
from cogs.economy.settings import EconomySettings
from cogs.economy.treasury import Treasury
from cogs.economy.wording import Currency
from db import economy_games as table

if TYPE_CHECKING:
    from bot.client import Pegasus

AmountText = app_commands.Range[str, 1, LONGEST_TEXT]
_AMOUNT = N_("How much you stake, such as 250, 1k, half or all")
_SIDES = [
    app_commands.Choice(name=N_("Heads"), value=Side.HEADS.value),
    app_commands.Choice(name=N_("Tails"), value=Side.TAILS.value),
]


@app_commands.guild_only()
class Games(commands.Cog):
    """The commands that members play by."""

    def __init__(self, bot: Pegasus, treasury: Treasury, auditing: Auditing) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.gaming = Gaming(kernel.database, kernel.clock)
        treasury.returns[REFERENCE] = self.gaming.note_undone
        auditing.claims.append(table.sum_at_stake)
        self.hands = Hands(
            kernel.database,
            kernel.clock,
            kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            state=kernel.state,
        )

    async def cog_load(self) -> None:
        """Take up the hands of earlier runs and answer to the buttons."""
        self.hands.start()
        self.bot.add_dynamic_items(*BUTTONS)

    @app_commands.command(
        description="Call a coin and win twice your stake",
        extras={**MOVES, **written("amount", "side")},
    )
    @app_commands.describe(amount=_AMOUNT, side="The side you call")
    @app_commands.choices(side=_SIDES)
    async def coinflip(
        self, interaction: Interaction, amount: AmountText, side: app_commands.Choice[str]
    ) -> None:
        """Toss the coin."""
        await self._play(interaction, CoinBet(Side(side.value)), amount)

    @app_commands.command(
        description="Throw two dice against the house, or three for a lucky number",
        extras={**MOVES, **written("amount", "number")},
    )
    @app_commands.describe(
        amount=_AMOUNT, number="A lucky number for three dice; two against the house if left out"
    )
    async def dice(
        self,
        interaction: Interaction,
        amount: AmountText,
        number: app_commands.Range[int, 1, FACES] | None = None,
    ) -> None:
        """Throw the dice."""
        bet = DuelBet() if number is None else LuckyBet(number)
        await self._play(interaction, bet, amount)

    @app_commands.command(
        description="Pull the lever and hope for three alike", extras={**MOVES, **written("amount")}
    )
    @app_commands.describe(amount=_AMOUNT)
    async def slots(self, interaction: Interaction, amount: AmountText) -> None:
        """Turn the reels."""
        await self._play(interaction, SlotsBet(), amount)

    @app_commands.command(description="Play a hand of blackjack against the dealer", extras=MOVES)
    @app_commands.describe(amount=_AMOUNT)
    async def blackjack(self, interaction: Interaction, amount: AmountText) -> None:
        """Deal a hand, or show the one that is open."""
        async with in_time():
            settings = await settings_of(interaction)
            with priced(Currency.of(settings)):
                hand = await self.hands.deal(seat_of(interaction), amount, settings)
            locale = await public_locale(interaction)
        if not hand.is_new:
            await _show_again(interaction, hand, settings)
            return
        sent = await interaction.response.send_message(
            **hand_message(hand, settings, locale), allowed_mentions=discord.AllowedMentions.none()
        )
        if hand.is_open and sent.message_id is not None and interaction.channel_id is not None:
            await self.hands.note_message(hand.game, interaction.channel_id, sent.message_id)

    async def _play(self, interaction: Interaction, bet: Bet, amount: str) -> None:
        async with in_time():
            settings = await settings_of(interaction)
            with priced(Currency.of(settings)):
                played = await self.gaming.play(seat_of(interaction), bet, amount, settings)
            locale = await public_locale(interaction)
        embed = game_board(played.game, played.balance, settings, locale)
        await answer(
            interaction,
            embed=discord.Embed.from_dict(embed),
            view=odds_view(bet.game, locale),
            ephemeral=False,
        )


def seat_of(interaction: Interaction) -> Seat:
    """Return who plays, and where."""
    return Seat(
        guild_id_of(interaction),
        interaction.user.id,
        interaction.channel_id or 0,
        getattr(interaction.channel, "parent_id", None),
        interaction.id,
    )


async def _show_again(interaction: Interaction, hand: Hand, settings: EconomySettings) -> None:
    """Show a hand that was dealt before, for its player's eyes: its message may be gone."""
    game, locale = hand.game, locale_of(interaction)
    text = _("You have a hand open. Finish it first; here it is again.")
    if game.message_id is not None:
        link = f"https://discord.com/channels/{game.guild_id}/{game.channel_id}/{game.message_id}"
        text = _("You have a hand open: {link}. Finish it first; here it is again.", link=link)
    await answer(interaction, text, **hand_message(hand, settings, locale))
