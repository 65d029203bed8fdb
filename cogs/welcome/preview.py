"""What an admin is told beside a preview: where the message goes, and what is in its way; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.core.i18n import Message, _
from bot.core.problems.rules import Problem
from bot.core.settings.model import FeatureState
from cogs.welcome.rules import Kind, is_greeted
from cogs.welcome.settings import WelcomeSettings
from cogs.welcome.wording import Greeting


class Sample(StrEnum):
    """The messages that can be looked at before anyone gets them."""

    JOIN = "join"
    RETURNING = "returning"
    LEAVE = "leave"
    PRIVATE = "private"
    RAID = "raid"


@dataclass(frozen=True, slots=True)
class Preview:
    """A message and the channel that it would go to; `None` when it is private or has none."""

    sample: Sample
    greeting: Greeting
    channel_id: int | None = None


def notes_on(
    preview: Preview, state: FeatureState, problems: Iterable[Problem], locale: str | None
) -> str:
    """Return where the message would go and, as a list, all that keeps it from going there."""
    lines = [_destination(preview).render(locale)]
    for message, fix in _obstacles(preview.sample, state, problems):
        lines.append(f"- {message.render(locale)} {fix.render(locale)}")
    return "\n".join(lines)


def _destination(preview: Preview) -> Message:
    if preview.sample is Sample.PRIVATE:
        return _("This is what I would write to a new member in private.")
    if preview.channel_id is None:
        return _("This is what I would send if there were a channel for it.")
    return _("This is what I would send in {channel}.", channel=f"<#{preview.channel_id}>")


def _obstacles(
    sample: Sample, state: FeatureState, problems: Iterable[Problem]
) -> Iterable[tuple[Message, Message]]:
    if not state.enabled:
        yield (
            _("Welcome is switched off here."),
            _("Switch it on with /welcome settings."),
        )
    if not is_switched_on(state.settings, sample):
        yield (
            _("This message is switched off."),
            _("Switch it on with /welcome settings."),
        )
    yield from ((problem.message, problem.fix) for problem in problems)


def is_switched_on(settings: WelcomeSettings, sample: Sample) -> bool:
    """Tell whether this message is sent at all."""
    if sample is Sample.PRIVATE:
        return settings.dm_enabled
    return is_greeted(settings, Kind.JOIN if sample is Sample.RAID else Kind(sample))
