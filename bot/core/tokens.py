"""What a Discord bot token looks like, and what people paste in its place.

Pure; it never repeats the token, and whether a token is valid only Discord can say.
"""

from __future__ import annotations

import base64
import binascii
import re

from bot.core.i18n import Message, _

_ACCOUNT_ID = re.compile(rb"[1-9][0-9]{14,19}")
SHORTEST_SIGNATURE = 27
# How the tokens of `python -m bot sandbox` begin.
_SANDBOX = "sandbox."


def find_token_fault(token: str) -> Message | None:
    """Return what is wrong with the shape of a bot token, as a clause, or `None`.

    A token has three parts with dots between: an account's id in base64, a time stamp, a signature.
    """
    if not token:
        return _("it is empty")
    if token[0] in "\"'`" or token[-1] in "\"'`":
        return _("it stands in quotation marks, which must be left out")
    if re.match(r"(?i)(bot|bearer)\s", token):
        return _("it begins with a word such as Bot, which must be left out")
    if re.search(r"\s", token):
        return _("there is a space or a line break in it")
    return _known_mistake(token) or _wrong_parts(token)


def is_sandbox_token(token: str) -> bool:
    """Tell whether a token opens the simulated Discord only."""
    return token.startswith(_SANDBOX)


def account_of(token: str) -> int | None:
    """Return the id of the account that a bot token is for, `None` when it doesn't say."""
    first = token.split(".")[0]
    try:
        account = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4))
    except (binascii.Error, ValueError):
        return None
    return int(account) if _ACCOUNT_ID.fullmatch(account) else None


def _known_mistake(token: str) -> Message | None:
    if token.startswith("mfa."):
        return _("this looks like a user token, and Discord forbids bots on people's accounts")
    if re.fullmatch(r"[0-9]{15,20}", token):
        return _("this looks like the application id")
    if re.fullmatch(r"[0-9a-f]{64}", token):
        return _("this looks like the public key")
    if re.fullmatch(r"[\w-]{32}", token, re.ASCII):
        return _("this looks like a client secret, which stands under OAuth2")
    return None


def _wrong_parts(token: str) -> Message | None:
    parts = token.split(".")
    if len(parts) != 3 or not all(re.fullmatch(r"[\w-]+", part, re.ASCII) for part in parts):
        return _("it does not have three parts with dots between")
    if account_of(token) is None:
        return _("its first part names no account, so its beginning is missing or changed")
    if len(parts[2]) < SHORTEST_SIGNATURE:
        return _("its end is missing")
    return None
