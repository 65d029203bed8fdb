"""The prize vault: codes that are encrypted at rest and handed to whoever claims, and nobody else.

AES-256-GCM with a key derived by HKDF-SHA256 from the operator's secret, or from a file that is
made beside a SQLite database. The giveaway and the position are authenticated with each code, so
that rows can't be swapped. Free of discord.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from bot.core.errors import ConfigurationError, Conflict, InvalidInput
from bot.core.i18n import _
from db import giveaway_proofs as table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.config import Config

log = structlog.get_logger(__name__)

MOST_CODES = 200
LONGEST_CODE = 500
_KEY_BYTES, _NONCE_BYTES = 32, 12
_PURPOSE = b"pegasus giveaway vault"


@dataclass(frozen=True, slots=True)
class Stock:
    """How many codes a giveaway has, and how many of them were handed over."""

    total: int
    handed: int


class Vault:
    """Seals codes and hands them over; one per process.

    `secret` is the operator's; without one the key is in `key_file`, made at first use. Without
    either, nothing can be kept: `ConfigurationError` says so to whoever tries.
    """

    def __init__(self, clock: Clock, *, secret: str | None, key_file: Path | None) -> None:
        self._clock = clock
        self._secret = secret
        self._key_file = key_file
        self._key: _Key | None = None

    async def add(self, session: AsyncSession, giveaway_id: UUID, codes: Iterable[str]) -> Stock:
        """Put codes into a giveaway's vault, in their order, in the caller's transaction.

        Raises `InvalidInput` for too many or too long ones, `Conflict` for a giveaway that was
        cancelled, `ConfigurationError` without a key.
        """
        new = read_codes(codes)
        key = await self._open()
        if not await table.lock_vault(session, giveaway_id):
            raise Conflict(_("This giveaway was cancelled."))
        total, handed = await table.count_prizes(session, giveaway_id)
        if total + len(new) > MOST_CODES:
            raise InvalidInput(
                _(
                    "A giveaway can hold {most} codes, and this one has {count}.",
                    most=MOST_CODES,
                    count=total,
                )
            )
        kept = await self._known(session, giveaway_id, key)
        if repeated := [at for at, code in enumerate(new, 1) if code in kept]:
            raise InvalidInput(
                _("Code {line} is in the vault already.", line=repeated[0]),
                hint=_("Each code is handed to one winner: write each once."),
            )
        first = await table.last_position(session, giveaway_id) + 1
        rows = [
            {
                "giveaway_id": giveaway_id,
                "position": position,
                "key_id": key.id,
                "secret": key.seal(code, _context(giveaway_id, position)),
            }
            for position, code in enumerate(new, first)
        ]
        await table.add_prizes(session, rows)
        return Stock(total + len(new), handed)

    @staticmethod
    async def _known(session: AsyncSession, giveaway_id: UUID, key: _Key) -> frozenset[str]:
        """Return the codes that are in the vault, as far as this key opens them."""
        return frozenset(
            key.unseal(one.secret, _context(giveaway_id, one.position))
            for one in await table.list_prizes(session, giveaway_id)
            if one.key_id == key.id
        )

    async def stock(self, session: AsyncSession, giveaway_id: UUID) -> Stock:
        """Return how many codes there are."""
        return Stock(*await table.count_prizes(session, giveaway_id))

    async def hand_over(
        self, session: AsyncSession, giveaway_id: UUID, winner_id: int
    ) -> str | None:
        """Return a winner's code, given to them in the caller's transaction and to nobody else.

        The same code again when asked again; `None` when there is none for them. Raises
        `ConfigurationError` when the code was sealed with another key: then nothing is given.
        """
        prize = await table.get_prize_of(session, winner_id)
        if prize is None:
            prize = await table.take_prize(session, giveaway_id, winner_id, self._clock.now())
        if prize is None:
            return None
        key = await self._open()
        if prize.key_id != key.id:
            raise ConfigurationError(
                _("The code can't be read: it was kept with another key."),
                hint=_(
                    "Nothing is lost. The bot's operator has to put the earlier vault key back."
                ),
            )
        return key.unseal(prize.secret, _context(giveaway_id, prize.position))

    async def _open(self) -> _Key:
        if self._key is None:
            # A file is read, and the library takes a while to load.
            self._key = await asyncio.to_thread(self._load)
        return self._key

    def _load(self) -> _Key:
        if self._secret:
            return _Key.derive(self._secret.encode())
        if self._key_file is None:
            raise ConfigurationError(
                _("Codes can't be kept here: there is no key to encrypt them with."),
                hint=_("The bot's operator has to set giveaways.vault_key."),
            )
        return _Key.derive(_read_or_make(self._key_file))


def vault_of(config: Config, clock: Clock, database_path: Path | None) -> Vault:
    """Return the vault of this process; the path is that of a SQLite database."""
    secret = config.giveaways.vault_key
    beside = database_path and database_path.with_name(f"{database_path.name}.vault-key")
    return Vault(clock, secret=secret.get_secret_value() if secret else None, key_file=beside)


def read_codes(lines: Iterable[str]) -> list[str]:
    """Return the codes in lines, empty ones left out; raises `InvalidInput` in words."""
    codes = [line.strip() for line in lines if line.strip()]
    if not codes:
        raise InvalidInput(_("There is no code."), hint=_("Write one code on each line."))
    if len(codes) > MOST_CODES:
        raise InvalidInput(_("At most {most} codes, please.", most=MOST_CODES))
    if any(len(code) > LONGEST_CODE for code in codes):
        raise InvalidInput(
            _("A code has at most {most} characters.", most=LONGEST_CODE),
            hint=_("Write one code on each line."),
        )
    if len(set(codes)) < len(codes):
        twice = next(code for at, code in enumerate(codes) if code in codes[:at])
        raise InvalidInput(
            _("Line {line} repeats an earlier one.", line=_last_line_of(twice, codes)),
            hint=_("Each code is handed to one winner: write each once."),
        )
    return codes


def _last_line_of(code: str, codes: Sequence[str]) -> int:
    return len(codes) - list(reversed(codes)).index(code)


def _context(giveaway_id: UUID, position: int) -> bytes:
    return f"{giveaway_id}:{position}".encode()


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    cipher: AESGCM

    @classmethod
    def derive(cls, master: bytes) -> _Key:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        key = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(master)
        return cls(hashlib.sha256(_PURPOSE + key).hexdigest()[:16], AESGCM(key))

    def seal(self, code: str, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self.cipher.encrypt(nonce, code.encode(), context)

    def unseal(self, sealed: bytes, context: bytes) -> str:
        from cryptography.exceptions import InvalidTag

        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self.cipher.decrypt(nonce, rest, context).decode()
        except InvalidTag as error:
            raise ConfigurationError(
                _("The code can't be read: somebody has changed it in the database."),
                hint=_("The bot's operator has to look after this."),
            ) from error


def _read_or_make(path: Path) -> bytes:
    """Return the key in the file, which is made for the owner's eyes alone where there is none."""
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(
            _("Codes can't be kept here: the key in {path} can't be read.", path=str(path)),
            hint=_("The bot's operator has to look after that file."),
        ) from error
    if len(key) < _KEY_BYTES:
        raise ConfigurationError(
            _("Codes can't be kept here: {path} holds no key.", path=str(path)),
            hint=_("The bot's operator has to look after that file."),
        )
    return key


def _make(path: Path) -> None:
    """Make the file whole or not at all; another process may do the same at this moment."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            # Unlike a rename, a link never takes the place of a key that is there already.
            path.hardlink_to(draft)
            log.info("vault_key_made", path=str(path))
    finally:
        draft.unlink()
