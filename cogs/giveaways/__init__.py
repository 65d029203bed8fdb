"""Giveaways that always end, draw once and can be proven fair.

Nothing is imported here before it is asked for: `python -m cogs.giveaways.verify` loads this
package, and checks a proof where nothing but Python is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cogs.giveaways.manifest import FEATURE, setup

__all__ = ["FEATURE", "setup"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from cogs.giveaways import manifest

        return getattr(manifest, name)
    raise AttributeError(name)
