"""Sets of rules to begin with, from those that only stop clear abuse to those for a raid.

All their names begin with `PREFIX`, so that one preset takes the place of another and leaves a
guild's own rules alone. Pure; tested against the corpus of innocent messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.core.i18n import N_, _
from cogs.automod.editing import read_rule
from cogs.automod.expressions import read_actions, read_expression

if TYPE_CHECKING:
    from cogs.automod.settings import Rule

PREFIX = "preset-"


class Preset(StrEnum):
    """How strict a set of rules is."""

    RELAXED = "relaxed"
    BALANCED = "balanced"
    STRICT = "strict"
    RAID = "raid"


TITLES: Mapping[Preset, str] = {
    Preset.RELAXED: N_("Relaxed: only clear abuse"),
    Preset.BALANCED: N_("Balanced: for most servers"),
    Preset.STRICT: N_("Strict: no insults, no shouting, no advertising"),
    Preset.RAID: N_("Raid: strict, and harsh with newcomers"),
}

# Words that are an attack whoever says them, in English and Spanish.
_SLURS = (
    "nigger*, nigga*, faggot*, tranny, trannies, retard, retards, retarded, chink, gook, wetback, "
    "kys, kill yourself, neck yourself, hang yourself, go die, pedophile*, paedophile*, "
    "maricón, maricones, sudaca*, mátate, suicídate, pégate un tiro"
)
# The same letters in another sense, or another language.
_FINE = (
    "en retard, du retard, de retard, le retard, mon retard, ton retard, son retard, "
    "notre retard, votre retard, leur retard, retard de, flame retard, fire retard, "
    "chink in, chink of light, cum laude, magna cum, cum grano, cock-a-doodle, cock and bull, "
    "cock robin, ass. prof, bastard sword, pond scum, faggots and peas, la zorra y las uvas"
)
_INSULTS = (
    "idiot, idiots, moron, morons, imbecile, bastard, bastards, slut, sluts, whore, whores, bitch, "
    "bitches, cunt, cunts, twat, wanker, asshole, assholes, dickhead, motherfucker*, scum, "
    "fuck, fucker*, fucking, shit, bullshit, cock, cum, porn*, ass, "
    "idiota, idiotas, imbécil, gilipollas, subnormal, puta, putas, puto, putos, hijo de puta, "
    "hija de puta, cabrón, cabrones, zorra, zorras, mierda, coño, pendejo, pendejos, culero, "
    "malparido"
)
_SCAMS = (
    # Only with a link: people ask about free Nitro, and warn of it, in all innocence.
    r"`(?s)(?:free|gratis)\s+(?:discord\s+)?nitro\b.{0,200}(?:https?:|[a-z]\.(?:gg|gift|com|ru)/)`",
    r"`(?s)(?:https?:|[a-z]\.(?:gg|gift|com|ru)/).{0,200}\b(?:free|gratis)\s+(?:discord\s+)?nitro\b`",
    r"`(?s)nitro\s+(?:for\s+)?(?:free|gratis)\b.{0,200}https?:`",
    r"`https?://(?:[a-z0-9-]+\.)*(?:dlscord|discrod|disc0rd|discord(?:gift|nitro|-gift|-nitro|-app)s?)\.[a-z]{2,10}\b`",
    r"`https?://(?:[a-z0-9-]+\.)*(?:stearn|steam)(?:c[o0]rnrn?|c[o0]mm?)un+[il1]t+[yi]?(?:-[a-z]+)?\.(?:ru|tk|com\.[a-z]{2}|xyz|site)\b`",
    r"`(?:50|100)\s?\$.{0,20}(?:steam|gift).{0,60}https?:`",
)
_TRACKERS = "grabify.link, iplogger.org, iplogger.com, 2no.co, yip.su, blasze.tk"
_PROGRAMS = "exe, scr, bat, cmd, com, pif, vbs, js, jar, msi, lnk, hta, ps1"

# A rule's name, what it looks for, what follows, the reason, and further fields.
_Row = tuple[str, str, str, str, Mapping[str, Any]]
_REPEATED: Mapping[str, Any] = {
    "escalation": [
        {"after": 3, "actions": [{"type": "delete"}, {"type": "timeout", "duration": 3600}]}
    ]
}
_LEAKS: _Row = ("leaks", "leaks", "delete, alert", N_("That would have given a secret away."), {})
_SCAM_REASON = N_("Scams have no place here.")
_FLOOD_REASON = N_("Please write less at once.")
_REPEAT_REASON = N_("Please don't repeat yourself.")
_MENTION_REASON = N_("Please don't call so many people at once.")
_WORD_REASON = N_("Please stay friendly.")
_AD_REASON = N_("Please don't advertise other servers here.")
_QUIET_REASON = N_("Please write so that others can read it.")
_FILE_REASON = N_("Files of this kind are not allowed here.")


def _scams(actions: str) -> _Row:
    looks = f"regex({', '.join(_SCAMS)}) or links({_TRACKERS}, mode=deny)"
    return ("scams", looks, actions, _SCAM_REASON, {})


def _everyone(actions: str) -> _Row:
    return ("everyone", "everyone_attempt", actions, _MENTION_REASON, {})


def _words(name: str, words: str, actions: str) -> _Row:
    return (name, f"words({words}, allowed=[{_FINE}])", actions, _WORD_REASON, _REPEATED)


def _campaign(members: int, actions: str) -> _Row:
    return ("campaign", f"campaign({members}, 60s)", actions, _SCAM_REASON, {})


def _relaxed() -> list[_Row]:
    return [
        _LEAKS,
        _scams("delete, timeout 1h, alert"),
        _everyone("delete"),
        ("mentions", "mentions(12)", "delete, timeout 10m", _MENTION_REASON, {}),
        ("flood", "rate(12, 6s)", "delete, timeout 5m", _FLOOD_REASON, {}),
        ("repeats", "duplicates(6, 60s)", "delete", _REPEAT_REASON, {}),
        _campaign(8, "delete, alert"),
    ]


def _balanced() -> list[_Row]:
    return [
        _LEAKS,
        _scams("delete, timeout 1d, alert"),
        _everyone("delete, warn 1"),
        _words("slurs", _SLURS, "delete, warn 2"),
        ("invites", "invites", "delete", _AD_REASON, _REPEATED),
        (
            "mentions",
            "mentions(8) or mentions(15, 30s)",
            "delete, timeout 10m",
            _MENTION_REASON,
            {},
        ),
        ("flood", "rate(8, 5s)", "delete, timeout 10m", _FLOOD_REASON, {}),
        ("repeats", "duplicates(4, 60s)", "delete, warn 1", _REPEAT_REASON, {}),
        _campaign(5, "delete, timeout 1h, alert"),
        ("zalgo", "zalgo", "delete", _QUIET_REASON, {}),
        ("programs", f"attachments({_PROGRAMS})", "delete", _FILE_REASON, {}),
    ]


def _strict() -> list[_Row]:
    return [
        _LEAKS,
        _scams("delete, timeout 1d, warn 3, alert"),
        _everyone("delete, warn 2"),
        _words("slurs", _SLURS, "delete, timeout 1h, warn 3"),
        _words("insults", _INSULTS, "delete, warn 1"),
        ("invites", "invites", "delete, warn 1", _AD_REASON, _REPEATED),
        (
            "mentions",
            "mentions(5) or mentions(10, 30s)",
            "delete, timeout 30m",
            _MENTION_REASON,
            {},
        ),
        ("flood", "rate(6, 5s)", "delete, timeout 30m", _FLOOD_REASON, {}),
        ("repeats", "duplicates(3, 60s)", "delete, warn 1", _REPEAT_REASON, _REPEATED),
        _campaign(4, "delete, timeout 1d, alert"),
        ("zalgo", "zalgo", "delete", _QUIET_REASON, {}),
        ("shouting", "caps(75, 15)", "delete", _QUIET_REASON, {}),
        ("walls", "lines(25) or emoji(15) or length(1900)", "delete", _QUIET_REASON, {}),
        ("programs", f"attachments({_PROGRAMS})", "delete, warn 1", _FILE_REASON, {}),
        ("names", "name(hoisted=true, unreadable=true)", "alert", "", {}),
    ]


def _raid() -> list[_Row]:
    new = "(joined_within(1d) or account_younger_than(7d))"
    harsh = "delete, ban 1d"
    rows = {row[0]: row for row in _strict()}
    rows["scams"] = _scams("delete, timeout 7d, alert")
    rows["campaign"] = _campaign(3, f"{harsh}, slowmode(10, 30m), pause_invites(1h), alert")
    rows["flood"] = ("flood", "rate(5, 5s)", "delete, timeout 1d", _FLOOD_REASON, {})
    newcomers = f"{new} and (links or invites or attachments or mentions(3) or duplicates(2, 60s))"
    rows["newcomers"] = ("newcomers", newcomers, "delete, timeout 1h", _SCAM_REASON, {})
    return list(rows.values())


_ROWS: Mapping[Preset, Callable[[], list[_Row]]] = {
    Preset.RELAXED: _relaxed,
    Preset.BALANCED: _balanced,
    Preset.STRICT: _strict,
    Preset.RAID: _raid,
}


def rules_of(preset: Preset, locale: str | None, *, shadow: bool = False) -> tuple[Rule, ...]:
    """Return the rules of a preset, their reasons in the guild's language."""
    return tuple(_rule(row, locale, shadow) for row in _ROWS[preset]())


def _rule(row: _Row, locale: str | None, shadow: bool) -> Rule:
    name, looks, actions, reason, more = row
    return read_rule(
        {
            "name": PREFIX + name,
            "when": read_expression(looks),
            "actions": read_actions(actions),
            "reason": _(reason).render(locale),
            "shadow": shadow,
            **more,
        }
    )


def with_preset(rules: tuple[Rule, ...], preset: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return a guild's own rules, and the preset's in the place of an earlier preset's."""
    return (*(one for one in rules if not one.name.startswith(PREFIX)), *preset)
