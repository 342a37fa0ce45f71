"""Raw log files: plain, gzip or zstd, read once from one end to the other, in whole lines."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from lethe.errors import ActError, UsageError
from lethe.pseudonymisation.outcome import Part

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_OTHERS: Final = {
    b"BZh": "bzip2",
    b"\xfd7zX": "xz",
    b"PK\x03\x04": "zip",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"PAR1": "Parquet",
}
_INPUT_OCTETS: Final = 1 << 18
_NEWLINE: Final = 10


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """By which a file is known again, and a change under us noticed.

    digest   SHA-256 of the file as it lies there, compressed or not
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    digest: str


def fingerprint(path: Path) -> Fingerprint:
    """Take the fingerprint of a file.

    Raises  UsageError where it cannot be read; ActError where it changes meanwhile
    """
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ActError(f"{path.name} is still being written; rotate it first")
    return Fingerprint(after.st_dev, after.st_ino, after.st_size, after.st_mtime_ns, digest)


def compression_of(path: Path) -> str | None:
    """Tell the compression by the file's first bytes, not by its name.

    Raises  UsageError for a kind of file that is no log in a form we read
    """
    try:
        with path.open("rb") as file:
            head = file.read(6)
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from None
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_ZSTD):
        return "zstd"
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise UsageError(
                f"{path.name} is {name}; logs are read plain, gzip or zstd, in an encoding that"
                " agrees with ASCII"
            )
    return None


@dataclass(frozen=True, slots=True)
class Cut:
    """One piece of a source, in memory that the caller gave.

    octets   how many bytes of that memory it fills
    part     what it is of
    """

    octets: int
    offset: int
    part: Part


class Source:
    """Reads one file into memory that the caller gives, cut at line ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.compression = compression_of(path)
        self._hash = hashlib.sha256()
        self._content = hashlib.sha256()
        self._last = 10

    @property
    def digest(self) -> str:
        """SHA-256 of what was read of the file so far."""
        return self._hash.hexdigest()

    @property
    def content(self) -> str:
        """SHA-256 of what `cuts` has given so far, before any compression."""
        return (self._content if self.compression else self._hash).hexdigest()

    @property
    def ended(self) -> bool:
        """Whether what `cuts` gave last ends as a line does."""
        return self._last == _NEWLINE

    def octets(self) -> Iterator[Any]:
        """Give the bytes block by block, without their compression."""
        return self._blocks()

    def cuts(self, room: Callable[[], memoryview], begin: int = 0) -> Iterator[Cut]:
        """Fill piece after piece; `room` gives the memory for the next one.

        begin   a place at which a piece ends, and the next one begins with a line

        Raises  ActError where the compressed data end early or are damaged
        """
        blocks = _with_line_feeds(self._contents())
        pending, offset, inside = b"", 0, False
        ended = False
        while not ended or pending:
            place = room()
            if offset < begin:
                place = place[: begin - offset]
            filled = _fill(place, 0, pending)
            pending = pending[filled:]
            while filled < len(place) and not ended:
                block = next(blocks, None)
                if block is None:
                    ended = True
                    break
                taken = _fill(place, filled, block)
                filled += taken
                pending = bytes(memoryview(block)[taken:])
            if not filled:
                return
            newline = _first_newline(place, filled) if inside else _last_newline(place, filled)
            # All that is left, or all up to a place where a line is known to begin.
            last = ended and not pending
            if offset + filled == begin:
                last, newline = True, newline if inside else -1
            cut = newline + 1 if newline >= 0 and not (ended and not inside) else filled
            goes_on = newline < 0 and not last
            outside = Part.LONG_HEAD if goes_on else Part.LINES
            part = Part.LONG_TAIL if inside else outside
            pending = bytes(place[cut:filled]) + pending
            self._last = place[cut - 1]
            yield Cut(cut, offset, part)
            offset += cut
            inside = goes_on

    def _blocks(self) -> Iterator[Any]:
        with self.path.open("rb") as file:
            if self.compression == "gzip":
                yield from self._gunzip(file)
            elif self.compression == "zstd":
                yield from self._unzstd(file)
            else:
                while block := self._read(file):
                    yield block

    def _contents(self) -> Iterator[Any]:
        for block in self._blocks():
            if self.compression:
                self._content.update(block)
            yield block

    def _read(self, file: IO[bytes]) -> bytes:
        block = file.read(_INPUT_OCTETS)
        self._hash.update(block)
        return block

    def _gunzip(self, file: IO[bytes]) -> Iterator[bytes]:
        # ISA-L decompresses twice as fast as zlib.
        from isal import igzip_lib, isal_zlib

        # Its stub declares the exception as a value.
        damaged = cast("type[Exception]", igzip_lib.IsalError)

        unzip = isal_zlib.decompressobj(31)
        started = False
        while block := self._read(file):
            while block:
                try:
                    if unzip.eof:
                        if not block.startswith(_GZIP):
                            # Padding behind the last member, as tapes leave it.
                            if block.strip(b"\0"):
                                raise ActError(f"{self.path.name} has rubbish behind its gzip data")
                            break
                        unzip = isal_zlib.decompressobj(31)
                    started = True
                    yield unzip.decompress(block)
                except damaged as error:
                    raise ActError(f"{self.path.name} is damaged gzip: {error}") from None
                block = unzip.unused_data
        if started and not unzip.eof:
            raise ActError(f"{self.path.name} is truncated gzip: it ends inside its data")

    def _unzstd(self, file: IO[bytes]) -> Iterator[Any]:
        import pyarrow as pa

        counted = _Counted(file, self._read)
        try:
            with pa.CompressedInputStream(pa.PythonFile(counted, mode="r"), "zstd") as stream:
                while block := stream.read_buffer(_INPUT_OCTETS * 16):
                    if not block.size:
                        break
                    yield memoryview(block).cast("B")
        except (OSError, pa.ArrowException) as error:
            raise ActError(f"{self.path.name} is damaged or truncated zstd: {error}") from None


class _Counted:
    """A file whose bytes pass through the digest."""

    closed = False

    def __init__(self, file: IO[bytes], read: Callable[[IO[bytes]], bytes]) -> None:
        self._file, self._read, self._left = file, read, b""

    def read(self, size: int = -1) -> bytes:
        """Give up to `size` bytes."""
        while not self._left and (block := self._read(self._file)):
            self._left = block
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def close(self) -> None:
        """Nothing to close: the file is the source's."""


def _with_line_feeds(blocks: Iterator[Any]) -> Iterator[Any]:
    """Take carriage returns for line ends where a file begins with nothing else, as old Macs do."""
    alone: bool | None = None
    for block in blocks:
        octets = bytes(block) if alone in (None, True) else block
        if alone is None and octets:
            alone = b"\r" in octets and b"\n" not in octets
        yield octets.replace(b"\r", b"\n") if alone else block


def _fill(place: memoryview, start: int, block: bytes | memoryview) -> int:
    taken = min(len(place) - start, len(block))
    place[start : start + taken] = memoryview(block)[:taken]
    return taken


def _last_newline(place: memoryview, filled: int) -> int:
    step = 1 << 16
    for end in range(filled, 0, -step):
        start = max(end - step, 0)
        found = bytes(place[start:end]).rfind(b"\n")
        if found >= 0:
            return start + found
    return -1


def _first_newline(place: memoryview, filled: int) -> int:
    return bytes(place[:filled]).find(b"\n")
