"""What a page says after a redirect: one of a few fixed texts, named in the address."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from bot.core.i18n import N_, Message

_TEXTS: Mapping[str, str] = {
    "saved": N_("Saved. It applies at once."),
    "same": N_("Nothing was different."),
    "added": N_("Added."),
    "done": N_("Done."),
    "removed": N_("It is gone now."),
    "logged_out": N_("Logged out there."),
    "stale": N_("Somebody changed this meanwhile. Look at it again, then repeat your change."),
}


def see_other(path: str, notice: str) -> web.HTTPSeeOther:
    """Return the redirect to a page that will say this."""
    return web.HTTPSeeOther(f"{path}?{urlencode({'done': notice})}")


def notice_for(request: web.Request, locale: str) -> tuple[str, str]:
    """Return what the page has to say, in words and as a mark for its look; "" for nothing."""
    mark = request.query.get("done", "")
    text = _TEXTS.get(mark)
    return (Message(text).render(locale), mark) if text else ("", "")
