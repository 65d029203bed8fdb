"""What a guild can set for giveaways; with nothing set, whoever manages them can start one."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.core.emoji import custom_id_of, is_emoji
from bot.core.errors import InvalidInput
from bot.core.fields import Colour, duration, role, roles
from bot.core.fields.text import quote
from bot.core.i18n import N_, _
from bot.core.settings import FeatureSettings, setting

KEY = "giveaways"

_WHO = N_("Who may do what")
_LOOK = N_("Look of the messages")
_WINNERS = N_("Winners")
_RECORD = N_("What is kept")

SHORTEST_KEPT, LONGEST_KEPT = timedelta(days=30), timedelta(days=730)

Hosts = Annotated[tuple[int, ...], roles(max_items=25)]
Barred = Annotated[tuple[int, ...], roles(max_items=25)]
Ping = Annotated[int, role()]
ClaimWindow = Annotated[
    timedelta, duration(minimum=timedelta(minutes=5), maximum=timedelta(days=30))
]

Kept = Annotated[timedelta, duration(minimum=SHORTEST_KEPT, maximum=LONGEST_KEPT)]


def _check_emoji(text: str) -> str:
    # Discord refuses a message whose button bears an emoji that was deleted.
    if not is_emoji(text) or custom_id_of(text) is not None:
        raise InvalidInput(
            _("{emoji} is no emoji that is in every server.", emoji=quote(text)),
            hint=_("Choose one from Discord's list that does not belong to a server."),
        )
    return text


Emoji = Annotated[str, Field(max_length=64), AfterValidator(_check_emoji)]


class GiveawaySettings(FeatureSettings):
    """What holds for every giveaway of a guild."""

    host_roles: Hosts = setting(
        (),
        N_("Hosts"),
        N_("Whoever has one of these roles may start giveaways and end their own."),
        group=_WHO,
        unset=N_("whoever manages giveaways"),
    )
    blocked_roles: Barred = setting(
        (),
        N_("Barred roles"),
        N_("Whoever has one of these roles can't enter any giveaway."),
        group=_WHO,
        unset=N_("nobody is barred"),
    )
    bypass_roles: Barred = setting(
        (),
        N_("Roles without requirements"),
        N_("Whoever has one of these roles can enter without meeting the requirements."),
        group=_WHO,
        unset=N_("everybody has to meet them"),
    )
    ping_role_id: Ping | None = setting(
        None,
        N_("Role to notify"),
        N_("Told of each giveaway that starts."),
        group=_LOOK,
        unset=N_("nobody is notified"),
    )
    colour: Colour | None = setting(
        None,
        N_("Colour"),
        N_("The stripe beside a giveaway that has no colour of its own."),
        group=_LOOK,
        unset=N_("blurple"),
    )
    emoji: Emoji = setting(
        "🎉",
        N_("Emoji"),
        N_("On the button and before the title; one that is in every server."),
        group=_LOOK,
    )
    tell_winners: bool = setting(
        True,
        N_("Write to winners"),
        N_("Winners get a private message as well as the announcement."),
        group=_WINNERS,
    )
    claim_window: ClaimWindow | None = setting(
        None,
        N_("Time to claim"),
        N_("How long winners have to claim a prize before somebody else is drawn."),
        group=_WINNERS,
        unset=N_("winners need not claim"),
    )
    min_account_age: Annotated[timedelta, duration(maximum=timedelta(days=365))] = setting(
        timedelta(),
        N_("Age of accounts"),
        N_("Accounts younger than this can't enter any giveaway."),
        group=_WHO,
    )
    open_at_once: Annotated[int, Field(ge=1, le=200)] = setting(
        50,
        N_("Giveaways at once"),
        N_("How many may be open or scheduled at the same time."),
        group=_WHO,
    )
    keep_for: Kept = setting(
        timedelta(days=180),
        N_("Keep giveaways for"),
        N_(
            "How long after its end a giveaway is kept, with its entries and the proof of its draw."
        ),
        group=_RECORD,
    )
