"""What speaks against opening a ticket, all of it at once and in words; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.errors import Denied
from bot.core.i18n import Message, _, ngettext
from cogs.tickets.panel import Panel
from cogs.tickets.ports import Applicant
from cogs.tickets.settings import TicketSettings

# Rooms that a refusal names, of up to fifty that somebody may have.
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is on record about somebody who asks for a ticket, and about the guild.

    `own` are the applicant's unfinished tickets over all panels, `own_of_panel` those of the panel,
    `last_at` is when they last opened one of it. `rooms` and `rooms_of_panel` are where those are
    talked over, as far as they have rooms yet.
    """

    is_blocked: bool = False
    own: int = 0
    own_of_panel: int = 0
    of_panel: int = 0
    of_guild: int = 0
    last_at: datetime | None = None
    rooms: tuple[int, ...] = ()
    rooms_of_panel: tuple[int, ...] = ()


def find_obstacles(
    panel: Panel,
    settings: TicketSettings,
    applicant: Applicant,
    standing: Standing,
    *,
    now: datetime,
    opens_at: datetime | None = None,
    for_member: str | None = None,
) -> list[Message]:
    """Return everything that speaks against it; nothing when the ticket may be opened.

    `opens_at` is when the staff are there again, where they are not now. What staff open
    `for_member`, whom that mentions, is bound by the limits alone.
    """
    found: list[Message] = []
    if not panel.enabled:
        found.append(_("This kind of ticket can't be opened at the moment."))
    if for_member is None:
        found += _about_person(panel, settings, applicant, standing)
        found += _about_time(panel, standing, now, opens_at)
    return found + find_limits(panel, settings, standing, for_member)


def _about_person(
    panel: Panel, settings: TicketSettings, applicant: Applicant, standing: Standing
) -> list[Message]:
    found: list[Message] = []
    if standing.is_blocked:
        found.append(_("The staff have blocked you from opening tickets."))
    barred = {*settings.blocked_roles, *panel.blocked_roles} & applicant.role_ids
    if barred:
        found.append(_("With {roles} you can't open this ticket.", roles=_roles(sorted(barred))))
    if panel.required_roles and applicant.role_ids.isdisjoint(panel.required_roles):
        found.append(_("You need one of these roles: {roles}", roles=_roles(panel.required_roles)))
    return found


def _about_time(
    panel: Panel, standing: Standing, now: datetime, opens_at: datetime | None
) -> list[Message]:
    found: list[Message] = []
    if panel.cooldown is not None and standing.last_at is not None:
        free_at = standing.last_at + panel.cooldown
        if free_at > now:
            found.append(_("You can open the next one {when}.", when=_in(free_at)))
    if opens_at is not None and panel.outside_hours == "refuse":
        found.append(
            _(
                "These tickets can be opened while the staff are there, again {when}.",
                when=_at(opens_at),
            )
        )
    return found


def find_limits(
    panel: Panel, settings: TicketSettings, standing: Standing, member: str | None
) -> list[Message]:
    """Return which limits are reached; `member` is whose ticket it is where that is another's."""
    found: list[Message] = []
    if standing.own_of_panel >= panel.per_member:
        found.append(_of_kind(standing, member))
    elif standing.own >= settings.open_per_member:
        found.append(_in_all(standing, member))
    full = standing.of_guild >= settings.open_at_most
    if full or (panel.at_most is not None and standing.of_panel >= panel.at_most):
        found.append(_("As many tickets as the staff can see to are open. Try again later."))
    return found


def _of_kind(standing: Standing, member: str | None) -> Message:
    count, rooms = standing.own_of_panel, _rooms(standing.rooms_of_panel)
    if member is not None:
        return ngettext(
            "{member} has {count} open ticket of this kind, the most that they may have.",
            "{member} has {count} open tickets of this kind, the most that they may have.",
            count,
            member=member,
        )
    if not rooms:
        return ngettext(
            "You have {count} open ticket of this kind: go on there, or close it first.",
            "You have {count} open tickets of this kind: go on there, or close one first.",
            count,
        )
    return ngettext(
        "You have {count} open ticket of this kind: go on in {rooms}, or close it first.",
        "You have {count} open tickets of this kind: go on in {rooms}, or close one first.",
        count,
        rooms=rooms,
    )


def _in_all(standing: Standing, member: str | None) -> Message:
    count, rooms = standing.own, _rooms(standing.rooms)
    if member is not None:
        return ngettext(
            "{member} has {count} open ticket already, the most that they may have.",
            "{member} has {count} open tickets already, the most that they may have.",
            count,
            member=member,
        )
    if not rooms:
        return ngettext(
            "You have {count} open ticket already, the most that you may have.",
            "You have {count} open tickets already, the most that you may have.",
            count,
        )
    return ngettext(
        "You have {count} open ticket already, the most that you may have: go on in {rooms}, or "
        "close it first.",
        "You have {count} open tickets already, the most that you may have: go on in {rooms}, or "
        "close one first.",
        count,
        rooms=rooms,
    )


def _rooms(channel_ids: Sequence[int]) -> str:
    named = [f"<#{one}>" for one in channel_ids[:_MOST_NAMED]]
    return ", ".join(named if len(channel_ids) <= _MOST_NAMED else [*named, "…"])


def refusal(obstacles: Sequence[Message]) -> Denied:
    """Return what tells somebody why they can't open a ticket."""
    if len(obstacles) == 1:
        return Denied(obstacles[0])
    lines = "\n".join(f"- {{line{number}}}" for number in range(len(obstacles)))
    values = {f"line{number}": one for number, one in enumerate(obstacles)}
    intro = _("You can't open this ticket yet:")
    return Denied(Message("{intro}\n" + lines, {"intro": intro, **values}))


def _roles(role_ids: Sequence[int]) -> str:
    return ", ".join(f"<@&{one}>" for one in role_ids)


def _in(instant: datetime) -> str:
    return f"<t:{int(instant.timestamp())}:R>"


def _at(instant: datetime) -> str:
    """Return an instant that may be days away: when it is, and how far off."""
    return f"<t:{int(instant.timestamp())}:f> ({_in(instant)})"
