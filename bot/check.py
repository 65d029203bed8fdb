"""The `check` command: finds everything that would keep the bot from running well, all at once.

It changes no data, creates no file and opens no connection to Discord's gateway; whether the token
is valid and the intents are switched on, it asks the REST API.
"""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from bot.core.config import Config, Reading, read_config
from bot.core.config.model import Listener
from bot.core.config.types import is_local
from bot.core.i18n import N_, Message, _, ngettext
from bot.core.imaging.fonts import UnreadableFontError, load_fonts, system_directories
from bot.core.log.redaction import Redactor
from bot.core.tokens import find_token_fault, is_sandbox_token
from bot.findings import Finding, Level
from bot.identity import DiscordNotAsked, Identity, TokenRefused, ask_who_i_am
from db.engine import Database
from db.migrate import is_known, make_config
from db.version import current

DATABASE_SECONDS = 10.0
PORTAL = "https://discord.com/developers/applications"
# A letter of each script that many names are written in.
SCRIPTS = {
    N_("Chinese"): "中",
    N_("Japanese"): "あ",
    N_("Korean"): "한",
    N_("Arabic"): "ع",
    N_("Hebrew"): "א",
    N_("Devanagari"): "न",
    N_("Bengali"): "ব",
    N_("Tamil"): "த",
    N_("Thai"): "ท",
}
SPEEDUPS = ("uvloop", "orjson", "zstandard")


async def run_check(
    config_path: Path | None = None, environ: Mapping[str, str] | None = None
) -> list[Finding]:
    """Return what was found, in the order in which the bot would need it."""
    environ = os.environ if environ is None else environ
    reading = await asyncio.to_thread(read_config, config_path, environ)
    findings = list(_check_reading(reading))
    config = reading.usable
    if reading.is_sound("discord", "token", "token_file", "api_base_url"):
        findings += await _check_discord(config)
    if reading.is_sound("database"):
        findings += await _check_database(config)
    else:
        findings.append(_unknown(_("The database is looked at once its settings are right.")))
    if reading.is_sound("web", "host", "port", "listeners"):
        findings += (one for spot in config.web.bound() for one in _check_port(spot))
    else:
        findings.append(_unknown(_("Addresses and ports are looked at once they are right.")))
    findings += _check_proxy(config)
    findings += _check_exposure(config)
    findings += _check_log(config)
    findings += await asyncio.to_thread(lambda: list(_check_blocked_domains(config)))
    findings += await asyncio.to_thread(lambda: list(_check_fonts()))
    findings += _check_speedups()
    return findings


def sum_up(findings: Sequence[Finding]) -> Message:
    """Return the last line: how much there is to put right, and no claim about what is unknown."""
    if problems := sum(finding.is_problem for finding in findings):
        return ngettext("{count} to put right.", "{count} to put right.", problems)
    if any(finding.level is Level.UNKNOWN for finding in findings):
        return _("Nothing wrong was found, but not everything could be looked at.")
    return _("Everything is in order.")


def _fine(message: Message) -> Finding:
    return Finding(Level.FINE, message)


def _unknown(message: Message) -> Finding:
    return Finding(Level.UNKNOWN, message)


def _warning(message: Message) -> Finding:
    return Finding(Level.WARNING, message)


def _problem(message: Message) -> Finding:
    return Finding(Level.PROBLEM, message)


def _check_reading(reading: Reading) -> Iterator[Finding]:
    for problem in reading.problems:
        yield _problem(problem.as_message())
    for message in reading.warnings:
        yield _warning(message)
    if not reading.problems:
        yield _fine(_("The configuration is complete and valid."))


# --- the token --------------------------------------------------------------------------------


_SANDBOX_ELSEWHERE = _(
    "The bot token is the sandbox's, and what answers at discord.api_base_url is no sandbox. Set "
    "that to the address that python -m bot sandbox prints, or DISCORD_TOKEN to a real token."
)


async def _check_discord(config: Config) -> list[Finding]:
    secret = config.discord.token
    token = secret.get_secret_value() if secret else None
    if (wrong := _find_token_problem(token)) or token is None:
        return [_problem(wrong)] if wrong else []
    try:
        identity = await ask_who_i_am(token, config.discord.api_base_url)
    except TokenRefused:
        if is_sandbox_token(token):
            return [_problem(_SANDBOX_ELSEWHERE)]
        return [
            _problem(
                _(
                    "Discord refuses the bot token. Make a new one under Bot, Reset Token at "
                    "{portal}",
                    portal=PORTAL,
                )
            )
        ]
    except DiscordNotAsked as error:
        return [
            _unknown(
                _(
                    "The bot token has the right shape; whether it is valid is not known, because "
                    "Discord could not be asked: {reason}.",
                    reason=str(error),
                )
            )
        ]
    message = _("The bot token is valid: Discord knows the bot as {name}.", name=identity.name)
    if is_sandbox_token(token):
        message = _(
            "The bot token is the sandbox's: the simulated Discord knows the bot as {name}.",
            name=identity.name,
        )
    known = _fine(message)
    return [known, *_check_intents(config, identity)]


def _check_intents(config: Config, identity: Identity) -> Iterator[Finding]:
    asked = {
        "Server Members": (config.discord.members_intent, identity.members, "members_intent"),
        "Message Content": (
            config.discord.message_content_intent,
            identity.message_content,
            "message_content_intent",
        ),
    }
    for name, (wanted, allowed, key) in asked.items():
        if wanted and not allowed:
            yield _problem(
                _(
                    "The {name} intent is not switched on, so Discord will turn the bot away. "
                    "Switch it on under Bot, Privileged Gateway Intents at {portal} or set "
                    "discord.{key} = false.",
                    name=name,
                    portal=PORTAL,
                    key=key,
                )
            )


def _find_token_problem(token: str | None) -> Message | None:
    if token is None:
        return _(
            "There is no bot token. Set DISCORD_TOKEN, or token_file in the section discord; "
            "{portal} has it under Bot, Reset Token. To look around without one, run: "
            "python -m bot demo",
            portal=PORTAL,
        )
    if is_sandbox_token(token):
        # Whether the simulated Discord is where it is used, asking tells.
        return None
    if wrong := find_token_fault(token):
        return _(
            "The bot token can't be right: {fault}. You find it under Bot at {portal}",
            fault=wrong,
            portal=PORTAL,
        )
    return None


# --- the database -----------------------------------------------------------------------------


async def _check_database(config: Config) -> list[Finding]:
    section = config.database
    database = Database(section.url.get_secret_value(), busy_timeout=section.busy_timeout)
    try:
        if database.path is not None and not database.path.exists():
            return [_check_new_file(database.path)]
        async with asyncio.timeout(DATABASE_SECONDS):
            return [_check_schema(await current(database), database.safe_url)]
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        reason = Redactor(config.secrets())(_first_line(error))
        return [
            _problem(
                _(
                    "The database at {url} can't be reached: {reason}. Check database.url, and "
                    "whether the server runs.",
                    url=database.safe_url,
                    reason=reason,
                )
            )
        ]
    finally:
        await database.close()


def _check_new_file(path: Path) -> Finding:
    """A first run creates the file and the folders above it; say whether it may."""
    existing = next(folder for folder in path.absolute().parents if folder.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return _fine(_("The database {path} will be created at the first start.", path=str(path)))
    return _problem(
        _(
            "The database {path} can't be created: this user may not write to {folder}. Change "
            "its owner, or set database.url to another place.",
            path=str(path),
            folder=str(existing),
        )
    )


def _check_schema(revision: str | None, url: str) -> Finding:
    if revision is not None and not is_known(revision):
        return _problem(
            _(
                "The database at {url} has schema {revision}, which a newer version wrote. Install "
                "that version, or restore a backup.",
                url=url,
                revision=revision,
            )
        )
    pending = list_pending(revision)
    if not pending:
        return _fine(_("The database at {url} has the newest schema.", url=url))
    return _warning(
        _(
            "The database at {url} has migrations to come, which the next start runs (or python -m "
            "bot migrate): {names}.",
            url=url,
            names=", ".join(pending),
        )
    )


def list_pending(revision: str | None) -> list[str]:
    """Return the migrations after a revision as "id (title)", in the order in which they run."""
    scripts = ScriptDirectory.from_config(make_config())
    later = scripts.iterate_revisions("heads", revision or "base")
    titled = [
        f"{script.revision} ({script.doc})" for script in later if script.revision != revision
    ]
    return titled[::-1]


def _first_line(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return str(ngettext("no answer in {count} second", "no answer in {count} seconds", 10))
    original = getattr(error, "orig", None) or error
    return (str(original).strip() or type(original).__name__).splitlines()[0].rstrip(".")


# --- the web, the log, fonts and speed ---------------------------------------------------------


def _check_port(spot: Listener) -> Iterator[Finding]:
    place = f"{spot.host}:{spot.port}"
    if spot.port == 0:
        return
    try:
        family, kind, proto, _name, address = socket.getaddrinfo(
            spot.host, spot.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with closing(socket.socket(family, kind, proto)) as probe:
            # Without it, connections that just ended would count as somebody listening.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        yield _problem(_explain_port(error, place))
    else:
        yield _fine(_("{place} is free for the web server.", place=place))


def _explain_port(error: OSError, place: str) -> Message:
    match error.errno:
        case errno.EADDRINUSE:
            return _(
                "{place} is taken, perhaps by a Pegasus that runs already. Stop it, or set "
                "web.port.",
                place=place,
            )
        case errno.EACCES | errno.EPERM:
            return _(
                "{place} may not be opened by this user; ports from 1024 up may. Set web.port.",
                place=place,
            )
        case _:
            return _(
                "{place} is no address of this machine. Set web.host to one, such as 127.0.0.1.",
                place=place,
            )


def _check_proxy(config: Config) -> Iterator[Finding]:
    """A public address means a proxy in front, which has to say for whom it asks."""
    web = config.web
    if web.public_url is None:
        return
    if not web.trusted_proxies:
        yield _warning(
            _(
                "web.public_url is set and web.trusted_proxies is not: everybody behind the proxy "
                "shares one rate limit. Name the proxy's address there."
            )
        )
    if web.trusted_networks is not None and any(
        place.is_loopback for place in web.trusted_networks
    ):
        yield _warning(
            _(
                "web.trusted_networks names this machine: a proxy on it that does not send "
                "X-Forwarded-For makes an operator of every visitor. Use web.access_key instead."
            )
        )


def _check_exposure(config: Config) -> Iterator[Finding]:
    """A trusted network of strangers, on an address that they can reach, opens logs and numbers."""
    if all(is_local(spot.host) for spot in config.web.bound()):
        return
    for network in config.web.trusted_networks or ():
        if network.prefixlen == 0 or not network.is_private:
            yield _warning(
                _(
                    "web.trusted_networks has {network}, which is not a private network, and the "
                    "web listens beyond this machine: strangers can read logs and statistics. "
                    "Name only your own network, or use web.access_key.",
                    network=str(network),
                )
            )


def _check_log(config: Config) -> Iterator[Finding]:
    if config.log.level == "debug":
        yield _warning(_("The log is at level debug: it grows fast. Set log.level to info."))


def _check_blocked_domains(config: Config) -> Iterator[Finding]:
    path = config.automod.blocked_domains
    if path is None:
        return
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        yield _warning(
            _(
                "The blocked domains at {path} can't be read, so rules find none of them: {reason}",
                path=str(path),
                reason=error.strerror or type(error).__name__,
            )
        )


def _check_fonts() -> Iterator[Finding]:
    try:
        fonts = load_fonts(system_directories())
    except (ImportError, OSError, UnreadableFontError):
        yield _problem(
            _(
                "The fonts for welcome cards are missing. Run: pip install --force-reinstall "
                "font-roboto"
            )
        )
        return
    if not fonts.fallbacks:
        yield _warning(
            _(
                "There are no fonts on this machine but our own, so cards show the username of "
                "people whose name is in another script. On Debian: apt install fonts-noto-core"
            )
        )
        return
    yield _fine(_("The fonts for welcome cards are there."))
    faces = fonts.faces(bold=True)
    missing = [
        name for name, letter in SCRIPTS.items() if not any(face.has(letter) for face in faces)
    ]
    if missing:
        yield _warning(
            _(
                "Names in these scripts can't be drawn on cards, which show the username instead: "
                "{scripts}. On Debian: apt install fonts-noto-core fonts-noto-cjk",
                scripts=", ".join(str(_(name)) for name in missing),
            )
        )


def _check_speedups() -> Iterator[Finding]:
    missing = [name for name in SPEEDUPS if importlib.util.find_spec(name) is None]
    if missing:
        yield _warning(
            _(
                "Not installed, and not needed, but faster with: {names}. Run: pip install "
                "'pegasus-bot[speed]'",
                names=", ".join(missing),
            )
        )
    else:
        yield _fine(_("The optional speedups are installed."))
