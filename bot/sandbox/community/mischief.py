"""What members of the demo write who break rules: spam, invites, scams, shouting and the like.

Nothing of it is real: addresses end in `.example`, invites lead to guilds of the sandbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from .phrases import Voice

_BAIT = {
    "en": (
        "free nitro for {n} months, claim it here: {url}",
        "i'm leaving the game and give away {n} skins {url}",
        "lol is that you in this clip?? {url} ({n})",
        "crypto airdrop, the first {n} people double their coins {url}",
        "steam gift {n}$ {url}",
    ),
    "es": (
        "nitro gratis {n} meses, pídelo aquí: {url}",
        "dejo el juego y regalo {n} skins {url}",
        "jaja ¿eres tú en este vídeo? {url} ({n})",
        "airdrop de cripto, los primeros {n} doblan sus monedas {url}",
    ),
}
_ADVERTS = {
    "en": (
        "join us, {n} people online right now {url}",
        "much better server than this one {url} ({n})",
        "we have {n} emoji and no rules {url}",
    ),
    "es": (
        "uníos, {n} personas en línea ahora mismo {url}",
        "un servidor mucho mejor que este {url} ({n})",
        "tenemos {n} emojis y ninguna norma {url}",
    ),
}
_HOSTS = ("dlscord-gift", "steam-cornmunity", "nitro-drop", "free-skins", "claim-now")
_DISGUISES = (
    "https://{host}-{n}.example/claim",
    "hxxps://{host}{n}[.]example",
    "{host}-{n}.example",
)
_MARKS = tuple(map(chr, range(0x0300, 0x0370)))
_EMOJI = ("😂", "🔥", "💀", "🎉", "🤡", "😭", "🚀", "🍕")
_NOISE = ("buy buy buy", "first", "asdfgh", "spam spam", "wake up", "hola hola", "read this")


class Mischief:
    """Makes texts that break rules; none of them comes twice."""

    def __init__(self, random: Random, voice: Voice) -> None:
        self._random = random
        self._voice = voice

    def scam(self, language: str) -> str:
        """Return bait with a bad link."""
        number = self._random.randint(2, 9_999)
        host = self._random.choice(_HOSTS)
        url = self._random.choice(_DISGUISES).format(host=host, n=number)
        text = self._random.choice(_BAIT[language]).format(n=number, url=url)
        return self._voice.once(text)

    def advert(self, language: str, code: str) -> str:
        """Return an invitation to another guild."""
        start = self._random.choice(("https://discord.gg/", "discord.gg/", "discord.com/invite/"))
        text = self._random.choice(_ADVERTS[language])
        return self._voice.once(text.format(n=self._random.randint(20, 9_999), url=start + code))

    def shout(self, language: str) -> str:
        """Return something in capitals."""
        return f"{self._voice.remark(language).upper()}{'!' * self._random.randint(3, 20)}"

    def zalgo(self, language: str) -> str:
        """Return something with marks heaped on every letter."""
        pick = self._random.choices
        remark = self._voice.remark(language)[:80]
        return "".join(letter + "".join(pick(_MARKS, k=6)) for letter in remark)

    def emoji(self) -> str:
        """Return a flood of emoji."""
        chosen = self._random.choices(_EMOJI, k=self._random.randint(20, 60))
        return self._voice.once("".join(chosen))

    def lines(self, language: str) -> str:
        """Return a wall of short lines."""
        words = self._voice.remark(language).split()
        return "\n".join(word + "\n" * self._random.randint(1, 3) for word in words * 3)[:1_900]

    def mentions(self, language: str, people: Sequence[str]) -> str:
        """Return something that pings many people, and tries everyone."""
        return f"{' '.join(people)} @everyone {self._voice.remark(language)}"

    def burst(self) -> list[str]:
        """Return messages to be posted within seconds, almost the same."""
        noise, number = self._random.choice(_NOISE), self._random.randint(1, 99_999)
        count = self._random.randint(6, 14)
        return [self._voice.once(f"{noise} {number}{'!' * step}") for step in range(count)]

    def slogan(self, language: str) -> str:
        """Return what a crowd posts word for word."""
        return self._voice.once(f"{self._voice.remark(language)} {self.scam(language)}")
