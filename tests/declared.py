"""Every feature and field there is, for the tests that hold for all of them."""

from __future__ import annotations

import pytest

from bot.core.features import discover
from bot.core.fields import describe_fields
from cogs import _template

FEATURES = discover().all()
# The template is never loaded, but whoever copies it starts from what is right.
DECLARED = (*FEATURES, _template.FEATURE)
FIELDS = [
    pytest.param(feature, field, id=f"{feature.key}.{field.name}")
    for feature in DECLARED
    for field in describe_fields(feature.settings)
]
LANGUAGES = ("en-US", "es-ES")

every_feature = pytest.mark.parametrize("feature", FEATURES, ids=lambda one: one.key)
every_declaration = pytest.mark.parametrize("feature", DECLARED, ids=lambda one: one.key)
every_field = pytest.mark.parametrize(("feature", "field"), FIELDS)
