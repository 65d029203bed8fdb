"""What those who manage the economy can do: give, take, set, undo, audit, report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.batchscreens import run_batch
from bot.checks import actor_of, ensure_manages, guild_id_of, manages
from bot.core.batches import Later, Refused
from bot.core.errors import DiscordFailed, InvalidInput, NotFound
from bot.core.fields.text import shorten
from bot.core.i18n import Message, _, ngettext
from bot.core.ledger import TransactionKind
from bot.localization import locale_of
from bot.replies import answer, confirm
from cogs.economy.amounts import LONGEST_TEXT, parse_amount
from cogs.economy.bulk import BulkOrder, outcome_of, progress_of
from cogs.economy.desk import MANAGED, Interaction, priced, settings_of
from cogs.economy.figures import findings_text, report_embed
from cogs.economy.settings import KEY
from cogs.economy.treasury import LONGEST_REASON, Done, Order, Undone
from cogs.economy.wording import Currency, signed
from db import economy as table
from db import economy_books as books

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.economy.auditing import Auditing
    from cogs.economy.bulk import Bulk
    from cogs.economy.reporting import Reporting
    from cogs.economy.treasury import Treasury

_MAX_OFFERS, _MAX_OFFER = 25, 100
_MOST_CHANGES = 10
_DAYS = [
    app_commands.Choice(name="7 days", value=7),
    app_commands.Choice(name="30 days", value=30),
    app_commands.Choice(name="90 days", value=90),
]
Amount = app_commands.Range[str, 1, LONGEST_TEXT]
Reason = app_commands.Range[str, 1, LONGEST_REASON]


async def complete_transaction(
    interaction: Interaction, current: str
) -> list[app_commands.Choice[int]]:
    """Offer the newest transactions that can be undone, to those who manage the economy."""
    if interaction.guild_id is None or not await manages(interaction, KEY):
        return []
    async with interaction.client.kernel.database.read() as session:
        found = await books.list_transactions(session, interaction.guild_id, limit=100)
    locale = locale_of(interaction)
    offers = [
        app_commands.Choice(name=shorten(_offer(one).render(locale), _MAX_OFFER), value=one.id)
        for one in found
        if one.counter_id is None and one.kind != TransactionKind.UNDO
    ]
    wanted = current.casefold().lstrip("#")
    return [one for one in offers if wanted in one.name.casefold()][:_MAX_OFFERS]


def _offer(one: table.Transaction) -> Message:
    return _(
        "#{number} {kind}, {when} UTC {reason}",
        number=one.id,
        kind=_(TransactionKind(one.kind).label),
        when=one.created_at.strftime("%Y-%m-%d %H:%M"),
        reason=one.reason or "",
    )


class StaffCommands(commands.Cog):
    """The commands, for the cog to inherit; it sets the services."""

    bot: Pegasus
    treasury: Treasury
    auditing: Auditing
    reporting: Reporting
    bulks: Bulk

    @app_commands.command(description="Give a member money", extras=MANAGED)
    @app_commands.describe(
        member="Who gets it", amount="How much, such as 250 or 1k", reason="Why; they can read it"
    )
    async def give(
        self,
        interaction: Interaction,
        member: discord.User,
        amount: Amount,
        reason: Reason | None = None,
    ) -> None:
        """Mint an amount for a member."""
        await _begin(interaction)
        order = await _order(interaction, member, reason)
        done = await self.treasury.give(order, parse_amount(amount))
        await self._answer_change(interaction, member, done)

    @app_commands.command(description="Take money from a member", extras=MANAGED)
    @app_commands.describe(
        member="Who loses it",
        amount="How much, such as 250, half or all",
        reason="Why; they can read it",
    )
    async def take(
        self,
        interaction: Interaction,
        member: discord.User,
        amount: Amount,
        reason: Reason | None = None,
    ) -> None:
        """Take an amount from a member."""
        await _begin(interaction)
        order = await _order(interaction, member, reason)
        async with self.bot.kernel.database.read() as session:
            balance = await table.get_balance(session, order.guild_id, member.id)
        number = parse_amount(amount, available=balance)
        if number > balance:
            currency = Currency.of(await settings_of(interaction))
            raise InvalidInput(
                _(
                    "{member} has only {balance}.",
                    member=member.mention,
                    balance=currency.amount(balance),
                ),
                hint=_("Write all to take everything."),
            )
        with priced(Currency.of(await settings_of(interaction))):
            done = await self.treasury.take(order, number)
        await self._answer_change(interaction, member, done)

    @app_commands.command(name="set", description="Set what a member has", extras=MANAGED)
    @app_commands.describe(
        member="Whose balance", amount="What they are to have", reason="Why; they can read it"
    )
    async def set_balance(
        self,
        interaction: Interaction,
        member: discord.User,
        amount: Amount,
        reason: Reason | None = None,
    ) -> None:
        """Have a member own exactly this much."""
        await _begin(interaction)
        order = await _order(interaction, member, reason)
        # Nothing is a balance, though it is no amount.
        number = 0 if amount.strip() == "0" else parse_amount(amount)
        done = await self.treasury.set(order, number)
        await self._answer_change(interaction, member, done)

    async def _answer_change(
        self, interaction: Interaction, member: discord.User, done: Done
    ) -> None:
        currency = Currency.of(await settings_of(interaction))
        text = _(
            "✅ {member}: {change}, now {balance} (transaction {number}).",
            member=member.mention,
            change=signed(currency, done.change),
            balance=currency.amount(done.balance),
            number=done.number,
        )
        await answer(interaction, text)

    @app_commands.command(
        description="Give to, or take from, everybody with a role", extras=MANAGED
    )
    @app_commands.describe(
        action="Whether they get it or lose it",
        role="Whose members",
        amount="How much each of them, such as 250 or 1k",
        reason="Why; they can read it",
    )
    @app_commands.choices(
        action=[
            app_commands.Choice(name="Give", value="give"),
            app_commands.Choice(name="Take", value="take"),
        ]
    )
    async def bulk(
        self,
        interaction: Interaction,
        action: app_commands.Choice[str],
        role: discord.Role,
        amount: Amount,
        reason: Reason | None = None,
    ) -> None:
        """Do it after a question that says for how many, with progress."""
        await _begin(interaction)
        guild_id, number = guild_id_of(interaction), parse_amount(amount)
        members = await self._count(guild_id, role.id)
        if not members:
            raise NotFound(_("Nobody has {role}.", role=role.mention))
        order = BulkOrder(
            guild_id=guild_id,
            channel_id=interaction.channel_id or 0,
            occasion=interaction.id,
            role_id=role.id,
            gives=action.value == "give",
            amount=number,
            reason=reason,
            members=members,
        )
        question = await self._bulk_question(interaction, order, role)
        if not await confirm(interaction, question, recheck=_recheck):
            return
        batch = order.batch(actor_of(interaction), locale_of(interaction))
        await run_batch(interaction, batch, progress=progress_of, outcome=outcome_of)

    async def _count(self, guild_id: int, role_id: int) -> int:
        try:
            return await self.bulks.count(guild_id, role_id)
        except (Later, Refused) as error:
            raise DiscordFailed(
                _("Discord does not say who has this role."),
                hint=_("Please try again in a minute."),
            ) from error

    async def _bulk_question(
        self, interaction: Interaction, order: BulkOrder, role: discord.Role
    ) -> Message:
        each = Currency.of(await settings_of(interaction)).amount(order.amount)
        if order.gives:
            return ngettext(
                "Give {amount} to {count} member with {role}?",
                "Give {amount} to each of {count} members with {role}?",
                order.members,
                amount=each,
                role=role.mention,
            )
        return ngettext(
            "Take {amount}, or what is left, from {count} member with {role}?",
            "Take {amount}, or what is left, from each of {count} members with {role}?",
            order.members,
            amount=each,
            role=role.mention,
        )

    @app_commands.command(description="Undo a transaction", extras=MANAGED)
    @app_commands.describe(
        transaction="Its number, as in /transactions", reason="Why; those concerned can read it"
    )
    @app_commands.autocomplete(transaction=complete_transaction)
    async def undo(
        self, interaction: Interaction, transaction: int, reason: Reason | None = None
    ) -> None:
        """Write the counter-transaction, with all that belongs to it."""
        await _begin(interaction)
        order = await _order(interaction, None, reason)
        with priced(Currency.of(await settings_of(interaction))):
            undone = await self.treasury.undo(order, transaction)
        await answer(interaction, await self._undone_text(interaction, transaction, undone))

    async def _undone_text(self, interaction: Interaction, transaction: int, undone: Undone) -> str:
        currency, locale = Currency.of(await settings_of(interaction)), locale_of(interaction)
        head = _(
            "✅ Transaction {number} is undone by transaction {other}.",
            number=transaction,
            other=undone.number,
        )
        lines = [head.render(locale)]
        for user_id, change in list(undone.changes.items())[:_MOST_CHANGES]:
            lines.append(f"- <@{user_id}>: {signed(currency, change).render(locale)}")
        lines += [f"-# ⚠️ {one.render(locale)}" for one in undone.notes]
        return "\n".join(lines)

    @app_commands.command(description="Check that the books balance", extras=MANAGED)
    async def audit(self, interaction: Interaction) -> None:
        """Go through all accounts and transactions of this server."""
        await _begin(interaction)
        guild_id = guild_id_of(interaction)
        findings = await self.auditing.audit(guild_id)
        await self.auditing.tell(guild_id, findings)
        await answer(interaction, findings_text(findings, locale_of(interaction)))

    @app_commands.command(
        description="Show where money comes from and where it goes", extras=MANAGED
    )
    @app_commands.describe(period="How far back; 30 days if left out")
    @app_commands.choices(period=_DAYS)
    async def stats(
        self, interaction: Interaction, period: app_commands.Choice[int] | None = None
    ) -> None:
        """Show the report against inflation."""
        await _begin(interaction)
        report = await self.reporting.report(
            guild_id_of(interaction), period.value if period else 30
        )
        currency = Currency.of(await settings_of(interaction))
        await answer(interaction, embed=report_embed(report, currency, locale_of(interaction)))


async def _begin(interaction: Interaction) -> None:
    """Gain time to answer, and turn away who may not manage the economy."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await ensure_manages(interaction, KEY)


async def _order(
    interaction: Interaction, member: discord.User | None, reason: str | None
) -> Order:
    if member is not None and member.bot:
        raise InvalidInput(_("Bots have no use for money."), hint=_("Choose a person."))
    return Order(
        guild_id=guild_id_of(interaction),
        user_id=member.id if member else 0,
        actor=actor_of(interaction),
        key=f"staff:{interaction.id}",
        reason=reason,
    )


async def _recheck(interaction: discord.Interaction[Any]) -> None:
    await ensure_manages(interaction, KEY)
