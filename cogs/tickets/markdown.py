"""A small part of Discord's markdown as safe HTML: bold, italics, code, quotes, links, mentions.

Everything is escaped first; only what this module writes itself is markup. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from markupsafe import Markup, escape

_FENCE = re.compile(r"```(?:[\w+-]{1,20}\n)?\n?(.+?)```", re.DOTALL)
_CODE = re.compile(r"(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"https://[^\s<>\"'`\\^{}|]{1,1000}")
_MENTION = re.compile(r"<(@!?|@&|#)(\d{1,20})>")
_EMOJI = re.compile(r"<a?:(\w{2,32}):\d{15,20}>")
_STAMP = re.compile(r"<t:(-?\d{1,12})(?::[tTdDfFRsS])?>")
_SPANS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", re.DOTALL), "strong"),
    (re.compile(r"__(?=\S)(.+?)(?<=\S)__", re.DOTALL), "u"),
    (re.compile(r"~~(?=\S)(.+?)(?<=\S)~~", re.DOTALL), "s"),
    (re.compile(r"\*(?=\S)(.+?)(?<=\S)\*", re.DOTALL), "em"),
)
_BACKSLASH = re.compile(r"\\([\\*_~`|<>#@:.\[\]()-])")
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
    text = _FENCE.sub(lambda m: hold(_tag("pre", escape(m[1].strip("\n")))), text)
    text = _CODE.sub(lambda m: hold(_tag("code", escape(m[2].strip()))), text)
    text = _LINK.sub(lambda m: hold(_link(m[0])), text)
    text = _MENTION.sub(lambda m: hold(_mention(m[1].rstrip("!"), m[2], names)), text)
    text = _EMOJI.sub(lambda m: hold(escape(f":{m[1]}:")), text)
    text = _STAMP.sub(lambda m: hold(escape(stamp(int(m[1])))), text)
    text = _BACKSLASH.sub(lambda m: hold(escape(m[1])), text)
    marked = str(escape(text))
    for pattern, tag in _SPANS:
        marked = pattern.sub(rf"<{tag}>\1</{tag}>", marked)
    marked = _quotes(marked)
    # Held parts may hold others: a link inside bold text does not, but a fence comes first.
    return Markup(_HELD.sub(lambda m: str(held[int(m[1])]), marked))  # noqa: S704 - escaped above


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
