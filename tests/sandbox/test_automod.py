"""Native auto moderation: what rules find, what they do about it, and what bots hear of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
from discord import AutoModRuleAction, AutoModRuleEventType, AutoModRuleTriggerType, AutoModTrigger

from bot.sandbox import NotPossibleError, Sandbox
from bot.sandbox.actor import Actor
from bot.sandbox.automod import ALERT, BlockedByAutomodError
from bot.sandbox.automod_matching import Trigger, find
from bot.sandbox.guild import Guild
from bot.sandbox.models import MemberFlag
from bot.sandbox.permissions import Permission
from tests.sandbox.conftest import Client, connected

BLOCK = {"type": 1, "metadata": {}}


@pytest.fixture
def ada(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.join(guild, "ada")


def rule(guild: Guild, trigger: int, metadata: dict[str, Any], *actions: Any, **more: Any) -> Any:
    """Put a rule in place, switched on."""
    rule_id = guild.world.snowflakes.next()
    guild.automod_rules[rule_id] = {
        "id": str(rule_id),
        "guild_id": str(guild.id),
        "creator_id": str(guild.owner_id),
        "name": "house rule",
        "event_type": 2 if trigger == Trigger.MEMBER_PROFILE else 1,
        "trigger_type": int(trigger),
        "trigger_metadata": metadata,
        "actions": list(actions) or [BLOCK],
        "enabled": True,
        "exempt_roles": [],
        "exempt_channels": [],
        **more,
    }
    return guild.automod_rules[rule_id]


@pytest.mark.parametrize(
    ("keyword", "text", "content"),
    [
        ("cat", "a Cat sat", "Cat"),
        ("cat", "concatenate", None),
        ("cat*", "catapult", "cat"),
        ("cat*", "concat", None),
        ("*cat", "wildcat", "cat"),
        ("*cat*", "education", "cat"),
        ("red panda", "a red panda!", "red panda"),
        ("c.t", "cat", None),
        ("наука", "Наука", "Наука"),
    ],
)
def test_keywords_match_by_their_wildcards(keyword: str, text: str, content: str | None) -> None:
    match = find(Trigger.KEYWORD, {"keyword_filter": [keyword]}, text)
    assert (match.content if match else None) == content
    if match:
        assert match.keyword == keyword


@pytest.mark.parametrize(
    ("trigger", "metadata", "text", "mentioned", "hit"),
    [
        (1, {"regex_patterns": [r"b+a+d"]}, "so BBAAD", 0, True),
        (1, {"keyword_filter": ["*cat*"], "allow_list": ["education"]}, "education", 0, False),
        (1, {"keyword_filter": ["*cat*"], "allow_list": ["education"]}, "education cat", 0, True),
        (3, {}, "claim your free nitro https://x.example", 0, True),
        (3, {}, "spam " * 12, 0, True),
        (3, {}, "see https://docs.example for the manual", 0, False),
        (4, {"presets": [1]}, "what a bullshitter", 0, True),
        (4, {"presets": [1], "allow_list": ["bullshitter"]}, "what a bullshitter", 0, False),
        (4, {"presets": [2]}, "what a bullshitter", 0, False),
        (5, {"mention_total_limit": 2}, "", 3, True),
        (5, {"mention_total_limit": 2}, "", 2, False),
    ],
)
def test_kinds_of_rules(
    trigger: int, metadata: dict[str, Any], text: str, mentioned: int, hit: bool
) -> None:
    assert (find(trigger, metadata, text, mentioned=mentioned) is not None) is hit


def test_blocked_message_is_never_there_and_its_author_is_told(guild: Guild, ada: Actor) -> None:
    action = {"type": 1, "metadata": {"custom_message": "Mind your words."}}
    rule(guild, Trigger.KEYWORD, {"keyword_filter": ["crab"]}, action)
    general = guild.channel("general")
    with pytest.raises(BlockedByAutomodError, match="Mind your words"):
        ada.send(general, "a crab")
    assert not general.messages
    fine = ada.send(general, "a fish")
    with pytest.raises(BlockedByAutomodError):
        ada.edit(fine, "a crab after all")
    assert fine.content == "a fish"
    assert [entry["action_type"] for entry in guild.audit_log] == [143, 143]


@pytest.mark.parametrize("exemption", ["role", "channel", "owner", "staff", "off"])
def test_some_are_exempt(sandbox: Sandbox, guild: Guild, ada: Actor, exemption: str) -> None:
    entry = rule(guild, Trigger.KEYWORD, {"keyword_filter": ["crab"]})
    general = guild.channel("general")
    if exemption in ("role", "staff"):
        bits = Permission.MANAGE_GUILD if exemption == "staff" else 0
        role = guild.add_role("friend", permissions=bits)
        guild.add_member_role(ada.member, role)
        entry["exempt_roles"] = [str(role.id)] if exemption == "role" else []
    elif exemption == "channel":
        entry["exempt_channels"] = [str(general.id)]
    elif exemption == "off":
        entry["enabled"] = False
    else:
        ada = sandbox.actor(sandbox.world.users[guild.owner_id], guild)
    ada.send(general, "a crab")
    assert general.messages


def test_mention_spam_times_out(sandbox: Sandbox, guild: Guild, ada: Actor) -> None:
    time_out = {"type": 3, "metadata": {"duration_seconds": 600}}
    rule(guild, Trigger.MENTION_SPAM, {"mention_total_limit": 1}, BLOCK, time_out)
    others = [sandbox.join(guild, name) for name in ("bob", "cleo")]
    with pytest.raises(NotPossibleError):
        ada.send(guild.channel("general"), " ".join(other.mention for other in others))
    assert ada.member.timed_out_until is not None
    assert [entry["action_type"] for entry in guild.audit_log] == [143, 145]
    with pytest.raises(NotPossibleError):
        ada.send(guild.channel("general"), "sorry")


def test_member_with_a_forbidden_name_only_reads(sandbox: Sandbox, guild: Guild) -> None:
    rule(guild, Trigger.MEMBER_PROFILE, {"keyword_filter": ["*admin*"]}, {"type": 4})
    mallory = sandbox.join(guild, "mallory", global_name="The Admin")
    assert mallory.member.flags & MemberFlag.QUARANTINED
    with pytest.raises(NotPossibleError):
        mallory.send(guild.channel("general"), "hello, I am staff")
    mallory.change_name("Mallory")
    mallory.send(guild.channel("general"), "hello")
    mallory.rename("Admin of all")
    assert mallory.member.flags & MemberFlag.QUARANTINED


async def test_each_action_is_announced_once(client: Client, guild: Guild, ada: Actor) -> None:
    executions: list[discord.AutoModAction] = []
    client.add_listener(_collector(executions), "on_automod_action")
    staff = guild.add_channel("staff")
    alert = {"type": 2, "metadata": {"channel_id": str(staff.id)}}
    rule(guild, Trigger.KEYWORD, {"keyword_filter": ["crab*"]}, BLOCK, alert)
    with pytest.raises(BlockedByAutomodError):
        ada.send(guild.channel("general"), "two crabs")
    await client.until("AUTO_MODERATION_ACTION_EXECUTION", times=2)
    blocked, alerted = executions
    assert (blocked.action.type.name, alerted.action.type.name) == (
        "block_message",
        "send_alert_message",
    )
    for execution in executions:
        assert execution.user_id == ada.id
        assert execution.message_id is None
        assert execution.channel_id == guild.channel("general").id
        assert execution.content == "two crabs"
        assert (execution.matched_keyword, execution.matched_content) == ("crab*", "crab")
    (notice,) = staff.messages.values()
    assert (notice.type, notice.author, notice.content) == (ALERT, ada.user, "")
    assert alerted.alert_system_message_id == notice.id
    assert notice.embeds[0]["description"] == "two crabs"


def _collector(into: list[discord.AutoModAction]) -> Any:
    async def note(execution: discord.AutoModAction) -> None:
        into.append(execution)

    return note


async def test_without_message_content_only_the_keyword_is_told(
    wire: Sandbox, guild: Guild, ada: Actor
) -> None:
    intents = discord.Intents.all()
    intents.message_content = False
    executions: list[discord.AutoModAction] = []
    staff = guild.add_channel("staff")
    alert = {"type": 2, "metadata": {"channel_id": str(staff.id)}}
    rule(guild, Trigger.KEYWORD, {"keyword_filter": ["crab"]}, alert)
    async with connected(wire, Client(intents=intents)) as client:
        client.add_listener(_collector(executions), "on_automod_action")
        posted = ada.send(guild.channel("general"), "a crab")
        await client.until("AUTO_MODERATION_ACTION_EXECUTION")
        (execution,) = executions
        assert execution.message_id == posted.id
        assert execution.matched_keyword == "crab"
        assert (execution.content, execution.matched_content) == ("", "")


async def test_bot_without_manage_guild_hears_nothing(wire: Sandbox) -> None:
    guild = wire.add_guild("Plain", permissions=0)
    ada = wire.join(guild, "ada")
    rule(guild, Trigger.KEYWORD, {"keyword_filter": ["crab"]})
    async with connected(wire, Client()) as client:
        with pytest.raises(BlockedByAutomodError):
            ada.send(guild.channel("general"), "a crab")
        ada.send(guild.channel("general"), "done")
        await client.until("MESSAGE_CREATE")
        assert "AUTO_MODERATION_ACTION_EXECUTION" not in client.seen


async def _create(client: Client, guild: Guild, trigger: AutoModTrigger, *actions: Any) -> Any:
    found = client.get_guild(guild.id)
    assert found is not None
    event = AutoModRuleEventType.message_send
    if trigger.type is AutoModRuleTriggerType.member_profile:
        event = AutoModRuleEventType.member_update
    chosen = list(actions) or [AutoModRuleAction(custom_message="No.")]
    return await found.create_automod_rule(
        name="rule", event_type=event, trigger=trigger, actions=chosen, enabled=True, reason="peace"
    )


async def test_rules_are_made_and_enforced_over_rest(
    client: Client, guild: Guild, ada: Actor
) -> None:
    trigger = AutoModTrigger(keyword_filter=["crab"], regex_patterns=[r"l+obster"])
    made = await _create(client, guild, trigger)
    assert made.creator_id == client.application_id
    with pytest.raises(BlockedByAutomodError, match=r"No\."):
        ada.send(guild.channel("general"), "llobster")
    edited = await made.edit(trigger=AutoModTrigger(keyword_filter=["squid"]))
    assert edited.trigger.keyword_filter == ["squid"]
    ada.send(guild.channel("general"), "llobster")
    await made.delete(reason="enough")
    assert not guild.automod_rules
    assert [entry["reason"] for entry in guild.audit_log if entry.get("reason")] == [
        "peace",
        "enough",
    ]


@pytest.mark.parametrize(
    ("trigger", "action"),
    [
        (AutoModTrigger(regex_patterns=["(?=x)x"]), None),
        (AutoModTrigger(regex_patterns=[r"(a)\1"]), None),
        (AutoModTrigger(regex_patterns=["(unclosed"]), None),
        (AutoModTrigger(regex_patterns=["x" * 261]), None),
        (AutoModTrigger(regex_patterns=["x"] * 11), None),
        (AutoModTrigger(keyword_filter=["x" * 61]), None),
        (AutoModTrigger(keyword_filter=["x"], allow_list=["y"] * 101), None),
        (AutoModTrigger(mention_limit=51), None),
        (AutoModTrigger(keyword_filter=["x"]), AutoModRuleAction(custom_message="x" * 151)),
        (AutoModTrigger(keyword_filter=["x"]), AutoModRuleAction(channel_id=99)),
        (AutoModTrigger(keyword_filter=["x"]), AutoModRuleAction(duration=timedelta(days=29))),
        (
            AutoModTrigger(type=AutoModRuleTriggerType.spam),
            AutoModRuleAction(duration=timedelta(minutes=1)),
        ),
    ],
)
async def test_rules_beyond_discords_limits_are_refused(
    client: Client, guild: Guild, trigger: AutoModTrigger, action: AutoModRuleAction | None
) -> None:
    with pytest.raises(discord.HTTPException) as failure:
        await _create(client, guild, trigger, *([action] if action else []))
    assert failure.value.code == 50035
    assert not guild.automod_rules


@pytest.mark.parametrize(
    ("trigger", "most"),
    [
        (AutoModTrigger(keyword_filter=["x"]), 6),
        (AutoModTrigger(type=AutoModRuleTriggerType.spam), 1),
        (AutoModTrigger(presets=discord.AutoModPresets.all()), 1),
        (AutoModTrigger(mention_limit=5), 1),
    ],
)
async def test_guild_has_few_rules_of_a_kind(
    client: Client, guild: Guild, trigger: AutoModTrigger, most: int
) -> None:
    for _ in range(most):
        await _create(client, guild, trigger)
    with pytest.raises(discord.HTTPException) as failure:
        await _create(client, guild, trigger)
    assert failure.value.code == 50035


def test_timeout_ends_by_itself(guild: Guild, ada: Actor) -> None:
    guild.update_member(ada.member, timed_out_until=datetime.now(UTC) - timedelta(seconds=1))
    ada.send(guild.channel("general"), "back")
