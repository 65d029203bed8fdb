"""Discord's own auto moderation at work: it judges what members write and are called, and acts.

It stands above owners, staff and bots, whom it leaves alone. Each action is announced once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .audit import AuditAction
from .automod_matching import Match, Trigger, find
from .command_data import NotPossibleError
from .mentions import NOBODY, Mentions
from .models import Json, MemberFlag
from .permissions import Permission, guild_permissions

if TYPE_CHECKING:
    from .channel import Channel
    from .models import Member, Message

ALERT = 24
_BLOCK, _SEND_ALERT, _TIME_OUT, _QUARANTINE = 1, 2, 3, 4
_BLOCKED_TEXT = "Your message could not be sent. It has content that this server does not allow."
_AUDITED = {
    _BLOCK: AuditAction.AUTOMOD_BLOCK,
    _SEND_ALERT: AuditAction.AUTOMOD_ALERT,
    _TIME_OUT: AuditAction.AUTOMOD_TIMEOUT,
    _QUARANTINE: AuditAction.AUTOMOD_QUARANTINE,
}


class BlockedByAutomodError(NotPossibleError):
    """Native auto moderation kept the message back; the text is what its author is told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a text broke, and how."""

    rule: Json
    match: Match


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules found in a member's text; `channel` is None for a name."""

    member: Member
    channel: Channel | None
    text: str
    findings: tuple[Finding, ...] = ()

    def enforce(self, message: Message | None = None) -> None:
        """Carry out every action of every rule; `message` is what the text became."""
        for finding in self.findings:
            for action in finding.rule["actions"]:
                _carry_out(self, finding, action, message)

    def stop_if_blocked(self) -> None:
        """Act and raise BlockedByAutomodError when a rule keeps the message back."""
        blocking = [
            action
            for finding in self.findings
            for action in finding.rule["actions"]
            if action["type"] == _BLOCK
        ]
        if blocking:
            self.enforce()
            metadata = blocking[0].get("metadata") or {}
            raise BlockedByAutomodError(metadata.get("custom_message") or _BLOCKED_TEXT)


def judge_message(
    member: Member, channel: Channel, text: str, mentions: Mentions = NOBODY
) -> Verdict:
    """Return what the guild's rules say to a member's message, new or edited."""
    if not member.guild.automod_rules or _stands_above(member):
        return Verdict(member, channel, text)
    mentioned = len(mentions.users) + len(mentions.roles)
    return Verdict(member, channel, text, tuple(_findings(member, channel, text, mentioned)))


def judge_profile(member: Member) -> None:
    """Hold a member whose names break a rule back from taking part, or let them again."""
    names = (member.nick, member.user.global_name, member.user.name)
    text = "\n".join(name for name in names if name)
    rules = member.guild.automod_rules
    if not rules or _stands_above(member):
        findings: list[Finding] = []
    else:
        findings = _findings(member, None, text, 0)
    if not findings and member.flags & MemberFlag.QUARANTINED:
        member.guild.update_member(member, flags=member.flags & ~MemberFlag.QUARANTINED)
    Verdict(member, None, text, tuple(findings)).enforce()


def _stands_above(member: Member) -> bool:
    staff = Permission.ADMINISTRATOR | Permission.MANAGE_GUILD
    return member.user.bot or bool(guild_permissions(member) & staff)


def _findings(member: Member, channel: Channel | None, text: str, mentioned: int) -> list[Finding]:
    found = []
    for rule in member.guild.automod_rules.values():
        about_names = rule["trigger_type"] == Trigger.MEMBER_PROFILE
        if not rule["enabled"] or about_names is not (channel is None):
            continue
        if _is_exempt(rule, member, channel):
            continue
        metadata = rule["trigger_metadata"]
        match = find(rule["trigger_type"], metadata, text, mentioned=mentioned)
        if match is not None:
            found.append(Finding(rule, match))
    return found


def _is_exempt(rule: Json, member: Member, channel: Channel | None) -> bool:
    if {int(entry) for entry in rule["exempt_roles"]}.intersection(member.roles):
        return True
    if channel is None:
        return False
    places = {str(channel.id), str(channel.parent_id)}
    return not places.isdisjoint(map(str, rule["exempt_channels"]))


# -- acting ---------------------------------------------------------------------------------------


def _carry_out(verdict: Verdict, finding: Finding, action: Json, message: Message | None) -> None:
    member, guild = verdict.member, verdict.member.guild
    metadata = action.get("metadata") or {}
    alert = None
    if action["type"] == _SEND_ALERT:
        alert = _send_alert(verdict, finding, metadata, message)
    elif action["type"] == _TIME_OUT:
        until = datetime.now(UTC) + timedelta(seconds=metadata["duration_seconds"])
        guild.update_member(member, timed_out_until=until)
    elif action["type"] == _QUARANTINE:
        guild.update_member(member, flags=member.flags | MemberFlag.QUARANTINED)
    rule = finding.rule
    options = {
        "auto_moderation_rule_name": rule["name"],
        "auto_moderation_rule_trigger_type": str(rule["trigger_type"]),
        "channel_id": str(verdict.channel.id) if verdict.channel else "",
    }
    guild.log(_AUDITED[action["type"]], int(rule["creator_id"]), member.id, options=options)
    _announce(verdict, finding, action, message=message, alert=alert)


def _announce(
    verdict: Verdict,
    finding: Finding,
    action: Json,
    *,
    message: Message | None,
    alert: Message | None,
) -> None:
    guild = verdict.member.guild
    data: Json = {
        "guild_id": str(guild.id),
        "action": action,
        "rule_id": finding.rule["id"],
        "rule_trigger_type": finding.rule["trigger_type"],
        "user_id": str(verdict.member.id),
        "content": verdict.text,
        "matched_keyword": finding.match.keyword,
        "matched_content": finding.match.content,
    }
    for key, thing in (
        ("channel_id", verdict.channel),
        ("message_id", message),
        ("alert_system_message_id", alert),
    ):
        if thing is not None:
            data[key] = str(thing.id)
    guild.world.dispatch(
        "AUTO_MODERATION_ACTION_EXECUTION",
        data,
        guild=guild,
        needs=Permission.MANAGE_GUILD,
        withheld=("content", "matched_content"),
    )


def _send_alert(
    verdict: Verdict, finding: Finding, metadata: Json, message: Message | None
) -> Message | None:
    """Post the notice for staff: a message by the member, with the text in an embed of its own."""
    guild = verdict.member.guild
    target = guild.channels.get(int(metadata["channel_id"]))
    if target is None:
        return None
    fields = {
        "rule_name": finding.rule["name"],
        "decision_id": f"{guild.world.snowflakes.next():x}",
        "channel_id": str(verdict.channel.id) if verdict.channel else None,
        "keyword": finding.match.keyword,
        "keyword_matched_content": finding.match.content,
        "flagged_message_id": str(message.id) if message else None,
    }
    embed = {
        "type": "auto_moderation_message",
        "description": verdict.text,
        "fields": [
            {"name": name, "value": value, "inline": False}
            for name, value in fields.items()
            if value
        ],
    }
    return target.add_message(verdict.member.user, "", type=ALERT, embeds=[embed], mentions=NOBODY)
