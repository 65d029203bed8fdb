"""What can be counted in a message: capitals, emoji, mentions, marks, lines. Pure and linear."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cogs.automod.rules.sources import id_of, items
from cogs.automod.rules.views import MARKS

# Names of emoji, mentions and addresses are not what somebody shouts.
_NOT_SAID = re.compile(r"<[^<>\s]{1,100}>|https?://\S+")
# Code has to be closed, or Discord shows it as text and notifies; a backslash makes a sign plain.
_CODE = re.compile(r"(\\[^\w\s])|```.+?```|(?<!`)(`{1,2})(?!`)[^`\n]+\2(?!`)", re.DOTALL)
_CUSTOM_EMOJI = re.compile(r"<a?:\w{1,32}:\d{1,20}>")
_USER_MENTION = re.compile(r"<@!?(\d{1,20})>")
_ROLE_MENTION = re.compile(r"<@&(\d{1,20})>")
_EVERYONE = re.compile(r"(?<![\w@.])@(?:everyone|here)(?![\w])")
_NOTIFIED = re.compile(r"@(?:everyone|here)")
# One pictograph with what belongs to it: skin tones, selectors, joined parts; flags; keycaps.
_PICTURE = (
    "\u203c\u2049\u2139\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u25aa\u25ab\u25b6\u25c0"
    "\u25fb-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297"
    "\u3299\U0001f004\U0001f0cf\U0001f170-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
)
_MODIFIERS = "[\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3"
    f"|[{_PICTURE}\U0001f3fb-\U0001f3ff]{_MODIFIERS}(?:\u200d[{_PICTURE}]{_MODIFIERS})*"
)
_STACKING = MARKS + "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd"
_BOT_TOKEN = re.compile(r"(?<![\w-])[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,45}(?![\w-])", re.ASCII)
_WEBHOOK = re.compile(
    r"(?i)discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{15,20}/[\w-]{60,90}", re.ASCII
)
# What a scanner's RE2 set looks for, so that these need not be tried on every message.
EMOJI_HINT = f"<a?:\\w+:\\d|[{_PICTURE}\U0001f1e6-\U0001f1ff\u20e3]"
LEAK_HINT = r"(?i)/webhooks/[0-9]|\.[\w-]{6,7}\.[\w-]{20}"


def leak_patterns() -> list[str]:
    """Return patterns without look-around that find about the same secrets as `find_leak`."""
    bot_s = r"(?:^|[^\w-])[MNO][\w-]{22,27}\.[\w-]{6,7}\.[\w-]{27,45}"
    return [bot_s, _WEBHOOK.pattern]


def stacked_marks(least: int) -> re.Pattern[str]:
    """Return the pattern of so many marks on one letter."""
    return re.compile(f"[{_STACKING}]{{{least},}}")


def marks_hint(least: int) -> str:
    """Return the pattern of the same for an RE2 set."""
    return f"[{_STACKING}]{{{least}}}"


def count_capitals(text: str) -> tuple[int, int]:
    """Return how many letters with a case the text has, and how many of them are capitals.

    Code is not counted: much of it has to be in capitals.
    """
    said = _NOT_SAID.sub("", without_code(text))
    capitals = sum(1 for char in said if char.isupper())
    return capitals + sum(1 for char in said if char.islower()), capitals


def count_emoji(text: str) -> int:
    """Return how many emoji a text shows, custom ones included."""
    custom = len(_CUSTOM_EMOJI.findall(text))
    if text.isascii():
        return custom
    return custom + len(_EMOJI.findall(_CUSTOM_EMOJI.sub("", text)))


def without_code(text: str) -> str:
    """Return the text without code, in which nothing is a mention."""
    return _CODE.sub(lambda found: found[1] or " " * len(found[0]), text) if "`" in text else text


def count_mentions(
    content: str, raw: Mapping[str, Any], kinds: tuple[str, ...], *, unique: bool
) -> int:
    """Return how many members and roles a message mentions; the ping of a reply is none.

    Whom Discord says it notifies counts, however the text hides it.
    """
    text = without_code(content)
    total = 0
    if "users" in kinds:
        typed = _USER_MENTION.findall(text)
        total += max(len(set(typed)) if unique else len(typed), _pinged(raw, set(typed)))
    if "roles" in kinds:
        typed = _ROLE_MENTION.findall(text)
        notified = len({str(one) for one in _list_of(raw, "mention_roles")})
        total += max(len(set(typed)) if unique else len(typed), notified)
    return total


def _pinged(raw: Mapping[str, Any], typed: set[str]) -> int:
    replied = raw.get("referenced_message")
    author = replied.get("author") if isinstance(replied, Mapping) else None
    spared = id_of(author) if isinstance(author, Mapping) else 0
    pinged = {id_of(one) for one in items(raw, "mentions")}
    return len(pinged if str(spared) in typed else pinged - {spared})


def _list_of(raw: Mapping[str, Any], key: str) -> Sequence[Any]:
    found = raw.get(key)
    return found if isinstance(found, list | tuple) else ()


def find_everyone(content: str, *, notified: bool = False) -> re.Match[str] | None:
    """Return where @everyone or @here stands, outside code.

    With `notified`, Discord says that it did notify: then it stands there in whatever form.
    """
    found = _EVERYONE.search(without_code(content))
    return _NOTIFIED.search(content) if found is None and notified else found


def find_leak(text: str) -> tuple[re.Match[str], str] | None:
    """Return where a bot's token or a webhook's address stands, and which of them it is."""
    if found := _WEBHOOK.search(text):
        return found, "webhook"
    for found in _BOT_TOKEN.finditer(text):
        part = found[0].partition(".")[0]
        # A token starts with the bot's id in base 64: digits, of which M, N and O are the first.
        if part[0] in "MNO" and any(char.isdigit() for char in found[0]):
            return found, "token"
    return None
