"""What staff press: the buttons of the alert, and the preview before a bulk ban."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import discord

from bot.checks import actor_of, ensure_manages, guild_id_of
from bot.core.errors import Denied
from bot.core.i18n import Message, _, ngettext
from bot.localization import locale_of
from bot.replies import LastingButton, OwnedView, answer, confirm, unique_id
from cogs.automod.raid.approving import outcome_text, request_of
from cogs.automod.raid.desk import FEATURE
from cogs.automod.raid.reaction import is_bannable
from cogs.automod.raid.rules import Suspicion
from cogs.automod.raid.wording import BAN, END, alert_text, member_list

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.automod.raid.cog import Raids
    from cogs.automod.raid.service import RaidReport

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

_MOST_SPARED = 25
# The progress is shown at most so often.
_EVERY_SECONDS = 2.0
_PREVIEW_SECONDS = 600.0


def cog_of(interaction: Interaction) -> Raids:
    """Return the cog that holds the services."""
    cog: Any = interaction.client.get_cog("Raids")
    return cog


class RaidButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"automod:raid:(?P<what>end|ban|explain):(?P<id>\d{1,18})",
):
    """A button of a raid's alert, which works for as long as the message stands."""

    def __init__(self, item: discord.ui.Button[Any], what: str, raid_id: int) -> None:
        super().__init__(item)
        self.what = what
        self.raid_id = raid_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction,  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Return the button that was pressed."""
        button: Any = item
        return cls(button, match["what"], int(match["id"]))

    async def press(self, interaction: Interaction) -> None:
        """Do what the button says, for who manages Automod."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, FEATURE)
        if self.what == BAN:
            await offer_ban(interaction, self.raid_id)
        elif self.what == END:
            await cog_of(interaction).raids.end(guild_id_of(interaction), actor_of(interaction))
            await answer(
                interaction, _("The raid is over. I am putting everything back as it was.")
            )
        else:
            report = await cog_of(interaction).raids.report(guild_id_of(interaction), self.raid_id)
            await answer(interaction, explanation(report, locale_of(interaction)))


def explanation(report: RaidReport, locale: str | None) -> str:
    """Return why this is taken for a raid, and what speaks against whom."""
    suspicious = sum(1 for one in report.suspicions if one.is_suspicious)
    counted = ngettext(
        "{count} of those who joined looks like a part of it:",
        "{count} of those who joined look like a part of it:",
        suspicious,
    )
    lines = member_list(report.suspicions, locale)
    return f"{alert_text(report.raid, locale)}\n\n{counted.render(locale)}\n{lines}"


async def offer_ban(interaction: Interaction, raid_id: int | None = None) -> None:
    """Show who would be banned, with ways to spare some; bans nobody yet."""
    ensure_may_ban(interaction)
    report = await cog_of(interaction).raids.report(guild_id_of(interaction), raid_id)
    if not any(is_bannable(state) for state in report.states.values()):
        await answer(interaction, _("Nobody is left to ban of those who joined."))
        return
    view = BanPreview(interaction, report)
    await answer(interaction, view.text(), view=view)


def ensure_may_ban(interaction: discord.Interaction[Any]) -> None:
    """Raise `Denied` for who may not ban members, and while the bot may not."""
    if not (interaction.permissions.ban_members or interaction.permissions.administrator):
        raise Denied(_("You need the Ban Members permission for this."))
    mine = interaction.app_permissions
    if not (mine.ban_members or mine.administrator):
        raise Denied(_("I can't ban members here."), hint=_("Give me the Ban Members permission."))


class BanPreview(OwnedView):
    """Lists who would be banned; members can be spared before the ban is confirmed."""

    def __init__(self, interaction: Interaction, report: RaidReport) -> None:
        super().__init__(interaction.user.id, timeout=_PREVIEW_SECONDS)
        self._locale = locale_of(interaction)
        self._report = report
        self._left = [
            one for one in report.suspicions if is_bannable(report.states[one.joiner.user_id])
        ]
        self._spared: set[int] = set()
        self._is_done = False
        self._everyone = not any(one.is_suspicious for one in self._left)
        self._make_items()

    def _make_items(self) -> None:
        self._select: discord.ui.UserSelect[BanPreview] = discord.ui.UserSelect(
            custom_id=unique_id("raid"),
            placeholder=_("Spare these members").render(self._locale),
            min_values=0,
            max_values=_MOST_SPARED,
        )
        self._widen: discord.ui.Button[BanPreview] = discord.ui.Button(custom_id=unique_id("raid"))
        self._ban: discord.ui.Button[BanPreview] = discord.ui.Button(
            custom_id=unique_id("raid"), style=discord.ButtonStyle.danger
        )
        self._select.callback = self._choose
        self._widen.callback = self._switch
        self._ban.callback = self._press
        for item in (self._select, self._widen, self._ban):
            self.add_item(item)
        self._label()

    def chosen(self) -> list[Suspicion]:
        """Return who would be banned now."""
        return [
            one
            for one in self._left
            if one.joiner.user_id not in self._spared and (self._everyone or one.is_suspicious)
        ]

    def text(self) -> str:
        """Return the list as it stands now."""
        chosen = self.chosen()
        head = ngettext("I would ban {count} member:", "I would ban {count} members:", len(chosen))
        return f"{head.render(self._locale)}\n{member_list(chosen, self._locale)}"

    def _label(self) -> None:
        widen = _("Only suspicious ones") if self._everyone else _("Everyone who joined")
        self._widen.label = widen.render(self._locale)
        count = len(self.chosen())
        label: Message = ngettext("Ban {count} member", "Ban {count} members", count)
        self._ban.label = label.render(self._locale)
        self._ban.disabled = count == 0

    async def _choose(self, interaction: discord.Interaction) -> None:
        self._spared = {one.id for one in self._select.values}
        await self._show(interaction)

    async def _switch(self, interaction: discord.Interaction) -> None:
        self._everyone = not self._everyone
        await self._show(interaction)

    async def _show(self, interaction: discord.Interaction) -> None:
        self._label()
        await interaction.response.edit_message(content=self.text(), view=self)

    async def _press(self, interaction: discord.Interaction[Any]) -> None:
        chosen = self.chosen()
        question = ngettext(
            "Ban {count} member for good, and delete what they wrote in the last day?",
            "Ban {count} members for good, and delete what they wrote in the last day?",
            len(chosen),
        )
        approvals = interaction.client.kernel.approvals
        needs_yes = await approvals.is_needed(guild_id_of(interaction), len(chosen))
        if needs_yes:
            question = _(
                "{question}\n{note}",
                question=question,
                note=_("So many need a second person's yes. Ask for it?"),
            )
        if not await confirm(interaction, question, recheck=_recheck) or self._is_done:
            return
        self._is_done = True
        self.stop()
        if needs_yes:
            await self._ask(interaction, chosen)
        else:
            await self._carry_out(interaction, chosen)

    async def _ask(self, interaction: discord.Interaction[Any], chosen: list[Suspicion]) -> None:
        joiners = [one.joiner for one in chosen]
        order = request_of(self._report.raid, joiners, actor_of(interaction), interaction.id)
        await interaction.client.kernel.approvals.ask(order)
        await answer(
            interaction,
            _("I have asked for somebody else's yes. When it comes I ban them and write to you."),
        )

    async def _carry_out(
        self, interaction: discord.Interaction[Any], chosen: list[Suspicion]
    ) -> None:
        raids = cog_of(interaction).raids
        message = await interaction.followup.send(
            self._progress(0, len(chosen)), ephemeral=True, wait=True
        )
        shown_at = time.monotonic()

        async def progress(done: int, total: int) -> None:
            nonlocal shown_at
            if done < total and time.monotonic() - shown_at >= _EVERY_SECONDS:
                shown_at = time.monotonic()
                await _edit(message, self._progress(done, total))

        result = await raids.reaction.ban(
            self._report.raid,
            [one.joiner for one in chosen],
            self._spared,
            actor_of(interaction),
            progress,
        )
        await raids.tell(self._report.raid.id)
        await _edit(message, outcome_text(result).render(self._locale))

    def _progress(self, done: int, total: int) -> str:
        return _("Banning… {done} of {total}", done=done, total=total).render(self._locale)


async def _recheck(interaction: discord.Interaction[Any]) -> None:
    await ensure_manages(interaction, FEATURE)
    ensure_may_ban(interaction)


async def _edit(message: discord.WebhookMessage, text: str) -> None:
    try:
        await message.edit(content=text)
    except discord.HTTPException:
        # Dismissed by its reader: the bans count all the same.
        return
