"""The three guilds of the demo: their channels, roles and first members."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from ..actor import Actor
from ..channel import Channel
from ..guild import Guild
from ..models import ChannelType, Role
from ..permissions import Permission
from .phrases import Voice

if TYPE_CHECKING:
    from ..server import Sandbox

MODERATOR = Permission.KICK_MEMBERS | Permission.BAN_MEMBERS | Permission.MANAGE_MESSAGES
STAFF_SHARE = 25


@dataclass(frozen=True, slots=True)
class Plan:
    """What a guild is to be like."""

    name: str
    locale: str
    members: int
    channels: tuple[str, ...]
    raffles: str
    screening: bool = False

    @property
    def language(self) -> str:
        """The language that is spoken there."""
        return self.locale.split("-", maxsplit=1)[0]


PLANS = (
    Plan(
        "Harbour Games",
        "en-US",
        110,
        ("welcome", "general", "clips", "looking-for-group", "help"),
        "giveaways",
    ),
    Plan(
        "The Atelier",
        "en-GB",
        70,
        ("welcome", "general", "work-in-progress", "critique"),
        "giveaways",
        True,
    ),
    Plan(
        "Observatorio", "es-ES", 60, ("bienvenida", "general", "cielo-de-hoy", "ayuda"), "sorteos"
    ),
)


@dataclass(slots=True)
class Town:
    """A guild with the people who may act in it; `staff` are among the members."""

    plan: Plan
    guild: Guild
    owner: Actor
    members: list[Actor]
    staff: list[Actor]
    talk: list[Channel]
    log: Channel
    raffles: Channel
    gone: list[Actor]

    @property
    def welcome(self) -> Channel:
        """Where new members are greeted."""
        return self.guild.channel(self.plan.channels[0])


def build_towns(sandbox: Sandbox, random: Random, voice: Voice) -> list[Town]:
    """Found the guilds of `PLANS`, fill them and return them; over 200 people in all."""
    numbers = iter(range(1, 1_000_000))
    return [_build(sandbox, plan, random, voice, numbers) for plan in PLANS]


def newcomer(sandbox: Sandbox, town: Town, voice: Voice, random: Random, number: int) -> Actor:
    """Open an account for somebody who has not joined yet."""
    return _account(sandbox, town.guild, town.plan, voice, random, number)


def throwaway(sandbox: Sandbox, town: Town, voice: Voice, random: Random, number: int) -> Actor:
    """Open an account for a raider: hours old, without a picture."""
    name, shown = voice.person(number)
    age = timedelta(minutes=random.uniform(5, 600))
    user = sandbox.world.add_user(
        name, global_name=shown, locale=town.plan.locale, created_at=datetime.now(UTC) - age
    )
    return sandbox.actor(user, town.guild)


def _build(
    sandbox: Sandbox, plan: Plan, random: Random, voice: Voice, numbers: Iterator[int]
) -> Town:
    world = sandbox.world
    name, shown = voice.person(next(numbers) * 9 + 1)
    founder = world.add_user(name, global_name=shown, locale=plan.locale, avatar=True)
    guild = sandbox.add_guild(plan.name, channels=plan.channels, owner=founder, locale=plan.locale)
    guild.update(system_channel_id=guild.channel(plan.channels[0]).id)
    lounge = guild.add_channel("Lounge", ChannelType.VOICE)
    assert lounge.guild is guild  # noqa: S101 - made a line above
    moderators = guild.add_role("Moderator", permissions=int(MODERATOR))
    guild.add_role("Regular")
    log = _staff_channel(guild, "staff-log", moderators)
    members = [
        _account(sandbox, guild, plan, voice, random, next(numbers)) for _ in range(plan.members)
    ]
    for actor in members:
        actor.join()
    staff = members[::STAFF_SHARE]
    for actor in staff:
        guild.add_member_role(actor.member, moderators)
    talk = [guild.channel(name) for name in plan.channels[1:]]
    owner = sandbox.actor(founder, guild)
    raffles = guild.add_channel(plan.raffles)
    return Town(plan, guild, owner, members, staff, talk, log, raffles, [])


def _staff_channel(guild: Guild, name: str, staff: Role) -> Channel:
    """Add a channel that only the staff sees, beside the owner and the bot as administrators."""
    channel = guild.new_channel(name, ChannelType.TEXT)
    view = int(Permission.VIEW_CHANNEL)
    channel.set_overwrite(guild.default_role.id, 0, deny=view)
    channel.set_overwrite(staff.id, 0, allow=view)
    guild.adopt_channel(channel)
    return channel


def _account(  # noqa: PLR0917 - one account has this many sides
    sandbox: Sandbox, guild: Guild, plan: Plan, voice: Voice, random: Random, number: int
) -> Actor:
    name, shown = voice.person(number)
    age = timedelta(days=random.uniform(0.1, 2500))
    user = sandbox.world.add_user(
        name,
        global_name=shown,
        locale=plan.locale,
        created_at=datetime.now(UTC) - age,
        avatar=random.random() < 0.7,
    )
    return sandbox.actor(user, guild)
