"""Holds the sandbox's answers against Discord's OpenAPI document, where there is a copy.

The environment variable PEGASUS_DISCORD_OPENAPI names it. Keys that the document does not know are
let through: it leaves out what only the gateway or older clients use.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from bot.sandbox.recorder import RestCall

DOCUMENT = os.environ.get("PEGASUS_DISCORD_OPENAPI")
_ROOT = "urn:discord-answers"


class AnswerChecker:
    """Checks what the sandbox answered against one document."""

    def __init__(self, document: Path) -> None:
        from jsonschema import Draft202012Validator
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        self._document = json.loads(document.read_text(encoding="utf-8"))
        # The document leaves out forwards (1), which Discord's pages describe.
        self._document["components"]["schemas"]["MessageReferenceType"] = {"enum": [0, 1]}
        resource = Resource.from_contents(self._document, default_specification=DRAFT202012)
        self._registry = Registry().with_resource(_ROOT, resource)
        self._make = Draft202012Validator
        self._routes = [
            (re.compile(re.sub(r"\\{[a-z_]+\\}", "[^/@][^/]*", re.escape(path))), path)
            for path in sorted(self._document["paths"])
        ]

    def check(self, call: RestCall) -> Iterator[str]:
        """Yield how an answer differs from the document."""
        path = next((path for pattern, path in self._routes if pattern.fullmatch(call.path)), "")
        operation = self._document["paths"].get(path, {}).get(call.method.lower(), {})
        answer = operation.get("responses", {}).get(str(call.status), {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return
        from jsonschema.exceptions import best_match

        text = json.dumps(schema).replace('"#/components/', f'"{_ROOT}#/components/')
        validator = self._make(json.loads(text), registry=self._registry)
        for error in validator.iter_errors(call.response):
            deepest = best_match([error]) or error
            where = "/".join(str(part) for part in deepest.absolute_path)
            yield f"{call.method} {path} {call.status} at /{where}: {deepest.message[:200]}"


@functools.cache
def answer_checker() -> AnswerChecker | None:
    """Return the checker for the document, None without one."""
    return AnswerChecker(Path(DOCUMENT)) if DOCUMENT else None
