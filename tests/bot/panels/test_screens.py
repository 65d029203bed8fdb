"""What a panel draws fits Discord's limits, for every feature and for the worst settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from discord import ui

from bot.core.features import Category, Feature, discover
from bot.core.fields import ChannelIds, describe_fields
from bot.core.i18n import _
from bot.core.problems.rules import Problem
from bot.core.settings import FeatureSettings, FeatureState, setting
from bot.panels.paging import FIELDS_PER_PAGE, pages_of
from bot.panels.screens import Buttons, Content, Notice, settings_screen


class WorstSettings(FeatureSettings):
    """Twenty-five settings, each as long as can be, in groups that don't fit the pages."""

    __annotations__ = {f"field_{n}": ChannelIds for n in range(25)}
    for n in range(25):
        locals()[f"field_{n}"] = setting(
            tuple(range(10**18, 10**18 + 25)), "T" * 60, "D" * 300, group=f"Group {n // 4}"
        )
    del n


WORST = Feature(
    key="worst",
    title="W" * 45,
    description="D" * 100,
    category=Category.FUN,
    settings=WorstSettings,
)


def content_of(feature: Feature, page: int, locale: str) -> Content:
    state = FeatureState(1, feature.key, enabled=True, settings=feature.settings(), revision=12)
    problem = Problem(feature.key, "c", "s", _("M" * 500), _("F" * 500))
    return Content(
        feature,
        state,
        locale,
        page,
        [problem] * 9,
        Notice("N" * 900, describe_fields(feature.settings)[0]),
        state.settings.to_json(),
    )


def button(custom_id: str) -> ui.Button[Any]:
    return ui.Button(label="x" * 80, custom_id=custom_id)


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize(
    "feature",
    [WORST, *(one for one in discover().all() if one.settings.model_fields)],
    ids=lambda feature: feature.key,
)
def test_every_page_fits_a_message(feature: Feature, locale: str) -> None:
    pages = pages_of(describe_fields(feature.settings))
    for number, page in enumerate(pages):
        buttons = Buttons(
            {field.name: button(field.name) for field in page},
            button("correct"),
            button("switch"),
            [button(f"tool{n}") for n in range(3)],
            [button(f"turn{n}") for n in range(3)],
        )
        view = ui.LayoutView()
        view.add_item(settings_screen(content_of(feature, number, locale), buttons))
        assert view.total_children_count <= 40
        assert view.content_length() <= 4000


def test_pages_keep_order_and_whole_groups() -> None:
    fields = describe_fields(WorstSettings)
    pages = pages_of(fields)

    assert [one for page in pages for one in page] == list(fields)
    assert all(0 < len(page) <= FIELDS_PER_PAGE for page in pages)
    assert [len({one.group for one in page}) for page in pages] == [1, 1, 1, 1, 1, 2]


def test_pages_split_a_group_that_is_too_large() -> None:
    fields = [replace(one, group="All") for one in describe_fields(WorstSettings)]
    assert [len(page) for page in pages_of(fields)] == [7, 7, 7, 4]


def test_pages_of_nothing_is_one_empty_page() -> None:
    assert pages_of([]) == ((),)
