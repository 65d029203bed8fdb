"""From a wish for a ticket to its room: what is in the way, the form, the answer to the person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, cast

import discord

from bot.checks import actor_of, guild_id_of, in_time, manages
from bot.core.errors import Denied, NotFound
from bot.core.fields.text import shorten
from bot.core.i18n import Message, _
from bot.forms import LONGEST_TITLE, Input, Question, Values, ask
from bot.forms import Kind as InputKind
from bot.localization import locale_of
from bot.replies import LastingButton, answer
from cogs.tickets.access import Interaction, access_of, only_staff_for_others
from cogs.tickets.attachments import size_text
from cogs.tickets.drafts import DRAFT_KEPT
from cogs.tickets.form import (
    LARGEST_FILE,
    asked_on,
    keep_asked,
    largest_file,
    most_of,
    next_page,
    read_answers,
)
from cogs.tickets.machine import Status
from cogs.tickets.panel import Panel
from cogs.tickets.ports import Applicant, Request, RoomRefused
from cogs.tickets.questions import Kind
from cogs.tickets.questions import Question as Asked
from cogs.tickets.service import TicketService
from cogs.tickets.settings import KEY
from db import ticket_panels as panels
from db.ticket_panels import TicketDraft, TicketPanel

# How long somebody is kept waiting for the room before they are told that it is on its way.
_PATIENCE = 20.0
_KINDS: Mapping[Kind, InputKind] = {
    Kind.LINE: "line",
    Kind.PARAGRAPH: "paragraph",
    Kind.SELECT: "choices",
    Kind.RADIO: "radio",
    Kind.CHECKBOXES: "boxes",
    Kind.ROLE: "roles",
    Kind.CHANNEL: "channels",
    Kind.USER: "members",
    Kind.FILE: "files",
}


def request_of(
    interaction: Interaction,
    panel_id: int,
    *,
    member: discord.Member | None = None,
    origin: Mapping[str, Any] | None = None,
) -> Request:
    """Return what somebody asks for with a press or a command, for themselves or a member."""
    applicant = member or interaction.user
    if not isinstance(applicant, discord.Member):
        raise Denied(_("This only works inside a server, not in direct messages."))
    return Request(
        guild_id=guild_id_of(interaction),
        panel_id=panel_id,
        applicant=Applicant(
            user_id=applicant.id,
            name=applicant.name,
            role_ids=frozenset(one.id for one in applicant.roles),
            is_bot=applicant.bot,
        ),
        actor=actor_of(interaction),
        channel_id=interaction.channel_id or 0,
        request_id=interaction.id,
        origin=dict(origin or {}),
    )


class Asker:
    """Leads people from the press to their ticket."""

    def __init__(self, service: TicketService) -> None:
        self._service = service

    async def begin(self, interaction: Interaction, request: Request) -> None:
        """Say what is in the way, or ask what the panel asks, or open the ticket at once."""
        async with in_time():
            try:
                await self._service.opening.admit(request)
            except RoomRefused as error:
                raise await self._refusal(interaction, request, error) from error
            async with self._service.office.database.read() as session:
                row = await panels.get_panel(session, request.guild_id, request.panel_id)
        first = next_page(Panel.model_validate(row.config), {}) if row is not None else None
        if row is None or first is None:
            await self.finish(interaction, request)
            return
        # Whoever has lost the answer with its buttons finds in the form what they wrote.
        async with in_time():
            answers = await self._left(request, Panel.model_validate(row.config))
        await self.ask(interaction, replace(request, answers=answers), row, first)

    async def _left(self, request: Request, panel: Panel) -> Mapping[str, Any]:
        """Return what somebody has filled in for the same member, as far as it is still asked."""
        office = self._service.office
        async with office.database.read() as session:
            draft = await panels.get_draft(
                session, request.panel_id, request.actor.user_id, office.clock.now()
            )
        if draft is None:
            return request.answers
        for_whom = _read_applicant(draft.context["applicant"]).user_id
        is_same = for_whom == request.applicant.user_id
        return keep_asked(panel, draft.answers) if is_same else request.answers

    async def ask(
        self, interaction: Interaction, request: Request, row: TicketPanel, page: int
    ) -> None:
        """Open a page of the panel's form, as it was filled in before."""
        panel = Panel.model_validate(row.config)
        questions = asked_on(panel, page, request.answers)
        guild = self._service.office.state().guild(request.guild_id)
        largest = largest_file(guild.largest_upload) if guild is not None else LARGEST_FILE

        async def submitted(pressed: Interaction, values: Values) -> None:
            entered = {key: _plain(one) for key, one in values.items()}
            found = read_answers(questions, entered, largest=largest)
            answers = keep_asked(panel, {**_without(request.answers, questions), **found})
            await self._go_on(pressed, replace(request, answers=answers), row, page)

        title = panel.pages[page].title or panel.name
        if len(panel.pages) > 1:
            mark = f" · {page + 1}/{len(panel.pages)}"
            title = shorten(title, LONGEST_TITLE - len(mark)) + mark
        inputs = [_input_of(one, request.answers.get(one.key), largest) for one in questions]
        await ask(
            interaction, KEY, Question(Message("{title}", {"title": title}), inputs), submitted
        )

    async def _go_on(
        self, pressed: Interaction, request: Request, row: TicketPanel, page: int
    ) -> None:
        """Keep what was filled in, then offer the next page or open the ticket."""
        panel = Panel.model_validate(row.config)
        following = next_page(panel, request.answers, page)
        if following is None:
            await self.finish(pressed, request)
            return
        async with in_time():
            await self._keep(request)
        text = _(
            "Page {page} of {pages} is filled in. What you wrote is kept for an hour.",
            page=page + 1,
            pages=len(panel.pages),
        )
        await answer(pressed, text, view=_page_buttons(pressed, row.id, page, following))

    async def _keep(self, request: Request) -> None:
        office = self._service.office
        async with office.database.write() as session:
            await panels.put_draft(
                session,
                panel_id=request.panel_id,
                user_id=request.actor.user_id,
                guild_id=request.guild_id,
                answers=dict(request.answers),
                context={
                    "applicant": _applicant_json(request),
                    "origin": dict(request.origin),
                    "channel_id": str(request.channel_id),
                },
                expires_at=office.clock.now() + DRAFT_KEPT,
            )

    async def resume(self, interaction: Interaction, panel_id: int, page: int) -> None:
        """Open a page of a form that is half filled in; raises `NotFound` for one forgotten."""
        guild_id, office = guild_id_of(interaction), self._service.office
        async with in_time(), office.database.read() as session:
            now = office.clock.now()
            draft = await panels.get_draft(session, panel_id, interaction.user.id, now)
            row = await panels.get_panel(session, guild_id, panel_id)
        if draft is None or row is None:
            raise NotFound(_("This form is not kept any more."), hint=_("Begin again, please."))
        request = self._resumed(interaction, draft)
        async with in_time():
            await self._service.opening.admit(request)
        panel = Panel.model_validate(row.config)
        request = replace(request, answers=keep_asked(panel, request.answers))
        if page >= len(panel.pages) or not asked_on(panel, page, request.answers):
            # Somebody has changed the form meanwhile.
            found = next_page(panel, request.answers)
            if found is None:
                await self.finish(interaction, request)
                return
            page = found
        await self.ask(interaction, request, row, page)

    def _resumed(self, interaction: Interaction, draft: TicketDraft) -> Request:
        """Return what was asked for as it stands now: an hour may have changed the roles."""
        now = request_of(interaction, draft.panel_id)
        asked_for = _read_applicant(draft.context["applicant"])
        return replace(
            now,
            applicant=now.applicant if asked_for.user_id == now.actor.user_id else asked_for,
            answers=draft.answers,
            origin=draft.context["origin"],
            channel_id=int(draft.context["channel_id"]),
        )

    async def forget(self, interaction: Interaction, panel_id: int) -> None:
        """Forget what somebody has filled in."""
        async with self._service.office.database.write() as session:
            await panels.delete_draft(session, panel_id, interaction.user.id)

    async def finish(self, interaction: Interaction, request: Request) -> None:
        """Open the ticket, and tell where its room is."""
        if not interaction.response.is_done():
            await interaction.response.defer(ephemeral=True, thinking=True)
        request = await self._as_of_now(interaction, request)
        try:
            ticket = await self._service.opening.open(request)
            made = await self._service.keeper.wait(ticket.id, _PATIENCE)
        except Denied as error:
            raise await self._refusal(interaction, request, error) from error
        if made is not None and made.channel_id is not None and made.status == Status.OPEN:
            where = f"<#{made.channel_id}>"
            text = (
                _(
                    "The ticket of {member} is here: {where}",
                    member=f"<@{made.user_id}>",
                    where=where,
                )
                if request.is_for_another
                else _("Your ticket is here: {where}", where=where)
            )
        else:
            text = _("Your ticket is being opened; you are called to it as soon as it is there.")
        await answer(interaction, text)

    async def _refusal(self, interaction: Interaction, request: Request, error: Denied) -> Denied:
        """Return the refusal with what helps whoever asked, and keep what they have written."""
        hints = [error.hint] if error.hint is not None else []
        if isinstance(error, RoomRefused) and not await manages(interaction, KEY):
            # What is to be done is for others, who have it among the problems.
            hints = [_("The admins are told what to do. Try again later, please.")]
        if request.answers:
            await self._keep(request)
            hints.append(_("What you wrote is kept for an hour, and stands in the form then."))
        parts = {f"hint{number}": one for number, one in enumerate(hints)}
        hint = Message(" ".join(f"{{{name}}}" for name in parts), parts) if parts else None
        return Denied(error.message, hint=hint)

    async def _as_of_now(self, interaction: Interaction, request: Request) -> Request:
        """Return the request with who asks as they are now, long after the first page perhaps."""
        now = request_of(interaction, request.panel_id)
        if not request.is_for_another:
            return replace(request, request_id=interaction.id, applicant=now.applicant)
        if request.panel_id not in await access_of(interaction).seen_panels(interaction):
            raise only_staff_for_others()
        return replace(request, request_id=interaction.id)


def _input_of(question: Asked, entered: Any, largest: int) -> Input:
    is_text = question.kind in (Kind.LINE, Kind.PARAGRAPH)
    note = Message("{text}", {"text": question.description}) if question.description else None
    if note is None and question.kind is Kind.FILE:
        note = _("Up to {most} each", most=size_text(largest))
    return Input(
        question.key,
        Message("{label}", {"label": question.label}),
        note,
        value=(entered or "") if is_text else tuple(entered or ()),
        kind=_KINDS[question.kind],
        required=question.required,
        shortest=question.shortest,
        longest=question.longest,
        placeholder=question.placeholder,
        choices=[(one.value, one.label) for one in question.choices],
        notes={one.value: one.description for one in question.choices if one.description},
        most=None if is_text else most_of(question),
    )


def _plain(value: Any) -> Any:
    """Return what was entered as values: of an upload, what is needed to fetch it."""
    if not isinstance(value, tuple):
        return value
    return [
        {
            "id": str(one.id),
            "filename": one.filename,
            "size": one.size,
            "content_type": one.content_type,
            "url": one.url,
        }
        if isinstance(one, discord.Attachment)
        else one
        for one in cast("tuple[Any, ...]", value)
    ]


def _without(answers: Mapping[str, Any], questions: Sequence[Asked]) -> dict[str, Any]:
    asked = {one.key for one in questions}
    return {key: value for key, value in answers.items() if key not in asked}


def _applicant_json(request: Request) -> dict[str, Any]:
    one = request.applicant
    return {
        "user_id": str(one.user_id),
        "name": one.name,
        "role_ids": [str(it) for it in sorted(one.role_ids)],
        "is_bot": one.is_bot,
    }


def _read_applicant(stored: Mapping[str, Any]) -> Applicant:
    return Applicant(
        user_id=int(stored["user_id"]),
        name=stored["name"],
        role_ids=frozenset(map(int, stored["role_ids"])),
        is_bot=stored["is_bot"],
    )


def _page_buttons(
    interaction: Interaction, panel_id: int, page: int, following: int
) -> discord.ui.View:
    locale = locale_of(interaction)
    view = discord.ui.View(timeout=None)
    for label, style, what in (
        (_("Continue"), discord.ButtonStyle.primary, str(following)),
        (_("Back"), discord.ButtonStyle.secondary, str(page)),
        (_("Discard"), discord.ButtonStyle.secondary, "discard"),
    ):
        view.add_item(
            discord.ui.Button(
                label=label.render(locale),
                style=style,
                custom_id=f"tickets:form:{panel_id}:{what}",
            )
        )
    # One that has stopped is not kept in memory; `PageButton` answers for it.
    view.stop()
    return view


class PageButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"tickets:form:(?P<panel>\d{1,18}):(?P<what>\d{1,2}|discard)",
):
    """Goes on with a form that is half filled in, also after a restart."""

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

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Open the page, or forget the form."""
        asker: Asker = interaction.client.get_cog("Tickets").asker
        panel_id, what = int(self._match["panel"]), self._match["what"]
        if what != "discard":
            await asker.resume(interaction, panel_id, int(what))
            return
        await asker.forget(interaction, panel_id)
        text = _("The form is discarded.").render(locale_of(interaction))
        await interaction.response.edit_message(content=text, view=None)
