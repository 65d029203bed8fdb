"""Messages survive being stored."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bot.core.durations import Span
from bot.core.i18n import Message, _, ngettext
from bot.core.message_json import message_from_json, message_to_json
from bot.core.permission_names import PermissionList


@pytest.mark.parametrize(
    "message",
    [
        _("Nothing was different."),
        _("{field}: {problem}", field=_("Reset"), problem=_("At least {bound}, please.", bound=3)),
        ngettext("{count} text", "{count} texts", 2),
        _("At most {longest}, please.", longest=Span(timedelta(hours=2))),
        _("You need the permission {names} for this.", names=PermissionList(["ban_members"])),
    ],
)
def test_message_is_the_same_after_json(message: Message) -> None:
    again = message_from_json(json.loads(json.dumps(message_to_json(message))))

    for locale in ("en", "es-ES"):
        assert again.render(locale) == message.render(locale)
