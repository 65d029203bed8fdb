"""Secrets in the configuration: where they may stand, and that nobody gets to see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.core.config import load_config, read_config
from bot.core.config.types import url_password
from db.engine import driver_url
from tests.bot.core.config.reading import HOOK, KEY, problems


@pytest.mark.parametrize(
    ("section", "key", "variable"),
    [
        ("discord", "token", "DISCORD_TOKEN"),
        ("web", "access_key", "PEGASUS_WEB__ACCESS_KEY"),
        ("webhooks", "error_url", "PEGASUS_WEBHOOKS__ERROR_URL"),
        ("webhooks", "audit_url", "PEGASUS_WEBHOOKS__AUDIT_URL"),
    ],
)
def test_secret_in_file_is_refused(write: Any, section: str, key: str, variable: str) -> None:
    (problem,) = problems(write(f'[{section}]\n{key} = "hunter2-hunter2"\n'))
    assert f"{section}.{key}" in problem
    assert variable in problem
    assert f"{key}_file" in problem
    assert "hunter2" not in problem


def test_database_url_in_file_is_refused_only_with_a_password(write: Any) -> None:
    assert problems(write('[database]\nurl = "postgresql://pegasus@/pegasus"\n')) == []
    (problem,) = problems(write('[database]\nurl = "postgresql://u:hunter2@h/d"\n'))
    assert "DATABASE_URL" in problem
    assert "hunter2" not in problem


def test_secret_is_read_from_file(write: Any) -> None:
    secret = write("a.b.c\n", "token")
    config = load_config(write(f'[discord]\ntoken_file = "{secret}"\n'), {})
    assert config.discord.token == SecretStr("a.b.c")


def test_secret_file_may_be_named_by_environment(write: Any) -> None:
    secret = write(KEY, "key")
    config = load_config(write(""), {"PEGASUS_WEB__ACCESS_KEY_FILE": str(secret)})
    assert config.web.access_key == SecretStr(KEY)


def test_environment_secret_wins_over_secret_file(write: Any) -> None:
    path = write('[discord]\ntoken_file = "/nowhere/at/all"\n')
    assert load_config(path, {"DISCORD_TOKEN": "a"}).discord.token == SecretStr("a")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "can't be read"), (b" \n", "is empty"), (b"\xff\xfe", "not text")]
)
def test_unusable_secret_file_is_named(
    write: Any, tmp_path: Path, content: bytes | None, said: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    (problem,) = problems(write(f'[discord]\ntoken_file = "{secret}"\n'))
    assert "discord.token_file" in problem
    assert str(secret) in problem
    assert said in problem


def test_secret_file_readable_by_all_gives_warning(write: Any) -> None:
    secret = write("a.b.c", "token")
    path = write(f'[discord]\ntoken_file = "{secret}"\n')
    assert read_config(path, {}).warnings == []
    secret.chmod(0o644)
    (warning,) = read_config(path, {}).warnings
    assert "chmod 600" in str(warning)
    assert str(secret) in str(warning)


def test_no_secret_in_repr_or_messages(write: Any) -> None:
    environ = {
        "DISCORD_TOKEN": "hunter2-token",
        "DATABASE_URL": "postgresql://u:hunter2@h/d",
        "PEGASUS_WEB__ACCESS_KEY": "hunter2" * 6,
        "PEGASUS_WEBHOOKS__ERROR_URL": HOOK + "hunter2",
    }
    config = load_config(write(""), environ)
    assert "hunter2" not in repr(config)
    assert "hunter2" not in str(config)
    environ |= {"PEGASUS_WEB__ACCESS_KEY": "hunter2", "PEGASUS_WEBHOOKS__AUDIT_URL": "hunter2"}
    assert "hunter2" not in "".join(problems(write(""), environ))


def test_secrets_lists_every_secret_for_redaction(write: Any) -> None:
    environ = {
        "DISCORD_TOKEN": "the-token",
        "DATABASE_URL": "postgresql://u:p%40ss@h/d",
        "PEGASUS_WEB__ACCESS_KEY": KEY,
        "PEGASUS_WEBHOOKS__ERROR_URL": HOOK,
    }
    secrets = load_config(write(""), environ).secrets()
    assert {"the-token", "p@ss", KEY, HOOK, "abc-DEF_ghi"} <= set(secrets)


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("sqlite:///data/pegasus.db", None),
        ("postgresql://user@host/db", None),
        ("postgresql://user:pw@host/db", "pw"),
        ("postgresql://user:p%2Fw%40@host/db", "p/w@"),
        ("postgresql://user:p@w@host/db", "p@w"),
        ("postgresql://user:q8/Zk3+long?pass@host/db", "q8/Zk3+long?pass"),
        ("postgresql://user:pw@host/db?application_name=a@b", "pw"),
        ("postgresql://user@corp:pw@host/db", "pw"),
        ("postgresql://user@host:5432/db", None),
        ("postgresql://user:pw@host:port/db", "pw"),
        ("postgresql://host/db?user=u&password=pw", "pw"),
        ("postgresql://host/db?user=u&password=a+b%2B", "a b+"),
    ],
)
def test_url_password(url: str, password: str | None) -> None:
    assert url_password(url) == password


@given(password=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="@%")))
def test_url_password_is_what_the_driver_logs_in_with(password: str) -> None:
    url = f"postgresql://user:{password}@host/db"
    assert url_password(url) == driver_url(url).password
