"""How a panel stands, in lines for its admins; pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.durations import compact_duration
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _, ngettext
from cogs.tickets import form_editing as editing
from cogs.tickets.hours import say_hours
from cogs.tickets.paging import pack
from cogs.tickets.panel import Panel, Route
from cogs.tickets.questions import KINDS
from cogs.tickets.sections import OUTSIDE, ROOMS
from cogs.tickets.wording import PRIORITIES

# All texts of such a message have 4000 characters together.
_LONGEST_SHOWN = 3300


def summarize(
    panel: Panel, locale: str, *, staff: Sequence[int], warning: Message | None
) -> list[str]:
    """Return the lines; `staff` are the roles that see to it, `warning` is said when none do."""
    state = _("on") if panel.enabled else _("off")
    lines: list[Message | str] = [
        f"### {panel.emoji} {escape_markdown(panel.name)} ({state.render(locale)})",
        escape_markdown(panel.description),
        *_place_lines(panel, locale),
        warning or _("Staff: {roles}", roles=mentions(staff)),
        *_people_lines(panel),
        *_limit_lines(panel),
        *_time_lines(panel, locale),
        *_form_lines(panel, locale),
    ]
    shown = [one.render(locale) if isinstance(one, Message) else one for one in lines]
    return [one for one in shown if one]


def fit(lines: list[str], locale: str) -> str:
    """Return as many lines as fit, and how many more there are: the menus have them all."""
    shown = pack(lines, len(lines), limit=_LONGEST_SHOWN)
    if len(shown) == 1:
        return shown[0]
    more = len(lines) - shown[0].count("\n") - 1
    text = ngettext(
        "… and {count} more line: the menus below have everything.",
        "… and {count} more lines: the menus below have everything.",
        more,
    )
    return f"{shown[0]}\n{text.render(locale)}"


def mentions(role_ids: Sequence[int]) -> str:
    """Return roles as a message mentions them."""
    return ", ".join(f"<@&{one}>" for one in role_ids)


def _place_lines(panel: Panel, locale: str) -> list[Message | str]:
    place = _("Rooms: {kind}", kind=_(ROOMS[panel.room])).render(locale)
    lines: list[Message | str] = [place + (f" · <#{panel.parent_id}>" if panel.parent_id else "")]
    if panel.log_channel_id:
        lines.append(_("Transcripts go to {channel}", channel=f"<#{panel.log_channel_id}>"))
    return lines


def _people_lines(panel: Panel) -> list[Message]:
    named = (
        (_("Notified: {roles}", roles=mentions(panel.ping_roles)), panel.ping_roles),
        (_("Required: {roles}", roles=mentions(panel.required_roles)), panel.required_roles),
        (_("Blocked: {roles}", roles=mentions(panel.blocked_roles)), panel.blocked_roles),
    )
    return [line for line, roles in named if roles]


def _limit_lines(panel: Panel) -> list[Message]:
    lines = [_("Open tickets of a member: {count}", count=panel.per_member)]
    if panel.at_most is not None:
        lines.append(_("Open tickets in all: {count}", count=panel.at_most))
    if panel.cooldown is not None:
        lines.append(_("Pause between two: {time}", time=compact_duration(panel.cooldown)))
    return lines


def _time_lines(panel: Panel, locale: str) -> list[Message]:
    if not panel.hours:
        return [_("Hours: {hours}", hours=say_hours(panel.hours, locale))]
    shown = ", ".join(str(say_hours(panel.hours, locale)).split("\n"))
    shown += f" ({panel.zone})" if panel.zone else ""
    return [
        _("Hours: {hours}", hours=shown),
        _("At other times: {what}", what=_(OUTSIDE[panel.outside_hours])),
    ]


def _form_lines(panel: Panel, locale: str) -> list[str]:
    lines: list[str] = []
    for number, page in enumerate(panel.pages, 1):
        lines.append(f"**{_('Page {number}', number=number).render(locale)}**")
        for one in page.questions:
            needed = " \\*" if one.required else ""
            when = editing.write_condition(one.when, panel)
            if when:
                when = f" · {_('only with {condition}', condition=when).render(locale)}"
            kind = _(KINDS[one.kind]).render(locale)
            label = escape_markdown(one.label)
            lines.append(f"- {label}{needed} · {kind}{escape_markdown(when)}")
    lines += [f"➜ {route_line(one, panel, locale)}" for one in panel.routes]
    return lines


def route_line(route: Route, panel: Panel, locale: str) -> str:
    """Return a route in one line: which answers lead to what."""
    parts = [escape_markdown(route.panel or ""), mentions(route.staff_roles)]
    if route.priority is not None:
        parts.append(_(PRIORITIES[route.priority]).render(locale))
    parts += [escape_markdown(one) for one in route.labels]
    when = escape_markdown(editing.write_condition(route.when, panel))
    return f"{when}: {', '.join(filter(None, parts))}"
