"""What a panel says of changes: what one came to, what was in its way, which to go back to."""

from __future__ import annotations

from babel.dates import format_datetime

from bot.core.features import Feature
from bot.core.fields import describe_fields
from bot.core.fields.text import shorten, show_diff
from bot.core.i18n import _, babel_locale
from bot.core.settings import Change, Revision, StaleSettings
from bot.core.settings.model import SWITCH

_CHANGE_TEXT = 350
_OTHERS_CHANGE_TEXT = 150
# Of an option in a select menu.
_LABEL_TEXT = 100


def outcome_text(feature: Feature, made: Change, locale: str) -> str:
    """Return what a change made different."""
    if not made.diff:
        return _("Nothing was different.").render(locale)
    if set(made.diff) == {SWITCH}:
        on = _("{feature} is switched on now.", feature=_(feature.title))
        return f"✅ {(on if made.after.enabled else feature.switched_off).render(locale)}"
    fields = describe_fields(feature.settings)
    return f"✅ {show_diff(fields, made.diff, locale, limit=_CHANGE_TEXT)}"


def stale_text(feature: Feature, error: StaleSettings, reader_id: int, locale: str) -> str:
    """Return who changed what meanwhile; the reader's own changes are told as such."""
    said = error.render(locale)
    if all(one.actor_id == reader_id for one in error.changes):
        own = _("You changed these settings elsewhere meanwhile. Look, then repeat this.")
        said = own.render(locale)
    lines = [f"⚠️ {said}"]
    for one in error.changes:
        who = f"<@{one.actor_id}>" if one.actor_id else _("somebody").render(locale)
        fields = describe_fields(feature.settings)
        lines.append(f"{who}: {show_diff(fields, one.diff, locale, limit=_OTHERS_CHANGE_TEXT)}")
    return "\n".join(lines)


def revision_label(one: Revision, reader_id: int, locale: str) -> str:
    """Return number and time of a change, and whether the reader made it: no mention works here."""
    when = format_datetime(one.at, "short", locale=babel_locale(locale))
    if one.actor_id == reader_id:
        text = _("Revision {number}, by you, {when} UTC", number=one.revision, when=when)
    else:
        text = _("Revision {number}, {when} UTC", number=one.revision, when=when)
    return shorten(text.render(locale), _LABEL_TEXT)
