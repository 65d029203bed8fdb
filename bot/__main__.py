"""The command line: one subcommand each for running, trying, checking and keeping the bot.

Heavy imports wait until a command needs them, so that `--help` and mistakes answer at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from bot import __version__
from bot.core.errors import AppError, ConfigurationError

Command = Callable[[argparse.Namespace], int]

EXIT_PROBLEM = 1
EXIT_CONFIGURATION = 2
# As of a program that SIGPIPE ends: 128 and the signal's number.
EXIT_BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; mistakes are told in words, not tracebacks."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        status = arguments.command(arguments)
        sys.stdout.flush()
        return status
    except ConfigurationError as error:
        print(f"{error.code}: {error.render('en')}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except AppError as error:
        print(f"{error.code}: {error.render('en')}", file=sys.stderr)
        return EXIT_PROBLEM
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read along (`| head`) has seen enough; the interpreter would still try to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every subcommand; without one, `run` is meant."""
    parser = argparse.ArgumentParser(
        prog="pegasus", description="A self-hosted Discord bot with its admin web server."
    )
    parser.add_argument("--version", action="version", version=f"Pegasus {__version__}")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration file (default: config.toml)"
    )
    parser.set_defaults(command=_run, port=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    _add_run_options(add("run", _run, "run the bot on Discord (the default)"))
    _add_demo_options(
        add("demo", _demo, "try everything against a simulated Discord; needs no account")
    )
    _add_sandbox_options(
        add("sandbox", _sandbox, "run only the simulated Discord, for any bot to connect to")
    )
    add("check", _check, "check configuration, database and token, and print every problem")
    add("alive", _alive, "ask the running bot whether it lives, for container health checks")
    add("migrate", _migrate, "bring the database to this version's schema")
    add("backup", _backup, "write a backup of the database").add_argument("file", type=Path)
    add("restore", _restore, "restore the database from a backup").add_argument("file", type=Path)
    erase = add("erase", _erase, "erase a person from every table, what staff recorded included")
    erase.add_argument("user_id", type=int, metavar="USER_ID")
    add("adopt", _adopt, "let the bot that logs in next have a database that was another bot's")
    add("openapi", _openapi, "print the web API's OpenAPI document")
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, metavar="PORT", help="port of the web server")


def _add_demo_options(parser: argparse.ArgumentParser) -> None:
    _add_run_options(parser)
    parser.add_argument(
        "--for", type=_seconds, dest="seconds", metavar="SECONDS", help="stop after this long"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep the database here (default: temporary)"
    )
    _add_discord_options(parser)


def _add_sandbox_options(parser: argparse.ArgumentParser) -> None:
    _add_discord_options(parser)
    parser.add_argument("--quiet", action="store_true", help="no community, an empty world")
    parser.add_argument("--exit-with-stdin", action="store_true", help=argparse.SUPPRESS)


def _add_discord_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--discord-port", type=_port, metavar="PORT", help="port of the simulated Discord"
    )
    parser.add_argument(
        "--openapi",
        type=Path,
        metavar="FILE",
        help="check every request against Discord's OpenAPI document",
    )


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use a number from 0 to 65535")
    return port


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e7:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def run_loop(work: Coroutine[Any, Any, int]) -> int:
    """Run a coroutine on a fresh loop, uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


def _run(arguments: argparse.Namespace) -> int:
    from bot.application import run_production

    return run_loop(run_production(arguments.config, port=arguments.port))


def _demo(arguments: argparse.Namespace) -> int:
    from bot.demo import DemoOptions, run_demo

    options = DemoOptions(
        port=arguments.port,
        discord_port=arguments.discord_port,
        seconds=arguments.seconds,
        data=arguments.data,
        openapi=arguments.openapi,
    )
    return run_loop(run_demo(options))


def _sandbox(arguments: argparse.Namespace) -> int:
    from bot.sandbox.main import run_sandbox

    return run_loop(
        run_sandbox(
            port=arguments.discord_port,
            openapi=arguments.openapi,
            community=not arguments.quiet,
            exit_with_stdin=arguments.exit_with_stdin,
        )
    )


def _check(arguments: argparse.Namespace) -> int:
    from bot.check import run_check, sum_up

    findings = run_loop_for(run_check(arguments.config, os.environ))
    for finding in findings:
        print(finding)
    print(sum_up(findings))
    return EXIT_PROBLEM if any(finding.is_problem for finding in findings) else 0


def _alive(arguments: argparse.Namespace) -> int:
    from bot.probe import probe

    wrong = probe(arguments.config)
    print(wrong or "alive")
    return EXIT_PROBLEM if wrong else 0


def run_loop_for(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine and return what it returns."""
    with asyncio.Runner() as runner:
        return runner.run(work)


def _migrate(arguments: argparse.Namespace) -> int:
    from bot.maintenance import migrate_database

    print(run_loop_for(migrate_database(arguments.config)))
    return 0


def _backup(arguments: argparse.Namespace) -> int:
    from bot.maintenance import backup_database

    print(run_loop_for(backup_database(arguments.config, arguments.file)))
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    from bot.maintenance import restore_database

    print(run_loop_for(restore_database(arguments.config, arguments.file)))
    return 0


def _erase(arguments: argparse.Namespace) -> int:
    from bot.maintenance import erase_data

    print(run_loop_for(erase_data(arguments.config, arguments.user_id)))
    return 0


def _adopt(arguments: argparse.Namespace) -> int:
    from bot.maintenance import adopt_database

    print(run_loop_for(adopt_database(arguments.config)))
    return 0


def _openapi(_: argparse.Namespace) -> int:
    from bot.core.features import discover
    from web.app import declared_routes
    from web.openapi import build_document

    features = discover().all()
    document = build_document(declared_routes(features), features)
    print(json.dumps(document, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
