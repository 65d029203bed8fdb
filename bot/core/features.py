"""What a feature is, and how features are found.

A feature is a folder under `cogs/` whose `FEATURE` declares it; see `docs/features.md`.
"""

from __future__ import annotations

import difflib
import importlib
import itertools
import pkgutil
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bot.core.errors import ConfigurationError, NotFound
from bot.core.fields import UndescribedFieldError, describe_fields
from bot.core.i18n import LANGUAGES, N_, Message, _
from bot.core.resources import Resource
from bot.core.settings.model import SWITCH, FeatureSettings

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.contracts import BotState
    from bot.core.problems import Problem

# The key is also a command's name and part of URLs.
_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")

# Runs in the transaction of the nightly clean-up; takes the present.
Purge = Callable[["AsyncSession", "datetime"], Awaitable[object]]


class Category(StrEnum):
    """Where a feature stands in help and on the dashboard."""

    ESSENTIALS = "essentials"
    SAFETY = "safety"
    COMMUNITY = "community"
    SUPPORT = "support"
    FUN = "fun"

    @property
    def label(self) -> str:
        """The category's name for people, marked for translation."""
        return _CATEGORY_LABELS[self]


_CATEGORY_LABELS = {
    Category.ESSENTIALS: N_("Essentials"),
    Category.SAFETY: N_("Safety"),
    Category.COMMUNITY: N_("Community"),
    Category.SUPPORT: N_("Support"),
    Category.FUN: N_("Fun"),
}


class RateClass(StrEnum):
    """The rate limit that a command falls under; limits are set per class in config.toml."""

    DEFAULT = "default"
    ECONOMY = "economy"
    ADMIN = "admin"
    # Of their own: whoever sets something up must not be kept from a raid by it.
    MODERATION = "moderation"
    API = "api"
    HEAVY = "heavy"
    # Buttons and menus that lie in channels for everybody.
    PRESS = "press"


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number of all guilds that `/metrics` shows under a name of its own, without labels."""

    name: str
    description: str
    count: Callable[[Any], Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature's manifest; title and description are English texts marked with `N_()`.

    `group` names the command group that its settings panel joins, where that is not the key.
    `always_on` features can't be disabled. `off_note` says what else switching it off does.
    `tables` names the tables in which the feature keeps
    data about people; `db.people` must know how to export and erase each. `intents` are the
    privileged intents ("members", "message_content") that it works less well without, each with a
    text that says what is off; `needs_intents` says whether a guild's settings need them, which is
    always where it is left out. `check` finds problems that the field declarations can't express.
    `purge` deletes, each night, what the feature has kept for long enough as of that instant.
    `counters` are numbers for `/api/stats`, `gauges` for `/metrics`.
    `resources` are what it keeps besides settings and the API shows; `bot.core.resources`.
    """

    key: str
    title: str
    description: str
    category: Category
    settings: type[FeatureSettings]
    group: str = ""
    default_enabled: bool = False
    always_on: bool = False
    off_note: str = ""
    rate_class: RateClass = RateClass.DEFAULT
    tables: tuple[str, ...] = ()
    intents: Mapping[str, str] = field(default_factory=dict)
    needs_intents: Callable[[Any], bool] | None = None
    check: Callable[[Any, BotState, int], list[Problem]] | None = None
    purge: Purge | None = None
    counters: Mapping[str, Callable[[Any], Awaitable[int]]] = field(default_factory=dict)
    gauges: tuple[Gauge, ...] = ()
    resources: tuple[Resource, ...] = ()

    @property
    def switched_off(self) -> Message:
        """What somebody reads who has switched the feature off."""
        done = _("{feature} is switched off now.", feature=_(self.title))
        if not self.off_note:
            return done
        return Message("{done} {note}", {"done": done, "note": _(self.off_note)})

    @property
    def group_name(self) -> str:
        """The command group of the feature."""
        return self.group or self.key


class FeatureRegistry:
    """The features of this process, by key and in the order in which people see them."""

    def __init__(self, features: Iterable[Feature]) -> None:
        """Raise `ConfigurationError` for a key that two features share."""
        order = list(Category)
        found = sorted(features, key=lambda one: (order.index(one.category), one.key))
        self._features = {feature.key: feature for feature in found}
        # Keys of those that could not be loaded; filled by the client, told by health.
        self.failed: set[str] = set()
        for first, second in itertools.pairwise(found):
            if first.key == second.key:
                raise ConfigurationError(f"Two features have the key {first.key!r}.")

    def get(self, key: str) -> Feature:
        """Return a feature; raises `NotFound` with the nearest name for an unknown key."""
        if (found := self._features.get(key)) is not None:
            return found
        nearest = difflib.get_close_matches(key, self._features, n=1)
        if nearest:
            hint = _("Did you mean {nearest}?", nearest=nearest[0])
        else:
            hint = _("There are: {names}.", names=", ".join(self._features))
        raise NotFound(_("There is no feature called {name}.", name=key[:60]), hint=hint)

    def find(self, text: str) -> Feature:
        """Return the feature that somebody means: by key or title in any language.

        Raises `NotFound` with the nearest name.
        """
        wanted = text.strip().casefold()
        for one in self._features.values():
            titles = (_(one.title).render(locale).casefold() for locale in LANGUAGES)
            if wanted == one.key or wanted in titles:
                return one
        return self.get(wanted)

    def all(self) -> tuple[Feature, ...]:
        """Return every feature, by category and key."""
        return tuple(self._features.values())

    def by_category(self) -> dict[Category, tuple[Feature, ...]]:
        """Return the features under each category that has some."""
        grouped = {
            category: tuple(one for one in self.all() if one.category is category)
            for category in Category
        }
        return {category: features for category, features in grouped.items() if features}

    def __contains__(self, key: object) -> bool:
        return key in self._features


def discover(package: str = "cogs") -> FeatureRegistry:
    """Import every folder of the package that holds a feature and return them as a registry.

    Folders whose name starts with an underscore are left out. Raises `ConfigurationError`, which
    names the place, for a declaration that the panels, forms and documents could not be made from.
    """
    root = importlib.import_module(package)
    folders = sorted(
        one.name
        for one in pkgutil.iter_modules(root.__path__)
        if one.ispkg and not one.name.startswith("_")
    )
    return FeatureRegistry(_load(package, folder) for folder in folders)


def _load(package: str, folder: str) -> Feature:
    module = importlib.import_module(f"{package}.{folder}")
    place = f"{package}/{folder}/__init__.py"
    feature = _manifest(module, place)
    if feature.key != folder or not _KEY.fullmatch(feature.key):
        raise ConfigurationError(
            f"{place}: the key {feature.key!r} has to be the folder's name, "
            "a lower-case word of at most 32 letters, digits and underscores."
        )
    if not feature.title or not feature.description:
        raise ConfigurationError(f"{place}: FEATURE needs a title and a description.")
    _check_settings(feature, place)
    return feature


def _manifest(module: ModuleType, place: str) -> Feature:
    feature = getattr(module, "FEATURE", None)
    if not isinstance(feature, Feature):
        raise ConfigurationError(f"{place}: a feature's folder has to define FEATURE.")
    if not callable(getattr(module, "setup", None)):
        raise ConfigurationError(f"{place}: a feature's folder has to define setup(bot).")
    return feature


def _check_settings(feature: Feature, place: str) -> None:
    if not issubclass(feature.settings, FeatureSettings):
        raise ConfigurationError(f"{place}: settings has to be a FeatureSettings model.")
    if SWITCH in feature.settings.model_fields:
        raise ConfigurationError(
            f"{place}: no setting can be called {SWITCH!r}, the name of the feature's own switch."
        )
    try:
        describe_fields(feature.settings)
    except UndescribedFieldError as error:
        raise ConfigurationError(f"{place}: {error}.") from error
