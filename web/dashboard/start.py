"""The start page: how the bot does, and where to find what."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.core.i18n import N_, Message, _
from web.auth import Visitor
from web.dashboard.render import number, render
from web.keys import SERVICES, VISITOR
from web.locale import locale_of
from web.ops.bodies import latency_of
from web.routes import Access, Pace, Reply, Route
from web.services import WebServices

_VERDICTS = {"healthy": N_("Healthy"), "degraded": N_("Degraded"), "unhealthy": N_("Unhealthy")}
_SUMMARIES = {
    "healthy": N_("Everything works."),
    "degraded": N_("It works, but something is not as it should be."),
    "unhealthy": N_("Something important does not work."),
}
_CHECKS = {
    "gateway": N_("Connection to Discord"),
    "startup": N_("Start"),
    "auth": N_("Bot token"),
    "deaf": N_("Events from Discord"),
    "database": N_("Database"),
    "event_loop": N_("Event loop"),
    "memory": N_("Memory"),
    "disk": N_("Disk"),
    "tasks": N_("Background work"),
    "sampler": N_("Measurements"),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that the page leads to."""

    path: str
    purpose: str
    needs_operator: bool = False


ENDPOINTS = (
    Endpoint("/health", N_("How well the bot does, for uptime monitors")),
    Endpoint("/ready", N_("Whether it does its work now")),
    Endpoint("/livez", N_("Whether the process lives")),
    Endpoint("/metrics", N_("Metrics for Prometheus"), needs_operator=True),
    Endpoint("/api/health", N_("The health in short")),
    Endpoint("/api/stats", N_("Statistics"), needs_operator=True),
    Endpoint("/api/logs", N_("The audit log"), needs_operator=True),
    Endpoint("/v1/guilds", N_("Servers, features and their settings"), needs_operator=True),
    Endpoint("/openapi.json", N_("The description of the API")),
)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One line of the table of checks, in the reader's language."""

    name: str
    verdict: str
    label: str
    reasons: tuple[str, ...]


async def get_start(request: web.Request) -> web.Response:
    """Show the state of the bot; numbers and reasons only to whom they concern."""
    services, visitor, locale = request.app[SERVICES], request[VISITOR], locale_of(request)
    verdict = services.health.report().verdict.word
    return render(
        "start.html",
        locale,
        verdict=verdict,
        label=_(_VERDICTS[verdict]).render(locale),
        summary=_(_SUMMARIES[verdict]).render(locale),
        checks=_checks(services, locale) if visitor.may_operate else [],
        counts=_counts(services, locale) if visitor.may_operate else [],
        endpoints=[(one, _(one.purpose).render(locale)) for one in ENDPOINTS],
        notice=_notice(visitor).render(locale),
        name=visitor.shown_name,
        may_operate=visitor.may_operate,
    )


def _checks(services: WebServices, locale: str) -> list[CheckRow]:
    return [
        CheckRow(
            _(_CHECKS.get(check.name, check.name)).render(locale),
            check.verdict.word,
            _(_VERDICTS[check.verdict.word]).render(locale),
            tuple(reason.render(locale) for reason in check.reasons),
        )
        for check in services.health.report().checks
    ]


def _counts(services: WebServices, locale: str) -> list[tuple[str, str]]:
    state = services.state()
    counts = state.counts()
    latency = latency_of(state.gateway())
    numbers: list[tuple[Message, str]] = [
        (_("Servers"), number(counts.guilds, locale)),
        (_("Members"), number(counts.users, locale)),
        (_("Channels"), number(sum(counts.channels.values()), locale)),
        (_("Latency"), "?" if latency is None else f"{number(latency, locale)} ms"),
    ]
    return [(title.render(locale), value) for title, value in numbers]


def _notice(visitor: Visitor) -> Message:
    if visitor.may_operate:
        return Message("")
    if visitor.known_by == "session":
        return _("You are logged in, but the details are for the bot's owner.")
    return _("The bot's owner sees more here: the bot hands out a login link in Discord.")


ROUTE = Route(
    method="GET",
    path="/",
    handler=get_start,
    part="dashboard",
    access=Access.DETAIL,
    pace=Pace.PAGE,
    summary="The start page",
    replies={200: Reply("A page", media_type="text/html")},
)
