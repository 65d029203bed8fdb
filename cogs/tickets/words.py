"""The words of a text as the search knows them: without accents and case; pure."""

from __future__ import annotations

import re
import unicodedata

LONGEST_WORD, MOST_WORDS = 40, 300
MOST_ASKED = 8
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Return a text's words in their order, each once, at most 300 of up to 40 characters."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(one for one in plain if not unicodedata.combining(one)).casefold()
    found = dict.fromkeys(one[:LONGEST_WORD] for one in _WORD.findall(plain))
    return list(found)[:MOST_WORDS]
