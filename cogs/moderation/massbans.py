"""The /massban command: shows whom it would ban and whom not, asks, bans, reports."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.batchscreens import run_batch
from bot.checks import actor_of, guild_id_of
from bot.core.errors import InvalidInput
from bot.core.i18n import Message, _, ngettext
from bot.core.preflight import Action, can_act
from bot.localization import locale_of
from bot.reach import MemberReach
from bot.replies import answer, confirm
from cogs.moderation.completion import complete_duration, complete_reason
from cogs.moderation.massban import CAUSES, Candidates, choose
from cogs.moderation.massban_approval import KIND, approval_kind, request_of
from cogs.moderation.massbanning import MassBan, failures_of, order_ban, outcome_of
from cogs.moderation.people import (
    Interaction,
    actor_facts,
    bot_facts,
    raise_refusal,
    settings_of,
)
from cogs.moderation.punishing import DELETE_CHOICES, HOW_FAR_BACK, WHY, window_of
from cogs.moderation.rules.massban import BanFilter
from cogs.moderation.rules.reading import read_duration, read_people, read_reason
from cogs.moderation.wording import member_text
from db.batches import Batch

if TYPE_CHECKING:
    from bot.client import Pegasus

MOST_LISTED = 15
_ASKED = _("I have asked for somebody else's yes. When it comes I ban them and write to you.")
_LARGEST_LIST = 64 * 1024


class MassBans(commands.Cog):
    """Bans many people together."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Carry out what was approved, also before a restart."""
        kernel = self.bot.kernel
        kernel.approvals.register(KIND, approval_kind(kernel.cases, MemberReach(self.bot)))

    @app_commands.command(description="Ban many people at once, after showing you whom")
    @app_commands.guild_only()
    @app_commands.default_permissions(ban_members=True)
    @app_commands.describe(
        users="Ids or mentions, separated by anything",
        file="A text file with ids, instead or as well",
        reason=WHY,
        joined_within="Only those who joined within this time, for example 1h",
        account_younger_than="Only those whose account is younger than this, for example 7 days",
        without_avatar="Only those without an avatar",
        delete=HOW_FAR_BACK,
    )
    @app_commands.choices(delete=DELETE_CHOICES)
    @app_commands.autocomplete(
        reason=complete_reason,
        joined_within=complete_duration,
        account_younger_than=complete_duration,
    )
    async def massban(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        users: str | None = None,
        file: discord.Attachment | None = None,
        reason: str | None = None,
        joined_within: str | None = None,
        account_younger_than: str | None = None,
        without_avatar: bool = False,
        delete: app_commands.Choice[int] | None = None,
    ) -> None:
        """Preview, ask, ban."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _ensure_banner(interaction)
        people = read_people(await _text_of(users, file))
        settings = await settings_of(interaction)
        window = window_of(delete)
        order = MassBan(
            guild_id_of(interaction),
            interaction.channel_id or 0,
            interaction.id,
            read_reason(reason, settings.reason_templates, settings.default_reason),
            settings.ban_delete_window if window is None else window,
        )
        chosen = BanFilter(
            joined_within=read_duration(joined_within),
            account_younger_than=read_duration(account_younger_than),
            without_avatar=without_avatar,
        )
        candidates = await choose(interaction, people, chosen)
        if not candidates.people:
            await answer(interaction, _preview(candidates, locale_of(interaction)))
            return
        await self._ask(interaction, order, candidates)

    async def _ask(self, interaction: Interaction, order: MassBan, candidates: Candidates) -> None:
        locale = locale_of(interaction)
        preview = _preview(candidates, locale)
        approvals = self.bot.kernel.approvals
        needs_yes = await approvals.is_needed(order.guild_id, len(candidates.people))
        note = _("Ban them now?")
        if needs_yes:
            note = _("So many need a second person's yes. Ask for it?")
        question = _("{question}\n{note}", question=preview, note=note)
        if not await confirm(interaction, question, recheck=_ensure_banner):
            return
        if needs_yes:
            await approvals.ask(request_of(order, candidates.people, actor_of(interaction)))
            await answer(interaction, _ASKED)
            return
        await self._ban(interaction, order, candidates)

    async def _ban(self, interaction: Interaction, order: MassBan, candidates: Candidates) -> None:
        batch = await run_batch(
            interaction,
            order_ban(order, candidates.people, actor_of(interaction), locale_of(interaction)),
            progress=_progress,
            outcome=outcome_of,
        )
        if batch is not None and (failures := failures_of(batch)):
            data = BytesIO("\n".join(failures).encode())
            await answer(interaction, file=discord.File(data, "massban.txt"))


def _progress(batch: Batch) -> Message:
    return _("Banning: {done} of {total}", done=batch.done, total=batch.total)


async def _ensure_banner(interaction: Interaction) -> None:
    actor = await actor_facts(interaction)
    raise_refusal(can_act(Action.BAN, bot=bot_facts(interaction), actor=actor))


async def _text_of(users: str | None, file: discord.Attachment | None) -> str:
    texts = [users or ""]
    if file is not None:
        if file.size > _LARGEST_LIST:
            raise InvalidInput(
                _("The list may have {limit} KiB at most.", limit=_LARGEST_LIST // 1024)
            )
        texts.append((await file.read()).decode("utf-8", "replace"))
    return "\n".join(texts)


def _preview(candidates: Candidates, locale: str) -> str:
    count = len(candidates.people)
    lines = [
        ngettext(
            "**{count} person** would be banned:", "**{count} people** would be banned:", count
        )
    ]
    texts = [one.render(locale) for one in lines]
    for one in candidates.people[:MOST_LISTED]:
        joined = (
            "" if one.joined_at is None else f" · {discord.utils.format_dt(one.joined_at, 'R')}"
        )
        texts.append(f"- {member_text(one.id, one.name)}{joined}")
    if count > MOST_LISTED:
        texts.append(f"- … +{count - MOST_LISTED}")
    for cause, skipped in candidates.skipped.items():
        text = Message(CAUSES[cause].msgid, {"count": len(skipped)})
        names = ", ".join(f"`{one}`" for one in skipped[:5])
        more = " …" if len(skipped) > 5 else ""
        texts.append(f"-# {text.render(locale)}: {names}{more}")
    return "\n".join(texts)[:1800]
