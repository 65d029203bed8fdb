"""The /case commands: look cases up, change them, keep evidence with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import actor_of, ensure_manages, guild_id_of
from bot.core.cases import MAX_EVIDENCE_BYTES, UNCHANGED, CaseKind, Evidence, Unchanged
from bot.core.cases.wording import KIND_NAMES
from bot.core.errors import InvalidInput, NotFound
from bot.core.fields.text import escape_markdown
from bot.core.i18n import _
from bot.core.preflight import Action, can_act
from bot.localization import locale_of
from bot.replies import answer, confirm
from cogs.moderation.casepages import show_cases
from cogs.moderation.changing import ensure_may_change, ensure_not_own
from cogs.moderation.completion import complete_case, complete_reason, complete_span
from cogs.moderation.people import (
    Interaction,
    actor_facts,
    bot_facts,
    raise_refusal,
    settings_of,
)
from cogs.moderation.policy import KEY
from cogs.moderation.rules.reading import read_duration, read_reason
from cogs.moderation.wording import (
    case_fields,
    edit_line,
    evidence_line,
    kind_name,
    newest,
    note_line,
)

if TYPE_CHECKING:
    from bot.client import Pegasus

# What one message may carry: https://discord.com/developers/docs/reference#uploading-files
_UPLOAD_BYTES = MAX_EVIDENCE_BYTES
_Number = app_commands.Range[int, 1, 2**31 - 1]
_KINDS = [
    app_commands.Choice(name=name.msgid, value=kind.value) for kind, name in KIND_NAMES.items()
]


@app_commands.guild_only()
@app_commands.default_permissions(moderate_members=True)
class Casebook(
    commands.GroupCog, group_name="case", group_description="Look up and change moderation cases"
):
    """Cases, by their numbers."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        self.cases = bot.kernel.cases

    @app_commands.command(description="Show a case with its history")
    @app_commands.describe(number="The case's number")
    @app_commands.autocomplete(number=complete_case)
    async def view(self, interaction: Interaction, number: _Number) -> None:
        """Show one case."""
        await _begin(interaction)
        await answer(interaction, embed=await self._embed(interaction, number))

    async def _embed(self, interaction: Interaction, number: int) -> discord.Embed:
        locale = locale_of(interaction)
        case = await self.cases.get(guild_id_of(interaction), number)
        title = _("Case {number}: {kind}", number=case.number, kind=kind_name(case.kind, locale))
        reason = escape_markdown(case.reason) if case.reason else "—"
        embed = discord.Embed(
            title=title.render(locale), description=reason[:4000], timestamp=case.created_at
        )
        for name, text in case_fields(case, locale):
            embed.add_field(name=name, value=text)
        parts = (
            (_("Notes"), [note_line(one) for one in await self.cases.list_notes(case)]),
            (_("Changes"), [edit_line(one, locale) for one in await self.cases.history(case)]),
            (_("Evidence"), [evidence_line(one) for one in await self.cases.list_evidence(case)]),
        )
        for name, lines in parts:
            if lines:
                embed.add_field(name=name.render(locale), value=newest(lines), inline=False)
        return embed

    @app_commands.command(name="list", description="List cases, the newest first")
    @app_commands.describe(
        user="Only cases about them; also someone who has left",
        moderator="Only cases by them",
        kind="Only cases of this kind",
    )
    @app_commands.choices(kind=_KINDS)
    async def list_cases(
        self,
        interaction: Interaction,
        user: discord.User | None = None,
        moderator: discord.User | None = None,
        kind: app_commands.Choice[str] | None = None,
    ) -> None:
        """List cases page by page."""
        await _begin(interaction)
        await show_cases(
            interaction,
            target_id=user.id if user else None,
            moderator_id=moderator.id if moderator else None,
            kinds=[CaseKind(kind.value)] if kind else None,
        )

    @app_commands.command(description="Change a case's reason or duration")
    @app_commands.describe(
        number="The case's number",
        reason="The new reason",
        duration="The new duration, counted from the case's beginning",
    )
    @app_commands.autocomplete(number=complete_case)
    @app_commands.autocomplete(reason=complete_reason, duration=complete_span)
    async def edit(
        self,
        interaction: Interaction,
        number: _Number,
        reason: str | None = None,
        duration: str | None = None,
    ) -> None:
        """Change a case; what holds the member follows."""
        await _begin(interaction)
        if reason is None and duration is None:
            raise InvalidInput(_("Say what to change: the reason, the duration or both."))
        settings = await settings_of(interaction)
        span: timedelta | Unchanged | None = UNCHANGED
        if duration is not None:
            span = read_duration(duration)
        case = await self.cases.get(guild_id_of(interaction), number)
        if duration is None:
            await ensure_not_own(interaction, case)
        else:
            await ensure_may_change(interaction, case)
        edited = await self.cases.edit(
            case.guild_id,
            number,
            actor=actor_of(interaction),
            reason=UNCHANGED if reason is None else read_reason(reason, settings.reason_templates),
            duration=span,
        )
        done = _("✅ Case {number} is changed.", number=edited.number)
        await answer(interaction, done, embed=await self._embed(interaction, number))

    @app_commands.command(description="Write a note under a case")
    @app_commands.describe(number="The case's number", text="The note")
    @app_commands.autocomplete(number=complete_case)
    async def note(self, interaction: Interaction, number: _Number, text: str) -> None:
        """Add a note."""
        await _begin(interaction)
        await self.cases.add_note(guild_id_of(interaction), number, text, actor_of(interaction))
        await answer(interaction, _("✅ The note is under case {number}.", number=number))

    @app_commands.command(description="Take a case back: what it did is lifted, its points go")
    @app_commands.describe(number="The case's number", reason="Why; kept in the case's history")
    @app_commands.autocomplete(number=complete_case)
    @app_commands.autocomplete(reason=complete_reason)
    async def undo(
        self, interaction: Interaction, number: _Number, reason: str | None = None
    ) -> None:
        """Undo a case."""
        await _begin(interaction)
        case = await self.cases.get(guild_id_of(interaction), number)
        await ensure_may_change(interaction, case)
        undone = await self.cases.undo(case.guild_id, number, actor_of(interaction), reason)
        await answer(interaction, _("✅ Case {number} is undone.", number=undone.number))

    @app_commands.command(description="Delete a case; what it did stays in force")
    @app_commands.describe(number="The case's number")
    @app_commands.autocomplete(number=complete_case)
    async def delete(self, interaction: Interaction, number: _Number) -> None:
        """Hide a case after asking."""
        await _begin(interaction)
        await ensure_manages(interaction, KEY)
        case = await self.cases.get(guild_id_of(interaction), number)
        question = _(
            "Delete case {number}? Its points stop counting. What it did stays in force: "
            "/case undo lifts that.",
            number=case.number,
        )

        async def recheck(pressed: Interaction) -> None:
            await ensure_manages(pressed, KEY)

        if await confirm(interaction, question, recheck=recheck):
            await self.cases.delete(case.guild_id, number, actor_of(interaction))
            await answer(interaction, _("✅ Case {number} is deleted.", number=number))

    @app_commands.command(description="Keep a file with a case, or show the kept ones")
    @app_commands.describe(
        number="The case's number", file="What to keep; without it, what is kept is shown"
    )
    @app_commands.autocomplete(number=complete_case)
    async def evidence(
        self, interaction: Interaction, number: _Number, file: discord.Attachment | None = None
    ) -> None:
        """Keep a file, or show what is kept."""
        await _begin(interaction)
        guild_id = guild_id_of(interaction)
        if file is not None:
            kept = await self._keep(interaction, number, file)
            text = _("✅ Kept with case {number}: {file}", number=number, file=evidence_line(kept))
            await answer(interaction, text)
            return
        case = await self.cases.get(guild_id, number)
        files = await self.cases.list_evidence(case)
        if not files:
            raise NotFound(
                _("Nothing is kept with case {number}.", number=number),
                hint=_("Give a file with this command to keep it."),
            )
        await self._show(interaction, guild_id, files)

    async def _keep(
        self, interaction: Interaction, number: int, file: discord.Attachment
    ) -> Evidence:
        # Before the megabytes are fetched; the service judges what then came.
        if file.size > MAX_EVIDENCE_BYTES:
            raise InvalidInput(
                _("A file may have {limit} MB at most.", limit=MAX_EVIDENCE_BYTES // 2**20)
            )
        guild_id = guild_id_of(interaction)
        await self.cases.get(guild_id, number)
        data = await file.read()
        return await self.cases.add_evidence(
            guild_id,
            number,
            file.filename,
            file.content_type or "",
            data,
            actor_of(interaction),
        )

    async def _show(
        self, interaction: Interaction, guild_id: int, files: Sequence[Evidence]
    ) -> None:
        batch: list[discord.File] = []
        size = 0
        for one in files:
            _known, data = await self.cases.read_evidence(guild_id, one.id)
            if batch and size + len(data) > _UPLOAD_BYTES:
                await answer(interaction, files=batch)
                batch, size = [], 0
            batch.append(discord.File(BytesIO(data), one.filename))
            size += len(data)
        await answer(interaction, files=batch)


async def _begin(interaction: Interaction) -> None:
    """Defer, and raise `Denied` for those who may not read records."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    actor = await actor_facts(interaction)
    raise_refusal(can_act(Action.RECORD, bot=bot_facts(interaction), actor=actor))
