"""The REST side of the simulated Discord.

One module per resource, each registering its routes on import.
"""

from __future__ import annotations

import importlib
import pkgutil

_RESOURCES = tuple(module.name for module in pkgutil.iter_modules(__path__))


def load_routes() -> None:
    """Import every module of this package, so that all routes are registered."""
    for name in _RESOURCES:
        importlib.import_module(f"{__name__}.{name}")
