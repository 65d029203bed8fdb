"""The configuration of one process: its sections, with each key's default, range and description.

The sections without rules of their own about Discord, secrets or the web are in
`bot.core.config.sections`.

`config.toml` documents the same keys in the same words, which a test holds. Where values come from
is not known here; `bot.core.config` reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.core.config.sections import (
    AutomodConfig,
    CardsConfig,
    HealthConfig,
    I18nConfig,
    IntakeConfig,
    JobsConfig,
    LimitsConfig,
    LogConfig,
    RetentionConfig,
)
from bot.core.config.types import (
    Host,
    Network,
    Port,
    Section,
    Snowflake,
    WebAddress,
    broken_rule,
    is_local,
    is_webhook_url,
    url_password,
)
from bot.core.i18n import _
from db.engine import UnsupportedDatabase, driver_url

# 32 characters of base64 hold 192 bits: more than anyone can guess, and short enough to paste.
SHORTEST_KEY = 32
DISCORD_API = "https://discord.com/api/v10"
DISCORD_CDN = "https://cdn.discordapp.com"
LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
# What the other steps of stopping leave of the ten seconds after which Docker kills.
LONGEST_DRAIN = 1.6
ServedPart = Literal["health", "metrics", "api", "dashboard"]
EVERYTHING: tuple[ServedPart, ...] = ("health", "metrics", "api", "dashboard")


class DiscordConfig(Section):
    """The connection to Discord."""

    token: SecretStr | None = Field(
        default=None, description="The bot's token, from the developer portal."
    )
    token_file: Path | None = Field(default=None, description="A file that holds the bot's token.")
    api_base_url: WebAddress = Field(
        default=DISCORD_API,
        description="Where the REST API is; its /gateway/bot names the gateway. Change it for a "
        "shared rate-limit proxy or a simulated Discord.",
    )
    cdn_base_url: WebAddress = Field(
        default=DISCORD_CDN,
        description="Where avatars are fetched from, and the only place they are.",
    )
    shard_ids: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(), description="The shards that this process runs; empty means all of them."
    )
    shard_count: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="How many shards there are over all processes; unset lets Discord decide.",
    )
    members_intent: bool = Field(
        default=True,
        description="Ask for the privileged Server Members intent; without it there is no welcome "
        "and no member search.",
    )
    message_content_intent: bool = Field(
        default=True,
        description="Ask for the privileged Message Content intent; without it there is no "
        "moderation of what messages say.",
    )
    owner_ids: tuple[Snowflake, ...] = Field(
        default=(),
        description="User ids of the bot's owners; empty means the owner in the developer portal.",
    )
    status: Annotated[str, Field(max_length=128)] = Field(
        default="/help", description="The status text under the bot's name; empty for none."
    )

    @model_validator(mode="after")
    def _check_shards(self) -> Self:
        if self.shard_ids and self.shard_count is None:
            raise broken_rule(
                "shard_ids",
                _("shard_ids needs shard_count: say how many shards there are over all processes."),
                "shard_count",
            )
        wrong = [shard for shard in self.shard_ids if shard >= (self.shard_count or 0)]
        if wrong:
            raise broken_rule(
                "shard_ids",
                _(
                    "shard {shard} does not exist: with shard_count {count} they are 0 to {last}.",
                    shard=wrong[0],
                    count=self.shard_count,
                    last=(self.shard_count or 0) - 1,
                ),
                "shard_count",
            )
        if len(set(self.shard_ids)) < len(self.shard_ids):
            raise broken_rule("shard_ids", _("shard_ids names a shard twice."))
        return self


class DatabaseConfig(Section):
    """The one database that everything is kept in."""

    url: SecretStr = Field(
        default=SecretStr("sqlite:///data/pegasus.db"),
        description="sqlite:///PATH, or postgresql://USER@HOST/NAME. A URL with a password in it "
        "goes into DATABASE_URL or url_file.",
    )
    url_file: Path | None = Field(default=None, description="A file that holds the database URL.")
    pool_size: Annotated[int, Field(ge=1, le=100)] = Field(
        default=10, description="Connections kept open; as many again are opened under load."
    )
    busy_timeout: Annotated[float, Field(gt=0, le=120)] = Field(
        default=10.0, description="SQLite: seconds to wait for another writer."
    )

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        try:
            driver_url(self.url.get_secret_value())
        except UnsupportedDatabase as error:
            raise broken_rule(
                "url", _("this database can't be used: {reason}.", reason=str(error))
            ) from None
        return self

    @property
    def password(self) -> str | None:
        """The password inside the URL, decoded, or `None`."""
        return url_password(self.url.get_secret_value())


class Listener(Section):
    """An address and the parts of the web that it serves."""

    host: Host = "127.0.0.1"
    port: Port
    serve: Annotated[tuple[ServedPart, ...], Field(min_length=1)]


class WebConfig(Section):
    """The web server."""

    host: Host = Field(
        default="127.0.0.1",
        description="The address to listen on; 0.0.0.0 means every IPv4 address.",
    )
    port: Port = Field(default=8080, description="The port to listen on; 0 means any free one.")
    listeners: tuple[Listener, ...] = Field(
        default=(),
        description="Several addresses instead of host and port, each serving some of health, "
        "metrics, api and dashboard.",
    )
    trusted_networks: tuple[Network, ...] | None = Field(
        default=None,
        description="Networks that may read /metrics, /api/stats, /api/logs and the details of "
        "/health without a key. Unset means this machine, or nobody when there is a public_url: "
        "behind a proxy everybody can seem to come from this machine.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        default=(), description="Reverse proxies whose X-Forwarded-* headers are believed."
    )
    access_key: SecretStr | None = Field(
        default=None,
        description="A key of at least 32 characters that opens the operations endpoints from "
        "anywhere (Authorization: Bearer …).",
    )
    access_key_file: Path | None = Field(
        default=None, description="A file that holds the access key."
    )
    public_url: WebAddress | None = Field(
        default=None, description="The address under which people reach the dashboard."
    )
    insecure_http: bool = Field(
        default=False,
        description="Allow a public_url without TLS; logins can then be read on the way.",
    )
    shutdown_timeout: Annotated[float, Field(ge=0, le=LONGEST_DRAIN)] = Field(
        default=1.5, description="Seconds that open requests get to finish when the bot stops."
    )

    def trusted(self) -> tuple[Network, ...]:
        """Return the networks that are trusted: those configured, else this machine alone.

        A `public_url` says that a proxy stands in front. One that does not name its callers would
        make this machine of everybody, so then nothing is trusted that is not configured.
        """
        if self.trusted_networks is not None:
            return self.trusted_networks
        return LOOPBACK if self.public_url is None else ()

    def bound(self) -> tuple[Listener, ...]:
        """Return the listeners to open: those configured, else one that serves everything."""
        return self.listeners or (Listener(host=self.host, port=self.port, serve=EVERYTHING),)

    @model_validator(mode="after")
    def _check_public_url(self) -> Self:
        if self.public_url is None or self.insecure_http:
            return self
        parts = urlsplit(self.public_url)
        if parts.scheme == "http" and not is_local(parts.hostname or ""):
            raise broken_rule(
                "public_url",
                _(
                    "public_url is plain http, so logins could be read on the way: use https, or "
                    "set insecure_http = true if you accept that."
                ),
                "insecure_http",
            )
        return self

    @model_validator(mode="after")
    def _check_access_key(self) -> Self:
        if self.access_key and len(self.access_key.get_secret_value()) < SHORTEST_KEY:
            raise broken_rule(
                "access_key",
                _("the access key is shorter than {count} characters.", count=SHORTEST_KEY),
            )
        return self

    @model_validator(mode="after")
    def _check_listeners(self) -> Self:
        places = Counter((one.host, one.port) for one in self.listeners if one.port)
        for (host, port), times in places.items():
            if times > 1:
                raise broken_rule(
                    "listeners",
                    _("two listeners want {place}; put both in one.", place=f"{host}:{port}"),
                )
        return self


class WebhooksConfig(Section):
    """Discord webhooks that are told of errors and of audit log entries."""

    error_url: SecretStr | None = Field(
        default=None, description="The webhook for critical errors."
    )
    error_url_file: Path | None = Field(
        default=None, description="A file that holds the URL of the error webhook."
    )
    audit_url: SecretStr | None = Field(
        default=None, description="The webhook for audit log entries."
    )
    audit_url_file: Path | None = Field(
        default=None, description="A file that holds the URL of the audit webhook."
    )


class GiveawaysConfig(Section):
    """Giveaways."""

    vault_key: SecretStr | None = Field(
        default=None,
        description="What prize codes are encrypted with; unset, a SQLite database gets a key file "
        "beside it, and with PostgreSQL no codes can be kept.",
    )
    vault_key_file: Path | None = Field(
        default=None, description="A file that holds the key of the prize codes."
    )

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.vault_key and len(self.vault_key.get_secret_value()) < SHORTEST_KEY:
            raise broken_rule(
                "vault_key", _("the key is shorter than {count} characters.", count=SHORTEST_KEY)
            )
        return self


class TicketsConfig(Section):
    """Tickets."""

    files_path: Path | None = Field(
        default=None,
        description="Where files that were sent in tickets are kept; unset, beside a SQLite "
        "database, and with PostgreSQL in data/files.",
    )

    def files_of(self, database: Path | None) -> Path:
        """Return the directory for files; `database` is the path of a SQLite one."""
        if self.files_path is not None:
            return self.files_path
        return database.with_name(f"{database.name}.files") if database else Path("data/files")


class Config(BaseSettings):
    """The whole configuration; made directly it takes only what it is given, else the defaults."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix="PEGASUS_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    discord: DiscordConfig = DiscordConfig()
    database: DatabaseConfig = DatabaseConfig()
    web: WebConfig = WebConfig()
    log: LogConfig = LogConfig()
    limits: LimitsConfig = LimitsConfig()
    retention: RetentionConfig = RetentionConfig()
    webhooks: WebhooksConfig = WebhooksConfig()
    intake: IntakeConfig = IntakeConfig()
    health: HealthConfig = HealthConfig()
    jobs: JobsConfig = JobsConfig()
    cards: CardsConfig = CardsConfig()
    automod: AutomodConfig = AutomodConfig()
    giveaways: GiveawaysConfig = GiveawaysConfig()
    tickets: TicketsConfig = TicketsConfig()
    i18n: I18nConfig = I18nConfig()

    @model_validator(mode="after")
    def _check_webhooks(self) -> Self:
        for name in ("error_url", "audit_url"):
            url: SecretStr | None = getattr(self.webhooks, name)
            if url and not is_webhook_url(url.get_secret_value(), self.discord.api_base_url):
                raise broken_rule(
                    f"webhooks.{name}",
                    _(
                        "this is no Discord webhook: they begin with https://discord.com/api/webhooks/"
                    ),
                    "discord.api_base_url",
                )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take nothing from the surroundings by itself: `load_config` decides what is read."""
        return (init_settings,)

    def secrets(self) -> tuple[str, ...]:
        """Return every secret text of this configuration, for redaction."""
        return tuple(dict.fromkeys(self._secrets()))

    def _secrets(self) -> Iterator[str]:
        held = (
            self.discord.token,
            self.web.access_key,
            self.webhooks.error_url,
            self.webhooks.audit_url,
            self.giveaways.vault_key,
        )
        yield from (secret.get_secret_value() for secret in held if secret)
        for secret in (self.webhooks.error_url, self.webhooks.audit_url):
            if secret and (key := urlsplit(secret.get_secret_value()).path.rpartition("/")[2]):
                yield key
        if self.database.password:
            yield self.database.password
