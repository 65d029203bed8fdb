"""What every member can do with money: look, earn, pay. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import guild_id_of, manages
from bot.core.errors import Denied
from bot.core.i18n import Message, _
from bot.localization import locale_of
from bot.replies import answer, confirm
from bot.written import written
from cogs.economy.amounts import LONGEST_TEXT, parse_amount
from cogs.economy.browsing import show_board, show_history
from cogs.economy.desk import LOOKS, MOVES, Interaction, priced, public_locale, settings_of, zone_of
from cogs.economy.earning import Earning
from cogs.economy.paying import Payee, Paying, ensure_payable
from cogs.economy.rules import tax_on
from cogs.economy.settings import KEY
from cogs.economy.wording import Currency
from db import economy as table
from db import economy_books as books

if TYPE_CHECKING:
    from bot.client import Pegasus


@app_commands.guild_only()
class Money(commands.Cog):
    """The members' commands."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.earning = Earning(kernel.database, kernel.clock)
        self.paying = Paying(kernel.database, kernel.clock)

    @app_commands.command(
        description="Show what you or somebody else has", extras={**LOOKS, **written("member")}
    )
    @app_commands.describe(member="Whose balance; yours if left out")
    async def balance(self, interaction: Interaction, member: discord.Member | None = None) -> None:
        """Show a balance with its place on the board."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        who, guild_id = member or interaction.user, guild_id_of(interaction)
        currency = Currency.of(await settings_of(interaction))
        async with self.bot.kernel.database.read() as session:
            amount = await table.get_balance(session, guild_id, who.id)
            place = 1 + await books.count_ranked(session, guild_id, above=amount)
        values = {"member": who.mention, "amount": currency.amount(amount)}
        if not amount:
            text = _("{member} has {amount}.", **values)
        else:
            text = _("{member} has {amount}, place {place} in this server.", place=place, **values)
        await answer(interaction, text)

    @app_commands.command(description="Take today's gift", extras={**MOVES, **written()})
    async def daily(self, interaction: Interaction) -> None:
        """Hand out the day's gift."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        settings = await settings_of(interaction)
        received = await self.earning.daily(
            guild_id_of(interaction), interaction.user.id, settings, await zone_of(interaction)
        )
        currency, gift = Currency.of(settings), received.gift
        lines = [
            _(
                "🎁 Here is {amount}. You have {balance} now.",
                amount=currency.amount(gift.amount),
                balance=currency.amount(received.balance),
            )
        ]
        if gift.bonus:
            lines.append(
                _(
                    "-# 🔥 {days} days in a row: {bonus} of it is your bonus.",
                    days=gift.streak,
                    bonus=currency.amount(gift.bonus),
                )
            )
        elif gift.broken:
            lines.append(_("-# Your streak begins anew."))
        lines.append(
            _(
                "-# The next gift is there {when}.",
                when=discord.utils.format_dt(received.next_at, "R"),
            )
        )
        await answer(interaction, _joined(lines, interaction))

    @app_commands.command(description="Earn something", extras={**MOVES, **written()})
    async def work(self, interaction: Interaction) -> None:
        """Pay for a shift."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        settings = await settings_of(interaction)
        shift = await self.earning.work(
            guild_id_of(interaction),
            interaction.user.id,
            settings,
            key=f"work:{interaction.id}",
        )
        currency = Currency.of(settings)
        lines = [
            _(shift.story, amount=currency.amount(shift.amount)),
            _(
                "-# You have {balance} now. You can work again {when}.",
                balance=currency.amount(shift.balance),
                when=discord.utils.format_dt(shift.next_at, "R"),
            ),
        ]
        await answer(interaction, _joined(lines, interaction))

    @app_commands.command(
        description="Give somebody some of your money",
        extras={**MOVES, **written("member", "amount")},
    )
    @app_commands.describe(member="Who gets it", amount="How much, such as 250, 1k, half or all")
    async def pay(
        self,
        interaction: Interaction,
        member: discord.User,
        amount: app_commands.Range[str, 1, LONGEST_TEXT],
    ) -> None:
        """Pay a member, after a question where it is much."""
        settings, guild_id = await settings_of(interaction), guild_id_of(interaction)
        payee = Payee(member.id, member.bot, isinstance(member, discord.Member))
        ensure_payable(settings, interaction.user.id, payee)
        currency = Currency.of(settings)
        async with self.bot.kernel.database.read() as session:
            balance = await table.get_balance(session, guild_id, interaction.user.id)
        number = parse_amount(amount, available=balance)
        asked = number > settings.pay_confirm_above
        await interaction.response.defer(ephemeral=asked, thinking=True)
        if asked and not await confirm(
            interaction,
            _question(currency, member, number, tax=tax_on(number, settings.pay_tax)),
            danger=False,
            recheck=_ensure_still_on,
        ):
            return
        # What was switched off while the question was open is off.
        settings = await settings_of(interaction)
        with priced(currency):
            done = await self.paying.pay(
                guild_id,
                interaction.user.id,
                payee,
                number,
                settings,
                key=f"pay:{interaction.id}",
            )
        text = _(
            "💸 {payer} has paid {amount} to {member}.",
            payer=interaction.user.mention,
            amount=currency.amount(done.received),
            member=member.mention,
        )
        told = discord.AllowedMentions(users=[member])
        if asked:
            left = currency.amount(done.balance)
            await answer(interaction, _("✅ Paid. You have {balance} left.", balance=left))
        words = text.render(await public_locale(interaction))
        await answer(interaction, words, ephemeral=False, allowed_mentions=told)

    @app_commands.command(description="Show who has the most", extras={**LOOKS, **written()})
    async def leaderboard(self, interaction: Interaction) -> None:
        """Show the richest members who are there, by pages."""
        await interaction.response.defer(thinking=True)
        await show_board(interaction, Currency.of(await settings_of(interaction)))

    @app_commands.command(description="Show what came and went", extras=LOOKS)
    @app_commands.describe(member="Whose transactions, for staff; yours if left out")
    async def transactions(
        self, interaction: Interaction, member: discord.User | None = None
    ) -> None:
        """Show a history, by pages; that of others to those who manage the economy."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        who = member or interaction.user
        if who.id != interaction.user.id and not await manages(interaction, KEY):
            raise Denied(
                _("You can only see your own transactions."),
                hint=_("Whoever manages the economy can see those of others."),
            )
        await show_history(interaction, Currency.of(await settings_of(interaction)), who)


async def _ensure_still_on(pressed: discord.Interaction[Pegasus]) -> None:
    """Raise when the economy was switched off while somebody was asked."""
    state = await pressed.client.kernel.settings.get(guild_id_of(pressed), KEY)
    if not state.enabled:
        raise Denied(_("The economy was switched off meanwhile."))


def _question(
    currency: Currency, member: discord.User | discord.Member, number: int, *, tax: int
) -> Message:
    if not tax:
        return _("Pay {amount} to {member}?", amount=currency.amount(number), member=member.mention)
    return _(
        "Pay {amount} to {member}? They get {received}; {tax} is tax.",
        amount=currency.amount(number),
        member=member.mention,
        received=currency.amount(number - tax),
        tax=currency.amount(tax),
    )


def _joined(lines: list[Message], interaction: Interaction) -> str:
    locale = locale_of(interaction)
    return "\n".join(one.render(locale) for one in lines)
