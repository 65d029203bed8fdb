"""What a giveaway is to be: the values that commands, forms, templates and the database share.

Pure. What may be entered, and what makes a plan good, is decided in `rules`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What somebody needs to enter; all that is set has to be met.

    `any_roles`: at least one of them; `all_roles`: each; `no_roles`: none. Whoever has one of
    `bypass_roles` needs nothing of it. `messages` are those written since the giveaway began, or
    since `messages_since` where they were asked for later.
    """

    any_roles: tuple[int, ...] = ()
    all_roles: tuple[int, ...] = ()
    no_roles: tuple[int, ...] = ()
    bypass_roles: tuple[int, ...] = ()
    account_age: timedelta | None = None
    time_in_guild: timedelta | None = None
    level: int | None = None
    messages: int | None = None
    messages_since: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it for storing: ids as strings, times in seconds, nothing that is not set."""
        values = {name: _to_json(value) for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if value not in (None, [])}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return what was stored; names that this version does not know are passed over."""
        roles = {
            name: tuple(int(one) for one in stored.get(name, ()))
            for name in ("any_roles", "all_roles", "no_roles", "bypass_roles")
        }
        return cls(
            **roles,
            account_age=_duration(stored.get("account_age")),
            time_in_guild=_duration(stored.get("time_in_guild")),
            level=stored.get("level"),
            messages=stored.get("messages"),
            messages_since=_instant(stored.get("messages_since")),
        )

    @property
    def is_empty(self) -> bool:
        """Whether everybody may enter."""
        return not {name for name in self.to_json() if name != "bypass_roles"}


@dataclass(frozen=True, slots=True)
class Bonus:
    """That whoever has a role has `entries` more than the one that everybody has."""

    role_id: int
    entries: int

    def holds(self, role_ids: Collection[int], _level: int) -> bool:
        """Tell whether somebody with these roles has them."""
        return self.role_id in role_ids

    def to_json(self) -> dict[str, Any]:
        """Return it for storing."""
        return {"role_id": str(self.role_id), "entries": self.entries}


@dataclass(frozen=True, slots=True)
class LevelBonus:
    """That whoever has reached a level has `entries` more; those of lower levels add up with it."""

    level: int
    entries: int

    def holds(self, _role_ids: Collection[int], level: int) -> bool:
        """Tell whether somebody at this level has them."""
        return level >= self.level

    def to_json(self) -> dict[str, Any]:
        """Return it for storing."""
        return {"level": self.level, "entries": self.entries}


@dataclass(frozen=True, slots=True)
class ItemBonus:
    """That each piece of an item of the shop that somebody uses gives them `entries` more.

    Nobody can use more than `most` pieces of it.
    """

    item_id: int
    entries: int
    most: int

    def holds(self, _role_ids: Collection[int], _level: int) -> bool:
        """Tell that nobody has them for what they are: they are had by using a piece."""
        return False

    def to_json(self) -> dict[str, Any]:
        """Return it for storing."""
        return {"item_id": str(self.item_id), "entries": self.entries, "most": self.most}


AnyBonus = Bonus | LevelBonus | ItemBonus


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the message looks; `colour` is 0xRRGGBB, the images are https addresses."""

    colour: int | None = None
    image_url: str | None = None
    thumbnail_url: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it for storing, without what is not set."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return what was stored."""
        return cls(
            colour=stored.get("colour"),
            image_url=stored.get("image_url"),
            thumbnail_url=stored.get("thumbnail_url"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything about a giveaway that does not depend on when and where it is held.

    Without `duration` it ends by `end_at_entries` or by hand. `claim_window` is how long a winner
    has to claim the prize: nothing for winners who need not, `None` for what the guild has set.
    Beside what the text of the prize says, each winner is given `prize_amount` of the guild's
    currency, `prize_xp` of experience, and a role, which is taken again after `reward_role_time` if
    that is set.
    """

    prize: str
    winners: int = 1
    duration: timedelta | None = None
    title: str | None = None
    description: str | None = None
    requirements: Requirements = field(default_factory=Requirements)
    bonuses: tuple[AnyBonus, ...] = ()
    look: Look = field(default_factory=Look)
    max_entries: int | None = None
    end_at_entries: int | None = None
    claim_window: timedelta | None = None
    reward_role_id: int | None = None
    reward_role_time: timedelta | None = None
    prize_amount: int | None = None
    prize_xp: int | None = None

    @property
    def role_bonuses(self) -> tuple[Bonus, ...]:
        """The bonus entries of roles."""
        return tuple(one for one in self.bonuses if isinstance(one, Bonus))

    @property
    def level_bonuses(self) -> tuple[LevelBonus, ...]:
        """The bonus entries of levels."""
        return tuple(one for one in self.bonuses if isinstance(one, LevelBonus))

    @property
    def item_bonuses(self) -> tuple[ItemBonus, ...]:
        """What items of the shop give."""
        return item_bonuses_in(self.bonuses)

    @property
    def total_amount(self) -> int:
        """How much currency all winners together are given."""
        return self.winners * (self.prize_amount or 0)

    @property
    def total_xp(self) -> int:
        """How much experience all winners together are given."""
        return self.winners * (self.prize_xp or 0)

    def to_json(self) -> dict[str, Any]:
        """Return it for storing as a template or a series."""
        return {
            "prize": self.prize,
            "winners": self.winners,
            "duration": _to_json(self.duration),
            "title": self.title,
            "description": self.description,
            "requirements": self.requirements.to_json(),
            "bonuses": bonuses_to_json(self.bonuses),
            "look": self.look.to_json(),
            "max_entries": self.max_entries,
            "end_at_entries": self.end_at_entries,
            "claim_window": _to_json(self.claim_window),
            "reward_role_id": str(self.reward_role_id) if self.reward_role_id else None,
            "reward_role_time": _to_json(self.reward_role_time),
            "prize_amount": self.prize_amount,
            "prize_xp": self.prize_xp,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the plan that was stored."""
        role_id = stored.get("reward_role_id")
        return cls(
            prize=stored["prize"],
            winners=stored["winners"],
            duration=_duration(stored.get("duration")),
            title=stored.get("title"),
            description=stored.get("description"),
            requirements=Requirements.from_json(stored.get("requirements", {})),
            bonuses=bonuses_from_json(stored.get("bonuses", ())),
            look=Look.from_json(stored.get("look", {})),
            max_entries=stored.get("max_entries"),
            end_at_entries=stored.get("end_at_entries"),
            claim_window=_duration(stored.get("claim_window")),
            reward_role_id=int(role_id) if role_id else None,
            reward_role_time=_duration(stored.get("reward_role_time")),
            prize_amount=stored.get("prize_amount"),
            prize_xp=stored.get("prize_xp"),
        )


def bonuses_to_json(bonuses: Sequence[AnyBonus]) -> list[dict[str, Any]]:
    """Return bonus entries for storing."""
    return [one.to_json() for one in bonuses]


def bonuses_from_json(stored: Sequence[Mapping[str, Any]]) -> tuple[AnyBonus, ...]:
    """Return the bonus entries that were stored."""
    return tuple(map(_bonus, stored))


def item_bonuses_in(bonuses: Sequence[AnyBonus]) -> tuple[ItemBonus, ...]:
    """Return those that items of the shop give."""
    return tuple(one for one in bonuses if isinstance(one, ItemBonus))


def _bonus(stored: Mapping[str, Any]) -> AnyBonus:
    if "level" in stored:
        return LevelBonus(stored["level"], stored["entries"])
    if "item_id" in stored:
        return ItemBonus(int(stored["item_id"]), stored["entries"], stored["most"])
    return Bonus(int(stored["role_id"]), stored["entries"])


def _to_json(value: Any) -> Any:
    if isinstance(value, timedelta):
        return round(value.total_seconds())
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return value


def _duration(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
