"""Reads the configuration: `config.toml`, then the environment, then the command line; later wins.

Every problem is found before anything is said, so that an operator fixes them in one go.
"""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from bot.core.config.model import (
    Config,
    DatabaseConfig,
    DiscordConfig,
    HealthConfig,
    I18nConfig,
    IntakeConfig,
    JobsConfig,
    LimitsConfig,
    Listener,
    LogConfig,
    RetentionConfig,
    WebConfig,
    WebhooksConfig,
)
from bot.core.config.problems import (
    ConfigProblem,
    Keys,
    compared_keys,
    explain,
    is_secret,
    known_keys,
    nearest,
    refused_keys,
    sections,
    unknown_name,
)
from bot.core.config.types import Limit, url_password
from bot.core.errors import ConfigurationError
from bot.core.i18n import Message, _

__all__ = [
    "Config",
    "DatabaseConfig",
    "DiscordConfig",
    "HealthConfig",
    "I18nConfig",
    "IntakeConfig",
    "JobsConfig",
    "Limit",
    "LimitsConfig",
    "Listener",
    "LogConfig",
    "Reading",
    "RetentionConfig",
    "WebConfig",
    "WebhooksConfig",
    "load_config",
    "read_config",
]

DEFAULT_PATH = Path("config.toml")
PREFIX = "PEGASUS_"
# They share the prefix and are no settings: the test suite's own, and what the image was built of.
OTHER_VARIABLES = ("PEGASUS_TEST_", "PEGASUS_DISCORD_OPENAPI", "PEGASUS_REVISION")
SHORT_NAMES = {"DISCORD_TOKEN": ("discord", "token"), "DATABASE_URL": ("database", "url")}
LARGEST_SECRET_FILE = 64 * 1024


@dataclass(slots=True)
class Reading:
    """What was read: the configuration, or the problems because of which there is none.

    `usable` is the configuration with the defaults in place of what was refused: enough to look
    further, not to run. `warnings` name what works but is careless, such as a secret file that
    everybody may read.
    """

    config: Config | None = None
    usable: Config = field(default_factory=Config)
    problems: list[ConfigProblem] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)

    def is_sound(self, section: str, *keys: str) -> bool:
        """Tell whether nothing is wrong with a section, or with these keys of it."""
        places = [problem.key.partition("[")[0].split(".") for problem in self.problems]
        return not any(
            not place[0]
            or (place[0] == section and (not keys or len(place) == 1 or place[1] in keys))
            for place in places
        )


def load_config(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Return the configuration of this process.

    Without a path, `config.toml` in the working directory is read if it is there. `overrides` are
    nested like the file and win over everything. Raises `ConfigurationError` that lists every
    problem.
    """
    reading = read_config(path, environ, overrides)
    if reading.config is None:
        raise ConfigurationError(_as_one(reading.problems))
    return reading.config


def read_config(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Reading:
    """Read the configuration like `load_config`, but report problems and warnings as values."""
    return _Reader(path, os.environ if environ is None else environ).read(overrides or {})


def _as_one(problems: list[ConfigProblem]) -> Message:
    """Chain the problems into one message, each on a line of its own."""
    text: Message = _("The configuration can't be used:")
    for problem in problems:
        text = Message("{before}\n- {problem}", {"before": text, "problem": problem.as_message()})
    return text


class _Reader:
    """Collects values and problems from each source, in the order in which the sources win."""

    def __init__(self, path: Path | None, environ: Mapping[str, str]) -> None:
        self._path = path or DEFAULT_PATH
        self._required = path is not None
        self._environ = environ
        self._source_of: dict[Keys, str] = {}
        self._reading = Reading()

    def read(self, overrides: Mapping[str, Any]) -> Reading:
        from_file = self._read_file()
        from_environment = self._read_environment()
        values = _merge(_merge(from_file, from_environment), overrides)
        self._source_of |= dict.fromkeys(_paths(overrides), "command line")
        self._read_secret_files(values)
        self._reading.usable = self._validate(values)
        if not self._reading.problems:
            self._reading.config = self._reading.usable
        return self._reading

    def _validate(self, values: dict[str, Any]) -> Config:
        """Note every problem: rules over several keys speak up once each key by itself is right."""
        refused: set[Keys] = set()
        while True:
            try:
                return Config(**values)
            except ValidationError as error:
                self._reading.problems += explain(
                    error, self._source_of, self._path, passed_over=refused
                )
                fewer = _without(values, refused_keys(error))
                if fewer == values:  # a default and a key that is right by itself don't go together
                    fewer = _without(values, compared_keys(error))
                refused |= refused_keys(error)
                if fewer == values:
                    return Config()
                values = fewer

    def _read_file(self) -> dict[str, Any]:
        try:
            values = TomlConfigSettingsSource(Config, self._path)() if self._readable() else {}
        except tomllib.TOMLDecodeError as error:
            self._report(_("this is not valid TOML: {reason}", reason=str(error)))
            return {}
        except UnicodeDecodeError:
            self._report(_("this file is not UTF-8 text."))
            return {}
        self._refuse_secrets(values)
        return values

    def _readable(self) -> bool:
        """Look first, because pydantic-settings passes over a missing file in silence."""
        try:
            with self._path.open("rb"):
                return True
        except OSError as error:
            if self._required or not isinstance(error, FileNotFoundError):
                self._report(_("this file can't be read: {reason}", reason=_reason(error)))
            return False

    def _refuse_secrets(self, values: dict[str, Any]) -> None:
        for keys, info in known_keys().items():
            section = values.get(keys[0])
            if not is_secret(info) or not isinstance(section, dict) or keys[1] not in section:
                continue
            if keys == ("database", "url") and url_password(str(section[keys[1]])) is None:
                continue
            del section[keys[1]]
            text = _(
                "this is a secret and does not belong in a file that gets copied and shared. Put "
                "it into the environment variable {variable}, or into a file of its own that "
                "{file_key} names; then replace the secret by a new one.",
                variable=_variable(keys),
                file_key=f"{keys[1]}_file",
            )
            self._report(text, ".".join(keys))

    def _read_environment(self) -> dict[str, Any]:
        known = {_long_variable(keys): keys for keys in known_keys()}
        given = {name: value for name, value in self._environ.items() if value}
        for name in sorted(given):
            if name.upper().startswith(PREFIX) and name not in known:
                self._refuse_variable(name, known)
        values = {_long_variable(keys): given[n] for n, keys in SHORT_NAMES.items() if n in given}
        self._source_of |= {keys: n for n, keys in SHORT_NAMES.items() if n in given}
        values |= {name: given[name] for name in known if name in given}
        self._source_of |= {keys: name for name, keys in known.items() if name in given}
        return _Environment(values)()

    def _refuse_variable(self, name: str, known: Mapping[str, Keys]) -> None:
        if not name.upper().startswith(OTHER_VARIABLES):
            # Compared without the prefix, which every name has and which makes all seem alike.
            guess = nearest(name.upper()[len(PREFIX) :], (one[len(PREFIX) :] for one in known))
            meant = guess and PREFIX + guess
            there_are = [f"{PREFIX}{section.upper()}__…" for section in sections()]
            self._reading.problems.append(unknown_name("environment", name, meant, there_are))

    def _read_secret_files(self, values: dict[str, Any]) -> None:
        for keys, info in known_keys().items():
            section = values.get(keys[0])
            file_keys = (keys[0], f"{keys[1]}_file")
            # The environment wins over the file, as for every other key.
            if not is_secret(info) or not isinstance(section, dict) or keys in self._source_of:
                continue
            if name := section.get(file_keys[1]):
                secret = self._read_secret(Path(str(name)), file_keys)
                if secret is not None:
                    values[keys[0]] = {**section, keys[1]: secret}
                    self._source_of[keys] = str(name)

    def _read_secret(self, path: Path, keys: Keys) -> str | None:
        source, key = self._source_of.get(keys, str(self._path)), ".".join(keys)
        try:
            with path.open("rb") as file:
                secret = file.read(LARGEST_SECRET_FILE).decode().strip()
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        except OSError as error:
            problem = _("{path} can't be read: {reason}", path=str(path), reason=_reason(error))
        except UnicodeDecodeError:
            problem = _("{path} is not text.", path=str(path))
        except ValueError:
            problem = _("{path} is no path.", path=repr(str(path)))
        else:
            if mode & stat.S_IROTH:
                self._reading.warnings.append(_readable_by_all(key, path))
            if secret and secret.isprintable():
                return secret
            problem = (
                _("{path} is not text.", path=str(path))
                if secret
                else _("{path} is empty.", path=str(path))
            )
        self._reading.problems.append(ConfigProblem(source, key, problem))
        return None

    def _report(self, message: Message, key: str = "") -> None:
        self._reading.problems.append(ConfigProblem(str(self._path), key, message))


def _readable_by_all(key: str, path: Path) -> Message:
    return _(
        "{key}: every user of this machine can read {path}. Run: chmod 600 {path}",
        key=key,
        path=str(path),
    )


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__


class _Environment(EnvSettingsSource):
    """Reads variables that are handed in, not the process's own."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(Config)
        self.env_vars = {name.lower(): value for name, value in variables.items()}

    def decode_complex_value(
        self,
        field_name: str,  # noqa: ARG002 - the signature is pydantic-settings'
        field: FieldInfo,
        value: Any,
    ) -> Any:
        """Take a list as JSON or separated by commas; leave the judgement to validation."""
        text = str(value).strip()
        if text.startswith(("[", "{")):
            try:
                return json.loads(text)
            except ValueError:
                return text
        if any(get_origin(one) is tuple for one in (field.annotation, *get_args(field.annotation))):
            return [part.strip() for part in text.split(",") if part.strip()]
        return text


def _long_variable(keys: Keys) -> str:
    return PREFIX + "__".join(keys).upper()


def _variable(keys: Keys) -> str:
    return next((n for n, path in SHORT_NAMES.items() if path == keys), _long_variable(keys))


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one nested mapping over another; a list replaces a list."""
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        if isinstance(value, Mapping) and isinstance(lower, Mapping):
            merged[key] = _merge(lower, value)
        else:
            merged[key] = value
    return merged


def _without(values: Mapping[str, Any], refused: set[Keys]) -> dict[str, Any]:
    return {
        name: {key: one for key, one in section.items() if (name, key) not in refused}
        if isinstance(section, Mapping)
        else section
        for name, section in values.items()
        if (name,) not in refused
    }


def _paths(values: Mapping[str, Any]) -> list[Keys]:
    return [
        (section, key)
        for section, keys in values.items()
        if isinstance(keys, Mapping)
        for key in keys
    ]
