"""The whole schema as one metadata object: every table of every module in this package."""

from __future__ import annotations

import importlib
import pkgutil

from sqlalchemy import MetaData

import db
from db.base import Base


def metadata() -> MetaData:
    """Return the metadata of all tables, after importing every module that may define one."""
    for module in pkgutil.iter_modules(db.__path__):
        if not module.ispkg:
            importlib.import_module(f"db.{module.name}")
    return Base.metadata
