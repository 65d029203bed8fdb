"""Seals answers: what is stored tells neither the answer nor how to find it by trying. Pure.

The key to an answer is the token in the button that it is entered by. The person's client has that
and not the digest; the database has the digest and not the token. So there is no secret to keep in
the configuration, and any process of the bot can judge what another has asked.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

# Hexadecimal digits of a token: 128 bits.
TOKEN_LENGTH = 32


class Kind(StrEnum):
    """What is asked."""

    FORM = "form"
    PICTURE = "picture"
    WORDS = "words"


def hash_token(token: str) -> str:
    """Return by what a question is found: the token's SHA-256, in hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal(token: str, guild_id: int, user_id: int, answer: str) -> str:
    """Return the digest of an answer that is right for this person and token alone."""
    text = f"{guild_id}:{user_id}:{answer}"
    return hmac.new(token.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_right(digest: str, token: str, guild_id: int, user_id: int, answer: str) -> bool:
    """Tell whether the answer is the sealed one."""
    return hmac.compare_digest(digest, seal(token, guild_id, user_id, answer))
