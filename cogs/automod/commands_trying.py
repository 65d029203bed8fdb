"""/automod test and replay: what the rules would do, without doing it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import discord

from bot.core.contracts import MessageFacts
from bot.core.errors import Conflict, Denied
from bot.core.i18n import _
from bot.core.messages import read_facts
from bot.forms import Input, Question, Values, ask
from bot.localization import locale_of
from bot.replies import answer
from cogs.automod.desk import (
    Interaction,
    begin,
    begin_form,
    guild_of,
    rulebook_of,
)
from cogs.automod.editing import find_rule, read_draft
from cogs.automod.needs import MOST_CODES
from cogs.automod.replay import describe_replay, replay
from cogs.automod.rulebook import KEY
from cogs.automod.rules.values import Context, InviteBook
from cogs.automod.trying import (
    Author,
    compiled,
    describe_trial,
    facts_of,
    try_text,
)

if TYPE_CHECKING:
    from cogs.automod.cog import Automod
    from cogs.automod.settings import Rule

MAX_MESSAGES = 500
_PAGE = 100
_MEMBER_SECONDS = 5.0
_STAFF = discord.Permissions(manage_messages=True, manage_guild=True, administrator=True)
# The guilds in which a replay runs: one at a time.
_running: set[int] = set()
# Somebody without a name who has been here for a year: the member that nothing speaks against.
_A_YEAR = timedelta(days=365)


async def run_test(
    interaction: Interaction,
    text: str,
    member: discord.Member | None,
    channel: discord.abc.Snowflake | None,
) -> None:
    """Judge a text by all rules and answer with each one's reasons."""
    guild_id = await begin(interaction)
    guild = guild_of(interaction)
    settings = await rulebook_of(interaction).settings(guild_id)
    author = _author_of(interaction, member)
    place = channel.id if channel else interaction.channel_id or 0
    facts = facts_of(text, author, guild_id, place)
    context = context_of(interaction, guild)
    engine = await asyncio.to_thread(compiled, settings)
    trial = await asyncio.to_thread(try_text, engine, facts, context)
    codes = trial.judgement.needs.invites if trial.judgement else ()
    if codes:
        context.invites = await _look_up(interaction, codes[:MOST_CODES])
        context.unasked = frozenset(codes[MOST_CODES:])
        trial = await asyncio.to_thread(try_text, engine, facts, context)
    locale = locale_of(interaction)
    embed = discord.Embed(
        title=_("What would happen").render(locale),
        description=describe_trial(trial, text, locale),
    )
    await answer(interaction, embed=embed)


async def run_replay(
    interaction: Interaction,
    rule: str | None,
    channel: discord.abc.Snowflake | None,
    messages: int,
) -> None:
    """Run a rule, or a draft of one, over what was written lately."""
    place = channel.id if channel else interaction.channel_id or 0
    if rule is None:
        await begin_form(interaction)
        await _ask_for_draft(interaction, place, messages)
        return
    guild_id = await begin(interaction)
    found = find_rule(await rulebook_of(interaction).rules(guild_id), rule)
    await _replay(interaction, found, place, messages)


async def _ask_for_draft(interaction: Interaction, place: int, messages: int) -> None:
    line = Input("draft", _("What to look for"), kind="paragraph", required=True)
    note = _("For example `words(idiot, moron)` or a whole rule in JSON. Nothing is saved.")

    async def submitted(pressed: Interaction, values: Values) -> None:
        await begin(pressed)
        await _replay(pressed, read_draft(values["draft"]), place, messages)

    await ask(interaction, KEY, Question(_("A draft of a rule"), [line], note), submitted)


async def _replay(interaction: Interaction, rule: Rule, place: int, count: int) -> None:
    guild = guild_of(interaction)
    if guild.id in _running:
        raise Conflict(_("Another replay is running in this server."), hint=_("Please try again."))
    _running.add(guild.id)
    try:
        await _replay_alone(interaction, guild, rule, place, count)
    finally:
        _running.discard(guild.id)


async def _replay_alone(
    interaction: Interaction, guild: discord.Guild, rule: Rule, place: int, count: int
) -> None:
    settings = await rulebook_of(interaction).settings(guild.id)
    payloads = await _read_back(interaction, place, count)
    facts = await _facts_of(guild, payloads)
    context = context_of(interaction, guild)
    told = await asyncio.to_thread(replay, settings, rule, facts, context)
    locale = locale_of(interaction)
    title = _("What {name} would have done", name=rule.name).render(locale)
    embed = discord.Embed(title=title, description=describe_replay(told, locale))
    await interaction.edit_original_response(content=None, embed=embed)


async def _read_back(interaction: Interaction, place: int, count: int) -> list[dict[str, Any]]:
    """Return a channel's latest messages, oldest first, telling how far it is."""
    found: list[Any] = []
    locale = locale_of(interaction)
    try:
        while len(found) < count:
            before = int(found[-1]["id"]) if found else None
            wanted = min(_PAGE, count - len(found))
            page = await interaction.client.http.logs_from(place, wanted, before=before)
            found += page
            if len(page) < wanted:
                break
            progress = _("Reading … {count} of {total}", count=len(found), total=count)
            await interaction.edit_original_response(content=progress.render(locale))
    except discord.Forbidden:
        raise Denied(
            _("I can't read the messages of {channel}.", channel=f"<#{place}>"),
            hint=_("Give me View Channel and Read Message History there."),
        ) from None
    return found[::-1]


async def _facts_of(guild: discord.Guild, payloads: Sequence[dict[str, Any]]) -> list[MessageFacts]:
    """Return messages as gates see them; REST leaves guild and member out, so they are added."""
    members = await _members(guild, {int(one["author"]["id"]) for one in payloads})
    found = []
    for payload in payloads:
        member = members.get(int(payload["author"]["id"]))
        full = {**payload, "guild_id": str(guild.id)}
        if member is not None and not payload.get("webhook_id"):
            joined = member.joined_at.isoformat() if member.joined_at else None
            roles = [str(one.id) for one in member.roles if one.id != guild.id]
            full["member"] = {"roles": roles, "joined_at": joined}
        facts = read_facts(full)
        if facts is not None:
            found.append(facts)
    return found


async def _members(guild: discord.Guild, user_ids: set[int]) -> dict[int, discord.Member]:
    found = {one: member for one in user_ids if (member := guild.get_member(one)) is not None}
    missing = sorted(user_ids - found.keys())
    try:
        async with asyncio.timeout(_MEMBER_SECONDS):
            for start in range(0, len(missing), _PAGE):
                chunk = missing[start : start + _PAGE]
                for member in await guild.query_members(user_ids=chunk, cache=False):
                    found[member.id] = member
    except (TimeoutError, discord.ClientException):
        # Without an answer they count as members without roles: the rule is shown stricter.
        pass
    return found


async def _look_up(interaction: Interaction, codes: Iterable[str]) -> InviteBook:
    book = InviteBook()
    for code in codes:
        try:
            invite = await interaction.client.fetch_invite(code, with_counts=False)
            book.guilds[code] = invite.guild.id if invite.guild else 0
        except discord.NotFound:
            book.guilds[code] = None
        except discord.HTTPException:
            continue
    return book


def _author_of(interaction: Interaction, member: discord.Member | None) -> Author:
    if member is None:
        long_ago = interaction.created_at - _A_YEAR
        return Author(discord.utils.time_snowflake(long_ago), joined_at=long_ago)
    roles = frozenset(one.id for one in member.roles if one.id != member.guild.id)
    avatar = member.avatar.key if member.avatar else None
    return Author(member.id, roles, member.joined_at, avatar, member.bot)


def context_of(interaction: Interaction, guild: discord.Guild) -> Context:
    """Return what the engine has to know of a guild."""
    cog: Automod = interaction.client.get_cog("Automod")  # pyright: ignore[reportAssignmentType]
    parents = {one.id: one.category_id for one in guild.channels if one.category_id}
    parents |= {one.id: one.parent_id for one in guild.threads}
    staff = frozenset(one.id for one in guild.roles if one.permissions.value & _STAFF.value)
    return Context(
        interaction.created_at.timestamp(),
        guild.id,
        owner_id=guild.owner_id or 0,
        staff_role_ids=staff,
        parents=parents,
        blocked=cog.blocklist.book,
    )
