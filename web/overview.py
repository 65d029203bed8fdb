"""What a guild's features are at the moment, as both the API and the pages show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.core.features import Feature
from bot.core.problems import Problem
from bot.core.problems.merging import merge_places, without_repeats
from bot.core.settings import FeatureState
from web.services import WebServices


@dataclass(frozen=True, slots=True)
class FeatureView:
    """A feature in one guild: whether it is on, and what is in its way."""

    feature: Feature
    state: FeatureState
    problems: tuple[Problem, ...] = ()


async def view_features(services: WebServices, guild_id: int) -> list[FeatureView]:
    """Return every feature in the order in which people see them."""
    problems = await _problems(services, guild_id)
    return [await _view(services, guild_id, one, problems) for one in services.registry.all()]


async def view_feature(services: WebServices, guild_id: int, key: str) -> FeatureView:
    """Return one feature; raises `NotFound` for an unknown one."""
    feature = services.registry.get(key)
    return await _view(services, guild_id, feature, await _problems(services, guild_id, key))


async def _view(
    services: WebServices, guild_id: int, feature: Feature, problems: Iterable[Problem]
) -> FeatureView:
    state = await services.settings.get(guild_id, feature.key)
    own = tuple(merge_places(one for one in problems if one.feature == feature.key))
    return FeatureView(feature, state, own)


async def _problems(services: WebServices, guild_id: int, key: str | None = None) -> list[Problem]:
    """Return what is wrong now, and what was met at work and is not solved yet."""
    found = await services.problems.find(guild_id, key)
    known = {(one.feature, one.cause, one.subject) for one in found}
    reported = [one.problem for one in await services.problems.list(guild_id) if one.reported]
    new = [one for one in reported if (one.feature, one.cause, one.subject) not in known]
    problems = [*found, *new]
    return without_repeats(problems, problems)
