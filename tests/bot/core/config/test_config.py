"""Reading the configuration: sources and their order, and every problem at once."""

from __future__ import annotations

import os
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bot.core.config import Config, Limit, load_config, read_config
from bot.core.config.problems import accepted, known_keys
from bot.core.config.types import is_webhook_url
from bot.core.errors import ConfigurationError
from tests.bot.core.config.reading import HOOK, problems

# --- where values come from -------------------------------------------------------------------


def test_load_without_file_gives_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(None, {}) == Config()


def test_load_reads_file_in_working_directory(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("[web]\nport = 3000\n")
    monkeypatch.chdir(path.parent)
    assert load_config(None, {}).web.port == 3000


def test_environment_wins_over_file_and_overrides_over_both(write: Any) -> None:
    path = write('[web]\nport = 3000\nhost = "0.0.0.0"\n[log]\nlevel = "error"\n')
    environ = {"PEGASUS_WEB__PORT": "4000", "PEGASUS_LOG__LEVEL": "debug"}
    config = load_config(path, environ, {"web": {"port": 5000}})
    assert (config.web.port, config.web.host, config.log.level) == (5000, "0.0.0.0", "debug")


def test_short_names_set_token_and_database(write: Any) -> None:
    environ = {"DISCORD_TOKEN": "a.b.c", "DATABASE_URL": "postgres://u:pw@db/pegasus"}
    config = load_config(write(""), environ)
    assert config.discord.token == SecretStr("a.b.c")
    assert config.database.url.get_secret_value() == "postgres://u:pw@db/pegasus"


def test_long_name_wins_over_short_name(write: Any) -> None:
    environ = {"DISCORD_TOKEN": "short", "PEGASUS_DISCORD__TOKEN": "long"}
    assert load_config(write(""), environ).discord.token == SecretStr("long")


def test_empty_variable_counts_as_not_set(write: Any) -> None:
    config = load_config(write(""), {"DISCORD_TOKEN": "", "PEGASUS_WEB__PORT": ""})
    assert config == Config()


@pytest.mark.parametrize("text", ["1,2", " 1 , 2 ,", "[1, 2]", '["1", "2"]'])
def test_environment_list_is_json_or_commas(write: Any, text: str) -> None:
    config = load_config(write(""), {"PEGASUS_DISCORD__OWNER_IDS": text})
    assert config.discord.owner_ids == (1, 2)


def test_environment_takes_listeners_networks_and_limits(write: Any) -> None:
    environ = {
        "PEGASUS_WEB__LISTENERS": '[{"port": 3000, "serve": ["health"]}]',
        "PEGASUS_WEB__TRUSTED_NETWORKS": "10.0.0.0/8",
        "PEGASUS_LIMITS__HEAVY": "2/30",
    }
    config = load_config(write(""), environ)
    assert [(one.host, one.port, one.serve) for one in config.web.bound()] == [
        ("127.0.0.1", 3000, ("health",))
    ]
    assert config.web.trusted_networks == (IPv4Network("10.0.0.0/8"),)
    assert config.limits.heavy == Limit(2, 30)


def test_config_ignores_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEGASUS_WEB__PORT", "1")
    monkeypatch.setenv("WEB", "{}")
    assert Config().web.port == 8080
    assert Config.model_validate({"web": {"port": 9}}).web.port == 9


def test_bound_without_listeners_serves_everything_at_one_address() -> None:
    (listener,) = Config().web.bound()
    assert (listener.host, listener.port) == ("127.0.0.1", 8080)
    assert set(listener.serve) == {"health", "metrics", "api", "dashboard"}


def test_config_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Config().web.port = 1  # pyright: ignore[reportAttributeAccessIssue]


# --- problems ---------------------------------------------------------------------------------


def test_path_that_can_not_be_looked_at_is_a_problem(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / ("x" * 300))
    assert "can't be read" in problem


def test_default_path_that_can_not_be_looked_at_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert problems(None) == []
    Path("config.toml").symlink_to("config.toml")
    (problem,) = problems(None)
    assert "can't be read" in problem


def test_every_problem_is_told_at_once(write: Any) -> None:
    path = write(
        """
        colour = 1
        [web]
        prot = 3
        port = 99999
        trusted_networks = ["10.0.0.1/8"]
        [[web.listeners]]
        port = 3000
        serve = ["healt"]
        [log]
        level = "loud"
        [limits]
        default = "5 per 60"
        [jobs]
        poll_seconds = 50
        lease_seconds = 20
        """
    )
    environ = {"PEGASUS_WEB__HOTS": "x", "PEGASUS_DISCORD__OWNER_IDS": "1,x"}
    with pytest.raises(ConfigurationError) as caught:
        load_config(path, environ)
    assert caught.value.code == "E008"
    told = str(caught.value).replace(str(path), "config.toml")
    assert (
        told
        == """\
The configuration can't be used:
- environment: PEGASUS_WEB__HOTS: there is no such setting. Did you mean PEGASUS_WEB__HOST?
- PEGASUS_DISCORD__OWNER_IDS: discord.owner_ids[1]: 'x' is not accepted; give a whole \
number above 0.
- config.toml: web.port: 99999 is not accepted; give a whole number from 0 to 65535.
- config.toml: web.listeners[0].serve[0]: 'healt' is not accepted; give one of 'health', \
'metrics', 'api', 'dashboard'.
- config.toml: web.trusted_networks[0]: '10.0.0.1/8' is not accepted; give a network such as \
10.0.0.0/8.
- config.toml: web.prot: there is no such setting. Did you mean web.port?
- config.toml: log.level: 'loud' is not accepted; give one of 'debug', 'info', 'warning', 'error'.
- config.toml: limits.default: '5 per 60' is not accepted; give uses and seconds as text, such as \
"5/60".
- config.toml: jobs.lease_seconds: lease_seconds must be longer than poll_seconds.
- config.toml: colour: there is no such setting; there are discord, database, web, log, limits, \
retention, webhooks, intake, health, jobs, cards, automod, giveaways, tickets, i18n."""
    )


def test_unknown_key_that_is_near_no_other_names_those_that_there_are(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[log]\nzzz = 1\n[zzz]\nx = 1\n")
    variable, key, section = problems(path, {"PEGASUS_ZZZ__X": "1"})
    assert "there are PEGASUS_DISCORD__…, PEGASUS_DATABASE__…" in variable
    assert key.endswith("log.zzz: there is no such setting; there are level, format.")
    assert "zzz: there is no such setting; there are discord, database," in section


def test_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "other.toml")
    assert (
        problem == f"{tmp_path / 'other.toml'}: this file can't be read: No such file or directory"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file_is_named(write: Any) -> None:
    path = write("")
    path.chmod(0)
    assert "can't be read" in problems(path)[0]


def test_directory_in_place_of_file_is_named(tmp_path: Path) -> None:
    assert "can't be read" in problems(tmp_path)[0]


@pytest.mark.parametrize("content", [b"[web\n", b"a = = 1", b"\xff\xfe\x00"])
def test_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    (problem,) = problems(path)
    assert problem.startswith(f"{path}: this ")


def test_value_in_place_of_section_is_explained(write: Any) -> None:
    (problem,) = problems(write("web = 3\n"))
    assert "this must be a section: [web]" in problem


def test_secret_of_wrong_type_is_not_shown(write: Any) -> None:
    (problem,) = problems(write("[database]\nurl = 5\n"))
    assert problem.endswith("database.url: this must be text.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[discord]\nshard_ids = [0]", "shard_ids needs shard_count"),
        ("[discord]\nshard_ids = [2]\nshard_count = 2", "shard 2 does not exist"),
        ("[discord]\nshard_ids = [1, 1]\nshard_count = 2", "names a shard twice"),
        ("[discord]\nshard_count = true", "True is not accepted"),
        ("[discord]\nowner_ids = [true]", "not accepted"),
        ('[discord]\napi_base_url = "ftp://x"', "give a web address"),
        ('[discord]\napi_base_url = "https://user:pw@x/api"', "give a web address"),
        ('[discord]\ncdn_base_url = "https://x; script-src y"', "give a web address"),
        ('[web]\npublic_url = "http://pegasus.example.org"', "plain http"),
        ('[web]\nhost = "http://x"', "give a host name"),
        ("[[web.listeners]]\nserve = ['api']", "port: this key is missing"),
        ("[[web.listeners]]\nport = 1\nserve = []", "web.listeners[0].serve"),
        (
            "[[web.listeners]]\nport=1\nserve=['api']\n[[web.listeners]]\nport=1\nserve=['health']",
            "two listeners want 127.0.0.1:1",
        ),
        ("[web]\nshutdown_timeout = 60", "from 0 to 1.6"),
        ('[limits]\nheavy = "0/60"', "uses and seconds"),
        ("[limits]\nheavy = 3", "uses and seconds"),
        ("[limits]\napi_per_minute = 50\napi_per_hour = 40", "below api_per_minute"),
        ("[retention]\naudit_days = 0", "from 1 to 3650"),
        ("[retention]\ncommand_usage_days = 800", "below command_usage_days"),
        ("[health]\nmemory_degraded_percent = 96", "below memory_degraded_percent"),
        ("[health]\ndisk_unhealthy_mb = 1000", "above disk_degraded_mb"),
        ('[database]\nurl = "mysql://host/db"', "can't be used"),
        ('[i18n]\ndefault_locale = "fr"', "one of 'en', 'es'"),
    ],
)
def test_unfit_value_is_refused(write: Any, text: str, said: str) -> None:
    (problem,) = problems(write(text))
    assert said in problem


@pytest.mark.parametrize(
    "text",
    [
        '[web]\npublic_url = "http://localhost:8080"',
        '[web]\npublic_url = "http://127.0.0.1:8080/"',
        '[web]\npublic_url = "http://pegasus.example.org"\ninsecure_http = true',
        "[discord]\nshard_ids = [0, 1]\nshard_count = 2",
        "[discord]\nshard_count = 2",
        "[limits]\nblock_after = 0",
    ],
)
def test_fitting_value_is_accepted(write: Any, text: str) -> None:
    assert problems(write(text)) == []


def test_short_access_key_is_refused(write: Any) -> None:
    (problem,) = problems(write(""), {"PEGASUS_WEB__ACCESS_KEY": "k" * 31})
    assert "shorter than 32 characters" in problem
    assert "PEGASUS_WEB__ACCESS_KEY" in problem


@pytest.mark.parametrize(
    ("url", "base", "accepted_"),
    [
        (HOOK, "https://discord.com/api/v10", True),
        (HOOK.replace("/api/", "/api/v10/"), "https://discord.com/api/v10", True),
        ("http://127.0.0.1:99/api/webhooks/1/x", "http://127.0.0.1:99/api/v10", True),
        ("http://127.0.0.1:98/api/webhooks/1/x", "http://127.0.0.1:99/api/v10", False),
        (HOOK.replace("https", "http"), "https://discord.com/api/v10", False),
        (HOOK.replace("discord.com", "discord.com.evil.org"), "https://discord.com/api/v10", False),
        (HOOK.replace("discord.com", "evil.org"), "https://discord.com/api/v10", False),
        (HOOK.replace("https://", "https://a@"), "https://discord.com/api/v10", False),
        (HOOK + "/../../x", "https://discord.com/api/v10", False),
        ("https://discord.com/api/users/@me", "https://discord.com/api/v10", False),
    ],
)
def test_webhook_url_must_be_discords(url: str, base: str, accepted_: bool) -> None:
    assert is_webhook_url(url, base) is accepted_


def test_foreign_webhook_is_refused_by_name(write: Any) -> None:
    (problem,) = problems(
        write(""), {"PEGASUS_WEBHOOKS__AUDIT_URL": "https://evil.org/webhooks/1/a"}
    )
    assert problem.startswith("PEGASUS_WEBHOOKS__AUDIT_URL: webhooks.audit_url: this is no Discord")


def test_unknown_variable_is_refused_with_nearest_name(write: Any) -> None:
    (problem,) = problems(write(""), {"PEGASUS_DISCORD_TOKEN": "x"})
    assert "Did you mean PEGASUS_DISCORD__TOKEN?" in problem
    (problem,) = problems(write(""), {"PEGASUS_FOO__BAR": "x"})
    assert "Did you mean" not in problem


def test_variables_of_the_test_suite_are_passed_over(write: Any) -> None:
    assert problems(write(""), {"PEGASUS_TEST_POSTGRES_URL": "x", "OTHER": "y"}) == []


def test_every_key_can_say_what_it_accepts() -> None:
    for keys in known_keys():
        assert str(accepted(keys))


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(scalars, containers, max_leaves=5)


@given(keys=st.sampled_from(sorted(known_keys())), value=values)
def test_any_value_is_taken_or_explained(keys: tuple[str, str], value: Any) -> None:
    reading = read_config(None, {}, {keys[0]: {keys[1]: value}})
    assert (reading.config is None) == bool(reading.problems)
    for problem in reading.problems:
        assert problem.key.startswith(keys[0])
        assert str(problem)


@given(keys=st.sampled_from(sorted(known_keys())), value=st.text(min_size=1, max_size=30))
def test_any_variable_is_taken_or_explained(keys: tuple[str, str], value: str) -> None:
    variable = "PEGASUS_" + "__".join(keys).upper()
    for problem in read_config(None, {variable: value}).problems:
        assert problem.key.startswith(keys[0])
        # A rule between two keys may speak of the other one, which nobody set.
        assert problem.source in (variable, "config.toml")


@given(count=st.integers(1, 999_999), seconds=st.integers(1, 999_999))
def test_limit_round_trips(count: int, seconds: int) -> None:
    limit = Limit(count, seconds)
    config = Config.model_validate({"limits": {"default": str(limit)}})
    assert config.limits.default == limit


def test_secret_file_without_end_is_refused() -> None:
    reading = read_config(None, {"PEGASUS_DISCORD__TOKEN_FILE": "/dev/zero"})
    [problem] = reading.problems
    assert "is not text" in str(problem)
