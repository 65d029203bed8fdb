"""Keeps rewards apart from roles that something else gives: those would come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.errors import Conflict
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _
from db.role_menus import find_offering_menu

if TYPE_CHECKING:
    from bot.core.kernel import Kernel


async def ensure_unclaimed(kernel: Kernel, guild_id: int, role_id: int) -> None:
    """Raise `Conflict` when joining, verification or a menu gives the role, too."""
    if (claim := await _find_claim(kernel, guild_id, role_id)) is not None:
        raise Conflict(
            claim, hint=_("Choose another role, or take it out there first: it would come and go.")
        )


async def _find_claim(kernel: Kernel, guild_id: int, role_id: int) -> Message | None:
    role = f"<@&{role_id}>"
    known = {one.key for one in kernel.registry.all()}
    if "autorole" in known:
        settings = (await kernel.settings.get(guild_id, "autorole")).settings
        if any(one.role_id == role_id for one in settings.join_roles):
            return _("{role} is a join role: everybody gets it, whatever their level.", role=role)
    if "verification" in known:
        settings = (await kernel.settings.get(guild_id, "verification")).settings
        if role_id in (settings.verified_role_id, settings.unverified_role_id):
            return _(
                "{role} is a role of verification, which is no matter of the level.", role=role
            )
    async with kernel.database.read() as session:
        menu = await find_offering_menu(session, guild_id, role_id)
    if menu is None:
        return None
    return _(
        "{role} is in the role menu “{menu}”: members choose it themselves, whatever their level.",
        role=role,
        menu=escape_markdown(menu),
    )
