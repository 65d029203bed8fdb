"""What makes a good custom command, who may use it, and what it answers; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.core.errors import Conflict, Denied, InvalidInput
from bot.core.fields.text import quote
from bot.core.fields.values import VARIANT_LINE
from bot.core.i18n import Message, _
from bot.core.templates import InvalidTemplate
from cogs.customcommand.evaluation import Choose, Occasion, Said, evaluate
from cogs.customcommand.language import Program, parse
from cogs.customcommand.lengths import can_speak, longest

# https://discord.com/developers/docs/interactions/application-commands
MAX_NAME = 32
MAX_DESCRIPTION = 100
MAX_COMMANDS = 100
# https://discord.com/developers/docs/resources/message
MAX_CONTENT = 2000
MAX_TITLE = 256
MAX_BODY = 4000
MAX_MENTIONS = 100
MAX_TEXTS = 20
MAX_ALIASES = 5
LONGEST_COOLDOWN = timedelta(days=7)
MAX_URL = 500
_OF_NOBODY = _("Ask the staff: what it was for has been deleted.")
_URL = re.compile(r"https://[^\s<>\"]+")
# Scripts whose words need marks that are no letters, which Discord takes in names.
_MARKED_SCRIPTS = ("DEVANAGARI", "THAI")


@dataclass(frozen=True, slots=True)
class EmbedTexts:
    """The embed of an answer: two templates, a picture's address and a colour."""

    title: str = ""
    body: str = ""
    image: str = ""
    colour: int | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What a command answers: one of the texts, by chance, and the embed if there is one."""

    texts: tuple[str, ...] = ()
    embed: EmbedTexts | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Response:
        """Return the response that `to_json` wrote."""
        embed = data.get("embed")
        return cls(tuple(data["texts"]), EmbedTexts(**embed) if embed else None)

    def to_json(self) -> dict[str, Any]:
        """Return the response as it is stored."""
        return {
            "texts": list(self.texts),
            "embed": asdict(self.embed) if self.embed is not None else None,
        }

    def programs(self) -> Iterator[Program]:
        """Yield the tree of each template; raises `InvalidTemplate` for one with a mistake."""
        embed = self.embed
        for source in (*self.texts, *((embed.title, embed.body) if embed else ())):
            yield parse(source)

    @property
    def takes_text(self) -> bool:
        """Whether what is written after the command makes a difference."""
        return any(one.takes_text for one in self.programs())


@dataclass(frozen=True, slots=True)
class Draft:
    """A command as an admin wants it; in no restricted list means everywhere and everybody."""

    name: str
    response: Response
    description: str = ""
    cooldown: timedelta = timedelta()
    aliases: tuple[str, ...] = ()
    enabled: bool = True
    channel_ids: tuple[int, ...] = ()
    role_ids: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name and the aliases."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Command:
    """A command on record; `revision` tells whether it was changed since it was seen."""

    id: int
    guild_id: int
    revision: int
    draft: Draft
    created_at: datetime
    created_by: int | None = None
    updated_at: datetime | None = None
    updated_by: int | None = None
    uses: int = 0
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One use of a command by a member; a thread has a parent channel."""

    guild_id: int
    user_id: int
    role_ids: frozenset[int]
    occasion: Occasion
    parent_id: int | None = None
    joined_at: str | None = None
    avatar: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer's message, and what of the member's words is repeated in it."""

    payload: dict[str, Any]
    echo: str = ""


# --- checking -----------------------------------------------------------------------------------


def read_name(text: str) -> str:
    """Return a name as Discord takes it; raises `InvalidInput` for one that it refuses."""
    name = unicodedata.normalize("NFC", text.strip().removeprefix("/")).lower()
    if 1 <= len(name) <= MAX_NAME and all(map(_is_name_character, name)):
        return name
    raise InvalidInput(
        _("Discord takes no command called {name}.", name=quote(text, 60)),
        hint=_("A name has 1 to 32 letters, digits, hyphens and underscores, without spaces."),
    )


def _is_name_character(character: str) -> bool:
    if character in "-_'" or character.isalnum():
        return True
    return unicodedata.category(character).startswith("M") and unicodedata.name(
        character, ""
    ).startswith(_MARKED_SCRIPTS)


def read_texts(text: str) -> tuple[str, ...]:
    """Return the texts in a form's input, which lines of three hyphens part."""
    parts: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip() == VARIANT_LINE:
            parts.append([])
        else:
            parts[-1].append(line)
    return tuple(found for part in parts if (found := "\n".join(part).strip()))


def check_draft(draft: Draft) -> Draft:
    """Return the draft with clean names; raises `InvalidInput` for the first thing wrong."""
    names = [read_name(one) for one in draft.names]
    check_alias_count(draft.aliases)
    if len(set(names)) < len(names):
        raise InvalidInput(_("The name and the aliases have to differ from each other."))
    if len(draft.description) > MAX_DESCRIPTION:
        raise InvalidInput(
            _("A description has {count} characters at most.", count=MAX_DESCRIPTION)
        )
    if not timedelta() <= draft.cooldown <= LONGEST_COOLDOWN:
        raise InvalidInput(_("A cooldown lasts 7 days at most."))
    check_response(draft.response)
    return Draft(
        names[0],
        draft.response,
        " ".join(draft.description.split()),
        draft.cooldown,
        tuple(names[1:]),
        draft.enabled,
        draft.channel_ids,
        draft.role_ids,
    )


def check_alias_count(aliases: Collection[str]) -> None:
    """Raise `InvalidInput` for more aliases than a command may have."""
    if len(aliases) > MAX_ALIASES:
        raise InvalidInput(_("A command has {count} aliases at most.", count=MAX_ALIASES))


def check_response(response: Response) -> None:
    """Raise `InvalidInput` for an answer that is empty, too long, or has a mistake in it."""
    embed = response.embed
    if not response.texts and embed is None:
        raise InvalidInput(
            _("The command has no answer yet."), hint=_("Write a text, an embed or both.")
        )
    if len(response.texts) > MAX_TEXTS:
        raise InvalidInput(_("A command has {count} texts at most.", count=MAX_TEXTS))
    for number, text in enumerate(response.texts, 1):
        place = _("Text {number}", number=number) if len(response.texts) > 1 else _("Text")
        _check_template(text, place, MAX_CONTENT)
    if embed is not None:
        _check_embed(embed)
    if not (embed and embed.image) and not any(can_speak(one.nodes) for one in response.programs()):
        raise InvalidInput(
            _("The command never says anything, whatever is written after it."),
            hint=_("Write a text outside of conditions, or into one of their parts."),
        )
    mentions = [(*one.users, *one.roles) for one in response.programs()]
    if sum(map(len, mentions)) > MAX_MENTIONS:
        raise InvalidInput(_("An answer mentions {count} at most.", count=MAX_MENTIONS))


def check_may_mention(response: Response, before: Response, forbidden: Collection[int]) -> None:
    """Raise `Denied` for a role that is `forbidden` to the author and not mentioned `before`.

    A command must not notify whom its author can't: Discord lets members mention the roles that
    allow it, and whoever has Mention Everyone all of them.
    """
    known = {role for one in before.programs() for role in one.roles}
    named = {role for one in response.programs() for role in one.roles}
    if new := (named - known).intersection(forbidden):
        raise Denied(
            _(
                "You may not notify {roles} in this server.",
                roles=" ".join(f"<@&{one}>" for one in sorted(new)[:10]),
            ),
            hint=_(
                "Leave the mention out, or have somebody with Mention Everyone save the command."
            ),
        )


def _check_embed(embed: EmbedTexts) -> None:
    _check_template(embed.title, _("Embed title"), MAX_TITLE)
    _check_template(embed.body, _("Embed text"), MAX_BODY)
    if not embed.title and not embed.body and not embed.image:
        raise InvalidInput(
            _("An embed of a colour alone shows nothing."),
            hint=_("Give it a title, a text or a picture."),
        )
    if embed.image and not (len(embed.image) <= MAX_URL and _URL.fullmatch(embed.image)):
        raise InvalidInput(
            _("An https address is needed, such as https://example.org/picture.png.")
        )


def _check_template(source: str, place: Message, limit: int) -> None:
    try:
        program = parse(source)
    except InvalidTemplate as error:
        raise InvalidInput(
            _("{place}: {problem}", place=place, problem=error.message), hint=error.hint
        ) from None
    if (over := longest(program.nodes) - limit) > 0:
        raise InvalidInput(
            _(
                "{place}: This can get {count} characters longer than Discord takes.",
                place=place,
                count=over,
            ),
            hint=_("It takes {count} characters there.", count=limit),
        )


def check_among(draft: Draft, others: Collection[Command], builtin: Collection[str]) -> None:
    """Raise `Conflict` when a name is taken or there is no room for the names."""
    for name in draft.names:
        if name in builtin:
            raise Conflict(
                _("I have a command /{name} myself.", name=name), hint=_("Choose another name.")
            )
        owner = next((one for one in others if name in one.draft.names), None)
        if owner is not None:
            raise Conflict(
                _("There is a command /{name} already.", name=name),
                hint=_(
                    "Choose another name, or change it with /customcommand edit command:{owner}.",
                    owner=owner.draft.name,
                ),
            )
    if sum(len(one.draft.names) for one in others) + len(draft.names) > MAX_COMMANDS:
        raise Conflict(
            _(
                "Discord takes {count} commands of a server, aliases included.",
                count=MAX_COMMANDS,
            ),
            hint=_("Remove a command or an alias first."),
        )


# --- using --------------------------------------------------------------------------------------


def _exists(_role_or_channel_id: int) -> bool:
    return True


def check_may_use(
    draft: Draft, invocation: Invocation, exists: Callable[[int], bool] = _exists
) -> None:
    """Raise `Denied`, with what would do, for a member or a place that the command is not for.

    Only what `exists` of its roles and channels is named.
    """
    here = {invocation.occasion.channel_id, invocation.parent_id}
    if draft.channel_ids and here.isdisjoint(draft.channel_ids):
        places = _named("<#{}>", draft.channel_ids, exists)
        raise Denied(
            _("/{name} is not for this channel.", name=draft.name),
            hint=_("Use it in {channels}.", channels=places) if places else _OF_NOBODY,
        )
    # The role of all members has the guild's id; Discord leaves it out of a member's roles.
    held = {*invocation.role_ids, invocation.guild_id}
    if draft.role_ids and held.isdisjoint(draft.role_ids):
        roles = _named("<@&{}>", draft.role_ids, exists)
        raise Denied(
            _("/{name} is not for you.", name=draft.name),
            hint=_("It is for members with one of these roles: {roles}", roles=roles)
            if roles
            else _OF_NOBODY,
        )


def _named(mention: str, ids: Collection[int], exists: Callable[[int], bool]) -> str:
    return " ".join(mention.format(one) for one in [one for one in ids if exists(one)][:10])


def payload_of(response: Response, occasion: Occasion, choose: Choose) -> dict[str, Any] | None:
    """Return the body of the answer's message; `None` when nothing is left to say."""
    answer = answer_of(response, occasion, choose)
    return answer and answer.payload


def answer_of(response: Response, occasion: Occasion, choose: Choose) -> Answer | None:
    """Return the answer; `None` when nothing is left to say.

    It notifies whom the admin's own words mention in the text that is said, and nobody that a value
    brings in. An embed notifies nobody, so a mention there is no leave for one in the text.
    """
    values = occasion.values()
    echoes: list[str] = []

    def say(source: str, limit: int) -> Said:
        said = evaluate(parse(source), values, choose, limit=limit)
        echoes.append(said.echo)
        return said

    said = Said("")
    if response.texts:
        said = say(response.texts[choose(len(response.texts))], MAX_CONTENT)
    embed = _embed_of(response.embed, say) if response.embed is not None else None
    if not said.text and embed is None:
        return None
    payload: dict[str, Any] = {"allowed_mentions": _mentions(said)}
    if said.text:
        payload["content"] = said.text
    if embed is not None:
        payload["embeds"] = [embed]
    return Answer(payload, "\n".join(filter(None, echoes)))


def _embed_of(texts: EmbedTexts, say: Callable[[str, int], Said]) -> dict[str, Any] | None:
    embed: dict[str, Any] = {}
    if title := say(texts.title, MAX_TITLE).text:
        embed["title"] = title
    if body := say(texts.body, MAX_BODY).text:
        embed["description"] = body
    if texts.image:
        embed["image"] = {"url": texts.image}
    if not embed:
        return None
    if texts.colour is not None:
        embed["color"] = texts.colour
    return embed


def _mentions(said: Said) -> dict[str, Any]:
    return {
        "parse": [],
        "users": [str(one) for one in sorted(said.users)][:MAX_MENTIONS],
        "roles": [str(one) for one in sorted(said.roles)][:MAX_MENTIONS],
    }
