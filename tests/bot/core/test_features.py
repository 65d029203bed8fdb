"""Discovery: what a feature's folder must declare, and what is refused by name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.core.errors import ConfigurationError, NotFound
from bot.core.features import Category, Feature, FeatureRegistry, discover
from bot.core.settings import FeatureSettings

GOOD = """
from bot.core.features import Category, Feature
from bot.core.settings import FeatureSettings, setting

class PondSettings(FeatureSettings):
    ducks: int = setting(1, "Ducks", "How many.")

FEATURE = Feature(key="pond", title="Pond", description="Ducks.", category=Category.FUN,
                  settings=PondSettings)

async def setup(bot): ...
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make a package of features, each a folder with the text of its manifest."""

    def make(**manifests: str) -> str:
        name = f"features_{tmp_path.name}"
        for folder, text in {"": "", **manifests}.items():
            place = tmp_path / name / folder
            place.mkdir(parents=True, exist_ok=True)
            (place / "__init__.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        for module in [one for one in sys.modules if one.startswith(name)]:
            monkeypatch.delitem(sys.modules, module)
        return name

    return make


def feature(key: str, category: Category = Category.FUN) -> Feature:
    return Feature(key=key, title=key, description=key, category=category, settings=FeatureSettings)


def test_discover_finds_features_and_leaves_underscores_out(package: Callable[..., str]) -> None:
    registry = discover(package(pond=GOOD, _template="raise RuntimeError"))
    assert [one.key for one in registry.all()] == ["pond"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('key="pond"', 'key="lake"'), "folder's name"),
        (("FEATURE =", "OTHER ="), "define FEATURE"),
        (("async def setup", "async def other"), "define setup"),
        (('title="Pond"', 'title=""'), "needs a title"),
        (('"Ducks", "How many."', '"Ducks", ""'), "PondSettings.ducks needs a title"),
        (("ducks: int = setting(1", "ducks: list[int] = setting([]"), "no form type"),
        (("ducks: int = setting(1", "ducks: object = setting(object()"), "PondSettings"),
        (("ducks:", "enabled:"), "'enabled'"),
        (("settings=PondSettings", "settings=dict"), "FeatureSettings model"),
    ],
)
def test_discover_refuses_and_names_the_place(
    package: Callable[..., str], change: tuple[str, str], words: str
) -> None:
    name = package(pond=GOOD.replace(*change))
    with pytest.raises(ConfigurationError) as caught:
        discover(name)
    assert words in str(caught.value)
    assert f"{name}/pond/__init__.py" in str(caught.value)


def test_registry_refuses_a_key_twice() -> None:
    with pytest.raises(ConfigurationError, match="pond"):
        FeatureRegistry([feature("pond"), feature("pond")])


def test_registry_orders_by_category_and_key() -> None:
    registry = FeatureRegistry(
        [feature("b"), feature("a"), feature("z", Category.ESSENTIALS)],
    )
    assert [one.key for one in registry.all()] == ["z", "a", "b"]
    assert list(registry.by_category()) == [Category.ESSENTIALS, Category.FUN]


def test_registry_unknown_key_is_not_found_with_the_nearest() -> None:
    with pytest.raises(NotFound) as caught:
        FeatureRegistry([feature("welcome")]).get("wellcome")
    assert "Did you mean welcome?" in caught.value.render("en")


def test_every_feature_of_the_bot_is_found() -> None:
    assert {"admin", "general", "privacy", "welcome"} <= {one.key for one in discover().all()}
