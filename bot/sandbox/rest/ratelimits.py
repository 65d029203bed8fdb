"""Discord's rate limits: windows per bucket and one global window per bot.

https://discord.com/developers/docs/topics/rate-limits
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

_BUCKET_LIMIT = 20_000


@dataclass(slots=True, frozen=True)
class RateRule:
    """At most `limit` calls per `window` seconds."""

    limit: int
    window: float


@dataclass(slots=True)
class _Window:
    rule: RateRule
    remaining: int
    resets_at: float


@dataclass(slots=True, frozen=True)
class RateVerdict:
    """What a call's rate limits say.

    The headers, and whether (and how long, in seconds) to refuse it.
    """

    headers: dict[str, str]
    retry_after: float | None = None
    is_global: bool = False


@dataclass(slots=True)
class RateLimits:
    """`default` holds for every bucket without a rule in `rules` (bucket name to rule).

    `overall` None switches the global limit off.
    """

    default: RateRule = RateRule(500, 1.0)
    overall: RateRule | None = RateRule(50, 1.0)
    rules: dict[str, RateRule] = field(default_factory=dict)
    _windows: dict[str, _Window] = field(default_factory=dict)

    def set_overall(self, per_second: int) -> None:
        """Set the global limit in calls per second; 0 switches it off."""
        self.overall = RateRule(per_second, 1.0) if per_second else None

    def set_rule(self, bucket: str, limit: int, window: float) -> None:
        """Give one bucket (`POST /channels/{channel_id}/messages` and so on) a limit of its own."""
        self.rules[bucket] = RateRule(limit, window)
        for key in [key for key in self._windows if key.startswith(f"{bucket}:")]:
            del self._windows[key]

    def charge(self, bucket: str, key: str, caller: str, *, counts_globally: bool) -> RateVerdict:
        """Count a call and return the verdict; a refused call costs nothing."""
        now = time.time()
        if self.overall is not None and counts_globally:
            window = self._window(f"global:{caller}", self.overall, now)
            if window.remaining <= 0:
                return _refusal(window, now, {}, "global")
            window.remaining -= 1
        window = self._window(f"{key}:{caller}", self.rules.get(bucket, self.default), now)
        refused = window.remaining <= 0
        window.remaining -= not refused
        headers = _headers(bucket, window, now)
        return _refusal(window, now, headers, "user") if refused else RateVerdict(headers)

    def _window(self, key: str, rule: RateRule, now: float) -> _Window:
        window = self._windows.get(key)
        if window is None or now >= window.resets_at or window.rule != rule:
            if len(self._windows) >= _BUCKET_LIMIT:
                self._windows = {
                    name: entry for name, entry in self._windows.items() if entry.resets_at > now
                }
            window = self._windows[key] = _Window(rule, rule.limit, now + rule.window)
        return window


def _headers(bucket: str, window: _Window, now: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(window.rule.limit),
        "X-RateLimit-Remaining": str(window.remaining),
        "X-RateLimit-Reset": f"{window.resets_at:.3f}",
        "X-RateLimit-Reset-After": f"{max(window.resets_at - now, 0):.3f}",
        "X-RateLimit-Bucket": bucket_hash(bucket),
    }


def bucket_hash(bucket: str) -> str:
    """Return the opaque name Discord gives a bucket."""
    return hashlib.blake2s(bucket.encode(), digest_size=16).hexdigest()


def _refusal(window: _Window, now: float, headers: dict[str, str], scope: str) -> RateVerdict:
    retry_after = max(round(window.resets_at - now, 3), 0.001)
    return refuse(retry_after, scope, headers)


def refuse(retry_after: float, scope: str, headers: dict[str, str] | None = None) -> RateVerdict:
    """Return a verdict for a 429; `scope` is "user", "shared" or "global"."""
    marked = dict(headers or {}) | {
        "Retry-After": str(max(round(retry_after), 1)),
        "X-RateLimit-Scope": scope,
    }
    if scope == "global":
        marked["X-RateLimit-Global"] = "true"
    return RateVerdict(marked, retry_after, scope == "global")


def rate_limited_body(verdict: RateVerdict) -> dict[str, Any]:
    """Return the body of a 429."""
    return {
        "message": "You are being rate limited.",
        "retry_after": verdict.retry_after,
        "global": verdict.is_global,
    }
