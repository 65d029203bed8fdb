"""Who it is that an id names: a member, perhaps of the staff of a ticket; free of discord.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bot.core.errors import Denied, FieldError, InvalidInput
from bot.core.i18n import _
from cogs.tickets.panel import Panel
from cogs.tickets.settings import KEY
from db.ticket_panels import list_panels

if TYPE_CHECKING:
    from bot.core.contracts import MemberFacts
    from bot.core.permissions import PermissionService
    from cogs.tickets.office import Office
    from db.tickets import Ticket


class People(Protocol):
    """Knows members as Discord has them now."""

    async def look_up(self, guild_id: int, user_id: int) -> MemberFacts | None:
        """Return a member by their user name, `None` for who is none.

        Raises `DiscordFailed` while Discord does not tell.
        """
        ...


async def find_member(people: People, guild_id: int, user_id: int) -> MemberFacts:
    """Return the member that `/member_id` of a body names; raises `InvalidInput` for nobody."""
    if (found := await people.look_up(guild_id, user_id)) is not None:
        return found
    message = _("There is no member with the ID {id} in this server.", id=str(user_id))
    raise InvalidInput(message, errors=(FieldError("/member_id", message),))


def ensure_is_person(member: MemberFacts) -> None:
    """Raise `InvalidInput` for a bot, which has no tickets."""
    if member.is_bot:
        raise InvalidInput(_("A bot can't have a ticket."), hint=_("Choose another member."))


async def ensure_sees_to(
    office: Office, permissions: PermissionService, ticket: Ticket, panel: Panel, who: MemberFacts
) -> None:
    """Raise `Denied` unless a member is of the staff of a ticket, or manages tickets."""
    if not await _sees_to(office, permissions, ticket, panel, who):
        raise Denied(
            _("{member} is not of the staff of this ticket.", member=f"<@{who.id}>"),
            hint=_("/ticket add lets them in; with owner, /ticket transfer makes it their ticket."),
        )


async def ensure_reads(
    office: Office,
    permissions: PermissionService,
    ticket: Ticket,
    panel: Panel,
    who: MemberFacts | None,
) -> None:
    """Raise `Denied` unless somebody may read what was written in a ticket as its staff do."""
    if who is None or not await _sees_to(office, permissions, ticket, panel, who):
        raise _not_a_reader()


async def panels_read_by(
    office: Office, permissions: PermissionService, guild_id: int, who: MemberFacts | None
) -> frozenset[int] | None:
    """Return in which panels' tickets somebody may read, `None` for all there were.

    Raises `Denied` for who is of no staff.
    """
    if who is None:
        raise _not_a_reader()
    settings = await office.set_by(guild_id)
    if not who.role_ids.isdisjoint(settings.staff_roles) or await _manages(permissions, who):
        return None
    async with office.database.read() as session:
        rows = await list_panels(session, guild_id)
    found = frozenset(
        one.id
        for one in rows
        if not who.role_ids.isdisjoint(Panel.model_validate(one.config).staff_roles)
    )
    if not found:
        raise _not_a_reader()
    return found


async def _sees_to(
    office: Office, permissions: PermissionService, ticket: Ticket, panel: Panel, who: MemberFacts
) -> bool:
    staff = await office.staff_of(ticket, panel)
    return not staff.isdisjoint(who.role_ids) or await _manages(permissions, who)


async def _manages(permissions: PermissionService, who: MemberFacts) -> bool:
    return not who.permissions.isdisjoint(
        {"manage_guild", "administrator"}
    ) or await permissions.has(who.guild_id, who.id, KEY)


def _not_a_reader() -> Denied:
    return Denied(
        _("What was written in tickets is for the staff of their panels alone."),
        hint=_("Who is of the staff logs in with /dashboard in Discord; the access key is nobody."),
    )
