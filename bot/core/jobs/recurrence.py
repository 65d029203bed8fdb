"""When something that repeats is due next: a cron rule read as wall time in a time zone.

The rule and the zone are what is stored; each occurrence is turned into UTC on its own, so that
09:00 in Berlin stays 09:00 when the clocks change. Pure: the present is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from bot.core.errors import InvalidInput
from bot.core.i18n import _

MAX_RULE_LENGTH = 100
_FIELDS = 5
# Any instant will do to find out whether a rule ever matches; it only has to be the same each time.
_PROBE = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A five-field cron rule (minute, hour, day, month, weekday) in an IANA time zone.

    Clock changes, as Debian's cron treats them: a fixed time that the change leaves out happens at
    the first minute after the gap, one that occurs twice happens the first time only; a rule with
    `*` for minute or hour follows elapsed time and so happens in both of the repeated hours.
    Make one with `parse`, which checks it.
    """

    rule: str
    timezone: str = "UTC"

    @classmethod
    def parse(cls, rule: str, timezone: str = "UTC") -> Recurrence:
        """Return the recurrence with its rule in canonical spacing.

        Raises `InvalidInput` for a rule that is none or never matches, and for an unknown zone.
        """
        fields = rule.split()
        if len(fields) != _FIELDS or len(rule) > MAX_RULE_LENGTH:
            raise InvalidInput(
                _("The schedule {rule} has to have five parts.", rule=rule[:MAX_RULE_LENGTH]),
                hint=_("They are minute, hour, day, month and weekday, such as 0 9 * * 1."),
            )
        recurrence = cls(" ".join(fields).upper(), find_zone(timezone).key)
        recurrence.next_after(_PROBE)
        return recurrence

    def next_after(self, instant: datetime) -> datetime:
        """Return the first occurrence later than the instant, in UTC.

        Occurrences that were missed are passed over, so whoever asks with the present after a long
        absence runs once and not once for each. Raises `InvalidInput` when there is none.
        """
        local = instant.astimezone(find_zone(self.timezone))
        try:
            occurrences = CronSim(self.rule, local)
            while True:
                found = next(occurrences).astimezone(UTC)
                # In the second of two equal hours the rule still names times of the first.
                if found > instant:
                    return found
        except (CronSimError, StopIteration, OverflowError) as error:
            raise InvalidInput(
                _("The schedule {rule} never comes round.", rule=self.rule),
                hint=_("They are minute, hour, day, month and weekday, such as 0 9 * * 1."),
            ) from error


def find_zone(name: str) -> ZoneInfo:
    """Return the IANA zone of that name; raises `InvalidInput` when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        # A folder of the zone database, such as "America", is an OSError.
        raise InvalidInput(
            _("There is no time zone named {name}.", name=name[:MAX_RULE_LENGTH]),
            hint=_("Names look like Europe/Madrid or America/New_York."),
        ) from error
