"""Join roles in words, as the pages show them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.fields import describe_fields
from cogs.autorole.settings import AutoroleSettings, JoinRole

[FORM] = [one.form for one in describe_fields(AutoroleSettings) if one.name == "join_roles"]


def test_join_role_is_told_in_words() -> None:
    one = JoinRole(role_id=701, delay=timedelta(minutes=10), after_role_id=702)
    assert FORM.in_words is not None
    said = FORM.in_words(one.model_dump(mode="json"))
    assert said.render("en") == (
        "<@&701>: for people · after screening · 10 minutes after joining · once they have <@&702>"
    )
    assert said.render("es").startswith("<@&701>: para personas · tras el filtro de miembros")


def test_what_is_no_join_role_is_not_put_into_words() -> None:
    assert FORM.in_words is not None
    with pytest.raises(ValueError, match="role_id"):
        FORM.in_words({"delay": 3})
