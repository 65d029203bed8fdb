"""What can be done with tickets over the API, and when that is offered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bot.core.i18n import N_, Message, _
from bot.core.resources import Action, Resource
from cogs.tickets import machine
from cogs.tickets.ticket_bodies import (
    STATES,
    AskBody,
    ClaimBody,
    CloseBody,
    LeaverBody,
    MemberBody,
    MoveBody,
    NoteBody,
    OpenBody,
    OwnerBody,
    StaffBody,
    TicketBody,
    TicketDetail,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

_PAGE = 50


def _action(
    name: str,
    does: str,
    title: str,
    rule: machine.Action,
    *,
    body: type[BaseModel] | None = None,
    also: Callable[[TicketDetail], bool] = lambda _one: True,
) -> Action:
    """Declare an action that is offered in the states in which the machine takes it."""

    def is_offered(one: TicketDetail) -> bool:
        return machine.can(rule, one.status) and also(one)

    return Action(name=name, summary=does, title=title, body=body, is_offered=is_offered)


def _facts(one: TicketDetail) -> Sequence[Message | str]:
    facts = [_(STATES[one.status]), one.panel]
    return [*facts, _("by {member}", member=f"<@{one.opener_id}>")] if one.opener_id else facts


_RULE = machine.Action
TICKETS = Resource(
    name="tickets",
    one="ticket",
    many="tickets",
    title=N_("Tickets"),
    label=lambda one: f"#{one.id} {one.name}",
    model=TicketDetail,
    addition=OpenBody,
    change=TicketBody,
    removal="",
    page=_PAGE,
    search=N_("Words that were written in them"),
    document="transcript",
    facts=_facts,
    actions=(
        _action("close", "Close", N_("Close"), _RULE.CLOSE, body=CloseBody),
        _action(
            "close-request",
            "Ask the opener to close",
            N_("Ask whether it can be closed"),
            _RULE.REQUEST_CLOSE,
            body=AskBody,
        ),
        _action(
            "keep-open",
            "Take back the planned end of",
            N_("Keep it open"),
            _RULE.KEEP_OPEN,
            also=lambda one: one.close_requested or one.closes_at is not None,
        ),
        _action(
            "reopen",
            "Open again",
            N_("Open again"),
            _RULE.REOPEN,
            also=lambda one: one.opener_id is not None,
        ),
        _action(
            "claim",
            "Have somebody see to",
            N_("Claim"),
            _RULE.CLAIM,
            body=ClaimBody,
            also=lambda one: one.claimer_id is None,
        ),
        _action(
            "unclaim",
            "Let go of",
            N_("Let go"),
            _RULE.UNCLAIM,
            also=lambda one: one.claimer_id is not None,
        ),
        _action("transfer", "Hand over", N_("Hand over"), _RULE.TRANSFER, body=StaffBody),
        _action("give", "Change the owner of", N_("Give away"), _RULE.GIVE_TO, body=OwnerBody),
        _action("add-member", "Let a member into", N_("Add member"), _RULE.ADD, body=MemberBody),
        _action(
            "remove-member",
            "Take a member out of",
            N_("Remove member"),
            _RULE.REMOVE,
            body=LeaverBody,
            also=lambda one: bool(one.member_ids),
        ),
        _action("move", "Move", N_("Move"), _RULE.MOVE, body=MoveBody),
        _action("note", "Leave a note on", N_("Leave a note"), _RULE.NOTE, body=NoteBody),
    ),
)
