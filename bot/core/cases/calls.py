"""The calls to Discord that a case or a sanction stands for; what the bot may not, it knows before.

Decides nothing and writes nothing: `enforcement` and `sanctions` do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.core.cases.desk import Desk
from bot.core.cases.outcomes import NOT_CONNECTED, Delayed, Gone, NotPermitted
from bot.core.cases.rules import ACTIONS, LIFTING_ACTIONS, audit_reason, timeout_until
from bot.core.cases.values import CaseKind, Enforcer, SanctionKind
from bot.core.contracts import MemberFacts
from bot.core.preflight import Action, Refusal, can_act
from db import cases as table
from db import sanctions as sanction_table


@dataclass(frozen=True, slots=True)
class Need:
    """What the bot is about to do of itself, as the preflight judges it."""

    guild_id: int
    user_id: int
    action: Action
    role_id: int | None = None


class Caller:
    """Makes calls through the enforcer there is; raises what it raises."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def enforcer(self) -> Enforcer:
        """The way to Discord; raises `Delayed` while there is none."""
        if self._desk.enforcer is None:
            raise Delayed(NOT_CONNECTED, after=timedelta(seconds=5))
        return self._desk.enforcer

    async def carry_out(self, case: table.Case) -> None:
        """Do what the case orders."""
        reason = audit_reason(case.reason, [case.number])
        guild_id, user_id = case.guild_id, case.target_id
        match CaseKind(case.kind):
            case CaseKind.KICK:
                await self.enforcer.kick(guild_id, user_id, reason=reason)
            case CaseKind.SOFTBAN:
                await self._softban(case, reason)
            case CaseKind.ADD_ROLE:
                role_id = _role_of(case.role_id)
                await self.enforcer.add_role(guild_id, user_id, role_id, reason=reason)
            case CaseKind.REMOVE_ROLE:
                role_id = _role_of(case.role_id)
                await self.enforcer.remove_role(guild_id, user_id, role_id, reason=reason)
            case CaseKind.TIMEOUT | CaseKind.MUTE | CaseKind.BAN | CaseKind.TEMPBAN:
                await self._hold(case, reason)
            case CaseKind.UNTIMEOUT | CaseKind.UNMUTE | CaseKind.UNBAN as kind:
                lifted = {
                    CaseKind.UNTIMEOUT: SanctionKind.TIMEOUT,
                    CaseKind.UNMUTE: SanctionKind.MUTE,
                    CaseKind.UNBAN: SanctionKind.BAN,
                }[kind]
                await self._lift(guild_id, user_id, lifted, case.role_id, reason)
            case CaseKind.NOTE | CaseKind.WARN:
                pass

    async def _hold(self, case: table.Case, reason: str) -> None:
        guild_id, user_id = case.guild_id, case.target_id
        match CaseKind(case.kind):
            case CaseKind.TIMEOUT:
                until = timeout_until(case.expires_at, self._desk.clock.now())
                await self.enforcer.time_out(guild_id, user_id, until=until, reason=reason)
            case CaseKind.MUTE:
                role_id = _role_of(case.role_id)
                await self.enforcer.add_role(guild_id, user_id, role_id, reason=reason)
            case _:
                window = timedelta(seconds=case.delete_seconds)
                await self.enforcer.ban(guild_id, user_id, reason=reason, delete_window=window)

    async def _softban(self, case: table.Case, reason: str) -> None:
        window = timedelta(seconds=case.delete_seconds) or timedelta(days=1)
        await self.enforcer.ban(case.guild_id, case.target_id, reason=reason, delete_window=window)
        try:
            await self.enforcer.unban(case.guild_id, case.target_id, reason=reason)
        except Gone:
            return

    async def uphold(self, sanction: sanction_table.Sanction, case: table.Case | None) -> None:
        """Put a member under a sanction again, or for longer: a repeat does no harm."""
        reason = _reason(case)
        guild_id, user_id = sanction.guild_id, sanction.user_id
        match SanctionKind(sanction.kind):
            case SanctionKind.TIMEOUT:
                until = timeout_until(sanction.ends_at, self._desk.clock.now())
                await self.enforcer.time_out(guild_id, user_id, until=until, reason=reason)
            case SanctionKind.MUTE:
                role_id = _role_of(sanction.role_id)
                await self.enforcer.add_role(guild_id, user_id, role_id, reason=reason)
            case SanctionKind.BAN:
                await self.enforcer.ban(guild_id, user_id, reason=reason, delete_window=timedelta())

    async def lift(self, sanction: sanction_table.Sanction, case: table.Case | None) -> None:
        """Free a member of a sanction; that there was nothing to lift is as good."""
        try:
            await self._lift(
                sanction.guild_id,
                sanction.user_id,
                SanctionKind(sanction.kind),
                sanction.role_id,
                _reason(case),
            )
        except Gone:
            return

    async def free(self, guild_id: int, user_id: int, kind: SanctionKind, case: table.Case) -> None:
        """Free a member of what a case may have brought, though nothing is wanted of them."""
        try:
            await self._lift(guild_id, user_id, kind, case.role_id, _reason(case))
        except Gone:
            return

    async def _lift(
        self, guild_id: int, user_id: int, kind: SanctionKind, role_id: int | None, reason: str
    ) -> None:
        match kind:
            case SanctionKind.TIMEOUT:
                await self.enforcer.time_out(guild_id, user_id, until=None, reason=reason)
            case SanctionKind.MUTE:
                role_id = _role_of(role_id)
                await self.enforcer.remove_role(guild_id, user_id, role_id, reason=reason)
            case SanctionKind.BAN:
                await self.enforcer.unban(guild_id, user_id, reason=reason)

    async def take_back_role(self, case: table.Case) -> None:
        """Reverse a case that gave or took a role."""
        reason = audit_reason(case.reason, [case.number])
        role_id = _role_of(case.role_id)
        change = (
            self.enforcer.remove_role if case.kind == CaseKind.ADD_ROLE else self.enforcer.add_role
        )
        try:
            await change(case.guild_id, case.target_id, role_id, reason=reason)
        except Gone:
            return

    def refusal_of(self, need: Need) -> Refusal | None:
        """Return why the bot can't act of itself, as far as it sees; `None` may still fail.

        Members are not cached, so that only the bot's own permissions and the role are judged.
        """
        state = self._desk.state()
        me = state.me(need.guild_id)
        if me is None:
            return None
        role = state.role(need.guild_id, need.role_id) if need.role_id is not None else None
        target = MemberFacts(need.user_id, need.guild_id, "", top_role_position=-1)
        return can_act(need.action, bot=me, target=target, role=role)

    def check(self, need: Need) -> None:
        """Raise `NotPermitted` for what the bot can't do of itself."""
        if self.refusal_of(need) is not None:
            raise NotPermitted("missing_permissions", "seen before the call")


def lifting_action(kind: str) -> Action:
    """Return what lifting a sanction is to the preflight."""
    return LIFTING_ACTIONS[SanctionKind(kind)]


def upholding_action(kind: str) -> Action:
    """Return what a sanction itself is to the preflight."""
    return ACTIONS[CaseKind(kind)]


def _reason(case: table.Case | None) -> str:
    return audit_reason(case.reason, [case.number]) if case else "[case 0]"


def _role_of(role_id: int | None) -> int:
    if role_id is None:
        raise Gone("role_gone", "no role was named")
    return role_id
