"""The sections of the configuration that stand alone: log, limits, retention, health and more.

Same rules as in `bot.core.config.model`, which puts all sections together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bot.core.config.types import Days, Limit, Percent, RateLimit, Section, broken_rule
from bot.core.i18n import _


class LogConfig(Section):
    """The log."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much is logged."
    )
    format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="json, console, or auto: console on a terminal and json elsewhere.",
    )


class LimitsConfig(Section):
    """Rate limits, written "uses/seconds"; commands are limited per person."""

    default: RateLimit = Field(
        default=Limit(5, 60), description="Commands without a class of their own."
    )
    economy: RateLimit = Field(default=Limit(3, 60), description="Commands that move money.")
    admin: RateLimit = Field(default=Limit(30, 60), description="Commands that change settings.")
    moderation: RateLimit = Field(
        default=Limit(60, 60), description="Commands that moderators need in a hurry."
    )
    api: RateLimit = Field(default=Limit(30, 60), description="Commands that call another service.")
    heavy: RateLimit = Field(default=Limit(1, 300), description="Commands that take much work.")
    press: RateLimit = Field(
        default=Limit(40, 60), description="Presses on buttons and menus that lie in channels."
    )
    block_after: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=10,
        description="Refusals within block_window after which a person is blocked; 0 never blocks.",
    )
    block_window: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=600, description="Seconds in which those refusals are counted."
    )
    block_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=300,
        description="How long the first block lasts; each further one doubles, up to a day.",
    )
    api_per_minute: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=30,
        description="Web API requests per minute and address; of pages, four times as many.",
    )
    api_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1000, description="Web API requests per hour and address."
    )

    @model_validator(mode="after")
    def _check_web(self) -> Self:
        if self.api_per_hour < self.api_per_minute:
            raise broken_rule(
                "api_per_hour",
                _("api_per_hour is below api_per_minute, which could never be used."),
                "api_per_minute",
            )
        return self


class RetentionConfig(Section):
    """How long things are kept."""

    # Below 8 days the week's numbers on the statistics page could not be exact.
    command_usage_days: Annotated[int, Field(ge=8, le=3650)] = Field(
        default=90, description="Single command uses; after that only their daily sums are kept."
    )
    usage_daily_days: Days = Field(
        default=730, description="Daily sums of command uses, without names."
    )
    audit_days: Days = Field(default=365, description="Audit log entries.")
    audit_ip_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        default=30,
        description="Full addresses in the audit log; afterwards only the network is kept.",
    )
    jobs_days: Days = Field(default=14, description="Finished jobs and delivered messages.")
    revisions: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=50, description="Settings revisions kept per guild and feature, for rollback."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.usage_daily_days < self.command_usage_days:
            raise broken_rule(
                "usage_daily_days",
                _("usage_daily_days is below command_usage_days: sums must outlive what they sum."),
                "command_usage_days",
            )
        return self


class IntakeConfig(Section):
    """How messages come in."""

    fast_lane: bool = Field(
        default=True,
        description="Judge messages before discord.py builds its objects; false is the ordinary, "
        "slower way.",
    )


class HealthConfig(Section):
    """When /health says degraded and unhealthy."""

    sample_seconds: Annotated[float, Field(ge=1, le=10)] = Field(
        default=5.0, description="Seconds between two looks at everything."
    )
    startup_seconds: Annotated[int, Field(ge=10, le=3600)] = Field(
        default=300, description="Seconds until a bot that never became ready is unhealthy."
    )
    gateway_latency_ms: Annotated[int, Field(ge=50, le=60_000)] = Field(
        default=1000, description="Gateway latency above which it is degraded."
    )
    deaf_hours: Annotated[float, Field(gt=0, le=168)] = Field(
        default=4.0, description="Hours without any event from Discord after which it is degraded."
    )
    database_ping_ms: Annotated[int, Field(ge=1, le=60_000)] = Field(
        default=250, description="Database answer time above which it is degraded."
    )
    loop_lag_ms: Annotated[int, Field(ge=10, le=60_000)] = Field(
        default=250,
        description="Event loop delay (99th percentile of a minute) above which it is degraded.",
    )
    memory_limit_mb: Annotated[int, Field(ge=64, le=1_048_576)] | None = Field(
        default=None,
        description="Memory that the process may use; unset means the container's limit.",
    )
    memory_degraded_percent: Percent = Field(
        default=85, description="Share of that memory above which it is degraded."
    )
    memory_unhealthy_percent: Percent = Field(
        default=95, description="Share of that memory above which it is unhealthy."
    )
    disk_degraded_mb: Annotated[int, Field(ge=0, le=1_048_576)] = Field(
        default=512, description="Free space beside the database below which it is degraded."
    )
    disk_unhealthy_mb: Annotated[int, Field(ge=0, le=1_048_576)] = Field(
        default=64, description="Free space beside the database below which it is unhealthy."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.memory_unhealthy_percent < self.memory_degraded_percent:
            raise broken_rule(
                "memory_unhealthy_percent",
                _("memory_unhealthy_percent is below memory_degraded_percent."),
                "memory_degraded_percent",
            )
        if self.disk_unhealthy_mb > self.disk_degraded_mb:
            raise broken_rule(
                "disk_unhealthy_mb",
                _("disk_unhealthy_mb is above disk_degraded_mb."),
                "disk_degraded_mb",
            )
        return self


class JobsConfig(Section):
    """Durable jobs: everything that happens later."""

    poll_seconds: Annotated[float, Field(ge=0.1, le=60)] = Field(
        default=5.0, description="Longest wait until a job of another process is noticed."
    )
    lease_seconds: Annotated[float, Field(ge=5, le=3600)] = Field(
        default=60.0, description="Time after which a job of a dead process is taken over."
    )
    concurrency: Annotated[int, Field(ge=1, le=64)] = Field(
        default=4, description="Jobs run at the same time."
    )

    @model_validator(mode="after")
    def _check_lease(self) -> Self:
        if self.lease_seconds <= self.poll_seconds:
            raise broken_rule(
                "lease_seconds",
                _("lease_seconds must be longer than poll_seconds."),
                "poll_seconds",
            )
        return self


class CardsConfig(Section):
    """Pictures with people's names in them."""

    font_directories: tuple[Path, ...] = Field(
        default=(),
        description="Directories with fonts for names that Latin, Greek and Cyrillic letters can't "
        "write, searched besides those of the operating system.",
    )


class AutomodConfig(Section):
    """What Automod has from the operator."""

    blocked_domains: Path | None = Field(
        default=None,
        description="A file of domains, one on each line, that rules with links(blocked=true) find "
        "in every guild; read again when it changes.",
    )


class I18nConfig(Section):
    """Languages."""

    default_locale: Literal["en", "es"] = Field(
        default="en",
        description="The language wherever neither the reader's nor the guild's is known.",
    )
