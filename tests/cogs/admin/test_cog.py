"""The administration commands in a running bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import discord
import pytest

from db.engine import Database
from tests.simcord_env import Bench, running_bench, speaking


@dataclass
class Place:
    """A guild with an admin, a plain member and a channel."""

    bench: Bench
    guild: Any
    channel: Any
    boss: Any
    ada: Any

    async def say(self, who: Any, command: str, **options: Any) -> str:
        """Run a command and return what was answered, text and embeds together."""
        result = await who.slash(self.channel, command, **options)
        assert result.response.ephemeral
        parts = [result.response.content or ""]
        parts += [f"{embed.title}\n{embed.description}" for embed in result.response.embeds]
        return "\n".join(parts)

    async def state(self, feature: str) -> Any:
        """Return what the store has for a feature."""
        return await self.bench.kernel.settings.get(self.guild.id, feature)


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    async with running_bench(sqlite_database, settings={"discord": {"shard_count": 1}}) as bench:
        guild = bench.env.create_guild("Harbour")
        role = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
        yield Place(
            bench,
            guild,
            guild.create_text_channel("general"),
            guild.add_member(bench.env.create_user("boss"), roles=[role]),
            guild.add_member(bench.env.create_user("ada")),
        )


async def test_set_changes_and_shows_the_difference(place: Place) -> None:
    said = await place.say(
        place.boss, "settings set", feature="general", field="time_zone", value="europe/madrid"
    )

    assert "**Time zone**: `UTC` → `Europe/Madrid`" in said
    assert (await place.state("general")).settings.time_zone == "Europe/Madrid"


async def test_set_finds_a_channel_by_name(place: Place) -> None:
    await place.say(
        place.boss, "settings set", feature="general", field="log_channel_id", value="#general"
    )

    assert (await place.state("general")).settings.log_channel_id == place.channel.id


async def test_set_bad_value_says_what_is_wrong(place: Place) -> None:
    said = await place.say(
        place.boss, "settings set", feature="general", field="time_zone", value="Madird"
    )

    assert "Did you mean Europe/Madrid" in said
    assert (await place.state("general")).revision == 0


async def test_set_is_denied_without_permission_or_grant(place: Place) -> None:
    said = await place.say(
        place.ada, "settings set", feature="general", field="time_zone", value="UTC"
    )

    assert "Manage Server" in said
    assert "/permissions grant" in said


async def test_grant_lets_a_member_change_that_feature_only(place: Place) -> None:
    await place.say(place.boss, "permissions grant", member=place.ada, feature="general")

    said = await place.say(
        place.ada, "settings set", feature="general", field="language", value="es"
    )
    assert "Español" in said
    denied = await place.say(place.ada, "settings show", feature="welcome")
    assert "Manage Server" in denied
    assert "**General**" in await place.say(place.boss, "permissions list")

    await place.say(place.boss, "permissions revoke", member=place.ada, feature="general")
    assert "Manage Server" in await place.say(place.ada, "settings show", feature="general")


async def test_show_lists_values_in_the_readers_language(place: Place) -> None:
    async with speaking("es-ES"):
        said = await place.say(place.boss, "settings show", feature="general")

    assert "Zona horaria" in said
    assert "`UTC`" in said


async def test_show_without_feature_lists_what_the_person_manages(place: Place) -> None:
    assert "**Welcome**" in await place.say(place.boss, "settings show")
    assert "**Welcome**" not in await place.say(place.ada, "settings show")


async def test_feature_enable_and_disable_switch_it(place: Place) -> None:
    before = (await place.state("welcome")).enabled
    order = ["disable", "enable"] if before else ["enable", "disable"]
    for verb in order:
        said = await place.say(place.boss, f"feature {verb}", feature="welcome")
        assert (await place.state("welcome")).enabled is (verb == "enable")
        state = "on" if verb == "enable" else "off"
        assert f"Welcome is switched {state} now." in said
        again = await place.say(place.boss, f"feature {verb}", feature="welcome")
        assert f"Welcome was {state} already." in again


@pytest.mark.parametrize(
    ("feature", "field"),
    [
        ("Welcome", "Welcome card"),
        ("welcome ", "card_enabled"),
        ("BIENVENIDA", "tarjeta de bienvenida"),
    ],
)
async def test_feature_and_setting_may_be_named_by_their_titles(
    place: Place, feature: str, field: str
) -> None:
    said = await place.say(place.boss, "settings set", feature=feature, field=field, value="no")
    assert "✅" in said


async def test_unknown_feature_and_setting_name_those_that_exist(place: Place) -> None:
    said = await place.say(place.boss, "feature enable", feature="zzz")
    assert "general, privacy, " in said
    change = {"feature": "general", "field": "zzz", "value": "1"}
    assert "language, time_zone" in await place.say(place.boss, "settings set", **change)


async def test_grant_again_keeps_who_granted_it(place: Place) -> None:
    options = {"member": place.ada, "feature": "welcome"}
    assert "can manage this now" in await place.say(place.boss, "permissions grant", **options)
    (before,) = await place.bench.kernel.permissions.list(place.guild.id)
    assert "could manage this already" in await place.say(
        place.boss, "permissions grant", **options
    )
    assert await place.bench.kernel.permissions.list(place.guild.id) == (before,)


async def test_feature_disable_of_always_on_is_refused(place: Place) -> None:
    assert "always on" in await place.say(place.boss, "feature disable", feature="general")


async def test_rollback_asks_with_the_difference_and_goes_back(place: Place) -> None:
    for zone in ("Europe/Madrid", "Europe/Paris"):
        await place.say(
            place.boss, "settings set", feature="general", field="time_zone", value=zone
        )

    result = await press_first(place, "settings rollback", feature="general", revision=1)

    assert "`Europe/Paris` → `Europe/Madrid`" in result
    state = await place.state("general")
    assert (state.settings.time_zone, state.revision) == ("Europe/Madrid", 3)
    history = await place.say(place.boss, "settings history", feature="general")
    assert "**#3**" in history


async def test_reset_of_one_setting_asks_first(place: Place) -> None:
    await place.say(place.boss, "settings set", feature="general", field="language", value="es")

    result = await press_first(place, "settings reset", feature="general", field="language")

    assert "**Language**: Español → not set" in result
    assert (await place.state("general")).settings.language is None


async def test_reset_with_nothing_to_reset_asks_nothing(place: Place) -> None:
    said = await place.say(place.boss, "settings reset", feature="general")

    assert "would change nothing" in said


async def press_first(place: Place, command: str, **options: Any) -> str:
    """Run a command that asks, press its first button and return the question."""
    result = await place.boss.slash(place.channel, command, **options)
    question = result.response
    text = question.content
    await place.boss.click(question, label="Yes, go ahead")
    return text


async def offers(
    place: Place, who: Any, command: str, option: str, typed: str, **filled: Any
) -> Any:
    """Return what is offered while an option is typed, by name."""
    found = await who.autocomplete(place.channel, command, option, typed, **filled)
    return {one["name"]: one["value"] for one in found}


async def test_completion_offers_features_fields_and_values(place: Place) -> None:
    boss = place.boss
    assert "Welcome" in await offers(place, boss, "settings set", "feature", "wel")
    fields = await offers(place, boss, "settings set", "field", "zone", feature="general")
    assert fields == {"Time zone": "time_zone"}
    zones = await offers(
        place, boss, "settings set", "value", "madrid", feature="general", field="time_zone"
    )
    assert zones == {"Europe/Madrid": "Europe/Madrid"}
    channels = await offers(
        place, boss, "settings set", "value", "#gen", feature="general", field="log_channel_id"
    )
    assert channels == {"#general": str(place.channel.id)}
    languages = await offers(
        place, boss, "settings set", "value", "", feature="general", field="language"
    )
    assert languages == {"English": "en", "Español": "es"}


async def test_completion_offers_nothing_to_those_who_may_not(place: Place) -> None:
    assert await offers(place, place.ada, "settings set", "feature", "") == {}
    assert await offers(place, place.ada, "settings set", "field", "", feature="general") == {}


@pytest.mark.parametrize("feature", ["nonsense", ""])
async def test_completion_of_an_unknown_feature_offers_nothing(place: Place, feature: str) -> None:
    assert await offers(place, place.boss, "settings set", "field", "", feature=feature) == {}


async def test_completion_offers_revisions_with_what_they_changed(place: Place) -> None:
    await place.say(place.boss, "settings set", feature="general", field="language", value="es")
    found = await offers(place, place.boss, "settings rollback", "revision", "", feature="general")
    [name] = found
    assert name.startswith("#1 · ")
    assert name.endswith("Language")


async def grant(place: Place, feature: str) -> None:
    await place.say(place.boss, "permissions grant", member=place.ada, feature=feature)


@pytest.mark.parametrize(
    ("command", "options"), [("settings reset", {}), ("settings rollback", {"revision": 0})]
)
async def test_yes_of_someone_who_lost_the_grant_changes_nothing(
    place: Place, command: str, options: dict[str, Any]
) -> None:
    await grant(place, "general")
    await place.say(place.ada, "settings set", feature="general", field="language", value="es")
    asked = await place.ada.slash(place.channel, command, feature="general", **options)
    await place.say(place.boss, "permissions revoke", member=place.ada, feature="general")

    await place.ada.click(asked.response, label="Yes, go ahead")

    assert (await place.state("general")).settings.language == "es"
    assert "Manage Server" in asked.followups[-1].content


async def test_set_unknown_choice_names_the_choices_in_the_readers_language(place: Place) -> None:
    async with speaking("es-ES"):
        said = await place.say(
            place.boss, "settings set", feature="welcome", field="order", value="zigzag"
        )
    assert "Al azar o Por turno" in said


async def test_set_several_texts_in_one_line(place: Place) -> None:
    await place.say(
        place.boss, "settings set", feature="welcome", field="join_texts", value="uno --- dos---x"
    )
    assert (await place.state("welcome")).settings.join_texts == ("uno", "dos---x")


@pytest.mark.parametrize("command", ["settings show", "feature list"])
async def test_overview_of_nothing_is_denied_in_words(place: Place, command: str) -> None:
    said = await place.say(place.ada, command)
    assert "You manage no feature here" in said


async def test_feature_is_switched_by_a_member_with_a_grant(place: Place) -> None:
    await grant(place, "welcome")
    for verb in ("enable", "disable"):
        await place.say(place.ada, f"feature {verb}", feature="welcome")
        assert (await place.state("welcome")).enabled is (verb == "enable")


async def test_feature_is_not_switched_by_a_plain_member(place: Place) -> None:
    said = await place.say(place.ada, "feature enable", feature="welcome")
    assert "Manage Server" in said
    assert (await place.state("welcome")).revision == 0
