"""Rate limits of the web: exact windows per address, and strict ones for what may be a guess."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.core.clock import Clock
from bot.core.ratelimit import Decision, SlidingWindow

MINUTE, HOUR = 60, 3600
# Addresses remembered at a time; whoever floods from more than these is beyond such limits anyway.
MAX_CLIENTS = 10_000
GUESSES, GUESS_SECONDS = 10, 600
# So many forms a minute are read though they are refused, for what was typed not to be lost.
UNSENT = 10
# So many times as many requests of pages are let through as of the API.
PAGES = 4


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit by name: so many requests in so many seconds."""

    name: str
    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Paced:
    """What the windows said to one request, in the order in which they were asked."""

    decisions: tuple[tuple[Policy, Decision], ...]

    @property
    def refused_by(self) -> Policy | None:
        """The policy that refuses the request, `None` when it may go on."""
        return next((policy for policy, one in self.decisions if not one.allowed), None)

    @property
    def retry_after(self) -> int:
        """Whole seconds after which the request would be let through."""
        waits = [one.retry_after for _, one in self.decisions if not one.allowed]
        return max(1, math.ceil(max(waits, default=0)))

    def headers(self) -> dict[str, str]:
        """Return the RateLimit fields of draft-ietf-httpapi-ratelimit-headers-10."""
        policies = (f'"{p.name}";q={p.limit};w={p.seconds}' for p, _ in self.decisions)
        states = (
            f'"{p.name}";r={max(0, d.remaining)};t={math.ceil(d.reset_after)}'
            for p, d in self.decisions
        )
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


class _Windows:
    """Several policies asked in turn; a refused request does not use up the ones after."""

    def __init__(self, *policies: Policy) -> None:
        self._windows = [
            (policy, SlidingWindow[str](policy.limit, policy.seconds, max_keys=MAX_CLIENTS))
            for policy in policies
        ]

    def hit(self, bucket: str, now: float) -> Paced:
        decisions: list[tuple[Policy, Decision]] = []
        for policy, window in self._windows:
            decision = window.hit(bucket, now)
            decisions.append((policy, decision))
            if not decision.allowed:
                break
        return Paced(tuple(decisions))


class Pacer:
    """Counts requests per address (per /64 for IPv6) in exact windows."""

    def __init__(self, clock: Clock, *, per_minute: int, per_hour: int) -> None:
        self._clock = clock
        self._requests = _Windows(
            Policy("minute", per_minute, MINUTE), Policy("hour", per_hour, HOUR)
        )
        self._pages = _Windows(
            Policy("minute", per_minute * PAGES, MINUTE), Policy("hour", per_hour * PAGES, HOUR)
        )
        self._unsent = _Windows(Policy("unsent", UNSENT, MINUTE))
        self._logins = _Windows(Policy("login", GUESSES, GUESS_SECONDS))
        self._guesses = _Windows(Policy("key", GUESSES, GUESS_SECONDS))
        self._locked_until: dict[str, float] = {}

    def request(self, bucket: str) -> Paced:
        """Count an ordinary request."""
        return self._requests.hit(bucket, self._clock.monotonic())

    def page(self, bucket: str) -> Paced:
        """Count a page that somebody opens, or a form that they send."""
        return self._pages.hit(bucket, self._clock.monotonic())

    def may_keep(self, bucket: str) -> bool:
        """Count a form that is refused; return whether it may be read, to be shown once more."""
        return self._unsent.hit(bucket, self._clock.monotonic()).refused_by is None

    def login(self, bucket: str) -> Paced:
        """Count a visit to the log-in pages."""
        return self._logins.hit(bucket, self._clock.monotonic())

    def note_wrong_key(self, bucket: str) -> None:
        """Count a wrong access key; past ten in ten minutes the address is locked out."""
        now = self._clock.monotonic()
        paced = self._guesses.hit(bucket, now)
        if paced.refused_by is not None:
            self._locked_until = {k: t for k, t in self._locked_until.items() if t > now}
            if len(self._locked_until) < MAX_CLIENTS:
                self._locked_until[bucket] = now + paced.retry_after

    def locked_for(self, bucket: str) -> float:
        """Return for how many more seconds no key of this address is looked at, 0 for none."""
        return max(0.0, self._locked_until.get(bucket, 0.0) - self._clock.monotonic())
