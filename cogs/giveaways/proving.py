"""`/giveaway verify` and `/giveaway prizes`: how fair a draw was, and the codes in the vault."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import actor_of, guild_id_of
from bot.core.errors import Conflict, NotFound
from bot.core.fields.text import quote
from bot.core.i18n import Message, _, ngettext
from bot.forms import Input, Question, Values, ask
from bot.localization import locale_of
from bot.replies import answer, unique_id
from cogs.giveaways.access import (
    Interaction,
    ensure_may_handle,
    find_giveaway,
    is_host,
    offer_giveaways,
)
from cogs.giveaways.mentions import Mentions
from cogs.giveaways.settings import KEY
from cogs.giveaways.vault import LONGEST_CODE, MOST_CODES, Stock
from db.giveaways import ACTIVE, CANCELLED, DRAWING, ENDED, PAUSED, SCHEDULED, Giveaway

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.giveaways.proof import Proof, Proofs
    from cogs.giveaways.stocking import Stocking

# Discord forgets a form after a quarter of an hour.
_FORM_SECONDS = 840.0
_ANNOUNCED = (ACTIVE, PAUSED, DRAWING, ENDED, CANCELLED)
_OPEN_VAULT = (SCHEDULED, ACTIVE, PAUSED, DRAWING, ENDED)
# The message says much else.
_MOST_SHOWN = 5
_COMMAND = "python verify.py {file}"


async def complete_announced(
    interaction: Interaction, current: str
) -> list[app_commands.Choice[str]]:
    """Offer the giveaways that have been announced."""
    return await offer_giveaways(interaction, current, statuses=_ANNOUNCED)


async def complete_with_vault(
    interaction: Interaction, current: str
) -> list[app_commands.Choice[str]]:
    """Offer the giveaways that take codes, to hosts."""
    if interaction.guild_id is None or not await is_host(interaction):
        return []
    return await offer_giveaways(interaction, current, statuses=_OPEN_VAULT)


class ProofCommands(commands.Cog):
    """The commands, for the cog to inherit; it sets `proofs` and `stocking`."""

    bot: Pegasus
    proofs: Proofs
    stocking: Stocking

    @app_commands.command(description="Check that a draw was fair, and get its proof")
    @app_commands.describe(giveaway="The giveaway, by its number, title or prize")
    @app_commands.autocomplete(giveaway=complete_announced)
    async def verify(self, interaction: Interaction, giveaway: str) -> None:
        """Check the draw and hand out the proof, with what it does and does not show."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        found = await find_giveaway(interaction, giveaway, statuses=_ANNOUNCED)
        proof = await self.proofs.make(guild_id_of(interaction), found.id, interaction.user.id)
        if proof is None:
            raise NotFound(_("This giveaway is not there any more."))
        text = describe(proof, locale_of(interaction))
        options: dict[str, Any] = {}
        if proof.file is not None:
            options["file"] = discord.File(BytesIO(proof.file), proof.filename)
        await answer(interaction, text, **options)

    @app_commands.command(description="Put codes for the winners into a giveaway's vault")
    @app_commands.describe(giveaway="The giveaway, by its number, title or prize")
    @app_commands.autocomplete(giveaway=complete_with_vault)
    async def prizes(self, interaction: Interaction, giveaway: str) -> None:
        """Say how many codes there are, and take more; none is ever shown here."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        found = await find_giveaway(interaction, giveaway, rather=_OPEN_VAULT)
        await ensure_may_handle(interaction, found)
        if found.status == CANCELLED:
            raise Conflict(_("This giveaway was cancelled."))
        stock = await self.stocking.stock(found)
        view = _AddCodes(self, interaction, found)
        await answer(interaction, describe_stock(stock, found), view=view)

    async def take_codes(self, interaction: Interaction, found: Giveaway, typed: str) -> None:
        """Put the codes that somebody has typed into the vault."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_may_handle(interaction, found)
        stock = await self.stocking.add(found, typed.splitlines(), actor_of(interaction))
        await answer(interaction, describe_stock(stock, found))


def describe_stock(stock: Stock, giveaway: Giveaway) -> Message:
    """Say how many codes a giveaway has; a winner more than codes gets none."""
    return _(
        "🔐 {prize}: {codes}, {handed} of them handed over, for {winners}. "
        "They are encrypted, and shown to nobody but the winner who claims one.",
        prize=quote(giveaway.prize),
        codes=ngettext("{count} code", "{count} codes", stock.total),
        handed=stock.handed,
        winners=ngettext("{count} winner", "{count} winners", giveaway.winner_count),
    )


def describe(proof: Proof, locale: str) -> str:
    """Say what is proven, how to check it, and what a proof can't show."""
    parts = [*_published(proof), *(_drawn(proof) if proof.rounds else _waiting(proof)), _LIMITS]
    return "\n".join(one.render(locale) for one in parts)


_LIMITS = _(
    "-# What this can't show: whoever runs this bot holds the seed and the database, so they could "
    "know the result beforehand, add or remove entries before the end, and decide who is passed "
    "over. Its hosts choose when it ends, and can draw again in somebody's place. Nobody can "
    "change the seed, the entries or the order of drawing afterwards."
)


def _published(proof: Proof) -> list[Message]:
    giveaway = proof.giveaway
    lines = [
        _("**Giveaway #{number}: {prize}**", number=giveaway.number, prize=quote(giveaway.prize)),
        _(
            "- Published at the start: the commitment to the seed, `{commitment}`",
            commitment=giveaway.commitment,
        ),
    ]
    if proof.own is not None:
        lines.append(
            _(
                "- Your own entry: `{digest}`, weight {weight}; the SHA-256 of `{text}`",
                digest=proof.own.digest,
                weight=proof.own.weight,
                text=f"{giveaway.id}:{proof.own.user_id}:{proof.own.salt}",
            )
        )
    return lines


def _waiting(proof: Proof) -> list[Message]:
    if proof.giveaway.status == CANCELLED:
        return [_("It was cancelled without a draw, so there is nothing to check.")]
    return [
        _(
            "When it ends, the hash of the list of entries is published first, then the seed and "
            "the winners. Then this command hands out the proof, which anybody can check."
        )
    ]


def _drawn(proof: Proof) -> list[Message]:
    if not proof.rounds[0].entry_count and proof.fault is None:
        return [_("Nobody had entered when it ended, so nothing was published and nobody drawn.")]
    lines = [
        _(
            "- To compare with the message 🔒: the giveaway `{id}` and the hash of its list, "
            "`{root}`",
            id=proof.giveaway.id,
            root=proof.rounds[0].entries_root,
        )
    ]
    if proof.fault is not None:
        lines.append(_("❌ **The proof does not hold**: {fault}", fault=quote(proof.fault, 200)))
    else:
        lines += [
            _("✅ The seed is the one that was committed to at the start."),
            ngettext(
                "✅ The list has the hash above: {count} entry.",
                "✅ The list has the hash above: {count} entries.",
                proof.entries,
            ),
            ngettext(
                "✅ Seed and list give these winners, {over} passed over, in {count} draw: "
                "{winners}",
                "✅ Seed and list give these winners, {over} passed over, in {count} draws: "
                "{winners}",
                len(proof.rounds),
                over=proof.passed_over,
                winners=_winners(proof),
            ),
        ]
    if proof.replaced:
        lines.append(
            ngettext(
                "⚠️ A host had somebody else drawn in the place of {count} winner.",
                "⚠️ A host had somebody else drawn in the place of {count} winners.",
                proof.replaced,
            )
        )
    lines.append(
        _(
            "Check it yourself, with nothing but Python: take `cogs/giveaways/verify.py` from the "
            "bot's source and run `{command}`. Then compare its last lines with the message 🔒 in "
            "the giveaway's channel: only that shows that they were there before the winners. "
            "Where I could not post it, nothing does.",
            command=_COMMAND.format(file=proof.filename),
        )
    )
    return lines


def _winners(proof: Proof) -> Message:
    """Return who has won, as it was announced; past a few the file names them."""
    shown = [f"<@{one}>" if one else "—" for one in proof.winners[:_MOST_SHOWN]]
    if more := len(proof.winners) - len(shown):
        shown.append(f"+{more}")
    return Mentions(shown or ["—"])


class _AddCodes(discord.ui.View):
    """The button that opens the form; the answer it stands in is its reader's alone."""

    def __init__(self, cog: ProofCommands, opened: Interaction, giveaway: Giveaway) -> None:
        super().__init__(timeout=_FORM_SECONDS)
        self._cog = cog
        self._giveaway = giveaway
        button: discord.ui.Button[_AddCodes] = discord.ui.Button(
            label=_("Add codes").render(locale_of(opened)),
            style=discord.ButtonStyle.primary,
            custom_id=unique_id(KEY),
        )
        button.callback = self._open
        self.add_item(button)

    async def _open(self, interaction: Interaction) -> None:
        await ask(interaction, KEY, codes_form(), self._submitted)

    async def _submitted(self, interaction: Interaction, values: Values) -> None:
        await self._cog.take_codes(interaction, self._giveaway, values["codes"])


def codes_form() -> Question:
    """Return the form of codes, which keeps what was typed when a line is refused."""
    described = _(
        "One on each line, at most {most} codes of {longest} characters",
        most=MOST_CODES,
        longest=LONGEST_CODE,
    )
    return Question(
        _("Codes for the winners"),
        [Input("codes", _("Codes"), described, kind="paragraph", required=True)],
    )
