"""Answers: JSON bodies, and problem details (RFC 9457) for everything that goes wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from bot.core.errors import AppError, FieldError, InvalidInput, RateLimited, Unauthenticated
from bot.core.i18n import _
from bot.core.resources import Document
from bot.core.settings import Diff, Revision
from web.problems import PreconditionFailed

PROBLEM_JSON = "application/problem+json"


class FieldProblem(BaseModel):
    """What is wrong with one field of the input."""

    pointer: str = Field(description="A JSON pointer to the field.", examples=["/limit"])
    detail: str


class Problem(BaseModel):
    """Problem details as RFC 9457 has them, with the application's code.

    `error` says the same as `detail`, for clients that know only that.
    """

    type: str = Field(examples=["urn:pegasus:error:E004"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="The id of the request; it finds the request in the log.")
    code: str = Field(pattern="^E00[1-8]$")
    error: str
    errors: list[FieldProblem] = []


class ChangeBody(BaseModel):
    """What one setting was and what it is, in JSON values; `enabled` is the feature's switch."""

    before: Any
    after: Any


class RevisionBody(BaseModel):
    """One past change of a feature's settings."""

    revision: int = Field(description='The number in the version: revision 3 is "v3".')
    created_at: str = Field(examples=["2024-01-01T00:00:00.000Z"])
    actor_id: str | None = Field(description="Who made it, if that person is known.")
    source: str = Field(examples=["panel", "command", "web", "api", "system"])
    diff: dict[str, ChangeBody]


class StaleProblem(Problem):
    """A change that was meant for an older version: what is the present one, and what it changed.

    `errors` names the settings that were changed meanwhile.
    """

    version: str = Field(examples=['"v3"'], description="The present version, as in the ETag.")
    changes: list[RevisionBody] = Field(description="The latest changes since, newest first.")


def revision_body(revision: Revision) -> RevisionBody:
    """Return a past change as the API writes it."""
    return RevisionBody(
        revision=revision.revision,
        created_at=timestamp(revision.at),
        actor_id=None if revision.actor_id is None else str(revision.actor_id),
        source=revision.source,
        diff=diff_body(revision.diff),
    )


def diff_body(diff: Diff) -> dict[str, ChangeBody]:
    """Return a difference as the API writes it."""
    return {name: ChangeBody(before=old, after=new) for name, (old, new) in diff.items()}


def etag_of(revision: int) -> str:
    """Return the version of a feature's settings as HTTP writes it."""
    return f'"v{revision}"'


def timestamp(instant: datetime) -> str:
    """Return an instant as the API writes it: `2024-01-01T00:00:00.000Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_json(data: Any) -> bytes:
    """Return JSON as the API writes it: compact, in UTF-8."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def json_response(
    body: BaseModel | Mapping[str, Any] | list[Any],
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return a JSON answer."""
    data = body.model_dump(mode="json", by_alias=True) if isinstance(body, BaseModel) else body
    return web.Response(
        body=to_json(data),
        status=status,
        content_type=content_type,
        charset="utf-8",
        headers=headers,
    )


def document_response(document: Document) -> web.Response:
    """Return a file to be kept by who asked for it."""
    headers = {"Content-Disposition": f'attachment; filename="{document.filename}"'}
    ending = document.filename.rpartition(".")[2]
    kind = _KINDS.get(ending, "application/json")
    charset = "utf-8" if ending == "html" else None
    return web.Response(body=document.data, content_type=kind, charset=charset, headers=headers)


_KINDS = {"gz": "application/gzip", "html": "text/html"}


def problem_of(error: AppError, request_id: str, locale: str | None) -> Problem:
    """Return the problem details that an expected error amounts to, in the reader's language."""
    detail = error.render(locale)
    fields: tuple[FieldError, ...] = error.errors if isinstance(error, InvalidInput) else ()
    problem = Problem(
        type=f"urn:pegasus:error:{error.code}",
        title=_(error.title).render(locale),
        status=error.status,
        detail=detail,
        instance=request_id,
        code=error.code,
        error=detail,
        errors=[
            FieldProblem(pointer=one.pointer, detail=one.message.render(locale)) for one in fields
        ],
    )
    if not isinstance(error, PreconditionFailed):
        return problem
    return StaleProblem(
        **dict(problem),
        version=etag_of(error.stale.current.revision),
        changes=[revision_body(one) for one in error.stale.changes],
    )


def problem_response(
    error: AppError, request_id: str, locale: str | None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return the answer to a request that failed."""
    return json_response(
        problem_of(error, request_id, locale),
        status=error.status,
        content_type=PROBLEM_JSON,
        headers=dict(headers or {}) | headers_of(error),
    )


def headers_of(error: AppError) -> dict[str, str]:
    """Return the header fields that an error's status calls for."""
    if isinstance(error, RateLimited):
        return {"Retry-After": str(max(1, round(error.retry_after)))}
    if isinstance(error, PreconditionFailed):
        return {"ETag": etag_of(error.stale.current.revision)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="pegasus"'}
    return {}
