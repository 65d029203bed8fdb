"""What the shop's services share: the kernel's services and the guild's currency and roles.

Free of discord.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.contracts import Actor, MemberFacts, RoleSummary
from bot.core.errors import Denied, FieldError, InvalidInput, NotFound
from bot.core.i18n import Message, _
from bot.core.permission_names import PermissionList
from bot.core.power import DANGEROUS_NAMES
from bot.core.preflight import Action, Refusal, can_act
from cogs.economy.settings import KEY
from cogs.economy.wording import Currency

if TYPE_CHECKING:
    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.contracts import BotState
    from bot.core.jobs import JobService
    from bot.core.kernel import Kernel
    from bot.core.roles import RoleService
    from bot.core.settings import SettingsStore
    from db.engine import Database

# What it means for somebody that they don't get a role.
CHARGED_NOTHING = _("You were charged nothing.")
USED_NOTHING = _("Nothing was used: you still have the item.")

MuteRole = Callable[[int], Awaitable[int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopOffice:
    """The services that the shop, inventories and trades work with."""

    database: Database
    clock: Clock
    settings: SettingsStore
    jobs: JobService
    roles: RoleService
    audit: AuditLog
    state: Callable[[], BotState]
    mute_role: MuteRole

    @classmethod
    def of(cls, kernel: Kernel) -> ShopOffice:
        """Return what the kernel has of it."""
        return cls(
            database=kernel.database,
            clock=kernel.clock,
            settings=kernel.settings,
            jobs=kernel.jobs,
            roles=kernel.roles,
            audit=kernel.audit,
            state=kernel.state,
            mute_role=kernel.cases.mute_role_id,
        )

    async def currency(self, guild_id: int) -> Currency:
        """Return how a guild's money is written."""
        return Currency.of((await self.settings.get(guild_id, KEY)).settings)

    async def ensure_offerable(
        self, guild_id: int, role_id: int, actor: Actor, *, trusted: bool
    ) -> None:
        """Raise in words unless bot and person may give a role that is to be sold."""
        role = self._role(guild_id, role_id)
        if role is None:
            raise no_role("/role_id")
        if role_id == await self.mute_role(guild_id):
            raise Denied(_("That is the mute role."), hint=_("Choose another role."))
        # Whoever was handed the economy may sell roles; their rank still counts.
        seller = MemberFacts(
            actor.user_id,
            guild_id,
            actor.name,
            top_role_position=actor.rank or 0,
            permissions=frozenset({"manage_roles"}),
            is_guild_owner=actor.rank is None,
        )
        refusal = self._refusal(guild_id, role, seller)
        if refusal is not None:
            raise Denied(refusal.message, hint=refusal.fix)
        if not trusted and (power := power_of(role)):
            raise Denied(
                _(
                    "Whoever has {role} gets power over this server: {permissions}.",
                    role=f"<@&{role_id}>",
                    permissions=PermissionList(sorted(power)),
                ),
                hint=_("Choose a role without it, or say that it is to be sold all the same."),
            )

    async def ensure_givable(
        self, guild_id: int, role_id: int, *, trusted: bool, so: Message = CHARGED_NOTHING
    ) -> None:
        """Raise in words, before anybody pays, when the bot can't give a role that is for sale.

        `so` says what that means for whoever reads it.
        """
        role = self._role(guild_id, role_id)
        if role is None:
            gone = _("The role of this item no longer exists.")
            raise NotFound(with_end(gone, so), hint=_ASK_ADMIN)
        if role_id == await self.mute_role(guild_id) or (not trusted and power_of(role)):
            text = _("{role} is not for sale any more.", role=f"<@&{role_id}>")
            raise Denied(with_end(text, so), hint=_ASK_ADMIN)
        refusal = self._refusal(guild_id, role, None)
        if refusal is not None:
            raise Denied(with_end(refusal.message, so), hint=_ASK_ADMIN)

    def ensure_there(self, guild_id: int, role_id: int) -> None:
        """Raise `InvalidInput` for a required role that is not in the guild."""
        if self._role(guild_id, role_id) is None:
            raise no_role("/required_role_id")

    def power(self, guild_id: int, role_id: int) -> frozenset[str]:
        """Return which power over others a role gives."""
        role = self._role(guild_id, role_id)
        return frozenset() if role is None else power_of(role)

    def _role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        # Everybody has the role that bears the guild's own id.
        return None if role_id == guild_id else self.state().role(guild_id, role_id)

    def _refusal(
        self, guild_id: int, role: RoleSummary, actor: MemberFacts | None
    ) -> Refusal | None:
        me = self.state().me(guild_id)
        if me is None:
            raise NotFound(_("I am not in this server any more."))
        anybody = MemberFacts(0, guild_id, "", top_role_position=-1)
        return can_act(Action.ADD_ROLE, bot=me, actor=actor, target=anybody, role=role)


_ASK_ADMIN = _("Tell an admin of this server.")


def with_end(text: Message, so: Message) -> Message:
    """Return a refusal with what it means for whoever reads it."""
    return Message("{text} {so}", {"text": text, "so": so})


def no_role(pointer: str) -> InvalidInput:
    """Return the refusal of a role that is not in the guild, at its field."""
    text = _("That role no longer exists.")
    errors = (FieldError(pointer, text),)
    return InvalidInput(text, errors=errors, hint=_("Choose another role."))


def power_of(role: RoleSummary) -> frozenset[str]:
    """Return which of a role's permissions give power over others."""
    return role.permissions & DANGEROUS_NAMES
