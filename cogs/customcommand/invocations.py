"""From what Discord gives to a use of a command, and from the answer to what discord.py takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import discord

from bot.core.contracts import MessageFacts
from cogs.customcommand.evaluation import Occasion
from cogs.customcommand.language import MENTION
from cogs.customcommand.rules import Invocation

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.contracts import BotState
    from bot.core.prefixes import PrefixUse

Interaction: TypeAlias = "discord.Interaction[Pegasus]"


def occasion_of(interaction: Interaction, command: str, args: str) -> Occasion:
    """Return who uses a command where, and with what words."""
    guild_id = interaction.guild_id or 0
    guild = interaction.client.kernel.state().guild(guild_id)
    channel: Any = interaction.channel
    return Occasion(
        user_id=interaction.user.id,
        user_name=interaction.user.display_name,
        guild_name=guild.name if guild else "",
        member_count=guild.member_count if guild else 0,
        channel_id=interaction.channel_id or 0,
        channel_name=getattr(channel, "name", None) or "",
        command=command,
        args=args,
    )


def invocation_by(interaction: Interaction, name: str, args: str) -> Invocation:
    """Return the use of a command that an interaction is."""
    member, channel = interaction.user, interaction.channel
    roles = member.roles if isinstance(member, discord.Member) else ()
    joined_at = member.joined_at if isinstance(member, discord.Member) else None
    return Invocation(
        interaction.guild_id or 0,
        member.id,
        frozenset(one.id for one in roles),
        occasion_of(interaction, name, args),
        channel.parent_id if isinstance(channel, discord.Thread) else None,
        joined_at.isoformat() if joined_at else None,
        member.avatar.key if member.avatar else None,
    )


def invocation_in(facts: MessageFacts, use: PrefixUse, state: BotState) -> Invocation:
    """Return the use of a command that a message is."""
    guild = state.guild(facts.guild_id)
    channel = state.channel(facts.guild_id, facts.channel_id)
    occasion = Occasion(
        user_id=facts.author_id,
        user_name=_name_in(facts.raw),
        guild_name=guild.name if guild else "",
        member_count=guild.member_count if guild else 0,
        channel_id=facts.channel_id,
        channel_name=channel.name if channel else "",
        command=use.name,
        args=use.args,
    )
    parent_id = channel.parent_id if channel and channel.kind == "thread" else None
    raw: Mapping[str, Any] = facts.raw
    return Invocation(
        facts.guild_id,
        facts.author_id,
        facts.role_ids,
        occasion,
        parent_id,
        (raw.get("member") or {}).get("joined_at"),
        raw["author"].get("avatar"),
    )


def facts_of(invocation: Invocation, words: str) -> MessageFacts:
    """Return a member's words as the message that they would be."""
    mentions = MENTION.findall(words)
    raw: dict[str, Any] = {
        "author": {"id": str(invocation.user_id), "avatar": invocation.avatar},
        "member": {"joined_at": invocation.joined_at},
        "mentions": [{"id": one} for one in _distinct(mentions, "")],
        "mention_roles": _distinct(mentions, "&"),
    }
    return MessageFacts(
        0,
        invocation.guild_id,
        invocation.occasion.channel_id,
        invocation.user_id,
        words,
        invocation.role_ids,
        raw,
    )


def _distinct(mentions: list[tuple[str, str]], sign: str) -> list[str]:
    return list(dict.fromkeys(one for kind, one in mentions if kind == sign))


def _name_in(raw: Mapping[str, Any]) -> str:
    member, author = raw.get("member") or {}, raw["author"]
    return member.get("nick") or author.get("global_name") or author["username"]


def as_options(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's body as discord.py takes it."""
    mentions = payload["allowed_mentions"]
    return {
        "content": payload.get("content"),
        "embeds": [discord.Embed.from_dict(one) for one in payload.get("embeds", ())],
        "allowed_mentions": discord.AllowedMentions(
            everyone=False,
            users=[discord.Object(int(one)) for one in mentions["users"]],
            roles=[discord.Object(int(one)) for one in mentions["roles"]],
        ),
    }
