"""What a panel needs of Discord: where its rooms are made, and whom its tickets call.

Asked before something is kept or posted, which is refused then, and again for the problems of a
guild, since permissions and roles change. Free of discord.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from bot.core.contracts import BotState, ChannelSummary, Permissions, RoleSummary
from bot.core.errors import AppError, Denied, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.i18n import Message, _, ngettext
from bot.core.permission_names import PermissionList
from bot.core.places import ChannelList, label_of
from bot.core.preflight import Cause, Refusal, can_post, missing_permissions
from bot.core.problems.rules import Problem
from cogs.tickets.office import Office
from cogs.tickets.panel import Panel, Room, name_key
from cogs.tickets.settings import KEY, TicketSettings
from db import ticket_panels as table
from db.ticket_panels import TicketPanel, TicketPost

_FOR_THREADS = (
    "view_channel",
    "create_private_threads",
    "send_messages_in_threads",
    "manage_threads",
)
_FOR_CHANNELS = ("view_channel", "manage_channels", "manage_roles")
_MENTIONS = "mention_everyone"
_MOST_NAMED = 10
_NAME_STAFF = _(
    "Choose roles under People in /ticket panel edit, or for all panels in /ticket settings."
)
_MEND_ROUTE = _("Turn that panel on again, or remove the route in /ticket panel edit.")
Roles: TypeAlias = tuple[int, ...]
# Of so many guilds the panels are read at once.
_BATCH = 50


def check_channel(state: BotState, guild_id: int, channel_id: int) -> None:
    """Raise when no message with panels can be posted in a channel."""
    channel = state.channel(guild_id, channel_id)
    if channel is None:
        raise NotFound(_("I can't see that channel."))
    _raise(can_post(channel, ("embed_links",)))


def check_place(state: BotState, guild_id: int, panel: Panel, posted_in: int | None = None) -> None:
    """Raise when no room could be made where the panel's are to be.

    Where the panel names no place, threads are made in the channel that it is `posted_in`.
    """
    if panel.parent_id is None:
        here = state.channel(guild_id, posted_in) if posted_in is not None else None
        if here is not None and panel.room is Room.THREAD:
            if here.kind == "thread" and here.parent_id is not None:
                here = state.channel(guild_id, here.parent_id) or here
            if here.kind != "text":
                raise InvalidInput(
                    _("Threads need a text channel to be in, which this is not."),
                    hint=_("Choose one as the place under Rooms in /ticket panel edit."),
                )
            _raise(missing_permissions(_FOR_THREADS, here.bot_permissions, here))
    else:
        _check_parent(state, guild_id, panel, panel.parent_id)
    if panel.room is Room.CHANNEL:
        for category_id in panel.overflow_ids:
            _check_parent(state, guild_id, panel, category_id)


def _check_parent(state: BotState, guild_id: int, panel: Panel, parent_id: int) -> None:
    place = state.channel(guild_id, parent_id)
    if place is None:
        raise NotFound(_("I can't see the place for the rooms of these tickets."))
    if panel.room is Room.THREAD and place.kind != "text":
        raise InvalidInput(
            _("Threads need a text channel to be in."), hint=_("Choose one as the place.")
        )
    if panel.room is Room.CHANNEL and place.kind != "category":
        raise InvalidInput(
            _("Channels need a category to be in."), hint=_("Choose one as the place.")
        )
    needs = _FOR_THREADS if panel.room is Room.THREAD else _FOR_CHANNELS
    _raise(missing_permissions(needs, place.bot_permissions, place))


def place_refusal(
    state: BotState, guild_id: int, panel: Panel, posted_in: int | None = None
) -> tuple[Message, Message] | None:
    """Return why a panel's rooms can't all be made where they are to be, and what helps."""
    try:
        check_place(state, guild_id, panel, posted_in)
    except AppError as error:
        fix = error.hint or _("An admin can choose another with /ticket panel edit.")
        return _("Tickets of {panel}: {problem}", panel=panel.name, problem=error.message), fix
    return None


def check_calls(
    state: BotState,
    guild_id: int,
    panel: Panel,
    settings: TicketSettings,
    posted_in: int | None = None,
) -> None:
    """Raise when the bot can't mention a role that the panel's tickets call."""
    _raise(call_refusal(state, guild_id, panel, settings, posted_in))


def call_refusal(
    state: BotState,
    guild_id: int,
    panel: Panel,
    settings: TicketSettings,
    posted_in: int | None = None,
) -> Refusal | None:
    """Return what keeps the panel's tickets from calling their roles, and what helps."""
    place: ChannelSummary | None = None
    if panel.room is Room.THREAD:
        home = panel.parent_id if panel.parent_id is not None else posted_in
        place = state.channel(guild_id, home) if home is not None else None
        if place is None:
            return None
    granted = place.bot_permissions if place is not None else _own(state, guild_id)
    if granted is None or not granted.isdisjoint((_MENTIONS, "administrator")):
        return None
    known = (state.role(guild_id, one) for one in sorted(called_roles(panel, settings)))
    unheard = [one for one in known if one is not None and not one.mentionable]
    if panel.room is Room.THREAD:
        # They see each thread without being let in.
        watch = {"manage_threads", "administrator"}
        unheard = [one for one in unheard if watch.isdisjoint(one.permissions)]
    return _unheard(unheard, place) if unheard else None


def called_roles(panel: Panel, settings: TicketSettings) -> frozenset[int]:
    """Return the roles that tickets of a panel mention at one time or another."""
    service = panel.service
    found = {*panel.ping_roles}
    if panel.room is Room.THREAD or service.remind_after is not None:
        found |= {*settings.staff_roles, *panel.staff_roles}
        found |= {role for route in panel.routes for role in route.staff_roles}
    if service.escalate_after is not None:
        found |= {*service.escalate_roles}
    if service.lead_after is not None and settings.lead_role_id is not None:
        found.add(settings.lead_role_id)
    return frozenset(found)


def staff_of_panel(state: BotState, guild_id: int, panel: Panel, settings: TicketSettings) -> Roles:
    """Return the roles that see to a panel's tickets and exist, the panel's own first."""
    named = dict.fromkeys((*panel.staff_roles, *settings.staff_roles))
    return tuple(one for one in named if state.role(guild_id, one) is not None)


def unstaffed(
    state: BotState, guild_id: int, panel: Panel, settings: TicketSettings
) -> Message | None:
    """Return what follows when no role sees to a panel's tickets, and what helps."""
    if staff_of_panel(state, guild_id, panel, settings):
        return None
    said = (
        _(
            "{panel} has no staff: only who may manage tickets sees to them.",
            panel=quote(panel.name),
        )
        if any(state.role(guild_id, one) is not None for one in panel.ping_roles)
        else _(
            "{panel} has no staff: nobody is called to its tickets, and only who may manage "
            "tickets sees to them.",
            panel=quote(panel.name),
        )
    )
    return Message("⚠️ {problem} {fix}", {"problem": said, "fix": _NAME_STAFF})


def lost_staff(
    state: BotState, guild_id: int, panel: Panel, settings: TicketSettings
) -> Message | None:
    """Return that all roles that saw to a panel's tickets have been deleted."""
    named = panel.staff_roles or settings.staff_roles
    if not named or staff_of_panel(state, guild_id, panel, settings):
        return None
    return _(
        "The roles of the staff of {panel} don't exist any more: nobody is called to its tickets.",
        panel=panel.name,
    )


def lost_route(panel: Panel, offered: Collection[str]) -> Message | None:
    """Return that an answer leads to a panel that is off or gone; `offered` are those that are on.

    By `name_key`. Where it is gone, the ticket stays with the panel that was pressed.
    """
    for route in panel.routes:
        if route.panel is not None and name_key(route.panel) not in offered:
            return _(
                "An answer in the form of {panel} leads to {target}, which is off or deleted.",
                panel=panel.name,
                target=route.panel,
            )
    return None


def _own(state: BotState, guild_id: int) -> Permissions | None:
    # A channel's overwrites are the bot's own, and deny it nothing.
    me = state.me(guild_id)
    return me.permissions if me is not None else None


def _unheard(roles: Sequence[RoleSummary], place: ChannelSummary | None) -> Refusal:
    names = ", ".join(f"@{one.name}" for one in roles[:_MOST_NAMED])
    if len(roles) > _MOST_NAMED:
        names += ", …"
    permission = PermissionList((_MENTIONS,))
    if place is None:
        message = ngettext(
            "I can't mention {roles}: tickets don't call this role.",
            "I can't mention {roles}: tickets don't call these roles.",
            len(roles),
            roles=names,
        )
        fix = _(
            "Allow {names} for my role in Server Settings > Roles, or let anyone mention {roles} "
            "there.",
            names=permission,
            roles=names,
        )
    else:
        where = ChannelList((label_of(place),))
        message = ngettext(
            "I can't mention {roles} in {channel}: this role is not let into private threads.",
            "I can't mention {roles} in {channel}: these roles are not let into private threads.",
            len(roles),
            roles=names,
            channel=where,
        )
        fix = _(
            "Open the settings of {channel}, go to Permissions, add my role and allow {names}; or "
            "let anyone mention {roles} in Server Settings > Roles.",
            channel=where,
            names=permission,
            roles=names,
        )
    return Refusal(Cause.BOT_PERMISSION, message, fix)


def _raise(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Denied(refusal.message, hint=refusal.fix)


class PanelProblems:
    """Finds what keeps the panels of guilds from working, for the problems on record."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def find(self, guild_ids: Sequence[int]) -> Mapping[int, Sequence[Problem]]:
        """Return the problems of those guilds that have some."""
        found: dict[int, list[Problem]] = {}
        for start in range(0, len(guild_ids), _BATCH):
            batch = guild_ids[start : start + _BATCH]
            async with self._office.database.read() as session:
                panels = await table.list_panels_of(session, batch)
                posts = await table.list_posts_of(session, [*panels])
            for guild_id, rows in panels.items():
                state = await self._office.settings.get(guild_id, KEY)
                if state.enabled:
                    problems = self._look(guild_id, rows, posts.get(guild_id, ()), state.settings)
                    found[guild_id] = [*problems]
        return found

    def _look(
        self,
        guild_id: int,
        rows: Iterable[TicketPanel],
        posts: Sequence[TicketPost],
        settings: TicketSettings,
    ) -> Iterator[Problem]:
        state = self._office.state()
        panels = [(row, Panel.model_validate(row.config)) for row in rows]
        offered = {name_key(panel.name) for _row, panel in panels if panel.enabled}
        for row, panel in panels:
            if not panel.enabled:
                continue
            if led := lost_route(panel, offered):
                yield Problem(KEY, "lost_route", str(row.id), led, _MEND_ROUTE)
            if gone := lost_staff(state, guild_id, panel, settings):
                yield Problem(KEY, "no_staff", str(row.id), gone, _NAME_STAFF)
            homes = [one.channel_id for one in posts if row.id in one.panel_ids]
            for home in homes if panel.parent_id is None and homes else [None]:
                if lost := place_refusal(state, guild_id, panel, home):
                    yield Problem(KEY, "no_place", str(row.id), *lost)
                    break
                refusal = call_refusal(state, guild_id, panel, settings, home)
                if refusal is not None:
                    cause = "cannot_call"
                    yield Problem(KEY, cause, str(row.id), refusal.message, refusal.fix)
                    break
