"""The REST side's front door.

Authentication, faults, rate limits, the handler, the record and the answer.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from ..codec import decode, encode
from ..models import Application
from ..recorder import RestCall
from .call import Call, Context, Reply, Upload
from .errors import RestError, invalid_form
from .ratelimits import RateLimits, RateVerdict, rate_limited_body
from .routing import Route, find_route, path_exists

if TYPE_CHECKING:
    from ..faults import Faults
    from ..gateway import Gateway
    from ..recorder import Recorder

# discord.py parses an answer only when its content type is exactly this, without a charset.
_JSON = "application/json"

# discord.py takes a 429 without this header for a ban at the edge and gives up.
_VIA = {"Via": "1.1 sandbox"}


class RestEndpoint:
    """Answers every request under the API's base path."""

    def __init__(
        self,
        context: Context,
        gateway: Gateway,
        recorder: Recorder,
        faults: Faults,
        limits: RateLimits,
    ) -> None:
        self.context = context
        self.gateway = gateway
        self.recorder = recorder
        self.faults = faults
        self.limits = limits

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and record it."""
        started = time.perf_counter()
        path = "/" + request.match_info["path"]
        record = _new_record(self.recorder.calls.next_number(), request, path)
        try:
            status, body, headers = await self._answer(request, path, record)
        except RestError as failure:
            status, body, headers = failure.status, failure.body(), {}
        record.status, record.response = status, body
        record.duration = time.perf_counter() - started
        self.recorder.calls.add(record)
        return _response(status, body, headers)

    async def _answer(
        self, request: web.Request, path: str, record: RestCall
    ) -> tuple[int, Any, dict[str, str]]:
        body, uploads = await _read_body(request)
        record.body, record.files = body, [upload.filename for upload in uploads]
        found = find_route(request.method, path)
        if found is None:
            status = 405 if path_exists(path) else 404
            raise RestError(
                status, 0, "405: Method Not Allowed" if status == 405 else "404: Not Found"
            )
        route, params = found
        record.route = route.template
        fault = await self.faults.before_call(request.method, path)
        if fault is not None:
            return fault
        application = self._authenticate(request, route)
        verdict = self._charge(route, params, application)
        if verdict.retry_after is not None:
            return 429, rate_limited_body(verdict), verdict.headers
        call = Call(
            self.context,
            request.method,
            path,
            params,
            dict(request.query),
            body,
            uploads,
            _reason(request),
            application,
        )
        try:
            status, answer = _run(route, call)
        except RestError as failure:
            status, answer = failure.status, failure.body()
        return status, answer, verdict.headers

    def _authenticate(self, request: web.Request, route: Route) -> Application | None:
        application = self.gateway.application_for(request.headers.get("Authorization", ""))
        if application is None and route.authenticated:
            raise RestError(401, 0, "401: Unauthorized")
        return application

    def _charge(
        self, route: Route, params: dict[str, str], application: Application | None
    ) -> RateVerdict:
        caller = str(application.id) if application else ""
        key = route.bucket_key(params)
        return self.limits.charge(route.bucket, key, caller, counts_globally=route.counts_globally)


def _reason(request: web.Request) -> str | None:
    """Return the reason for the audit log, which travels percent-encoded in a header."""
    reason = request.headers.get("X-Audit-Log-Reason")
    return unquote(reason)[:512] if reason else None


def _run(route: Route, call: Call) -> tuple[int, Any]:
    if route.permissions:
        place = call.guild() if "guild_id" in call.params else call.channel()
        call.require(place, route.permissions)
    try:
        answer = route.handler(call)
    except (AttributeError, TypeError, ValueError) as failure:
        # A body whose fields have the wrong types: Discord answers 50035 to any of them.
        raise invalid_form("_", "MODEL_TYPE_CONVERT", str(failure)) from failure
    if isinstance(answer, Reply):
        return answer.status, answer.body
    return (204, None) if answer is None else (200, answer)


def _new_record(number: int, request: web.Request, path: str) -> RestCall:
    headers = {
        name: value for name, value in request.headers.items() if name.lower() != "authorization"
    }
    return RestCall(
        number,
        datetime.now(UTC),
        request.method,
        path,
        "",
        dict(request.query),
        None,
        [],
        request.content_type,
        headers=headers,
    )


async def _read_body(request: web.Request) -> tuple[Any, list[Upload]]:
    if not request.can_read_body:
        return None, []
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    try:
        data = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise RestError(413, 40005, "Request entity too large") from None
    if not data:
        return None, []
    return _parse(data), []


async def _read_multipart(request: web.Request) -> tuple[Any, list[Upload]]:
    try:
        form = await request.post()
    except web.HTTPRequestEntityTooLarge:
        raise RestError(413, 40005, "Request entity too large") from None
    body: Any = {}
    uploads = []
    for key, value in form.items():
        if isinstance(value, web.FileField):
            content = await asyncio.to_thread(value.file.read)
            uploads.append(Upload(key, value.filename, content, value.content_type))
        elif key == "payload_json":
            body = _parse(value)
        else:
            body[key] = value if isinstance(value, str) else value.decode()
    return body, uploads


def _parse(data: bytes | bytearray | str) -> Any:
    try:
        return decode(bytes(data) if isinstance(data, bytearray) else data)
    except ValueError:
        raise RestError(400, 50109, "The request body contains invalid JSON.") from None


def _response(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    if status == 204:
        return web.Response(status=204, headers={**headers, **_VIA})
    content = body if isinstance(body, bytes) else encode(body)
    return web.Response(
        status=status, body=content, headers={**headers, **_VIA, "Content-Type": _JSON}
    )
