"""What staff do to members in Discord's own client; each deed has its entry in the audit log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .audit import AuditAction, change, log_member_roles
from .codec import isoformat
from .command_data import NotPossibleError
from .guild import Guild
from .models import Member, Role, User
from .permissions import Permission, can_manage_role, guild_permissions, outranks
from .person import Person

LONGEST_TIMEOUT = timedelta(days=28)


class Moderating(Person):
    """A person on the staff. Verbs raise NotPossibleError without permission or rank.

    Somebody acted on is given as a person, a member or an account.
    """

    def kick(self, target: Person | Member | User, *, reason: str | None = None) -> None:
        """Remove a member."""
        guild = self._need_in_guild(Permission.KICK_MEMBERS, "kick")
        member = self._below(guild, target)
        guild.remove_member(member.id)
        guild.log(AuditAction.MEMBER_KICK, self.id, member.id, reason=reason)

    def ban(
        self,
        target: Person | Member | User,
        *,
        reason: str | None = None,
        delete_messages: timedelta = timedelta(0),
    ) -> None:
        """Ban somebody, member or not, and delete what they wrote in the last while."""
        guild = self._need_in_guild(Permission.BAN_MEMBERS, "ban")
        user = _account(target)
        if user.id in guild.members:
            self._below(guild, target)
        guild.ban(user, reason=reason)
        guild.log(AuditAction.BAN_ADD, self.id, user.id, reason=reason)
        if delete_messages:
            guild.delete_recent_messages(user, delete_messages)

    def unban(self, target: Person | Member | User, *, reason: str | None = None) -> None:
        """Lift a ban."""
        guild = self._need_in_guild(Permission.BAN_MEMBERS, "unban")
        user = _account(target)
        if not guild.unban(user.id):
            raise NotPossibleError(f"{user.name} is not banned")
        guild.log(AuditAction.BAN_REMOVE, self.id, user.id, reason=reason)

    def time_out(
        self,
        target: Person | Member | User,
        duration: timedelta | None,
        *,
        reason: str | None = None,
    ) -> None:
        """Time a member out for at most 28 days, or (None) let them speak again."""
        guild = self._need_in_guild(Permission.MODERATE_MEMBERS, "time out")
        member = self._below(guild, target)
        if guild_permissions(member) & Permission.ADMINISTRATOR:
            raise NotPossibleError("administrators can't be timed out")
        if duration is not None and not timedelta(0) < duration <= LONGEST_TIMEOUT:
            raise NotPossibleError("a timeout lasts up to 28 days")
        before = member.timed_out_until
        until = None if duration is None else datetime.now(UTC) + duration
        guild.update_member(member, timed_out_until=until)
        old, new = (isoformat(moment) if moment else None for moment in (before, until))
        self._log_member(member, change("communication_disabled_until", old, new), reason)

    def nickname(
        self, target: Person | Member | User, nick: str | None, *, reason: str | None = None
    ) -> None:
        """Give a member another nickname, or take it away."""
        guild = self._need_in_guild(Permission.MANAGE_NICKNAMES, "rename others")
        member = self._below(guild, target)
        before = member.nick
        guild.update_member(member, nick=nick)
        self._log_member(member, change("nick", before, nick), reason)

    def _log_member(self, member: Member, change: dict[str, object], reason: str | None) -> None:
        action = AuditAction.MEMBER_UPDATE
        member.guild.log(action, self.id, member.id, reason=reason, changes=[change])

    def give_role(self, target: Person | Member | User, role: Role) -> None:
        """Give a member a role below one's own."""
        guild, member = self._assign(target, role)
        before = member.roles
        guild.add_member_role(member, role)
        log_member_roles(member, before, self.user)

    def take_role(self, target: Person | Member | User, role: Role) -> None:
        """Take a role below one's own from a member."""
        guild, member = self._assign(target, role)
        before = member.roles
        guild.remove_member_role(member, role)
        log_member_roles(member, before, self.user)

    def _assign(self, target: Person | Member | User, role: Role) -> tuple[Guild, Member]:
        guild = self._need_in_guild(Permission.MANAGE_ROLES, "give roles")
        self._above_role(role)
        return guild, self._find(guild, target)

    def prune(self, days: int) -> int:
        """Remove members without roles who joined over so many days ago; returns how many."""
        guild = self._need_in_guild(Permission.KICK_MEMBERS, "prune")
        oldest = datetime.now(UTC) - timedelta(days=days)
        gone = [
            member
            for member in guild.members.values()
            if member.joined_at < oldest and not member.roles and outranks(self.member, member)
        ]
        for member in gone:
            guild.remove_member(member.id)
        options = {"delete_member_days": str(days), "members_removed": str(len(gone))}
        guild.log(AuditAction.MEMBER_PRUNE, self.id, None, options=options)
        return len(gone)

    # -- rank -------------------------------------------------------------------------------------

    @staticmethod
    def _find(guild: Guild, target: Person | Member | User) -> Member:
        user = _account(target)
        member = guild.members.get(user.id)
        if member is None:
            raise NotPossibleError(f"{user.name} is not in the guild")
        return member

    def _below(self, guild: Guild, target: Person | Member | User) -> Member:
        member = self._find(guild, target)
        if not outranks(self.member, member):
            raise NotPossibleError(f"{member.user.name} does not stand below {self.user.name}")
        return member

    def _above_role(self, role: Role) -> None:
        if role.managed or not can_manage_role(self.member, role):
            raise NotPossibleError(f"{self.user.name} may not touch the role {role.name}")


def _account(target: Person | Member | User) -> User:
    return target if isinstance(target, User) else target.user
