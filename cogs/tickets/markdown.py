"""A small part of Discord's markdown as safe HTML: bold, italics, code, quotes, links, mentions.

Everything is escaped first; only what this module writes itself is markup. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from markupsafe import Markup, escape

# What is finished once it is read, in one pass: nothing in it is looked at again.
_VERBATIM = re.compile(
    r"(?P<fence>```(?:[\w+-]{1,20}\n)?\n?(?P<block>.+?)```)"
    r"|(?P<code>(?P<tick>`{1,2})(?!`)(?P<inline>.+?)(?<!`)(?P=tick)(?!`))"
    r"|(?P<link>https://[^\s<>\"'`\\^{}|]{1,1000})"
    r"|(?P<mention><(?P<sign>@!?|@&|\#)(?P<target>\d{1,20})>)"
    r"|(?P<emoji><a?:(?P<emoji_name>\w{2,32}):\d{15,20}>)"
    r"|(?P<stamp><t:(?P<time>-?\d{1,12})(?::[tTdDfFRsS])?>)"
    r"|(?P<backslash>\\(?P<plain>[\\*_~`|<>\#@:.\[\]()-]))",
    re.DOTALL,
)
_MARK = re.compile(r"\*{1,3}|__|~~")
_ELEMENTS = {"**": "strong", "__": "u", "~~": "s", "*": "em"}
# Stands for a part that is finished; private characters that no text keeps (see `render`).
_HELD = re.compile("\ue000(\\d+)\ue001")
_PRIVATE = str.maketrans("", "", "\ue000\ue001")
_LONGEST = 6000

Names = Mapping[str, str]


def render(text: str, names: Names, stamp: Callable[[int], str]) -> Markup:
    """Return a message's text as HTML.

    `names` are what mentions are shown as, by their text such as `@1` or `#2`; `stamp` writes a
    Unix time in words.
    """
    held: list[Markup] = []

    def hold(markup: Markup) -> str:
        held.append(markup)
        return f"\ue000{len(held) - 1}\ue001"

    text = text[:_LONGEST].translate(_PRIVATE)
    text = _VERBATIM.sub(lambda m: hold(_finish(m, names, stamp)), text)
    marked = _quotes(_spans(str(escape(text))))
    return Markup(_HELD.sub(lambda m: str(held[int(m[1])]), marked))  # noqa: S704 - escaped above


def _finish(match: re.Match[str], names: Names, stamp: Callable[[int], str]) -> Markup:
    make: dict[str, Callable[[], Markup]] = {
        "fence": lambda: _tag("pre", escape(match["block"].strip("\n"))),
        "code": lambda: _tag("code", escape(match["inline"].strip())),
        "link": lambda: _link(match[0]),
        "mention": lambda: _mention(match["sign"].rstrip("!"), match["target"], names),
        "emoji": lambda: escape(f":{match['emoji_name']}:"),
        "stamp": lambda: escape(stamp(int(match["time"]))),
        "backslash": lambda: escape(match["plain"]),
    }
    return make[str(match.lastgroup)]()


def _spans(text: str) -> str:
    """Turn pairs of marks into elements that lie within each other; single marks stay text.

    One pass, whatever the text: an expression that looks for each mark's partner would need the
    square of its length, and holds up the process meanwhile.
    """
    pieces: list[str] = []
    # The marks that wait for their partner: where in `pieces` each is, and where its inside begins.
    waiting: dict[str, tuple[int, int]] = {}
    done = 0
    for found in _MARK.finditer(text):
        pieces.append(text[done : found.start()])
        done = found.end()
        before, after = text[max(found.start() - 1, 0) : found.start()], text[done : done + 1]
        for mark in _marks(found[0], waiting):
            at, inside = waiting.get(mark, (0, done))
            if inside < found.start() and not before.isspace():
                pieces[at] = f"<{_ELEMENTS[mark]}>"
                pieces.append(f"</{_ELEMENTS[mark]}>")
                # What was opened inside and not closed there is text.
                waiting = {one: its for one, its in waiting.items() if its[0] < at}
                continue
            if mark not in waiting and after and not after.isspace():
                waiting[mark] = (len(pieces), done)
            pieces.append(mark)
    return "".join([*pieces, text[done:]])


def _marks(run: str, waiting: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    """Return a run of marks one by one; the innermost is closed first."""
    if run != "***":
        return (run,)
    return ("*", "**") if list(waiting)[-1:] == ["*"] else ("**", "*")


def _quotes(marked: str) -> str:
    lines: list[str] = []
    for line in marked.split("\n"):
        if line.startswith("&gt; "):
            lines.append(f'<span class="quote">{line[5:]}</span>')
        elif line.startswith("-# "):
            lines.append(f"<small>{line[3:]}</small>")
        else:
            lines.append(line)
    return "<br>".join(lines)


def _tag(name: str, inner: Markup) -> Markup:
    return Markup(f"<{name}>{inner}</{name}>")  # noqa: S704 - the inner text is escaped


def _link(address: str) -> Markup:
    shown = escape(address)
    return Markup(  # noqa: S704 - escaped
        f'<a href="{shown}" rel="noreferrer noopener nofollow" target="_blank">{shown}</a>'
    )


def _mention(sign: str, target: str, names: Names) -> Markup:
    mark = "#" if sign == "#" else "@"
    name = names.get(f"{sign}{target}", target)
    return Markup(f'<span class="mention">{escape(mark + name)}</span>')  # noqa: S704 - escaped
