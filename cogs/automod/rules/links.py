"""Links in a text. Own patterns, each linear in the text; nothing is fetched."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from cogs.automod.rules.views import Views, composed

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# An address goes on to the next space or `<`, as Discord shows it, and its authority ends where it
# does for browsers: https://url.spec.whatwg.org/#authority-state. Another scheme ends it, too.
_URL = re.compile(
    r"(?i)(?<![a-z0-9])h(?:tt|xx)ps?\s?:\s?[/\\]+\s?"
    r"((?:[^\s</?#\\h]|h(?!(?:tt|xx)ps?\s?:\s?[/\\]))+)([/?#\\][^\s<]{0,2000})?"
)
# What closes an address in a sentence and yet may stand in the name of a user before an @.
_CLOSING = re.compile(r"[>\"')\]}|]")
_NOT_IN_HOST = re.compile("[\\s\"'()<>{}\\[\\]|/?#\\\\@:^`*~\u2018\u2019\u201c\u201d\u00ab\u00bb]")
_DOTS = re.compile("[\u3002\uff0e\uff61]")
# Of a longer one than DNS knows the end says where it leads.
_LONGEST_HOST = 253
_BARE = re.compile(
    r"(?<![\w@./:\\-])((?:[\w-]{1,63}[.\u3002\uff61]){1,10}[\w-]{2,63})(?![\w@])(?::\d{1,5})?([/?#]\S{0,2000})?"
)
_HIDDEN_DOT = re.compile(
    r"(?i)\s?[\[({<]\s?(?:\.|dot|punto)\s?[\])}>]\s?"
    r"|(?<=\w) (?:dot|punto) (?=(?:com|net|org|gg|xyz|ru|io|me)\b)"
)
_BRACKET = re.compile(r"[\[({<]")
# Endings that nobody writes by accident: "asp.net" and the like are left out by name.
_TELLING = frozenset(
    (
        *("com", "net", "org", "gg", "xyz", "ru", "info", "biz", "io", "gift", "click", "tk", "ml"),
        *("ga", "cf", "shop", "online", "site", "top", "icu", "cc", "link"),
    )
)
_NO_SITES = frozenset({"asp.net", "vb.net", "ado.net", "socket.io", "paper.io"})


@dataclass(frozen=True, slots=True)
class Link:
    """A link: its host in small letters, and where it stands in the clean text."""

    host: str
    start: int
    end: int
    bare: bool = False
    has_path: bool = False
    traced: bool = True


@functools.cache
def suffixes() -> PublicSuffixList:
    """Return the list of public suffixes, loaded once (30 ms)."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=False)


def links_of(views: Views, *, bare: bool) -> list[Link]:
    """Return the links that a text shows, and those that its masked links lead to."""
    found = find_links(views.clean, bare=bare)
    if (written := views.written) != views.clean:
        # Decoded and composed, what is part of a user's name may look as if it ended the host.
        known = {link.host for link in found}
        more = (link for link in _urls_in(written) if link.host not in known)
        found += [replace(link, traced=False) for link in more]
    found += [replace(link, traced=False) for link in _urls_in(views.targets)]
    return found


def find_links(text: str, *, bare: bool) -> list[Link]:
    """Return all links of a clean text; `bare` adds those without a scheme."""
    found = list(_links_in(text, bare, traced=True))
    if (shown := with_dots(text)) != text:
        known = {link.host for link in found}
        found += [link for link in _links_in(shown, True, traced=False) if link.host not in known]
    return found


def with_dots(text: str) -> str:
    """Return a text with the dots that are written in brackets or as a word."""
    return _HIDDEN_DOT.sub(".", text) if _may_hide_dot(text) else text


def _may_hide_dot(text: str) -> bool:
    if _BRACKET.search(text) is not None:
        return True
    lower = text.lower()
    return " dot " in lower or " punto " in lower


def _links_in(text: str, bare: bool, *, traced: bool) -> Iterator[Link]:
    ends: list[int] = []
    starts: list[int] = []
    for link in _urls_in(text):
        starts.append(link.start)
        ends.append(link.end)
        yield link if traced else replace(link, traced=False)
    if not bare:
        return
    for match in _BARE.finditer(text):
        before = bisect.bisect_right(starts, match.start()) - 1
        if before >= 0 and match.start() < ends[before]:
            continue
        host = host_of(match[1])
        if host and suffixes().publicsuffix(host):
            yield Link(host, match.start(), match.end(), True, bool(match[2]), traced)


def _urls_in(text: str) -> Iterator[Link]:
    for match in _URL.finditer(text):
        for host in _hosts_of(match[1]):
            yield Link(host, match.start(), match.end(), has_path=bool(match[2]))


def _hosts_of(authority: str) -> Iterator[str]:
    """Yield the hosts that an authority may lead to: as a whole, and where a sentence closes it."""
    if host := host_of(authority):
        yield host
    user, _at, _place = authority.rpartition("@")
    if (closed := _CLOSING.search(user)) and (host := host_of(user[: closed.start()])):
        yield host


def host_of(authority: str) -> str:
    """Return the host of an address's authority: decoded, without user, port and closing dots."""
    host = authority.rpartition("@")[2]
    if "%" in host:
        host = unquote(host, errors="replace")
    host = _DOTS.sub(".", composed(host).lower())
    if host.startswith("["):
        # An address of IPv6 has colons of its own.
        return host.partition("]")[0] + "]"
    if end := _NOT_IN_HOST.search(host):
        host = host[: end.start()]
    host = host[-_LONGEST_HOST:].strip(".,;!_")
    return ".".join(map(_decoded, host.split("."))) if "xn--" in host else host


def _decoded(label: str) -> str:
    """Return a label as it is shown; Python's own IDNA knows only that of 2003."""
    if not label.startswith("xn--"):
        return label
    try:
        shown = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    # What needs no encoding is no name that a browser would open, nor may it pass for that name.
    return label if shown.isascii() or composed(shown).lower() != shown else shown


def is_telling(link: Link) -> bool:
    """Tell whether an address without a scheme was surely meant as one."""
    if not link.bare or link.has_path or link.host.startswith("www."):
        return True
    return link.host not in _NO_SITES and link.host.rsplit(".", 1)[-1] in _TELLING


def matches_domain(host: str, domains: frozenset[str], *, subdomains: bool) -> bool:
    """Tell whether the host is one of the domains, or below one."""
    if host in domains or (host.startswith("www.") and host[4:] in domains):
        return True
    if not subdomains:
        return False
    rest = host
    while "." in rest:
        rest = rest.partition(".")[2]
        if rest in domains:
            return True
    return False
