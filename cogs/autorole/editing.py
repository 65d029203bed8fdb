"""Join roles as commands change them: each change is decided in the settings' store."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.core.errors import Conflict, NotFound
from bot.core.i18n import _
from bot.core.settings import SettingsStore, StaleSettings
from cogs.autorole.service import KEY
from cogs.autorole.settings import MOST_ROLES, JoinRole

if TYPE_CHECKING:
    from bot.core.contracts import Actor

# A change loses at most as often as others change the settings meanwhile.
_ATTEMPTS = 20

JoinRoles = tuple[JoinRole, ...]


def changed_role(roles: JoinRoles, role_id: int, values: Mapping[str, Any]) -> JoinRole:
    """Return a join role with these values; what they don't name stays as it is."""
    known = next((one.model_dump() for one in roles if one.role_id == role_id), {})
    return JoinRole.model_validate({"role_id": role_id, **known, **values})


def with_role(roles: JoinRoles, role: JoinRole) -> JoinRoles:
    """Return the join roles with one added, in its place where it is there already.

    Raises `Conflict` when there are as many as there can be.
    """
    if any(one.role_id == role.role_id for one in roles):
        return tuple(role if one.role_id == role.role_id else one for one in roles)
    if len(roles) >= MOST_ROLES:
        raise Conflict(
            _("There are {count} join roles already, which is the most.", count=MOST_ROLES),
            hint=_("Remove one with /autorole remove."),
        )
    return (*roles, role)


def without_role(roles: JoinRoles, role_id: int) -> JoinRoles:
    """Return the join roles without one."""
    return tuple(one for one in roles if one.role_id != role_id)


def find_role(roles: Sequence[JoinRole], text: str, names: dict[int, str]) -> JoinRole:
    """Return the join role that a text names by id, mention or name; raises `NotFound`."""
    found = re.fullmatch(r"\s*(?:<@&)?(\d{15,20})>?\s*", text)
    wanted = text.strip().removeprefix("@").casefold()
    for one in roles:
        if (found and int(found[1]) == one.role_id) or (
            names.get(one.role_id, "").casefold() == wanted
        ):
            return one
    raise NotFound(
        _("“{role}” is no join role.", role=text.strip()[:60]),
        hint=_("See them all with /autorole list."),
    )


async def change_roles(
    settings: SettingsStore, guild_id: int, edit: Callable[[JoinRoles], JoinRoles], actor: Actor
) -> JoinRoles:
    """Change a guild's join roles, whoever else changes them meanwhile; return what they are."""
    for _attempt in range(_ATTEMPTS):
        state = await settings.get(guild_id, KEY)
        edited = edit(state.settings.join_roles)
        changed = [one.model_dump(mode="json") for one in edited]
        try:
            await settings.change(
                guild_id,
                KEY,
                {"join_roles": changed},
                actor=actor,
                expected_revision=state.revision,
            )
        except StaleSettings:
            continue
        return edited
    raise Conflict(_("Too many changes at once."), hint=_("Please try again."))
