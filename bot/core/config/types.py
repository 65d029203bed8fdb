"""The types of configuration values, each refusing what its key can't use, and the section base.

Knows pydantic only; the keys themselves are declared in `bot.core.config.model`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot.core.i18n import Message


def broken_rule(key: str, message: Message, *others: str) -> PydanticCustomError:
    """Make the validation error for a rule of our own; `key` is the setting to look at.

    `others` are settings that the rule compares it with: while one of them is refused itself, the
    rule has nothing to say.
    """
    context = {"text": str(message), "message": message, "key": key, "others": others}
    return PydanticCustomError("rule", "{text}", context)


Snowflake = Annotated[int, Field(gt=0, lt=2**63)]
Port = Annotated[int, Field(ge=0, le=65535)]
Days = Annotated[int, Field(ge=1, le=3650)]
Percent = Annotated[int, Field(ge=1, le=100)]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` uses in any `seconds`; written "5/60"."""

    count: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.count}/{self.seconds}"


def _parse_limit(value: Any) -> Any:
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([1-9][0-9]{0,5})\s*/\s*([1-9][0-9]{0,5})\s*", value)
        if match is None:
            raise PydanticCustomError("limit", "not a limit")
        return Limit(int(match[1]), int(match[2]))
    if not isinstance(value, Limit):
        raise PydanticCustomError("limit", "not a limit")
    return value


RateLimit = Annotated[
    Limit, BeforeValidator(_parse_limit), WithJsonSchema({"type": "string", "format": "limit"})
]


def is_local(host: str) -> bool:
    """Tell whether a host name or address is this machine and no other."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _check_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    else:
        valid = valid and not parts.query and not parts.fragment and parts.username is None
        # A host of other characters is a typo, and would say something in a header's value.
        valid = valid and not re.search(r"""[\s;,'"]""", parts.netloc)
    if not valid:
        raise PydanticCustomError("web_address", "not a web address")
    return value.rstrip("/")


def _check_host(value: str) -> str:
    if not value or re.search(r"[\s/]|://", value):
        raise PydanticCustomError("host", "not a host")
    return value


WebAddress = Annotated[
    str, AfterValidator(_check_url), WithJsonSchema({"type": "string", "format": "uri"})
]
Host = Annotated[
    str, AfterValidator(_check_host), WithJsonSchema({"type": "string", "format": "hostname"})
]


def url_password(url: str) -> str | None:
    """Return the decoded password inside a URL (user info or `?password=`), or `None`.

    What the database's driver logs in with counts, so a password holds `/` and `?` as they are;
    one with `@` in it was meant whole, though the driver looks for a host there. A URL that can't
    be read for another reason may hold a password too.
    """
    if match := re.search(r"://[^/:]*:([^@]*(?:@[^@/?]*)*)@", url):
        return unquote(match[1])
    return dict(parse_qsl(url.partition("?")[2])).get("password")


def is_webhook_url(url: str, api_base_url: str) -> bool:
    """Tell whether a URL is a webhook of Discord's, or of the API that stands in for it.

    Anything else could be an address inside the operator's network.
    """
    if re.fullmatch(r"https://discord\.com/api(/v\d+)?/webhooks/\d+/[\w-]+", url):
        return True
    base, given = urlsplit(api_base_url), urlsplit(url)
    same_place = (base.scheme, base.netloc) == (given.scheme, given.netloc)
    return same_place and re.fullmatch(r"[\w/.-]*/webhooks/\d+/[\w-]+", given.path) is not None


class Section(BaseModel):
    """A table of config.toml: frozen, and without room for keys that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_bool(cls, value: Any, info: ValidationInfo) -> Any:
        """Python counts True as 1, so `port = true` would otherwise pass."""
        items = value if isinstance(value, list | tuple) else (value,)
        is_switch = cls.model_fields[info.field_name or ""].annotation is bool
        if not is_switch and any(isinstance(item, bool) for item in items):
            raise PydanticCustomError("not_a_switch", "this is neither true nor false")
        return value
