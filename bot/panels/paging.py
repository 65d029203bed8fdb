"""Which settings stand together on one page of a panel. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from bot.core.fields import FieldInfo

# Discord allows 40 components and 4000 characters in a message; a field takes three components
# and at most 420 characters, the rest of a page 16 components and 1000 characters.
FIELDS_PER_PAGE = 7

Page = tuple[FieldInfo, ...]


def pages_of(fields: Sequence[FieldInfo], size: int = FIELDS_PER_PAGE) -> tuple[Page, ...]:
    """Return the fields in their order on pages of at most `size`, groups whole where they fit.

    There is always one page, though it may be empty.
    """
    pages: list[list[FieldInfo]] = [[]]
    for _group, members in groupby(fields, key=lambda field: field.group):
        found = list(members)
        if pages[-1] and len(pages[-1]) + len(found) > size:
            pages.append([])
        for field in found:
            if len(pages[-1]) == size:
                pages.append([])
            pages[-1].append(field)
    return tuple(tuple(page) for page in pages)
