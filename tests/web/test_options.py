"""The web's options, read from the configuration."""

from __future__ import annotations

import hashlib
from ipaddress import ip_network

from pydantic import SecretStr

from bot.core.config import Config, DiscordConfig, LimitsConfig, Listener, WebConfig
from bot.core.config.model import LOOPBACK
from web.options import Address, WebOptions, options_from


def test_options_are_the_documented_ones_by_default() -> None:
    assert options_from(Config()) == WebOptions()
    assert options_from(Config()).trusted_networks == LOOPBACK


def test_options_follow_the_configuration() -> None:
    key = "k" * 40
    config = Config(
        web=WebConfig(
            listeners=(
                Listener(host="0.0.0.0", port=3000, serve=("health",)),
                Listener(port=3001, serve=("api", "dashboard")),
            ),
            access_key=SecretStr(key),
            public_url="https://bot.example/",
            trusted_proxies=(ip_network("10.0.0.0/8"),),
        ),
        discord=DiscordConfig(cdn_base_url="http://127.0.0.1:4000/cdn"),
        limits=LimitsConfig(api_per_minute=5, api_per_hour=50),
    )
    options = options_from(config)
    assert options.listeners == (
        Address("0.0.0.0", 3000, frozenset({"health"}), "web.listeners[0]"),
        Address("127.0.0.1", 3001, frozenset({"api", "dashboard"}), "web.listeners[1]"),
    )
    assert options.access_key_hash == hashlib.sha256(key.encode()).digest()
    assert options.public_origin == "https://bot.example"
    assert options.image_origin == "http://127.0.0.1:4000"
    assert options.is_https
    assert (options.per_minute, options.per_hour) == (5, 50)
    assert key not in repr(options)
    assert repr(options.access_key_hash) not in repr(options)


def test_public_url_takes_the_trust_from_this_machine_unless_it_is_given() -> None:
    behind = WebConfig(public_url="https://bot.example")
    assert options_from(Config(web=behind)).trusted_networks == ()
    chosen = WebConfig(public_url="https://bot.example", trusted_networks=LOOPBACK)
    assert options_from(Config(web=chosen)).trusted_networks == LOOPBACK
