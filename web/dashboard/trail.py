"""The way back through a list that is shown page by page: where the pages before began.

An address names the pages that were gone through, as many as fit; a page that was reached in
another way leads to the newest alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from pydantic import Field

_MOST = 40
Back = Annotated[
    str,
    Field(
        pattern=rf"^([0-9]{{1,19}}(\.[0-9]{{1,19}}){{0,{_MOST - 1}}})?$",
        description="Where the pages before this one began, parted by dots.",
    ),
]


@dataclass(frozen=True, slots=True)
class Steps:
    """The addresses of the next page and of the one before; "" where there is none.

    Of the second page the one before is the newest, which is always led to.
    """

    older: str
    newer: str


def steps_of(before: int | None, back: str, last: int | None) -> Steps:
    """Return where a page leads that begins `before` an id and ends with the `last` of more."""
    gone = back.split(".") if back else []
    older = newer = ""
    if last is not None:
        trail = [*gone, str(before)] if before is not None else []
        older = _address(str(last), trail[-_MOST:])
    if gone and before is not None:
        newer = _address(gone[-1], gone[:-1])
    return Steps(older, newer)


def _address(before: str, back: list[str]) -> str:
    query = {"before": before} | ({"back": ".".join(back)} if back else {})
    return f"?{urlencode(query)}"
