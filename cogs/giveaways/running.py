"""Commands for giveaways that go on or have ended: end, draw again, entrants, who is blocked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of
from bot.core.errors import Conflict, InvalidInput
from bot.core.features import RateClass
from bot.core.fields.text import escape_markdown, quote, shorten
from bot.core.i18n import Message, _, ngettext
from bot.localization import locale_of
from bot.membership import DiscordMembers
from bot.replies import OwnedView, answer, confirm, paginate, unique_id
from cogs.giveaways.access import (
    Interaction,
    ensure_may_handle,
    find_giveaway,
    note,
    offer_giveaways,
)
from cogs.giveaways.buttons import BUTTONS
from cogs.giveaways.desk import ensure_may_give_again
from cogs.giveaways.runner import Runner
from cogs.giveaways.settings import KEY
from cogs.giveaways.winning import MOST_AT_ONCE
from db import giveaway_draws as draws
from db import giveaway_entries as entries
from db.giveaway_proofs import count_prizes
from db.giveaways import (
    ACTIVE,
    CANCELLED,
    DRAWING,
    ENDED,
    PAUSED,
    WON,
    Giveaway,
    GiveawayBlock,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.client import Pegasus
    from cogs.giveaways.ports import Board, Vault

_ADMIN: Any = {"rate_class": RateClass.ADMIN}
_MANAGED: Any = {"rate_class": RateClass.ADMIN, MANAGES: KEY}
_PER_PAGE = 25
_TASK = "giveaways.messages"
_GOING_ON = (ACTIVE, PAUSED)
_BEGUN = (ACTIVE, PAUSED, DRAWING, ENDED, CANCELLED)


async def complete_going_on(
    interaction: Interaction, current: str
) -> list[app_commands.Choice[str]]:
    """Offer giveaways that can be ended."""
    return await offer_giveaways(interaction, current, statuses=_GOING_ON)


async def complete_ended(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer giveaways that can be drawn again."""
    return await offer_giveaways(interaction, current, statuses=(ENDED,))


async def complete_begun(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer giveaways that people may have entered."""
    return await offer_giveaways(interaction, current, statuses=_BEGUN)


class Running(commands.Cog):
    """The part of the giveaway commands that is about running ones; a base of the cog."""

    bot: Pegasus
    runner: Runner

    block = app_commands.Group(
        name="block", description="People who can't enter the giveaways of this server"
    )

    def set_up_running(self, board: Board, vault: Vault) -> None:
        """Build the services; called when the cog is made."""
        members = DiscordMembers(self.bot)
        self.runner = Runner.build(self.bot.kernel, board=board, vault=vault, members=members)

    async def start_running(self) -> None:
        """Have the buttons of earlier runs work, take up earlier work and begin to listen."""
        self.bot.add_dynamic_items(*BUTTONS)
        await self.runner.start()
        self.bot.intake.add_observer(_TASK, self.runner.counter.see)
        self.bot.kernel.unwritten.register(_TASK, self.runner.counter.flush)

    async def stop_running(self) -> None:
        """Write down what was counted."""
        self.bot.intake.remove(_TASK)
        self.bot.kernel.unwritten.remove(_TASK)
        await self.runner.counter.flush()

    # --- end and draw again ------------------------------------------------------------------

    @app_commands.command(description="End a giveaway now and draw its winners", extras=_ADMIN)
    @app_commands.describe(giveaway="The giveaway")
    @app_commands.autocomplete(giveaway=complete_going_on)
    async def end(self, interaction: Interaction, giveaway: str) -> None:
        """Ask, then end it as its time would."""
        found = await self._begin(interaction, giveaway)
        if found.status not in _GOING_ON:
            raise _cant_end(found)
        async with self.bot.kernel.database.read() as session:
            count = await entries.count_entries(session, found.id)
        question = ngettext(
            "End the giveaway of {prize} now? {count} person has entered; the winners are drawn at "
            "once.",
            "End the giveaway of {prize} now? {count} people have entered; the winners are drawn "
            "at once.",
            count,
            prize=quote(found.prize),
        )
        if not await confirm(interaction, question, recheck=_recheck(found)):
            return
        await self.runner.drawing.get_ready(found.guild_id)
        async with self.bot.kernel.database.write() as session:
            closed = await self.runner.drawing.close(session, found.id, by=interaction.user.id)
            if closed:
                await note(interaction, session, "end", {"giveaway": found.number})
        if not closed:
            raise _cant_end(await find_giveaway(interaction, giveaway))
        await answer(
            interaction,
            _("Ended. The winners are announced in {channel}.", channel=f"<#{found.channel_id}>"),
        )

    @app_commands.command(
        description="Draw further winners, or another in one's place", extras=_ADMIN
    )
    @app_commands.describe(
        giveaway="The giveaway",
        count="How many further winners; one if left out",
        member="A winner whose prize goes to somebody else",
    )
    @app_commands.autocomplete(giveaway=complete_ended)
    async def reroll(
        self,
        interaction: Interaction,
        giveaway: str,
        count: app_commands.Range[int, 1, MOST_AT_ONCE] | None = None,
        member: discord.User | None = None,
    ) -> None:
        """Ask, then have the draw made; nobody who was drawn before is drawn again."""
        found = await self._begin(interaction, giveaway)
        if member is not None and count is not None:
            raise InvalidInput(
                _("Either a number of further winners or one member, please."),
                hint=_("Leave count out to draw somebody in that member's place."),
            )
        # Whoever is drawn now is given what the giveaway did not promise before.
        await ensure_may_give_again(interaction, found)
        await self.runner.winning.ensure_reroll(found.id, member.id if member else None)
        question = (
            await self._ask_to_replace(found, member)
            if member
            else await self._ask_for_more(found, count or 1)
        )
        if not await confirm(interaction, question, recheck=_recheck(found)):
            return
        user_id = member.id if member else None
        details = {"giveaway": found.number, "count": count or 1}

        async def noted(session: AsyncSession) -> None:
            await note(interaction, session, "reroll", details, target_id=user_id)

        await self.runner.winning.reroll(
            found.id, by=interaction.user.id, count=count or 1, user_id=user_id, note=noted
        )
        text = _(
            "Drawn again: the result is announced in {channel}.", channel=f"<#{found.channel_id}>"
        )
        await answer(interaction, text)

    async def _ask_for_more(self, giveaway: Giveaway, count: int) -> Message:
        question = ngettext(
            "Draw {count} further winner of {prize}? Those who have won keep what they have.",
            "Draw {count} further winners of {prize}? Those who have won keep what they have.",
            count,
            prize=quote(giveaway.prize),
        )
        async with self.bot.kernel.database.read() as session:
            total, handed = await count_prizes(session, giveaway.id)
        if not total or total - handed >= count:
            return question
        return ngettext(
            "{question} Only {count} code is left for them: /giveaway prizes takes more.",
            "{question} Only {count} codes are left for them: /giveaway prizes takes more.",
            total - handed,
            question=question,
        )

    async def _ask_to_replace(self, giveaway: Giveaway, member: discord.User) -> Message:
        async with self.bot.kernel.database.read() as session:
            winner = await draws.find_winner(session, giveaway.id, member.id)
            has_code = winner is not None and await draws.has_code_of(session, winner.id)
        is_paid = giveaway.prize_amount is not None or giveaway.prize_xp is not None
        if is_paid and winner is not None and winner.state == WON:
            return _(
                "Take {prize} from {member} and draw somebody else in their place? Currency and "
                "experience that they were given stay theirs, and whoever is drawn is given as "
                "much.",
                member=member.mention,
                prize=quote(giveaway.prize),
            )
        if has_code:
            return _(
                "Draw somebody else in the place of {member}, for {prize}? They were handed their "
                "code already and know it; whoever is drawn gets another, if there is one.",
                member=member.mention,
                prize=quote(giveaway.prize),
            )
        return _(
            "Take {prize} from {member} and draw somebody else in their place?",
            member=member.mention,
            prize=quote(giveaway.prize),
        )

    # --- entrants ----------------------------------------------------------------------------

    @app_commands.command(description="Show who has entered a giveaway")
    @app_commands.describe(giveaway="The giveaway")
    @app_commands.autocomplete(giveaway=complete_begun)
    async def entrants(self, interaction: Interaction, giveaway: str) -> None:
        """Show them in pages, the first to enter first."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        found = await find_giveaway(interaction, giveaway)
        view = EntrantPages(interaction, found)
        embed = await view.page(0)
        if view.pages > 1:
            await answer(interaction, embed=embed, view=view)
        else:
            await answer(interaction, embed=embed)

    # --- who is blocked ----------------------------------------------------------------------

    @block.command(name="add", description="Keep somebody from entering giveaways", extras=_MANAGED)
    @app_commands.describe(member="Whom", reason="Why, for the staff")
    async def block_add(
        self, interaction: Interaction, member: discord.User, reason: str | None = None
    ) -> None:
        """Block somebody; they are passed over where they have entered."""
        await self._begin_managing(interaction)
        await self.runner.blocklist.add(
            guild_id_of(interaction), member.id, actor_of(interaction), reason
        )
        await answer(
            interaction,
            _(
                "{member} can't enter giveaways any more, and is passed over where they have "
                "entered.",
                member=member.mention,
            ),
        )

    @block.command(name="remove", description="Let somebody enter giveaways again", extras=_MANAGED)
    @app_commands.describe(member="Whom")
    async def block_remove(self, interaction: Interaction, member: discord.User) -> None:
        """Block somebody no more."""
        await self._begin_managing(interaction)
        await self.runner.blocklist.remove(
            guild_id_of(interaction), member.id, actor_of(interaction)
        )
        await answer(interaction, _("{member} can enter giveaways again.", member=member.mention))

    @block.command(name="list", description="Show who can't enter giveaways", extras=_MANAGED)
    async def block_list(self, interaction: Interaction) -> None:
        """Show them in pages, the latest first."""
        await self._begin_managing(interaction)
        blocks = await self.runner.blocklist.list(guild_id_of(interaction))
        if not blocks:
            await answer(interaction, _("Nobody is blocked from giveaways."))
            return
        title = _("Blocked from giveaways").render(locale_of(interaction))
        lines = [_block_line(one) for one in blocks]
        pages = [
            discord.Embed(title=title, description="\n".join(lines[at : at + _PER_PAGE]))
            for at in range(0, len(lines), _PER_PAGE)
        ]
        await paginate(interaction, pages)

    async def _begin(self, interaction: Interaction, typed: str) -> Giveaway:
        await interaction.response.defer(ephemeral=True, thinking=True)
        found = await find_giveaway(interaction, typed)
        await ensure_may_handle(interaction, found)
        return found

    async def _begin_managing(self, interaction: Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)


class EntrantPages(OwnedView):
    """Leafs through the entrants, who may be 100,000: each page is read when it is shown."""

    def __init__(self, interaction: Interaction, giveaway: Giveaway) -> None:
        super().__init__(interaction.user.id, timeout=600)
        self.pages = 1
        self._kernel = interaction.client.kernel
        self._locale = locale_of(interaction)
        self._giveaway = giveaway
        self._at = 0
        self._buttons: list[discord.ui.Button[EntrantPages]] = []
        for label, step in ((_("Back"), -1), (_("Next"), 1)):
            button: discord.ui.Button[EntrantPages] = discord.ui.Button(
                label=label.render(self._locale), custom_id=unique_id("entrants")
            )
            button.callback = self._leaf(step)
            self._buttons.append(button)
            self.add_item(button)

    async def page(self, number: int) -> discord.Embed:
        """Return a page, the last one where there are fewer by now."""
        async with self._kernel.database.read() as session:
            total = await entries.count_entries(session, self._giveaway.id)
            self.pages = max(1, -(-total // _PER_PAGE))
            self._at = min(max(number, 0), self.pages - 1)
            first = self._at * _PER_PAGE
            shown = await entries.list_entrants(
                session, self._giveaway.id, offset=first, limit=_PER_PAGE
            )
        self._buttons[0].disabled = self._at == 0
        self._buttons[1].disabled = self._at == self.pages - 1
        return self._draw(shown, first, total)

    def _draw(
        self, shown: Sequence[tuple[int | None, int]], first: int, total: int
    ) -> discord.Embed:
        locale = self._locale
        title = _("Entrants of giveaway {number}", number=self._giveaway.number).render(locale)
        lines = [
            _entrant_line(place, user_id, weight).render(locale)
            for place, (user_id, weight) in enumerate(shown, first + 1)
        ]
        text = "\n".join(lines) or _("Nobody has entered yet.").render(locale)
        embed = discord.Embed(title=title, description=text)
        footer = ngettext("{count} person", "{count} people", total).render(locale)
        if self.pages > 1:
            page = _("page {page} of {pages}", page=self._at + 1, pages=self.pages)
            footer += f" · {page.render(locale)}"
        return embed.set_footer(text=footer)

    def _leaf(self, step: int) -> Any:
        async def leaf(interaction: discord.Interaction) -> None:
            embed = await self.page(self._at + step)
            await interaction.response.edit_message(embed=embed, view=self)

        return leaf


def _entrant_line(place: int, user_id: int | None, weight: int) -> Message:
    who = f"<@{user_id}>" if user_id else _("somebody whose data was erased")
    if weight == 1:
        return Message("{place}. {who}", {"place": place, "who": who})
    return ngettext(
        "{place}. {who}, {count} entry",
        "{place}. {who}, {count} entries",
        weight,
        place=place,
        who=who,
    )


def _block_line(block: GiveawayBlock) -> str:
    reason = f" · {escape_markdown(shorten(block.reason, 80))}" if block.reason else ""
    by = f" · <@{block.blocked_by}>" if block.blocked_by else ""
    return f"<@{block.user_id}> · <t:{int(block.blocked_at.timestamp())}:d>{by}{reason}"


def _cant_end(giveaway: Giveaway) -> Conflict:
    if giveaway.status in (ENDED, DRAWING):
        return Conflict(
            _("This giveaway has ended."), hint=_("/giveaway reroll draws further winners.")
        )
    if giveaway.status == CANCELLED:
        return Conflict(_("This giveaway was cancelled."))
    return Conflict(_("This giveaway has not begun yet."), hint=_("/giveaway cancel calls it off."))


def _recheck(giveaway: Giveaway) -> Any:
    async def recheck(interaction: discord.Interaction[Any]) -> None:
        await ensure_may_handle(interaction, giveaway)

    return recheck
