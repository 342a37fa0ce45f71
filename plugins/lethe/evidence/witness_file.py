"""A witness that is an append-only file of chained JSON lines under LETHE_HOME."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import finalize

from lethe.errors import ActError, ConfigurationError, TamperingFound
from lethe.evidence.ledger import Json
from lethe.evidence.witness import (
    BEGINNING,
    Position,
    Witness,
    WitnessRecord,
    read_record,
    require_next,
    write_record,
)
from lethe.include import home_folder

_CHUNK = 1 << 16
_FILE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class FileWitness(Witness):
    """`<folder>/<warehouse_id>.jsonl`, with the wrapped keys in `<warehouse_id>.keys/`.

    Every append takes a lock on the file and is on the disk when it returns. A last line without
    its end is what a crash left of an append whose batch was never committed: the next append
    cuts it off, and nothing else is ever cut.
    """

    def __init__(self, path: Path, warehouse_id: UUID) -> None:
        super().__init__(warehouse_id)
        self.path = path
        self._known_size = -1
        self._position = Position(0, BEGINNING)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ConfigurationError(
                f"the witness {path} is not there; bring it back (it must outlive a restore of "
                "the warehouse), or begin a new one with `lethe init`, which puts that on record"
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"the witness {path} cannot be opened ({error.strerror})"
            ) from None
        # Whoever forgets to close it, in a process that lives long, keeps no file open.
        self._closing = finalize(self, os.close, self._file)

    @classmethod
    def exists(cls, warehouse_id: UUID, folder: Path | None = None) -> bool:
        """Say whether the file is there."""
        return _path(warehouse_id, folder).exists()

    @classmethod
    def known(cls, folder: Path) -> list[UUID]:
        """Name the warehouses that have a witness in a folder."""
        return [
            UUID(file.stem)
            for file in sorted(folder.glob("*.jsonl"))
            if _FILE.fullmatch(file.stem) and file.stat().st_size
        ]

    @classmethod
    def open(cls, warehouse_id: UUID, folder: Path | None = None) -> FileWitness:
        """Open the witness of a warehouse; folder: default LETHE_HOME/witness."""
        return cls(_path(warehouse_id, folder), warehouse_id)

    @classmethod
    def create(cls, warehouse_id: UUID, folder: Path | None = None) -> FileWitness:
        """Begin the witness of a warehouse; opens it if it is there."""
        path = _path(warehouse_id, folder)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            _sync_folder(path.parent)
        except OSError as error:
            raise ConfigurationError(
                f"the witness {path} cannot be made ({error.strerror})"
            ) from None
        return cls(path, warehouse_id)

    def close(self) -> None:
        self._closing()
        self._file = -1

    def position(self) -> Position:
        with self._locked():
            return self._stand()

    def append(self, kind: str, body: Mapping[str, Json], batch: UUID | None = None) -> Position:
        with self._locked():
            before = self._stand()
            line, after = write_record(before, self.writer, kind, body, batch)
            data = f"{line}\n".encode()
            try:
                written = os.write(self._file, data)
                os.fsync(self._file)
            except OSError as error:
                self._known_size = -1
                raise ActError(
                    f"the witness {self.path} cannot be written ({error.strerror}); "
                    "nothing was committed"
                ) from None
            if written != len(data):
                self._known_size = -1
                raise ActError(f"the witness {self.path}: the disk is full; nothing was committed")
            self._known_size += written
            self._position = after
        return after

    def records(self, after: int = 0) -> Iterator[WitnessRecord]:
        before = Position(0, BEGINNING)
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                place = f"{self.path}:{number}"
                record = read_record(_decoded(line, place), place)
                require_next(record, before, place)
                before = Position(record.number, record.digest)
                if record.number > after:
                    yield record

    def records_backwards(self) -> Iterator[WitnessRecord]:
        later: WitnessRecord | None = None
        for line in self._lines_backwards():
            record = read_record(_decoded(line, str(self.path)), str(self.path))
            if later is not None:
                require_next(later, Position(record.number, record.digest), str(self.path))
            yield record
            later = record
        if later is not None:
            require_next(later, Position(0, BEGINNING), str(self.path))

    def keep_key(self, key_id: UUID, wrapped: Mapping[str, Json]) -> None:
        folder = self._key_file(key_id).parent
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            part = folder / f"{key_id}.part"
            file = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.write(file, json.dumps(wrapped).encode())
                os.fsync(file)
            finally:
                os.close(file)
            part.replace(self._key_file(key_id))
            _sync_folder(folder)
        except OSError as error:
            raise ActError(
                f"the witness {self.path} cannot keep a key ({error.strerror})"
            ) from None

    def kept_key(self, key_id: UUID) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = json.loads(self._key_file(key_id).read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            raise TamperingFound(f"{self._key_file(key_id)}: was changed") from None
        return found

    def destroy_key(self, key_id: UUID) -> None:
        file = self._key_file(key_id)
        try:
            with file.open("r+b") as content:
                content.write(os.urandom(file.stat().st_size))
                content.flush()
                os.fsync(content.fileno())
            file.unlink()
            _sync_folder(file.parent)
        except FileNotFoundError:
            return

    def _key_file(self, key_id: UUID) -> Path:
        return self.path.with_suffix(".keys") / f"{key_id}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _stand(self) -> Position:
        """Find the end of the chain under the lock, cutting off a torn last line."""
        size = os.fstat(self._file).st_size
        if size == self._known_size:
            return self._position
        end = self._end_of_last_line(size)
        if end < size:
            os.ftruncate(self._file, end)
            os.fsync(self._file)
        last = next(self._lines_backwards(), None)
        if last is None:
            self._position = Position(0, BEGINNING)
        else:
            record = read_record(_decoded(last, str(self.path)), str(self.path))
            self._position = Position(record.number, record.digest)
        self._known_size = end
        return self._position

    def _end_of_last_line(self, size: int) -> int:
        at = size
        while at > 0:
            begin = max(0, at - _CHUNK)
            found = os.pread(self._file, at - begin, begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            at = begin
        return 0

    def _lines_backwards(self) -> Iterator[bytes]:
        at = self._end_of_last_line(os.fstat(self._file).st_size)
        rest: list[bytes] = []
        while at > 0:
            begin = max(0, at - _CHUNK)
            parts = os.pread(self._file, at - begin, begin).split(b"\n")
            at = begin
            for part in reversed(parts[1:]):
                line = b"".join([part, *reversed(rest)])
                rest = []
                if line:
                    yield line
            rest.append(parts[0])
        if line := b"".join(reversed(rest)):
            yield line


def _path(warehouse_id: UUID, folder: Path | None) -> Path:
    return (folder or home_folder() / "witness") / f"{warehouse_id}.jsonl"


def _decoded(line: bytes, place: str) -> str:
    try:
        return line.decode("ascii").rstrip("\n")
    except UnicodeDecodeError:
        raise TamperingFound(f"{place}: a record of the witness was changed") from None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
