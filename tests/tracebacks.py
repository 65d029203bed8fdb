"""Has the tests log tracebacks as plainly as an installed bot does.

The import linter brings rich along, with which structlog, unless it is told otherwise, highlights
the source around each frame: up to 0.1 s for each failure that a test has logged.
"""

from __future__ import annotations

from structlog.dev import ConsoleRenderer, plain_traceback


def log_tracebacks_plainly() -> None:
    """Change what structlog does when nobody has configured it; call that before anybody does."""
    ConsoleRenderer.get_active().exception_formatter = plain_traceback
