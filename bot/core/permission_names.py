"""Discord's permissions as its own client calls them, so that people find what a message names.

The keys are the permission flags in discord.py's spelling; the English names are those that Server
Settings > Roles shows, and the catalogues hold them in other languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from babel.lists import format_list

from bot.core.i18n import DEFAULT_LOCALE, N_, Message, _, babel_locale

NAMES: Mapping[str, str] = {
    "add_reactions": N_("Add Reactions"),
    "administrator": N_("Administrator"),
    "attach_files": N_("Attach Files"),
    "ban_members": N_("Ban Members"),
    "change_nickname": N_("Change Nickname"),
    "connect": N_("Connect"),
    "create_instant_invite": N_("Create Invite"),
    "create_private_threads": N_("Create Private Threads"),
    "create_public_threads": N_("Create Public Threads"),
    "deafen_members": N_("Deafen Members"),
    "embed_links": N_("Embed Links"),
    "external_emojis": N_("Use External Emoji"),
    "kick_members": N_("Kick Members"),
    "manage_channels": N_("Manage Channels"),
    "manage_guild": N_("Manage Server"),
    "manage_messages": N_("Manage Messages"),
    "manage_nicknames": N_("Manage Nicknames"),
    "manage_roles": N_("Manage Roles"),
    # What a channel's settings call manage_roles; see `names_in_channel`.
    "manage_permissions": N_("Manage Permissions"),
    "manage_threads": N_("Manage Threads"),
    "manage_webhooks": N_("Manage Webhooks"),
    "mention_everyone": N_("Mention @everyone, @here, and All Roles"),
    "moderate_members": N_("Timeout Members"),
    "move_members": N_("Move Members"),
    "mute_members": N_("Mute Members"),
    "pin_messages": N_("Pin Messages"),
    "read_message_history": N_("Read Message History"),
    "send_messages": N_("Send Messages"),
    "send_messages_in_threads": N_("Send Messages in Threads"),
    "speak": N_("Speak"),
    "use_external_stickers": N_("Use External Stickers"),
    "view_audit_log": N_("View Audit Log"),
    "view_channel": N_("View Channels"),
}


class PermissionList(Message):
    """Several permissions inside a message, named and joined in the reader's language."""

    def __init__(self, permissions: Iterable[str]) -> None:
        super().__init__("", {"permissions": tuple(permissions)})

    def render(self, locale: str | None) -> str:
        """Return the names as a list such as "View Channels and Send Messages"."""
        names = [permission_name(one).render(locale) for one in self.values["permissions"]]
        return format_list(names, locale=babel_locale(locale or DEFAULT_LOCALE))


def names_in_channel(permissions: Iterable[str]) -> PermissionList:
    """Return the permissions as the settings of a channel name them."""
    return PermissionList(
        "manage_permissions" if one == "manage_roles" else one for one in permissions
    )


def permission_name(permission: str) -> Message:
    """Return a permission's name as Discord's client shows it."""
    return _(NAMES.get(permission) or permission.replace("_", " ").title())
