"""Invites in a text, however their site and their path are written; nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cogs.automod.rules.links import with_dots
from cogs.automod.rules.views import Views, fold_settled

# On folded text: "discord" may be written with whatever looks like it, and with gaps. An i may be
# read as 1, and the digits of a port as letters.
_GAP = r"[^\w/\\.,\u3002]{0,3}"
_DOT = r"\s{0,3}[.,\u3002]\s{0,3}"
_NAME = _GAP.join(("d", "[i1]", "s", "c", "o", "r", "d"))
_APP = r"(?:\s{0,3}app)?"
_SITE = re.compile(
    rf"(?:{_NAME}{_APP}{_GAP}{_DOT}(?P<site>g{_GAP}g|com|[i1]o|me|[l1][i1])"
    rf"|(?P<short>dsc){_DOT}gg|(?<![\w.])\.gg)"
    r"[.\u3002]?(?::\w{1,5})?\s{0,3}(?=[/\\])"
)
# What follows a site: parts between slashes, up to the next space that no slash stands beside.
_PATH = re.compile(r"(?:[/\\]{1,3}\s{0,3}(?:[^\s/\\?#]{1,100}(?:\s{0,3}(?=[/\\]))?)?){1,64}")
_PART = re.compile(r"[^\s/\\]+")
_DOTTED = re.compile(r"[/\\]\s{0,3}\.")
# "invite" and the code.
_MOST_PARTS = 2
_INVITE = re.compile(r"[i1]nv[i1]te")
_CODE = re.compile(r"[A-Za-z0-9-]{2,40}")
_SPELLED_CODE = re.compile(r"[A-Za-z0-9-](?: {1,2}[A-Za-z0-9-](?![A-Za-z0-9-])){2,39}")
# Sites that lead to a guild by names of their own: Discord can't resolve those.
_FOREIGN_SITES = ("me", "io", "1o", "li", "l1", "1i", "11")


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite: its code, or the name on a foreign site, and where it stands in the clean text.

    Both places are 0 where it is in none as it stands.
    """

    code: str
    start: int
    end: int
    foreign: bool = False


def invites_of(views: Views) -> list[Invite]:
    """Return the invites that a text shows, each code once, and those behind its masked links."""
    clean = views.clean
    found: dict[str, Invite] = {}
    for one in _invites_in(clean, views.folded):
        found.setdefault(one.code, one)
    for text in _other_readings(views):
        for one in _invites_in(text, fold_settled(text)):
            found.setdefault(one.code, Invite(one.code, 0, 0, one.foreign))
    return list(found.values())


def _other_readings(views: Views) -> Iterator[str]:
    if (shown := with_dots(views.clean)) != views.clean:
        yield shown
    if "\\" in views.raw:
        # Markup to a reader, in an address a slash.
        yield views.written
    if targets := views.targets:
        yield Views(targets).clean


def _invites_in(clean: str, folded: str) -> Iterator[Invite]:
    """Yield the invites in a text; codes keep their case."""
    for site in _SITE.finditer(folded):
        path = _PATH.match(folded, site.end())
        if path is None:
            continue
        foreign = site["site"] in _FOREIGN_SITES or site["short"] is not None
        if found := _code_in(clean, folded, path, needs_word=site["site"] == "com"):
            code, end = found
            yield Invite(code, site.start(), end, foreign)


def _code_in(
    clean: str, folded: str, path: re.Match[str], *, needs_word: bool
) -> tuple[str, int] | None:
    """Return the code in a path and where it ends; on discord.com "invite" stands before it."""
    parts: list[tuple[int, int]] = []
    # As browsers resolve a path: https://url.spec.whatwg.org/#path-state
    is_dotted = _DOTTED.search(clean, *path.span()) is not None
    for part in _PART.finditer(folded, *path.span()):
        start, end = part.span()
        if clean[start:end] == "..":
            del parts[-1:]
        elif clean[start:end] != ".":
            parts.append((start, end))
        if len(parts) == _MOST_PARTS and not is_dotted:
            break
    if parts and _INVITE.fullmatch(folded, *parts[0]):
        del parts[0]
    elif needs_word:
        return None
    if not parts:
        return None
    start, end = parts[0]
    if spelled := _SPELLED_CODE.match(clean, start):
        return spelled[0].replace(" ", ""), spelled.end()
    code = _CODE.match(clean, start, end)
    return (code[0], code.end()) if code else None
