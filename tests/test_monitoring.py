"""The dashboard and the alert rules: every metric, label and value that they name exists."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from bot.core.health.rules import Limits, Vitals, judge
from bot.core.metrics import LOGINS, OUTCOMES
from bot.core.metrics.live import LiveMetrics, pool_of
from bot.core.metrics.work import WorkSampler
from bot.core.webhooks import Outcome
from db.engine import Database
from tests.commandtree import loaded_client, resting_kernel
from tests.web.support import REGISTRY
from web.app import declared_routes

MONITORING = Path(__file__).parent.parent / "docs" / "monitoring"
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "grafana.json").read_text(encoding="utf-8"))
RULES: dict[str, Any] = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]

# Prometheus adds these to every series.
_CHECKS = judge(Vitals(at=datetime.now(UTC), uptime=0.0), Limits())
OF_PROMETHEUS = frozenset({"job", "instance"})
SUFFIXES = {
    "counter": {"_total": ()},
    "histogram": {"_bucket": ("le",), "_sum": (), "_count": ()},
    "summary": {"_sum": (), "_count": ()},
}
VALUES = {
    ("pegasus_bot_health_status", "check"): {check.name for check in _CHECKS},
    ("pegasus_bot_commands_total", "outcome"): OUTCOMES,
    ("pegasus_bot_http_requests_total", "status"): {"1xx", "2xx", "3xx", "4xx", "5xx"},
    ("pegasus_bot_http_requests_total", "route"): {
        one.path for one in declared_routes(REGISTRY.all())
    },
    ("pegasus_bot_discord_ratelimited_total", "scope"): {"user", "shared", "global"},
    ("pegasus_bot_webhook_deliveries_total", "outcome"): set(get_args(Outcome)),
    ("pegasus_bot_auth_logins_total", "outcome"): LOGINS,
}
# The job's name in compose.yaml and in the operating guide.
JOB = "pegasus"

_METRIC = re.compile(r"\b((?:pegasus_bot|process|python)_\w+|up)\b(?:\{([^}]*)\})?")
_SELECTOR = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\bby\s*\(([^)]*)\)")


@pytest.fixture
async def resting(sqlite_database: Database) -> AsyncIterator[CollectorRegistry]:
    """What `/metrics` shows of a client that has loaded every feature and seen no event."""
    async with resting_kernel(sqlite_database) as (kernel, intake):
        kernel.metrics.register(
            LiveMetrics(
                state=kernel.state,
                health=kernel.health,
                supervisor=kernel.supervisor,
                intake=intake.snapshot,
            )
        )
        kernel.metrics.know_shards([0])  # as the client does when it connects
        async with loaded_client(kernel, intake):
            yield kernel.metrics.registry


@pytest.fixture
async def exposed(sqlite_database: Database) -> dict[str, set[str]]:
    """The names of every series that `/metrics` can show, each with its labels."""
    async with resting_kernel(sqlite_database) as (kernel, intake):
        gauges = [gauge for feature in REGISTRY.all() for gauge in feature.gauges]
        work = WorkSampler(
            kernel.jobs, kernel.outbox, kernel.database, roles=kernel.roles, gauges=gauges
        )
        await work.sample()
        live = LiveMetrics(
            state=kernel.state,
            health=kernel.health,
            supervisor=kernel.supervisor,
            pool=pool_of(kernel.database),
            intake=intake.snapshot,
            work=work,
        )
        kernel.metrics.register(live)
        labels = {"up": set(OF_PROMETHEUS)}
        for collector in kernel.metrics.registry._collector_to_names:
            own = getattr(collector, "_labelnames", None)
            assert own is not None or not isinstance(collector, MetricWrapperBase)
            for family in collector.collect():
                names = own if own is not None else getattr(family, "_labelnames", ())
                # A label that the scrape itself sets gives way: Prometheus renames the bot's.
                found = {f"exported_{one}" if one in OF_PROMETHEUS else one for one in names}
                for suffix, more in SUFFIXES.get(family.type, {"": ()}).items():
                    labels[family.name + suffix] = found | set(more)
        return labels


def _expressions() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for alert in ALERTS:
        yield f"alert {alert['alert']}", alert["expr"]


EXPRESSIONS = [pytest.param(expr, id=name) for name, expr in _expressions()]


async def test_numbers_of_features_are_shown(exposed: dict[str, set[str]]) -> None:
    assert {"pegasus_bot_tickets_open", "pegasus_bot_giveaways_active"} <= set(exposed)


@pytest.mark.parametrize("expression", EXPRESSIONS)
async def test_expression_names_metrics_labels_and_values_that_exist(
    exposed: dict[str, set[str]], expression: str
) -> None:
    used = _METRIC.findall(expression)
    assert used, "an expression without a metric of ours"
    for metric, selectors in used:
        assert metric in exposed
        for label, value in _SELECTOR.findall(selectors):
            assert label in exposed[metric] | OF_PROMETHEUS, metric
            known = {JOB} if label == "job" else VALUES[metric, label]
            assert set(value.split("|")) <= set(known), f"{metric}: {label}"
    for grouping in _GROUPING.findall(expression):
        for label in re.split(r"\s*,\s*", grouping.strip()):
            assert any(label in exposed[metric] for metric, _ in used), label


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
async def test_panel_legend_names_labels_that_are_left(
    exposed: dict[str, set[str]], panel: dict[str, Any]
) -> None:
    for target in panel["targets"]:
        left = _labels_left(exposed, target["expr"])
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= left


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
async def test_alert_is_complete_and_names_labels_that_are_left(
    exposed: dict[str, set[str]], alert: dict[str, Any]
) -> None:
    assert alert["alert"].startswith("Pegasus")
    assert alert["labels"]["severity"] in {"page", "warn", "info"}
    summary = alert["annotations"]["summary"]
    assert summary.endswith(".")
    named = set(re.findall(r"\$labels\.(\w+)", summary))
    assert named <= _labels_left(exposed, alert["expr"])


def _labels_left(exposed: dict[str, set[str]], expression: str) -> set[str]:
    groupings = _GROUPING.findall(expression)
    if groupings:
        return {label.strip() for grouping in groupings for label in grouping.split(",")}
    if re.search(r"\b(?:sum|max|min)\(", expression):
        return set()
    return OF_PROMETHEUS.union(*(exposed[metric] for metric, _ in _METRIC.findall(expression)))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_guide_says_what_to_do_about_the_alert(alert: dict[str, Any]) -> None:
    guide = (MONITORING.parent / "operations.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| [^|]*\b{alert['alert']}\b", guide, re.MULTILINE)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
async def test_alert_on_the_first_event_finds_a_series_that_began_at_zero(
    resting: CollectorRegistry, alert: dict[str, Any]
) -> None:
    # increase() of a series that first shows up at 1 is 0: such an alert would miss the event.
    samples = [sample for family in resting.collect() for sample in family.samples]
    for metric, selectors in re.findall(r"increase\((\w+)(?:\{([^}]*)\})?", alert["expr"]):
        if metric == "pegasus_bot_commands_total":  # which is compared with 20
            continue
        wanted = dict(_SELECTOR.findall(selectors or ""))
        assert any(
            sample.name == metric
            and all(re.fullmatch(value, sample.labels[key]) for key, value in wanted.items())
            for sample in samples
        ), metric


def test_backup_alerts_come_after_a_day_and_without_any_backup() -> None:
    by_name = {alert["alert"]: alert for alert in ALERTS}
    assert "> 26 * 3600" in by_name["PegasusBackupStale"]["expr"]
    assert by_name["PegasusBackupMissing"]["expr"].startswith("absent(")
    assert "predict_linear" in by_name["PegasusMemoryGrowing"]["expr"]
    assert by_name["PegasusGatewayDeaf"]["labels"]["severity"] == "info"


def test_alerts_are_unique() -> None:
    names = [alert["alert"] for alert in ALERTS]
    assert len(names) == len(set(names))


def test_counters_are_only_read_as_rates() -> None:
    for name, expression in _expressions():
        for counter in re.findall(r"pegasus_bot_\w+_total\b[^)]*", expression):
            assert "[" in counter, name


def test_intended_503_is_no_failure() -> None:
    [alert] = [one for one in ALERTS if one["alert"] == "PegasusHttp5xx"]
    meant = {route.path for route in declared_routes(REGISTRY.all()) if 503 in route.replies}
    for _metric, selectors in _METRIC.findall(alert["expr"]):
        [left_out] = re.findall(r'route!~"([^"]*)"', selectors)
        assert set(left_out.split("|")) == meant


# --- the dashboard imports into any Grafana ---------------------------------------------------


def test_dashboard_is_a_classic_one_with_a_fixed_address() -> None:
    assert DASHBOARD["schemaVersion"] == 40
    assert DASHBOARD["uid"] == "pegasus-bot"
    # Grafana numbers it; another's number would overwrite another's dashboard.
    assert DASHBOARD["id"] is None
    assert "__inputs" not in DASHBOARD


def test_dashboard_takes_its_data_source_from_a_variable() -> None:
    [variable] = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("datasource", "datasource")
    assert variable["query"] == "prometheus"
    for panel in PANELS:
        for holder in (panel, *panel["targets"]):
            assert holder["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_dashboard_panels_have_their_own_place() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (place["x"] + column, place["y"] + line)
            for column in range(place["w"])
            for line in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_dashboard_panel_has_a_unit_and_targets(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"]
    references = [target["refId"] for target in panel["targets"]]
    assert len(references) == len(set(references)) > 0


def test_scrape_configuration_uses_the_dashboards_job_name() -> None:
    root = MONITORING.parent.parent
    compose = yaml.safe_load((root / "compose.yaml").read_text(encoding="utf-8"))
    prometheus = yaml.safe_load(compose["configs"]["prometheus"]["content"])
    guide = (root / "docs" / "operations.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(scrape_configs:.*?)```", guide, re.DOTALL)

    for config in (prometheus, yaml.safe_load(example)):
        assert [job["job_name"] for job in config["scrape_configs"]] == [JOB]
