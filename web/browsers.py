"""Names a browser by what it says of itself, so that a person knows their own logins again."""

from __future__ import annotations

from bot.core.fields.text import shorten
from bot.core.i18n import Message, _
from db.sessions import AGENT_LENGTH

# Most browsers claim to be others, too: the first mark that is found names it.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_LONGEST_QUOTE = 40


def clean_agent(user_agent: str) -> str | None:
    """Return what is stored of a User-Agent field: up to 200 characters that can be shown as text.

    Marks that turn the direction of writing around it go, and so does what no database takes.
    """
    shown = "".join(one for one in user_agent[: 4 * AGENT_LENGTH] if one.isprintable())
    return shown[:AGENT_LENGTH].strip() or None


def browser_of(user_agent: str | None) -> Message:
    """Return the browser and its system in words; a program with neither is quoted."""
    agent = user_agent or ""
    browser = _first(_BROWSERS, agent)
    system = _first(_SYSTEMS, agent)
    if browser and system:
        return _("{browser} on {system}", browser=browser, system=system)
    if browser or system:
        return Message(browser or system)
    if not agent:
        return _("An unknown program")
    return _("Another program ({name})", name=shorten(agent, _LONGEST_QUOTE))


def _first(marks: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for mark, name in marks if mark in agent), "")
