"""Puts a greeting into words: variables, default texts, and the message as Discord's API takes it.

Names come from strangers, so they are made harmless before they meet a template. Pure; knows the
shape of Discord's message payload but not discord.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.lists import format_list
from babel.numbers import format_decimal

from bot.core.fields.text import escape_markdown
from bot.core.i18n import N_, Message, _, babel_locale, language_of, ngettext
from bot.core.imaging.avatars import avatar_address
from bot.core.templates import parse
from cogs.welcome.card import Card
from cogs.welcome.rules import Kind, Person
from cogs.welcome.settings import VARIABLES, WelcomeSettings

# Discord's limits: https://discord.com/developers/docs/resources/message
LONGEST_CONTENT = 2000
LONGEST_EMBED_TEXT = 4096
LONGEST_EMBED_TITLE = 256
CARD_FILE = "welcome.png"
# A message of a thousand names helps nobody.
MOST_NAMES = 20

_SAMPLES = ("Ada", "Bruno", "Chen", "Dana", "Elif", "Farid", "Greta")
_LINKS = re.compile(r"(?i)(discord(?:app)?\.(?:gg|com)|https?:|www\.)")
_BREAK = "\u200b"
# Letters and signs that are drawn as nothing.
_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0 "
_JOINERS = frozenset("\u200c\u200d")

DEFAULT_TEXTS: Mapping[Kind, str] = {
    Kind.JOIN: N_("Welcome to {guild}, {member.mention}! You are our {ordinal} member."),
    Kind.RETURNING: N_("Welcome back, {member.mention}! It is good to see you again."),
    Kind.LEAVE: N_("{member} has left us. We are {count} now."),
}
DEFAULT_PRIVATE_TEXT = N_(
    "Welcome to {guild}, {member}! Have a look around, and don't be shy to ask if you need help."
)


@dataclass(frozen=True, slots=True)
class Place:
    """The guild as a text speaks of it; `locale` is the language of its texts."""

    name: str
    member_count: int
    locale: str


@dataclass(frozen=True, slots=True)
class Greeting:
    """A message ready to be sent, in Discord's own terms, and the card to attach to it."""

    payload: Mapping[str, Any]
    card: Card | None = None


def harmless(name: str) -> str:
    """Return a stranger's name so that it shows as it is: no markup, link, invite or mention.

    Nor does it change what stands around it, as characters that turn the direction of text would.
    """
    unlinked = _LINKS.sub(
        lambda match: match[0][:-1] + _BREAK + match[0][-1], " ".join(visible(name).split())
    )
    return escape_markdown(unlinked)


def visible(name: str) -> str:
    """Return the name without invisible format characters (Unicode's category Cf).

    A joiner stays after a letter or sign that is not ASCII: Persian, Indic scripts and emoji are
    spelled with it.
    """
    kept = ""
    for character in name:
        is_needed = character in _JOINERS and kept and kept[-1] not in _JOINERS
        if unicodedata.category(character) != "Cf" or (is_needed and not kept[-1].isascii()):
            kept += character
    return kept


def ordinal(number: int, locale: str) -> str:
    """Return the number as an ordinal, in the language whose catalogue the locale uses."""
    text = format_decimal(number, locale=babel_locale(locale))
    if language_of(locale) == "es":
        return f"{text}.º"
    if number % 100 in (11, 12, 13):
        return f"{text}th"
    return text + {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def shown_name(person: Person) -> str:
    """Return the name to call the person by: the chosen one, unless nothing of it can be seen."""
    name = visible(person.display_name).strip()
    return name if name.strip(_BLANKS) else person.username


def values_for(person: Person, place: Place) -> dict[str, str]:
    """Return what each template variable stands for."""
    values = (
        harmless(shown_name(person)),
        harmless(person.username),
        f"<@{person.id}>",
        str(person.id),
        harmless(place.name),
        format_decimal(place.member_count, locale=babel_locale(place.locale)),
        ordinal(place.member_count, place.locale),
    )
    return dict(zip(VARIABLES, values, strict=True))


def texts_for(settings: WelcomeSettings, kind: Kind, locale: str) -> Sequence[str]:
    """Return the guild's own variants, or the default in its language."""
    own = {
        Kind.JOIN: settings.join_texts,
        Kind.RETURNING: settings.returning_texts,
        Kind.LEAVE: settings.leave_texts,
    }[kind]
    return own or (Message(DEFAULT_TEXTS[kind]).render(locale),)


def compose(
    settings: WelcomeSettings, kind: Kind, text: str, person: Person, place: Place
) -> Greeting:
    """Return the message about one person, made from the chosen text.

    Only the person greeted can be notified, and only when the text mentions them.
    """
    template = parse(text, VARIABLES)
    values = values_for(person, place)
    mentioned = kind is not Kind.LEAVE and "member.mention" in template.variables
    payload: dict[str, Any] = {
        "allowed_mentions": {"parse": [], "users": [str(person.id)] if mentioned else []}
    }
    card = _card(settings, kind, person, place)
    if not settings.embed_enabled:
        payload["content"] = template.render(values, LONGEST_CONTENT)
        return Greeting(payload, card)
    if mentioned:
        # A mention inside an embed notifies nobody.
        payload["content"] = values["member.mention"]
    embed = {
        "description": template.render(values, LONGEST_EMBED_TEXT),
        "color": settings.colour,
        **_embed_extras(settings, kind, person, values, has_card=card is not None),
    }
    return Greeting({**payload, "embeds": [embed]}, card)


def _embed_extras(
    settings: WelcomeSettings,
    kind: Kind,
    person: Person,
    values: Mapping[str, str],
    *,
    has_card: bool,
) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if settings.embed_avatar:
        extras["thumbnail"] = {"url": avatar_address(person.id, person.avatar)}
    if kind is Kind.LEAVE:
        return extras
    if settings.embed_title:
        extras["title"] = parse(settings.embed_title, VARIABLES).render(values, LONGEST_EMBED_TITLE)
    if has_card:
        extras["image"] = {"url": f"attachment://{CARD_FILE}"}
    elif settings.embed_image_url:
        extras["image"] = {"url": settings.embed_image_url}
    return extras


def _card(settings: WelcomeSettings, kind: Kind, person: Person, place: Place) -> Card | None:
    if kind is Kind.LEAVE or not settings.card_enabled:
        return None
    guild = visible(place.name)
    headline = {
        Kind.JOIN: _("Welcome to {guild}", guild=guild),
        Kind.RETURNING: _("Welcome back to {guild}", guild=guild),
    }[kind]
    number = format_decimal(place.member_count, locale=babel_locale(place.locale))
    return Card(
        headline=headline.render(place.locale),
        name=shown_name(person),
        username=person.username,
        footline=_("Member #{number}", number=number).render(place.locale),
        accent=settings.colour,
    )


def without_card(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message without the reference to a card that could not be drawn."""
    embeds = [
        {key: value for key, value in embed.items() if key != "image" or not _is_card(value)}
        for embed in payload.get("embeds", ())
    ]
    return {**payload, "embeds": embeds} if embeds else dict(payload)


def _is_card(image: Mapping[str, Any]) -> bool:
    return image["url"] == f"attachment://{CARD_FILE}"


def compose_private(settings: WelcomeSettings, person: Person, place: Place) -> dict[str, Any]:
    """Return the private message to someone who joined."""
    text = settings.dm_text or Message(DEFAULT_PRIVATE_TEXT).render(place.locale)
    content = parse(text, VARIABLES).render(values_for(person, place), LONGEST_CONTENT)
    return {"content": content, "allowed_mentions": {"parse": []}}


def compose_digest(names: Sequence[str], place: Place) -> dict[str, Any]:
    """Return the one message about all who joined in a raid; it notifies nobody."""
    shown = [f"**{harmless(name)}**" for name in names[:MOST_NAMES]]
    if hidden := len(names) - len(shown):
        shown.append(ngettext("{count} other", "{count} others", hidden).render(place.locale))
    listed = format_list(shown, locale=babel_locale(place.locale))
    message = ngettext(
        "Welcome, {names}!",
        "{count} members joined: {names}",
        len(names),
        names=listed,
    )
    return {"content": message.render(place.locale), "allowed_mentions": {"parse": []}}


def sample_names(person: Person, count: int) -> list[str]:
    """Return names for a look at the digest of so many: the person's own and made-up ones."""
    return [
        shown_name(person),
        *(f"{_SAMPLES[n % len(_SAMPLES)]}{n + 1}" for n in range(count - 1)),
    ]
