"""Giveaways as the API shows them and is sent them: shapes and bounds, nothing else."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cogs.giveaways.rules import (
    LONGEST_DESCRIPTION,
    LONGEST_PRIZE,
    LONGEST_TITLE,
    MOST_AMOUNT,
    MOST_BONUS,
    MOST_ENTRANTS,
    MOST_LEVEL,
    MOST_MESSAGES,
    MOST_ROLES,
    MOST_WINNERS,
)
from cogs.giveaways.winning import MOST_AT_ONCE

_STRICT = ConfigDict(extra="forbid", frozen=True)
Roles = list[str]


class RequirementsBody(BaseModel):
    """What somebody needs to enter; ages are in seconds."""

    model_config = _STRICT

    any_roles: Roles = Field(default=[], max_length=MOST_ROLES)
    all_roles: Roles = Field(default=[], max_length=MOST_ROLES)
    no_roles: Roles = Field(default=[], max_length=MOST_ROLES)
    bypass_roles: Roles = Field(default=[], max_length=MOST_ROLES)
    account_age: int | None = Field(default=None, ge=1)
    time_in_guild: int | None = Field(default=None, ge=1)
    level: int | None = Field(default=None, ge=1, le=MOST_LEVEL)
    messages: int | None = Field(default=None, ge=1, le=MOST_MESSAGES)


class BonusBody(BaseModel):
    """How many more entries a role gives."""

    model_config = _STRICT

    role_id: str
    entries: int = Field(ge=1, le=MOST_BONUS)


class LookBody(BaseModel):
    """The colour as 0xRRGGBB and the addresses of images."""

    model_config = _STRICT

    colour: int | None = Field(default=None, ge=0, le=0xFFFFFF)
    image_url: str | None = None
    thumbnail_url: str | None = None


class DrawAgainBody(BaseModel):
    """So many further winners, or one `instead_of` the winner with this id."""

    model_config = _STRICT

    count: int = Field(default=1, ge=1, le=MOST_AT_ONCE)
    instead_of: str | None = None


class GiveawayBody(BaseModel):
    """A giveaway as it is wanted; `claim_window` and `reward_role_time` are in seconds.

    Each winner is given `prize_amount` of the currency, and the role, for good without a time.

    Without `starts_at` it begins at once, without `ends_at` it ends with `end_at_entries` or by
    hand. Another `channel_id` has its message posted anew; another `starts_at` is for one that has
    not begun. Start and host of one that there is stay as they are where they are not sent.

    With `end` one that is open is ended now, and its winners are drawn; with another `paused` it is
    paused or goes on; with `draw_again` one that has ended is drawn again. Then nothing else of it
    is changed.
    """

    model_config = _STRICT

    channel_id: str
    prize: str = Field(min_length=1, max_length=LONGEST_PRIZE)
    winners: int = Field(default=1, ge=1, le=MOST_WINNERS)
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    host_id: str | None = None
    title: str | None = Field(default=None, max_length=LONGEST_TITLE)
    description: str | None = Field(default=None, max_length=LONGEST_DESCRIPTION)
    requirements: RequirementsBody = RequirementsBody()
    bonus_entries: list[BonusBody] = Field(default=[], max_length=MOST_ROLES)
    look: LookBody = LookBody()
    max_entries: int | None = Field(default=None, ge=1, le=MOST_ENTRANTS)
    end_at_entries: int | None = Field(default=None, ge=1, le=MOST_ENTRANTS)
    claim_window: int | None = Field(default=None, ge=1)
    reward_role_id: str | None = None
    reward_role_time: int | None = Field(default=None, ge=1)
    prize_amount: int | None = Field(default=None, ge=1, le=MOST_AMOUNT)
    end: bool = False
    paused: bool | None = None
    draw_again: DrawAgainBody | None = None


class GiveawayDetail(GiveawayBody):
    """A giveaway on record; `giveaway_id` is what its proof names."""

    id: str
    giveaway_id: str
    status: str
    message_id: str | None
    entries: int
    winner_ids: list[str]
    commitment: str
    created_at: datetime
    ended_at: datetime | None
