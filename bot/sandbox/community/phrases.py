"""What the people of the demo are called and what they say."""
# ruff: noqa: RUF001 - names are written as people write them

from __future__ import annotations

from random import Random

# Names as they are met: many scripts, emoji, decorated letters, and text that tries its luck.
GIVEN_NAMES = (
    "Ada",
    "Aleksandra",
    "Amara",
    "Anaïs",
    "Björk",
    "Chidi",
    "Dmitri",
    "Elif",
    "Fatima",
    "Giulia",
    "Hana",
    "Ingrid",
    "Ioana",
    "Jamal",
    "Joaquín",
    "Kwame",
    "Lakshmi",
    "Lucía",
    "Maëlle",
    "Mateo",
    "Mei",
    "Mohammed",
    "Nadia",
    "Noor",
    "Olu",
    "Paloma",
    "Priya",
    "Qiang",
    "Rafael",
    "Rosa",
    "Sakura",
    "Santiago",
    "Siobhán",
    "Tariq",
    "Thandiwe",
    "Uma",
    "Valentina",
    "Wanjiru",
    "Ximena",
    "Yara",
    "Yusuf",
    "Zofia",
    "Łukasz",
)
FAMILY_NAMES = (
    "Álvarez",
    "Bakker",
    "Castillo",
    "Dubois",
    "Eze",
    "Fernández",
    "García",
    "Haddad",
    "Ivanova",
    "Jensen",
    "Kowalski",
    "López",
    "Mbeki",
    "Nakamura",
    "Okafor",
    "Petrov",
    "Quispe",
    "Rossi",
    "Silva",
    "Tanaka",
    "Usman",
    "Vásquez",
    "Weber",
    "Xu",
    "Yılmaz",
    "Zhang",
)
UNUSUAL_NAMES = (
    "山田太郎",
    "Светлана",
    "محمد",
    "דניאל",
    "สมชาย",
    "김민준",
    "𝓛𝓾𝓷𝓪",
    "꧁༺Nyx༻꧂",
    "🦊 Foxy",
    "Z͑ͫ̓ͪ̂ͫa̴l̸g̵o",
    "@everyone",
    "<b>Bold</b>",
    "**stars**",
    "a" * 32,
)

_OPENERS = {
    "en": ("honestly", "so", "btw", "ok", "hm", "right", "guess what:", "question:", "update:"),
    "es": ("bueno", "oye", "por cierto", "vale", "a ver", "adivina:", "pregunta:", "novedad:"),
}
_SUBJECTS = {
    "en": (
        "the new map",
        "my sourdough",
        "the ferry",
        "that boss fight",
        "tonight's concert",
        "the patch",
        "my keyboard",
        "the garden",
        "chapter seven",
        "the workshop",
        "this bug",
        "our raid group",
    ),
    "es": (
        "el mapa nuevo",
        "mi pan de masa madre",
        "el telescopio",
        "la lluvia de estrellas",
        "el concierto",
        "el parche",
        "mi teclado",
        "el huerto",
        "el capítulo siete",
        "el taller",
        "este error",
        "la ruta de mañana",
    ),
}
_CLAIMS = {
    "en": (
        "turned out better than I hoped",
        "took me {n} tries",
        "is at {n} percent now",
        "needs {n} more people",
        "starts in {n} minutes",
        "made me laugh for {n} minutes straight",
        "is still broken after {n} restarts",
        "got {n} likes overnight",
        "would cost me {n} euros to fix",
    ),
    "es": (
        "me salió mejor de lo que esperaba",
        "me llevó {n} intentos",
        "va por el {n} por ciento",
        "necesita {n} personas más",
        "empieza en {n} minutos",
        "me hizo reír {n} minutos seguidos",
        "sigue rota después de {n} reinicios",
        "tuvo {n} me gusta en una noche",
        "me costaría {n} euros arreglarla",
    ),
}
_CLOSERS = {
    "en": ("", "", "lol", "🎉", "any ideas?", "who's in?", "pics later", "😅", "ugh", "so good"),
    "es": ("", "", "jaja", "🎉", "¿alguna idea?", "¿quién se apunta?", "luego fotos", "😅", "uf"),
}
# What is put behind a message that its author edits.
_EDITS = {
    "en": ("(edit: typo)", "(edit: spelling)", "(edited, wrong key)", "(edit: fixed a word)"),
    "es": ("(edito: errata)", "(edito: ortografía)", "(editado, tecla mala)", "(edito: una letra)"),
}
_TAILS = ("🙂", "😄", "👍", "🎉", "😅", "🙌", "✨", "👀")
REACTIONS = ("👍", "❤️", "😂", "🎉", "👀", "🔥")


class Voice:
    """Makes names and sentences; the same sentence never comes twice from one voice."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._said: set[str] = set()
        self._count = 0

    def person(self, number: int) -> tuple[str, str]:
        """Return a username and a display name; every ninth display name is an unusual one."""
        given, family = self._random.choice(GIVEN_NAMES), self._random.choice(FAMILY_NAMES)
        plain = "".join(c for c in f"{given}{family}".lower() if c.isascii() and c.isalpha())
        shown = f"{given} {family}"
        if number % 9 == 0:
            shown = UNUSUAL_NAMES[number // 9 % len(UNUSUAL_NAMES)]
        return f"{plain[:24]}{number}", shown

    def remark(self, language: str) -> str:
        """Return something that nobody asked for, as those say it who shout and spam."""
        pick = self._random.choice
        claim = pick(_CLAIMS[language]).format(n=self._random.randint(2, 99))
        words = (
            pick(_OPENERS[language]),
            pick(_SUBJECTS[language]),
            claim,
            pick(_CLOSERS[language]),
        )
        return self.once(" ".join(word for word in words if word))

    def corrected(self, language: str, text: str) -> str:
        """Return a message as its author leaves it after an edit."""
        return self.once(f"{text} {self._random.choice(_EDITS[language])}")

    def varied(self, text: str) -> str:
        """Return a text, with emoji behind it where it was said before."""
        for length in range(4):
            shown = " ".join([text, *self._random.choices(_TAILS, k=length)])
            if shown not in self._said:
                self._said.add(shown)
                return shown
        return self.once(text)

    def once(self, text: str) -> str:
        """Return a text, with a number where it was said before."""
        self._count += 1
        # There are some hundred thousand sentences; remembering a few thousand is enough to tell.
        if len(self._said) > 5000:
            self._said.clear()
        if text in self._said or self._random.random() < 0.02:
            text = f"{text} ({self._count})"
        self._said.add(text)
        return text
