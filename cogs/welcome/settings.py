"""What a guild can set for Welcome; panel, API, stored row and dashboard form are made from it.

With nothing set, joins are greeted in the channel that Discord uses for its own system messages.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.core.fields import Colour, channel, choice, duration, template, templates
from bot.core.i18n import N_
from bot.core.settings import FeatureSettings, setting
from cogs.welcome.rules import Order

# What a text may name; `cogs.welcome.wording` fills them in, in this order.
VARIABLES = {
    "member": N_("the name that is shown here"),
    "member.name": N_("the username"),
    "member.mention": N_("a mention, which notifies the member"),
    "member.id": N_("the member's ID"),
    "guild": N_("this server's name"),
    "count": N_("how many members there are"),
    "ordinal": N_("the same as an ordinal, such as 1,204th"),
}

_OWN_TEXT = N_("a text of my own")
_WELCOME_CHANNEL = N_("the welcome channel")

_JOINING = N_("When someone joins")
_RETURNING = N_("When someone comes back")
_LEAVING = N_("When someone leaves")
_LOOK = N_("Look of the messages")
_PRIVATE = N_("Private message")
_CARE = N_("Timing and raids")

Place = Annotated[int, channel(needs=("view_channel", "send_messages"))]
Texts = Annotated[tuple[str, ...], templates(VARIABLES, max_items=10, max_length=1500)]
Title = Annotated[str, template(VARIABLES, max_length=200)]
PrivateText = Annotated[str, template(VARIABLES, max_length=1500)]
ImageAddress = Annotated[str, Field(pattern=r"^https://\S+$", max_length=500)]
RaidSize = Annotated[int, Field(ge=3, le=100)]
RaidWindow = Annotated[
    timedelta, duration(minimum=timedelta(seconds=10), maximum=timedelta(minutes=10))
]
Staleness = Annotated[
    timedelta, duration(minimum=timedelta(seconds=10), maximum=timedelta(hours=1))
]
Lifetime = Annotated[timedelta, duration(minimum=timedelta(seconds=10), maximum=timedelta(days=7))]


class WelcomeSettings(FeatureSettings):
    """How members are greeted and seen off."""

    join_enabled: bool = setting(
        True, N_("Greet new members"), N_("Send a message when someone joins."), group=_JOINING
    )
    join_channel_id: Place | None = setting(
        None,
        N_("Welcome channel"),
        N_("Where greetings go; without one, the channel of Discord's own system messages."),
        group=_JOINING,
        unset=N_("the channel of Discord's system messages"),
    )
    join_texts: Texts = setting(
        (),
        N_("Welcome texts"),
        N_("One of these is sent each time; without any, I use a text of my own."),
        group=_JOINING,
        unset=_OWN_TEXT,
    )
    returning_enabled: bool = setting(
        True,
        N_("Greet returning members"),
        N_("Send another message to someone who was here before."),
        group=_RETURNING,
    )
    returning_channel_id: Place | None = setting(
        None,
        N_("Channel for returning members"),
        N_("Without one, the welcome channel."),
        group=_RETURNING,
        unset=_WELCOME_CHANNEL,
    )
    returning_texts: Texts = setting(
        (),
        N_("Texts for returning members"),
        N_("One of these is sent each time; without any, I use a text of my own."),
        group=_RETURNING,
        unset=_OWN_TEXT,
    )
    leave_enabled: bool = setting(
        False, N_("Say goodbye"), N_("Send a message when someone leaves."), group=_LEAVING
    )
    leave_channel_id: Place | None = setting(
        None,
        N_("Goodbye channel"),
        N_("Without one, the welcome channel."),
        group=_LEAVING,
        unset=_WELCOME_CHANNEL,
    )
    leave_texts: Texts = setting(
        (),
        N_("Goodbye texts"),
        N_("One of these is sent each time; without any, I use a text of my own."),
        group=_LEAVING,
        unset=_OWN_TEXT,
    )
    order: Annotated[Order, choice(random=N_("At random"), in_turn=N_("In turn"))] = setting(
        Order.RANDOM, N_("Order of texts"), N_("Pick texts at random or in turn."), group=_LOOK
    )
    card_enabled: bool = setting(
        True,
        N_("Welcome card"),
        N_("Attach a picture with the member's name and avatar to greetings."),
        group=_LOOK,
    )
    colour: Colour = setting(
        0x5865F2, N_("Colour"), N_("The colour of the card and of the embed's edge."), group=_LOOK
    )
    embed_enabled: bool = setting(
        False, N_("Embed"), N_("Put the text into a box with a coloured edge."), group=_LOOK
    )
    embed_title: Title | None = setting(
        None,
        N_("Title of the embed"),
        N_("Stands above the text of a greeting."),
        group=_LOOK,
        unset=N_("no title"),
    )
    embed_avatar: bool = setting(
        False, N_("Avatar in the embed"), N_("Show the member's avatar in the corner."), group=_LOOK
    )
    embed_image_url: ImageAddress | None = setting(
        None,
        N_("Image in the embed"),
        N_("An https address of a picture for greetings; the welcome card takes its place."),
        group=_LOOK,
        unset=N_("no picture"),
    )
    dm_enabled: bool = setting(
        False,
        N_("Private message"),
        N_("Also write to new members in private, unless they don't want to be written to."),
        group=_PRIVATE,
    )
    dm_text: PrivateText | None = setting(
        None,
        N_("Private text"),
        N_("Without it, I use a text of my own."),
        group=_PRIVATE,
        unset=_OWN_TEXT,
    )
    raid_size: RaidSize = setting(
        10,
        N_("Joins that make a raid"),
        N_("From this many joins within the raid window on, one message greets all together."),
        group=_CARE,
    )
    raid_window: RaidWindow = setting(
        timedelta(minutes=1),
        N_("Raid window"),
        N_("The time in which joins are counted."),
        group=_CARE,
    )
    stale_after: Staleness = setting(
        timedelta(minutes=1),
        N_("Too late after"),
        N_("Joins that I hear of later than this, as after an outage, are not greeted."),
        group=_CARE,
    )
    delete_after: Lifetime | None = setting(
        None,
        N_("Delete after"),
        N_("Remove my messages again after this time."),
        group=_CARE,
        unset=N_("they stay"),
    )
    greet_bots: bool = setting(
        False, N_("Greet bots"), N_("Treat bots that are added like members."), group=_CARE
    )
