"""Preflight: may the bot, and the person who asked, do this to that, and if not, why not.

Pure rules on values, in the order in which a refusal helps most. Commands, automod and dashboard
badges all ask here, so that Discord's own refusal is the exception.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.core.contracts import ChannelSummary, MemberFacts, Permissions, RoleSummary
from bot.core.i18n import Message, _, ngettext
from bot.core.permission_names import PermissionList, names_in_channel
from bot.core.places import ChannelList, label_of


class Action(StrEnum):
    """What can be asked for."""

    # To write and read what is on record about people, also about those who have left.
    RECORD = "record"
    WARN = "warn"
    TIMEOUT = "timeout"
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    RENAME = "rename"
    ADD_ROLE = "add_role"
    REMOVE_ROLE = "remove_role"
    PURGE = "purge"
    POST = "post"
    LOCK = "lock"
    SLOWMODE = "slowmode"


class Cause(StrEnum):
    """Why something was refused; stable, for problems and statistics."""

    MISSING_TARGET = "missing_target"
    SELF = "self"
    BOT_ITSELF = "bot_itself"
    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    ACTOR_PERMISSION = "actor_permission"
    ACTOR_HIERARCHY = "actor_hierarchy"
    BOT_PERMISSION = "bot_permission"
    BOT_HIERARCHY = "bot_hierarchy"
    MANAGED_ROLE = "managed_role"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something can't be done, and what would change that."""

    cause: Cause
    message: Message
    fix: Message


@dataclass(frozen=True, slots=True)
class _Rule:
    """What an action needs; `ranked` actions need a higher role than their target has."""

    bot: tuple[str, ...]
    actor: tuple[str, ...]
    targets_member: bool = False
    target_may_be_gone: bool = False
    ranked: bool = False
    on_oneself: bool = False


_RULES = {
    Action.RECORD: _Rule((), ("moderate_members",)),
    Action.WARN: _Rule((), ("moderate_members",), targets_member=True, ranked=True),
    Action.TIMEOUT: _Rule(
        ("moderate_members",), ("moderate_members",), targets_member=True, ranked=True
    ),
    Action.KICK: _Rule(("kick_members",), ("kick_members",), targets_member=True, ranked=True),
    # People who have left can be banned, too.
    Action.BAN: _Rule(
        ("ban_members",),
        ("ban_members",),
        targets_member=True,
        target_may_be_gone=True,
        ranked=True,
    ),
    Action.UNBAN: _Rule(("ban_members",), ("ban_members",)),
    Action.RENAME: _Rule(
        ("manage_nicknames",),
        ("manage_nicknames",),
        targets_member=True,
        ranked=True,
        on_oneself=True,
    ),
    Action.ADD_ROLE: _Rule(
        ("manage_roles",), ("manage_roles",), targets_member=True, on_oneself=True
    ),
    Action.REMOVE_ROLE: _Rule(
        ("manage_roles",), ("manage_roles",), targets_member=True, on_oneself=True
    ),
    Action.PURGE: _Rule(
        ("view_channel", "read_message_history", "manage_messages"), ("manage_messages",)
    ),
    Action.POST: _Rule(("view_channel", "send_messages"), ()),
    # Discord calls it Manage Permissions in a channel: overwrites are edited with manage_roles.
    Action.LOCK: _Rule(("view_channel", "manage_channels", "manage_roles"), ("manage_channels",)),
    Action.SLOWMODE: _Rule(("view_channel", "manage_channels"), ("manage_channels",)),
}


def can_act(
    action: Action,
    *,
    bot: MemberFacts,
    actor: MemberFacts | None = None,
    target: MemberFacts | None = None,
    role: RoleSummary | None = None,
    channel: ChannelSummary | None = None,
) -> Refusal | None:
    """Return why the action can't be done, or `None` when nothing speaks against it.

    Without an actor the bot acts of itself (automod, a job). `actor.permissions` are those in the
    channel where there is one. A target of `None` is one who is not in the guild.
    """
    rule = _RULES[action]
    checks = (
        _check_target(rule, bot, actor, target),
        _check_actor(rule, actor, channel),
        _check_actor_rank(rule, actor, target, role),
        missing_permissions(rule.bot, bot.permissions, channel),
        _check_bot_rank(action, rule, bot, target),
        _check_role(bot, role),
    )
    return next((refusal for refusal in checks if refusal is not None), None)


def may_decide_on(
    action: Action,
    actor: MemberFacts,
    *,
    target: MemberFacts | None = None,
    role: RoleSummary | None = None,
) -> Refusal | None:
    """Return why somebody may not decide on what was done, whatever the bot may do.

    By permissions, and by rank where the target is known to be a member, or a role is meant.
    """
    rule = _RULES[action]
    return _check_actor(rule, actor, None) or _check_actor_rank(rule, actor, target, role)


def can_post(channel: ChannelSummary, needs: Iterable[str] = ()) -> Refusal | None:
    """Return why the bot can't post in a channel with these permissions besides, or `None`."""
    wanted = dict.fromkeys((*_RULES[Action.POST].bot, *needs))
    return missing_permissions(wanted, channel.bot_permissions, channel)


def missing_permissions(
    needs: Iterable[str], granted: Permissions, channel: ChannelSummary | None
) -> Refusal | None:
    """Return the refusal that names the bot's missing permissions, the place and the fix."""
    if channel is not None:
        granted = channel.bot_permissions
    missing = [] if "administrator" in granted else [one for one in needs if one not in granted]
    if not missing:
        return None
    names = PermissionList(missing) if channel is None else names_in_channel(missing)
    if channel is None:
        message = ngettext(
            "I lack the permission {names} in this server.",
            "I lack the permissions {names} in this server.",
            len(missing),
            names=names,
        )
        fix = _("Allow {names} for my role in Server Settings > Roles.", names=names)
    else:
        message = ngettext(
            "I lack the permission {names} in {channel}.",
            "I lack the permissions {names} in {channel}.",
            len(missing),
            names=names,
            channel=ChannelList((label_of(channel),)),
        )
        fix = _(
            "Open the settings of {channel}, go to Permissions, add my role and allow {names}.",
            names=names,
            channel=ChannelList((label_of(channel),)),
        )
    return Refusal(Cause.BOT_PERMISSION, message, fix)


def _check_target(
    rule: _Rule, bot: MemberFacts, actor: MemberFacts | None, target: MemberFacts | None
) -> Refusal | None:
    if not rule.targets_member:
        return None
    if target is not None:
        return None if rule.on_oneself else _check_self(bot, actor, target)
    if rule.target_may_be_gone:
        return None
    return Refusal(
        Cause.MISSING_TARGET,
        _("That person is not a member of this server."),
        _("They may have left; someone who is gone can only be banned or unbanned."),
    )


def _check_self(bot: MemberFacts, actor: MemberFacts | None, target: MemberFacts) -> Refusal | None:
    if actor is not None and target.id == actor.id:
        return Refusal(Cause.SELF, _("You can't do that to yourself."), _("Choose another member."))
    if target.id == bot.id:
        return Refusal(
            Cause.BOT_ITSELF, _("I can't do that to myself."), _("Choose another member.")
        )
    return None


def _check_actor(
    rule: _Rule, actor: MemberFacts | None, channel: ChannelSummary | None
) -> Refusal | None:
    if actor is None or actor.is_guild_owner or "administrator" in actor.permissions:
        return None
    missing = [one for one in rule.actor if one not in actor.permissions]
    if not missing:
        return None
    names = PermissionList(missing) if channel is None else names_in_channel(missing)
    if channel is None:
        message = ngettext(
            "You need the permission {names} for this.",
            "You need the permissions {names} for this.",
            len(missing),
            names=names,
        )
    else:
        message = ngettext(
            "You need the permission {names} in {channel} for this.",
            "You need the permissions {names} in {channel} for this.",
            len(missing),
            names=names,
            channel=ChannelList((label_of(channel),)),
        )
    fix = _("Ask an admin of this server to give you a role that has it.")
    return Refusal(Cause.ACTOR_PERMISSION, message, fix)


def _check_actor_rank(
    rule: _Rule, actor: MemberFacts | None, target: MemberFacts | None, role: RoleSummary | None
) -> Refusal | None:
    if actor is None or actor.is_guild_owner:
        return None
    if role is not None and role.position >= actor.top_role_position:
        return Refusal(
            Cause.ACTOR_HIERARCHY,
            _("The role {role} is not below your highest role.", role=role.name),
            _("Ask someone whose highest role is above it."),
        )
    if not rule.ranked or target is None or target.id == actor.id or target.is_guild_owner:
        return None
    if target.top_role_position < actor.top_role_position:
        return None
    return Refusal(
        Cause.ACTOR_HIERARCHY,
        _("{member}'s highest role is not below yours.", member=target.name),
        _("Ask someone whose highest role is above theirs."),
    )


def _check_bot_rank(
    action: Action, rule: _Rule, bot: MemberFacts, target: MemberFacts | None
) -> Refusal | None:
    if not rule.ranked or target is None or target.id == bot.id:
        return None
    if target.is_guild_owner:
        return Refusal(
            Cause.OWNER,
            _("{member} owns this server; nobody can do that to them.", member=target.name),
            _("Talk to them instead."),
        )
    # A warning is a record of ours: Discord has no say in it.
    if action is Action.WARN:
        return None
    if action is Action.TIMEOUT and "administrator" in target.permissions:
        return Refusal(
            Cause.ADMINISTRATOR,
            _("{member} is an administrator, whom Discord never times out.", member=target.name),
            _("Take the administrator role from them first."),
        )
    if target.top_role_position < bot.top_role_position:
        return None
    return Refusal(
        Cause.BOT_HIERARCHY,
        _("{member}'s highest role is not below mine.", member=target.name),
        _("Drag my role above it in Server Settings > Roles."),
    )


def _check_role(bot: MemberFacts, role: RoleSummary | None) -> Refusal | None:
    if role is None:
        return None
    if role.managed:
        return Refusal(
            Cause.MANAGED_ROLE,
            _(
                "The role {role} belongs to an integration; nobody can give or take it.",
                role=role.name,
            ),
            _("Choose a role that was made by hand."),
        )
    return role_above_bot(role) if role.position >= bot.top_role_position else None


def role_above_bot(role: RoleSummary) -> Refusal:
    """Return the refusal for a role that the bot can't give or take because of its rank."""
    return Refusal(
        Cause.BOT_HIERARCHY,
        _("The role {role} is not below my highest role.", role=role.name),
        _("Drag my role above {role} in Server Settings > Roles.", role=role.name),
    )
