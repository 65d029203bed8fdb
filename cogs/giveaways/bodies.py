"""Giveaways as the API shows them and is sent them: shapes and bounds, nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bot.core.fields import choice
from bot.core.fields.bodies import (
    channel_text,
    colour_number,
    member_text,
    member_texts,
    role_text,
    role_texts,
    seconds,
)
from bot.core.i18n import N_
from cogs.giveaways.rules import (
    LONGEST,
    LONGEST_CLAIM,
    LONGEST_DESCRIPTION,
    LONGEST_PRIZE,
    LONGEST_ROLE,
    LONGEST_TITLE,
    MOST_AMOUNT,
    MOST_BONUS,
    MOST_ENTRANTS,
    MOST_ITEMS,
    MOST_LEVEL,
    MOST_MESSAGES,
    MOST_PIECES,
    MOST_ROLES,
    MOST_STEPS,
    MOST_WINNERS,
    MOST_XP_PRIZE,
    OLDEST,
    SHORTEST,
    SHORTEST_ROLE,
)
from cogs.giveaways.vault import MOST_CODES
from cogs.giveaways.winning import MOST_AT_ONCE

STRICT = ConfigDict(extra="forbid", frozen=True)
Roles = Annotated[list[str], role_texts(max_items=MOST_ROLES)]
Age = Annotated[int, seconds(minimum=timedelta(seconds=1), maximum=OLDEST)]
Person = Annotated[str, member_text()]
Status = Annotated[
    str,
    choice(
        scheduled=N_("not begun yet"),
        active=N_("goes on"),
        paused=N_("paused"),
        drawing=N_("being drawn"),
        ended=N_("over"),
        cancelled=N_("cancelled"),
    ),
]
Place = Annotated[str, channel_text(kinds=("text", "news", "voice", "stage", "thread"))]


class RequirementsBody(BaseModel):
    """What somebody needs to enter; ages are in seconds."""

    model_config = STRICT

    any_roles: Roles = Field(
        default=[],
        max_length=MOST_ROLES,
        title=N_("One of these roles"),
        description=N_("Whoever enters has at least one of them."),
    )
    all_roles: Roles = Field(
        default=[],
        max_length=MOST_ROLES,
        title=N_("All of these roles"),
        description=N_("Whoever enters has every one of them."),
    )
    no_roles: Roles = Field(
        default=[],
        max_length=MOST_ROLES,
        title=N_("None of these roles"),
        description=N_("Whoever has one of them can't enter."),
    )
    bypass_roles: Roles = Field(
        default=[],
        max_length=MOST_ROLES,
        title=N_("Need nothing of it"),
        description=N_("Whoever has one of them enters anyway."),
    )
    account_age: Age | None = Field(
        default=None,
        ge=1,
        title=N_("Age of the account"),
        description=N_("How old the account has to be."),
    )
    time_in_guild: Age | None = Field(
        default=None,
        ge=1,
        title=N_("Time in this server"),
        description=N_("For how long they have to be in the server."),
    )
    level: int | None = Field(
        default=None,
        ge=1,
        le=MOST_LEVEL,
        title=N_("Level"),
        description=N_("The level that they have to have reached, while levels are on."),
    )
    messages: int | None = Field(
        default=None,
        ge=1,
        le=MOST_MESSAGES,
        title=N_("Messages since it began"),
        description=N_("How many they have to write here."),
    )


class BonusBody(BaseModel):
    """How many more entries a role gives."""

    model_config = STRICT

    role_id: Annotated[str, role_text()] = Field(
        title=N_("Role"), description=N_("Whoever has it has more entries.")
    )
    entries: int = Field(
        ge=1,
        le=MOST_BONUS,
        title=N_("Entries more"),
        description=N_("Beside the one that everybody has."),
    )


class LevelBonusBody(BaseModel):
    """How many more entries a level gives."""

    model_config = STRICT

    level: int = Field(
        ge=1,
        le=MOST_LEVEL,
        title=N_("Level"),
        description=N_("Whoever has reached it has more entries, while levels are on."),
    )
    entries: int = Field(
        ge=1,
        le=MOST_BONUS,
        title=N_("Entries more"),
        description=N_("Beside the one that everybody has, and those of lower levels."),
    )


class ItemBonusBody(BaseModel):
    """How many more entries a piece of an item of the shop gives."""

    model_config = STRICT

    item_id: str = Field(
        title=N_("Item"),
        description=N_("The ID of an item of the shop, of which people use pieces."),
    )
    entries: int = Field(
        ge=1,
        le=MOST_BONUS,
        title=N_("Entries more"),
        description=N_("For each piece that somebody uses."),
    )
    most: int = Field(
        default=1,
        ge=1,
        le=MOST_PIECES,
        title=N_("Pieces at most"),
        description=N_("How many pieces of it each person can use."),
    )


class LookBody(BaseModel):
    """The colour as 0xRRGGBB and the addresses of images."""

    model_config = STRICT

    colour: Annotated[int, colour_number()] | None = Field(
        default=None,
        ge=0,
        le=0xFFFFFF,
        title=N_("Colour"),
        description=N_("The stripe beside it; without one, that of the settings."),
    )
    image_url: str | None = Field(
        default=None,
        title=N_("Large image"),
        description=N_("An address that begins with https://"),
    )
    thumbnail_url: str | None = Field(
        default=None,
        title=N_("Small image"),
        description=N_("An address that begins with https://"),
    )


class PrizeBody(BaseModel):
    """What is won, and by how many."""

    model_config = STRICT

    prize: str = Field(
        min_length=1,
        max_length=LONGEST_PRIZE,
        title=N_("Prize"),
        description=N_("What there is to win."),
    )
    winners: int = Field(
        default=1,
        ge=1,
        le=MOST_WINNERS,
        title=N_("Winners"),
        description=N_("How many win."),
    )


class LastingBody(PrizeBody):
    """How long what is planned lasts, whenever it begins."""

    duration: Annotated[int, seconds(minimum=SHORTEST, maximum=LONGEST)] | None = Field(
        default=None,
        ge=1,
        title=N_("How long"),
        description=N_("It ends by its entries or by hand if left out."),
    )


class TermsBody(PrizeBody):
    """What else there is to say of a giveaway, whenever and wherever it is held.

    `claim_window` and `reward_role_time` are in seconds. Each winner is given `prize_amount` of the
    currency, `prize_xp` of experience, and the role, for good without a time.
    """

    title: str | None = Field(
        default=None,
        max_length=LONGEST_TITLE,
        title=N_("Title"),
        description=N_("What stands above it; the prize where it is left out."),
    )
    description: str | None = Field(
        default=None,
        max_length=LONGEST_DESCRIPTION,
        title=N_("Description"),
        description=N_("More about it, with markdown."),
    )
    requirements: RequirementsBody = Field(
        default=RequirementsBody(),
        title=N_("Requirements"),
        description=N_("What somebody needs to enter: all of it."),
    )
    bonus_entries: list[BonusBody] = Field(
        default=[],
        max_length=MOST_ROLES,
        title=N_("More chances"),
        description=N_("Roles that give more entries; whoever has several has all of them."),
    )
    level_bonus_entries: list[LevelBonusBody] = Field(
        default=[],
        max_length=MOST_STEPS,
        title=N_("More chances by level"),
        description=N_("Levels that give more entries; those of all levels reached add up."),
    )
    item_bonus_entries: list[ItemBonusBody] = Field(
        default=[],
        max_length=MOST_ITEMS,
        title=N_("More chances by items"),
        description=N_(
            "Items of the shop that people use up for more entries; whoever leaves gets them back."
        ),
    )
    look: LookBody = Field(
        default=LookBody(),
        title=N_("Look"),
        description=N_("The colour and the images of its message."),
    )
    max_entries: int | None = Field(
        default=None,
        ge=1,
        le=MOST_ENTRANTS,
        title=N_("Most entries"),
        description=N_("How many can enter; as many as want to if left out."),
    )
    end_at_entries: int | None = Field(
        default=None,
        ge=1,
        le=MOST_ENTRANTS,
        title=N_("Ends with so many entries"),
        description=N_("It ends once so many have entered."),
    )
    claim_window: Annotated[int, seconds(maximum=LONGEST_CLAIM)] | None = Field(
        default=None,
        ge=0,
        title=N_("Time to claim"),
        description=N_(
            "How long winners have before somebody else is drawn, 0 where they need not "
            "claim; a new giveaway takes what is set where it is left out."
        ),
    )
    reward_role_id: Annotated[str, role_text(assignable=True)] | None = Field(
        default=None,
        title=N_("Role for winners"),
        description=N_("A role that each winner is given."),
    )
    reward_role_time: (
        Annotated[int, seconds(minimum=SHORTEST_ROLE, maximum=LONGEST_ROLE)] | None
    ) = Field(
        default=None,
        ge=1,
        title=N_("For how long"),
        description=N_("How long winners have that role; for good if left out."),
    )
    prize_amount: int | None = Field(
        default=None,
        ge=1,
        le=MOST_AMOUNT,
        title=N_("Currency for each winner"),
        description=N_("How much each winner is given, from the mint; while the economy is on."),
    )
    prize_xp: int | None = Field(
        default=None,
        ge=1,
        le=MOST_XP_PRIZE,
        title=N_("Experience for each winner"),
        description=N_("How much each winner is given; while levels are on."),
    )


class HeldBody(PrizeBody):
    """Where, when and by whom a giveaway is held."""

    channel_id: Place = Field(
        title=N_("Channel"),
        description=N_("Where it is posted; another one has its message posted there anew."),
    )
    starts_at: AwareDatetime | None = Field(
        default=None,
        title=N_("Begins"),
        description=N_("When; at once if left out. One that has begun can't begin again."),
    )
    ends_at: AwareDatetime | None = Field(
        default=None,
        title=N_("Ends"),
        description=N_("When; by its number of entries or by hand if left out."),
    )
    host_id: Person | None = Field(
        default=None,
        title=N_("Host"),
        description=N_("Who holds it; whoever adds it if left out."),
    )


class GiveawayBody(TermsBody, HeldBody):
    """A giveaway as it is wanted; `claim_window` and `reward_role_time` are in seconds.

    Each winner is given `prize_amount` of the currency, `prize_xp` of experience, and the role, for
    good without a time.

    Without `starts_at` it begins at once, without `ends_at` it ends with `end_at_entries` or by
    hand. Another `channel_id` has its message posted anew; another `starts_at` is for one that has
    not begun. Start and host of one that there is stay as they are where they are not sent.

    A `claim_window` of 0 has nobody claim, and so it is answered. Without one, a new giveaway takes
    what is set, and one that there is has nobody claim.
    """


class GiveawayDetail(GiveawayBody):
    """A giveaway on record; `giveaway_id` is what its proof names.

    `codes` is how many are in its vault, and `codes_handed` how many of them winners have.
    """

    id: str = Field(title=N_("Number"))
    giveaway_id: str = Field(title=N_("Named in its proof"))
    status: Status = Field(title=N_("State"))
    message_id: str | None = Field(title=N_("ID of its message"))
    entries: int = Field(title=N_("People who have entered"))
    winner_ids: Annotated[list[str], member_texts()] = Field(title=N_("Who has won"))
    codes: int = Field(title=N_("Codes"))
    codes_handed: int = Field(title=N_("Codes handed out"))
    commitment: str = Field(title=N_("Fingerprint of its seeds"))
    created_at: datetime = Field(title=N_("Added"))
    ended_at: datetime | None = Field(title=N_("Ended at"))


class DrawAgainBody(BaseModel):
    """So many further winners, or one `instead_of` the winner with this id."""

    model_config = STRICT

    count: int = Field(
        default=1,
        ge=1,
        le=MOST_AT_ONCE,
        title=N_("Further winners"),
        description=N_("How many are drawn; nobody is drawn twice."),
    )
    instead_of: Person | None = Field(
        default=None,
        title=N_("In the place of"),
        description=N_("A winner whose prize goes to whoever is drawn now."),
    )


class CodesBody(BaseModel):
    """Codes for the winners; no answer ever has them."""

    model_config = STRICT

    codes: list[str] = Field(
        min_length=1,
        max_length=MOST_CODES,
        title=N_("Codes"),
        description=N_("Each is handed to one winner, and never shown to anybody else."),
    )
