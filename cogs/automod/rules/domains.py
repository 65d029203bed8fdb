"""Lists of domains: known link shorteners, and what an operator's file blocks. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from cogs.automod.rules.links import host_of

# A file with more is refused: these are held in memory, some 100 bytes each.
MOST_DOMAINS = 100_000
_LONGEST = 253
# How lists of hosts, and those of ad blockers, write a blocked domain.
_HOSTS = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104 - nothing listens here
_PREFIX, _SUFFIX = "||", "^"

# Sites whose addresses say nothing of where they lead and that anybody may make a link at. Those
# that a company keeps for its own links alone, such as youtu.be, are left out.
SHORTENERS = frozenset(
    (
        *("adf.ly", "adfoc.us", "bit.do", "bit.ly", "bitly.com", "bl.ink", "chilp.it", "clck.ru"),
        *("cutt.ly", "cutt.us", "dub.sh", "gg.gg", "goo.gl", "goo.su", "grabify.link", "is.gd"),
        *("iplogger.com", "iplogger.org", "j.mp", "kutt.it", "linkvertise.com", "n9.cl", "ouo.io"),
        *("ow.ly", "rb.gy", "rebrand.ly", "s.id", "sh.st", "short.cm", "short.gy", "shorte.st"),
        *("shorturl.at", "shrtco.de", "smarturl.it", "snip.ly", "soo.gd", "surl.li", "t.ly"),
        *("t2mio.com", "tiny.cc", "tiny.one", "tiny.pl", "tinyurl.com", "tr.im", "u.nu", "u.to"),
        *("urlz.fr", "v.gd", "vk.cc", "zws.im"),
    )
)


class TooManyDomains(ValueError):
    """A list holds more than `MOST_DOMAINS`."""


def read_domains(lines: Iterable[str]) -> tuple[frozenset[str], int]:
    """Return the domains in a list, one on each line, and how many lines were not understood.

    What follows a `#` or `!` at the beginning or after a space is a comment. Lines of a hosts file
    (`0.0.0.0 evil.example`) and of ad blockers' lists (`||evil.example^`) are fine. Raises
    `TooManyDomains`.
    """
    found: set[str] = set()
    skipped = 0
    for line in lines:
        parts = _without_comment(line).split()
        if parts and parts[0] in _HOSTS:
            del parts[0]
        for part in parts:
            domain = _domain_in(part)
            if domain:
                found.add(domain)
        skipped += bool(parts) and not any(map(_domain_in, parts))
        if len(found) > MOST_DOMAINS:
            raise TooManyDomains
    return frozenset(found), skipped


def _without_comment(line: str) -> str:
    if line.lstrip().startswith(("#", "!", "[")):
        return ""
    return line.partition(" #")[0]


def _domain_in(part: str) -> str:
    """Return the domain as links are compared with it, "" for what is none."""
    named = part.removeprefix(_PREFIX).removesuffix(_SUFFIX).removeprefix("*.")
    if len(named) > _LONGEST or set(named) & set("/*?|^@"):
        return ""
    host = host_of(named)
    return host.removeprefix("www.") if "." in host else ""
