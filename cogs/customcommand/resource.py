"""Custom commands as the API reads and writes them; free of discord.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.errors import FieldError, InvalidInput, NotFound
from bot.core.fields import LongText
from bot.core.fields.bodies import channel_texts, member_text, role_texts, seconds, variants
from bot.core.fields.values import read_colour
from bot.core.i18n import N_, Message, _, ngettext
from bot.core.resources import Item, Resource
from bot.core.settings.validation import from_field_errors
from bot.core.templates import InvalidTemplate
from cogs.customcommand.language import parse
from cogs.customcommand.rules import (
    LONGEST_COOLDOWN,
    MAX_ALIASES,
    MAX_DESCRIPTION,
    MAX_TEXTS,
    Command,
    Draft,
    EmbedTexts,
    Response,
    check_draft,
    read_name,
)

if TYPE_CHECKING:
    from bot.core.contracts import Actor, BotState
    from cogs.customcommand.book import CommandBook

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
_MOST_PLACES = 100


class EmbedBody(BaseModel):
    """The embed of an answer; `colour` is a name or #rrggbb."""

    model_config = _STRICT

    title: str = Field("", title=N_("Title"), description=N_("May have variables in it."))
    body: LongText = Field("", title=N_("Text"), description=N_("May have variables in it."))
    image: str = Field(
        "", title=N_("Picture"), description=N_("The https address of a picture to show.")
    )
    colour: str | None = Field(
        None, title=N_("Colour"), description=N_("Like #5865f2, or a name such as blue.")
    )


class CommandBody(BaseModel):
    """A command as it is wanted: chance picks one of the texts; `cooldown` is in seconds.

    Without channels it is for everywhere, without roles for everybody.
    """

    model_config = _STRICT

    name: str = Field(
        examples=["rules"],
        title=N_("Name"),
        description=N_("What members write after the slash: small letters, digits, - and _."),
    )
    texts: Annotated[list[str], variants()] = Field(
        [],
        max_length=MAX_TEXTS,
        title=N_("Answers"),
        description=N_("What it answers, with variables such as {user.name}; of several, one."),
    )
    embed: EmbedBody | None = Field(
        None, title=N_("Embed"), description=N_("A framed text below the answer, or instead of it.")
    )
    description: str = Field(
        "",
        max_length=MAX_DESCRIPTION,
        title=N_("Description"),
        description=N_("What Discord shows beside the name."),
    )
    cooldown: Annotated[int, seconds(maximum=LONGEST_COOLDOWN)] = Field(
        0,
        ge=0,
        le=int(LONGEST_COOLDOWN.total_seconds()),
        title=N_("Cooldown"),
        description=N_("How long a member waits before using it again."),
    )
    aliases: list[str] = Field(
        [],
        max_length=MAX_ALIASES,
        title=N_("Aliases"),
        description=N_("Other names under which it works."),
    )
    enabled: bool = Field(
        True, title=N_("Enabled"), description=N_("Whether members can use it at present.")
    )
    channel_ids: Annotated[list[str], channel_texts(kinds=(), max_items=_MOST_PLACES)] = Field(
        [],
        max_length=_MOST_PLACES,
        title=N_("Channels"),
        description=N_("Where it works; with none chosen, everywhere."),
    )
    role_ids: Annotated[list[str], role_texts(max_items=_MOST_PLACES)] = Field(
        [],
        max_length=_MOST_PLACES,
        title=N_("Roles"),
        description=N_("Who may use it; with none chosen, everybody."),
    )


class CommandDetail(CommandBody):
    """A command on record, with how often it is used."""

    id: str
    uses: int = Field(title=N_("Uses"))
    last_used_at: datetime | None = Field(title=N_("Last used"))
    created_at: datetime = Field(title=N_("Added"))
    created_by: Annotated[str, member_text()] | None = Field(title=N_("Added by"))
    updated_at: datetime | None = Field(title=N_("Changed"))
    updated_by: Annotated[str, member_text()] | None = Field(title=N_("Changed by"))


def _facts(command: CommandDetail) -> Sequence[Message | str]:
    uses = ngettext("{count} use", "{count} uses", command.uses)
    facts: list[Message | str] = [uses] if command.enabled else [_("switched off"), uses]
    return [command.description, *facts]


RESOURCE = Resource(
    name="custom-commands",
    one="custom command",
    many="custom commands",
    title=N_("Custom commands"),
    label=attrgetter("name"),
    model=CommandDetail,
    addition=CommandBody,
    change=CommandBody,
    facts=_facts,
)


class CommandResource:
    """Answers for the custom commands, by the book that the commands of Discord use."""

    def __init__(self, book: CommandBook, state: Callable[[], BotState]) -> None:
        self._book = book
        self._state = state

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return a guild's commands by name."""
        return [_item(one) for one in await self._read(guild_id)]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one command; raises `NotFound`."""
        return _item(await self._find(guild_id, item_id))

    async def add(self, guild_id: int, body: CommandBody, actor: Actor) -> Item:
        """Add a command; raises as `CommandBook.add` does, with an error per wrong field."""
        return _item(await self._book.add(guild_id, self._draft(guild_id, body), actor))

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: CommandBody, actor: Actor
    ) -> Item:
        """Change a command; raises as `CommandBook.change` does, with an error per wrong field."""
        seen = await self._find(guild_id, item_id, revision)
        return _item(await self._book.change(seen, self._draft(guild_id, body), actor))

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Remove a command that nobody has changed meanwhile."""
        seen = await self._find(guild_id, item_id, revision)
        await self._book.remove(seen, actor, exactly=True)

    async def _read(self, guild_id: int) -> Sequence[Command]:
        # What is remembered holds old numbers of uses, and another process may have made a change.
        self._book.forget(guild_id)
        return await self._book.commands(guild_id)

    async def _find(self, guild_id: int, item_id: int, revision: int | None = None) -> Command:
        found = next((one for one in await self._read(guild_id) if one.id == item_id), None)
        if found is None:
            raise NotFound(_("There is no custom command with the ID {id}.", id=item_id))
        if revision not in (None, found.revision):
            raise self._book.changed_meanwhile()
        return found

    def _draft(self, guild_id: int, body: CommandBody) -> Draft:
        if errors := [*_wrong(body), *self._foreign(guild_id, body)]:
            raise from_field_errors(errors, {name: name for name in CommandBody.model_fields})
        return check_draft(_draft_of(body))

    def _foreign(self, guild_id: int, body: CommandBody) -> Iterator[FieldError]:
        """Yield an error for what is no channel or role of the guild."""
        state = self._state()
        for index, one in enumerate(body.channel_ids):
            if not _is_id(one) or state.channel(guild_id, int(one)) is None:
                message = _("There is no channel with the ID {id} in this server.", id=one)
                yield FieldError(f"/channel_ids/{index}", message)
        for index, one in enumerate(body.role_ids):
            if not _is_id(one) or state.role(guild_id, int(one)) is None:
                message = _("There is no role with the ID {id} in this server.", id=one)
                yield FieldError(f"/role_ids/{index}", message)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19


def _wrong(body: CommandBody) -> Iterator[FieldError]:
    """Yield an error for each field that can be judged by itself."""
    yield from _refused("/name", lambda: read_name(body.name))
    for index, alias in enumerate(body.aliases):
        yield from _refused(f"/aliases/{index}", lambda alias=alias: read_name(alias))
    for index, text in enumerate(body.texts):
        yield from _refused(f"/texts/{index}", lambda text=text: parse(text))
    if body.embed is not None:
        title, text, colour = body.embed.title, body.embed.body, body.embed.colour
        yield from _refused("/embed/title", lambda: parse(title))
        yield from _refused("/embed/body", lambda: parse(text))
        if colour is not None:
            yield from _refused("/embed/colour", lambda: read_colour(colour))


def _refused(pointer: str, read: Callable[[], object]) -> Iterable[FieldError]:
    try:
        read()
    except (InvalidInput, InvalidTemplate) as error:
        return [FieldError(pointer, error.message)]
    return []


def _draft_of(body: CommandBody) -> Draft:
    embed = None
    if body.embed is not None:
        chosen = body.embed.colour
        colour = None if chosen is None else read_colour(chosen)
        embed = EmbedTexts(body.embed.title, body.embed.body, body.embed.image, colour)
    return Draft(
        body.name,
        Response(tuple(body.texts), embed),
        body.description,
        timedelta(seconds=body.cooldown),
        tuple(body.aliases),
        body.enabled,
        tuple(map(int, body.channel_ids)),
        tuple(map(int, body.role_ids)),
    )


def _item(command: Command) -> Item:
    draft, embed = command.draft, command.draft.response.embed
    shown = None
    if embed is not None:
        colour = None if embed.colour is None else f"#{embed.colour:06x}"
        shown = EmbedBody(title=embed.title, body=embed.body, image=embed.image, colour=colour)
    body = CommandDetail(
        id=str(command.id),
        name=draft.name,
        texts=list(draft.response.texts),
        embed=shown,
        description=draft.description,
        cooldown=round(draft.cooldown.total_seconds()),
        aliases=list(draft.aliases),
        enabled=draft.enabled,
        channel_ids=[str(one) for one in draft.channel_ids],
        role_ids=[str(one) for one in draft.role_ids],
        uses=command.uses,
        last_used_at=command.last_used_at,
        created_at=command.created_at,
        created_by=_person(command.created_by),
        updated_at=command.updated_at,
        updated_by=_person(command.updated_by),
    )
    return Item(command.id, command.revision, body)


def _person(user_id: int | None) -> str | None:
    # Programs with the access key act as nobody, which is 0.
    return str(user_id) if user_id else None
