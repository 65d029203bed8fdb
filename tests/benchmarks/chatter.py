"""Made-up chat for the benchmarks: what people write, and rules that none of it breaks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from bot.core.contracts import MessageFacts

_SAID = """
hey everyone, how was your weekend?|anyone up for a match tonight around nine|lol that was close
I think the new update broke the sound settings|thanks!!|has anybody tried the new map yet
no worries, take your time|it works on my machine :)|brb dinner|gg wp, that last round was insane
could someone look at my pull request when they have a minute|what time zone are you in
the meeting moved to 15:30, see you there|good morning|same here|I'd rather wait for the sale
does this bot have a command for reminders?|you can change it under Settings > Audio
that reminds me of the old days, when we had only four players|why is it always raining here
here's the doc: https://docs.example.org/guide/start|pretty sure it's 3-2, not 2-3
my cat just walked over the keyboard, sorry about that|Happy birthday Ana! 🎉🎉
buenas, ¿alguien para jugar esta noche?|jajaja no me lo creo|mañana tengo examen, me voy a dormir
qué tal va el proyecto, necesitáis ayuda con algo?|gracias por la ayuda, ya funciona
creo que el servidor está un poco lento hoy|año nuevo, vida nueva|vale, quedamos a las diez
да, я тоже так думаю|кто-нибудь сегодня играет?|おはようございます|今日はいい天気ですね
@here is how it reads in the manual, not a ping|well-known issue, see the FAQ|sooo good
ok|yes|no|maybe later|what|on my way|nice one|that's fair, I didn't know it could do that
I finished the book yesterday and the ending was a lot better than I had expected from the reviews
if you restart the router and wait for a minute or two it usually finds the network again by itself
"""
_LINES = [one for line in _SAID.strip().splitlines() for one in line.split("|")]
_TAILS = ["", "", "", " lol", " :)", " tbh", "?", "...", " tho", " 😂", ", right?", " btw"]
_SYLLABLES = [
    "zor",
    "bax",
    "quin",
    "vex",
    "dru",
    "mog",
    "plax",
    "skri",
    "fnu",
    "gwob",
    "tyx",
    "hax",
]
_PATTERNS = [
    r"free\s+(?:nitro|robux|skins?)\s+{0}",
    r"steamc[o0]mm?unity-{0}\.(?:ru|tk|com)",
    r"(?:buy|sell)ing\s+{0}\s+accounts?",
    r"\b{0}coin\s+airdrop\b",
    r"t\.me/{0}\w*",
    r"{0}+\d{{4,}}",
    r"dm\s+me\s+for\s+{0}",
    r"(?:{0}|{0}s)\s+for\s+\$\d+",
    r"join\s+(?:my|our)\s+{0}\s+server",
    r"[a-z]+{0}[a-z]+\.(?:xyz|top)",
]


def words(count: int) -> list[str]:
    """Return so many made-up words, each once."""
    chance = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4)))] = None
    return list(found)


def patterns(count: int) -> list[str]:
    """Return so many patterns of the kind that servers use."""
    names = words(count)
    return [_PATTERNS[index % len(_PATTERNS)].format(names[index]) for index in range(count)]


def messages(count: int) -> list[MessageFacts]:
    """Return so many clean messages as the gateway sends them; few members write most of them."""
    chance = random.Random(2)
    said = sayings()
    return [
        message(number, next(said), int(5000 * chance.random() ** 4)) for number in range(count)
    ]


def sayings() -> Iterator[str]:
    """Yield what people write, without end."""
    chance = random.Random(2)
    while True:
        yield chance.choice(_LINES) + chance.choice(_TAILS)


def message(number: int, content: str, author: int = 0) -> MessageFacts:
    """Return one message."""
    raw: dict[str, Any] = {
        "attachments": [],
        "embeds": [],
        "mentions": [],
        "mention_roles": [],
        "components": [],
        "author": {"id": str(author + 10**17)},
    }
    return MessageFacts(
        number + 1, 1, 2 + number % 7, author + 10**17, content, frozenset({11, 12}), raw
    )


def rules(found_words: Sequence[str], found_patterns: Sequence[str]) -> dict[str, Any]:
    """Return settings with these words and patterns, and everything else that watches messages."""
    whens: list[dict[str, Any]] = [
        {"type": "words", "words": list(found_words)},
        {"type": "regex", "patterns": list(found_patterns)},
        {"type": "caps"},
        {"type": "links", "mode": "deny", "domains": ["evil.example", "grabify.link"]},
        {"type": "invites"},
        {"type": "mentions", "limit": 6},
        {"type": "rate", "limit": 8, "window": 5},
        {"type": "duplicates", "limit": 5, "window": 30},
    ]
    return {"rules": [{"name": f"rule-{n}", "when": when} for n, when in enumerate(whens)]}
