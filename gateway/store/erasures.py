"""Erasures are also kept outside the database. Each is signed, so that a forged one cannot have a person erased."""

import hashlib
import hmac
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from gateway.errors import ErasuresUnreadable
from gateway.model import Erasure

ERASURES = "SELECT erasure_id, profile_id, records, at FROM erasure ORDER BY erasure_id"
ERASURE = "SELECT erasure_id, profile_id, records, at FROM erasure WHERE erasure_id = ?"
_DOMAIN = b"gateway.erasure.v1\x00"
_BLOCK = 4096
_encode = msgspec.json.Encoder().encode


class _Line(msgspec.Struct):
    erasure: Erasure
    hmac: str


def erasure_of(row: tuple[int, int, str, int]) -> Erasure:
    erasure_id, profile_id, records, at = row
    return Erasure(erasure_id, profile_id, msgspec.json.decode(records, type=tuple[int, ...]), at)


def signature(key: bytes, erasure: Erasure) -> str:
    return hmac.digest(key, _DOMAIN + _encode(erasure), hashlib.sha256).hex()


def is_signed(key: bytes, erasure: Erasure, signed: str) -> bool:
    return hmac.compare_digest(signature(key, erasure), signed)


class ErasureFile:
    """`DATABASE.erased`: a line of JSON for each erasure, mode 0600, beside the SQLite file and not in its backups."""

    def __init__(self, database: Path, key: bytes) -> None:
        self.path = database.with_name(f"{database.name}.erased")
        self._key = key
        self._as_left: tuple[int, ...] | None = None

    def is_as_left(self) -> bool:
        """Whether the file is as `add` left it. Then its content is known without reading it."""
        return self._as_left is not None and self._as_left == self._state()

    def _state(self) -> tuple[int, ...]:
        try:
            found = self.path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return ()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def read(self) -> dict[int, Erasure]:
        """Raises ErasuresUnreadable for a line that is not ours. A last line without an end was being written when the process was
        killed: its erasure is in the database, and is added again."""
        return {one.erasure.erasure_id: one.erasure for one in self._lines(checked=True)}

    def add(self, erasures: Iterable[Erasure]) -> None:
        """On disk when this returns."""
        if lines := list(erasures):
            self._write(lines, os.O_APPEND)
        self._as_left = self._state()

    def rotate_secret(self) -> None:
        """Sign the lines with this key, whatever key they were signed with."""
        if not self.path.exists():
            return
        known = [line.erasure for line in self._lines(checked=False)]
        draft = self.path.with_name(f"{self.path.name}.draft")
        draft.unlink(missing_ok=True)
        self._write(known, os.O_TRUNC, draft)
        draft.replace(self.path)

    def _write(self, erasures: Iterable[Erasure], mode: int, path: Path | None = None) -> None:
        lines = [_encode(_Line(one, signature(self._key, one))) + b"\n" for one in erasures]
        file_path = path or self.path
        is_new = not file_path.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | mode
        with os.fdopen(os.open(file_path, flags, 0o600), "r+b", buffering=0) as file:
            if mode == os.O_APPEND:
                _cut_unfinished(file.fileno())
            os.write(file.fileno(), b"".join(lines))
            os.fsync(file.fileno())
        if is_new:
            _sync_directory(self.path.parent)

    def _lines(self, *, checked: bool) -> list[_Line]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        finished, _, _ = content.rpartition(b"\n")
        found: list[_Line] = []
        for number, text in enumerate(finished.split(b"\n") if finished else (), 1):
            try:
                line = msgspec.json.decode(text, type=_Line)
            except msgspec.MsgspecError:
                raise ErasuresUnreadable(_problem(f"{self.path}: line {number} cannot be read")) from None
            if checked and not is_signed(self._key, line.erasure, line.hmac):
                raise ErasuresUnreadable(
                    _problem(f"{self.path}: line {number} is not signed with the master secret")
                )
            found.append(line)
        return found


def _problem(what: str) -> str:
    return f"{what}; restore what was there, or delete it if it came from elsewhere"


def unsigned(erasure_id: int, place: str) -> ErasuresUnreadable:
    return ErasuresUnreadable(_problem(f"{place}: erasure {erasure_id} is not signed with the master secret"))


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _cut_unfinished(fd: int) -> None:
    end = os.fstat(fd).st_size
    while end > 0:
        start = max(0, end - _BLOCK)
        if (found := os.pread(fd, end - start, start).rfind(b"\n")) >= 0:
            os.ftruncate(fd, start + found + 1)
            return
        end = start
    os.ftruncate(fd, 0)
