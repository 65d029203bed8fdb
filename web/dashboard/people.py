"""Members as they are typed into a form: an id, a mention, or a name that is looked up.

Only a name that is one member's alone is taken at once. For others the form comes back with whom it
may mean, to choose from; the choice bears the name that it is for, and counts while that stands in
the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from bot.core.errors import DiscordFailed, FieldError
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.bodies import row_fields
from bot.core.i18n import Message, _
from bot.core.namesearch import LONGEST_NAME, NamedMember
from bot.core.settings.validation import pointer_to
from db.guilds import find_names
from web.dashboard.formdata import Sent
from web.dashboard.texts import Row, Text, Texts
from web.dashboard.values import Offer, Reader
from web.services import WebServices

OF = "!of"
PEOPLE = (Widget.MEMBER, Widget.MEMBERS)
_ID = re.compile(r"<@!?(\d{1,20})>|(\d{1,20})")
# Each is a question to Discord, for which somebody waits.
_MOST_NAMES = 5
_MOST_OFFERED = 25


@dataclass(frozen=True, slots=True)
class People:
    """A form's texts with ids for names, what is not certain, and the reader who may choose."""

    texts: Texts
    reader: Reader
    wrong: Sequence[FieldError] = ()


async def find_people(
    services: WebServices, fields: Iterable[FieldInfo], texts: Texts, sent: Sent, reader: Reader
) -> People:
    """Return the texts with the ids of those who are named in them; those as they are who are not.

    Looks up five names at most.
    """
    looking = _Looking(services, sent, reader)
    found = await looking.through(tuple(fields), texts)
    known = replace(reader, offers=looking.offers, names={**reader.names, **looking.names})
    return People(found, known, looking.wrong)


@dataclass(slots=True)
class _Looking:
    services: WebServices
    sent: Sent
    reader: Reader
    offers: dict[str, tuple[Offer, ...]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    wrong: list[FieldError] = field(default_factory=list)
    asked: int = 0

    async def through(
        self, fields: Sequence[FieldInfo], texts: Texts, place: str = "", sent_as: str = ""
    ) -> dict[str, Text]:
        """Return the texts; a row's inputs were `sent_as` they were numbered before."""
        found = dict(texts)
        for one in fields:
            text = texts.get(one.name, "")
            if isinstance(text, tuple):
                name, before = f"{place}{one.name}", f"{sent_as}{one.name}"
                found[one.name] = await self._rows(row_fields(one), text, name, before)
            elif one.form.widget in PEOPLE:
                picked = self._picked(f"{sent_as}{one.name}")
                found[one.name] = await self._ids(f"{place}{one.name}", text, picked)
        return found

    async def _rows(
        self, inner: Sequence[FieldInfo], rows: tuple[Row, ...], name: str, before: str
    ) -> tuple[Row, ...]:
        return tuple(
            [
                replace(
                    row,
                    texts=await self.through(
                        inner, row.texts, f"{name}.{n}.", f"{before}.{row.number}."
                    ),
                )
                for n, row in enumerate(rows)
            ]
        )

    def _picked(self, name: str) -> Mapping[str, str]:
        """Return the ids that were chosen, by the names that they were chosen for."""
        parted = (one.partition(" ") for one in self.sent.get(f"{name}{OF}", ()))
        return {text: user_id for user_id, _space, text in parted if _ID.fullmatch(user_id)}

    async def _ids(self, name: str, text: str, picked: Mapping[str, str]) -> str:
        offers: list[Offer] = []
        found: list[str] = []
        problems: list[Message] = []
        for one in _parts(text):
            if match := _ID.fullmatch(one):
                found.append(match[1] or match[2])
            elif one in picked:
                found.append(picked[one])
            else:
                people, problem = await self._look_for(one)
                if problem is None:
                    found.append(str(people[0].id))
                    continue
                problems.append(problem)
                if people:
                    offers.append(Offer(one, tuple((it.id, it.label) for it in people)))
        if not problems:
            return " ".join(found)
        self.wrong += [FieldError(pointer_to(name.split(".")), one) for one in problems]
        self.offers[name] = tuple(offers)
        return text

    async def _look_for(self, name: str) -> tuple[Sequence[NamedMember], Message | None]:
        """Return whom a name may mean, and why it is not certain who is meant."""
        nobody = _("Nobody here has a name that begins with “{text}”.", text=name[:40])
        wanted = name.removeprefix("@").strip()
        if not wanted or len(wanted) > LONGEST_NAME:
            return (), nobody
        if self.asked >= _MOST_NAMES:
            return (), _("At most {count} names can be looked up at once.", count=_MOST_NAMES)
        self.asked += 1
        try:
            found = await self._search(wanted)
        except DiscordFailed as error:
            return (), error.message
        exact = [one for one in found if one.is_called(wanted)]
        if len(exact) == 1:
            self.names[exact[0].id] = exact[0].names[0]
            return exact, None
        people = [*exact, *(one for one in found if one not in exact)][:_MOST_OFFERED]
        return people, _("Choose whom “{text}” means.", text=name[:40]) if people else nobody

    async def _search(self, text: str) -> Sequence[NamedMember]:
        """Return whom Discord finds, and those met whose display name, which it passes over, fits.

        Raises `DiscordFailed`.
        """
        guild_id, search = self.reader.guild_id, self.services.members
        people = await search(guild_id, text)
        first, *rest = text.split()
        if rest and not people:
            # Of a display name of several words, the first one often begins the user name.
            people = [one for one in await search(guild_id, first) if one.begins_with(text)]
        found = {one.id: one for one in people}
        async with self.services.database.read() as session:
            met = await find_names(session, guild_id, text, limit=_MOST_OFFERED)
        known = (NamedMember(user_id, (name,)) for user_id, name in met.items())
        return [*found.values(), *(one for one in known if one.id not in found)]


def _parts(text: str) -> list[str]:
    """Return ids, mentions and names; words that no comma parts are one name."""
    parts: list[str] = []
    for chunk in re.split(r"[,;\n]", text.replace("><", "> <")):
        for is_id, words in groupby(chunk.split(), lambda one: _ID.fullmatch(one) is not None):
            known = list(words)
            parts += known if is_id else [" ".join(known)]
    return parts
