"""The texts of a file: a mail's parts, an archive's members, a compressed log, a drawn page.

What hides in base64 or in a zip is as readable to its recipient as plain text. Everything is read
as a stream, in windows; what is not read is counted, with the reason, and never passed over.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from lethe.quality.mailtexts import SealedPart, parts_of_mail
from lethe.quality.pdftexts import (
    EncryptedPdf,
    LargePdf,
    StrangePdf,
    attached_to_pdf,
    texts_of_pdf,
)
from lethe.quality.tabletexts import texts_of_arrow, texts_of_parquet
from lethe.quality.windows import Window, windows_of

DEEPEST = 8
"""Archives in archives that are opened."""
MOST_UNPACKED = 4_000_000_000
"""Bytes that one file may give; a bomb gives more."""
MOST_IN_MEMORY = 64_000_000
"""Bytes of a mail or a PDF, which are taken apart as a whole."""
_HEAD = 1_024

ENCRYPTED = "encrypted"
BROKEN = "broken"
TOO_DEEP = f"packed more than {DEEPEST} times"
TOO_LARGE = f"over {MOST_UNPACKED / 1e9:.0f} GB unpacked"
NOT_WHOLE = f"over {MOST_IN_MEMORY / 1e6:.0f} MB, read without its packed parts"
STRANGE = "packed in a way that is not read"

_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
)
_SEALED = (b"PARE", b"age-encryption.org/", b"-----BEGIN PGP MESSAGE", b"Salted__")
_UNREAD = (b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x04\x22\x4d\x18", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""7-Zip, RAR, LZ4, and Office files that are old or under a password."""


class _TooLarge(Exception):
    """The file gives more than its share."""


_BROKEN = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError, LookupError),
    *(zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile),
)
"""What the readers of packed data raise; Arrow's errors are kinds of the first few."""


_WHY: dict[type[BaseException], str] = {
    EncryptedPdf: ENCRYPTED,
    StrangePdf: STRANGE,
    LargePdf: NOT_WHOLE,
}


class _Limited(io.RawIOBase):
    """A packed stream whose bytes are counted, and whose beginning can be looked at."""

    def __init__(self, source: IO[bytes], unpacking: Unpacking) -> None:
        self._source, self._unpacking, self._ahead = source, unpacking, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._ahead[: len(buffer)]
        self._ahead = self._ahead[len(data) :]
        data = data or self._more(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _more(self, size: int) -> bytes:
        data = self._source.read(size)
        self._unpacking.left -= len(data)
        if self._unpacking.left < 0:
            raise _TooLarge
        return data

    def head(self) -> bytes:
        """The first bytes, which are read again later."""
        while len(self._ahead) < _HEAD and (more := self._more(_HEAD - len(self._ahead))):
            self._ahead += more
        return self._ahead


class _Open:
    """A source that stays open when its reader is done with it."""

    closed = False

    def __init__(self, source: IO[bytes]) -> None:
        self.read = source.read

    def close(self) -> None:
        """Whoever opened it closes it."""


@dataclass(slots=True)
class Unpacking:
    """One file taken apart.

    left    bytes that it may still give
    unread  why something in it could not be read → how often
    """

    left: int = MOST_UNPACKED
    unread: Counter[str] = field(default_factory=Counter)

    def texts_of(self, name: str, file: IO[bytes]) -> Iterator[Window]:
        """Every text that a reader of the file would see.

        file  at its beginning; it can be read again
        """
        try:
            yield from self._texts(name, file, 0)
        except _TooLarge:
            self.unread[TOO_LARGE] += 1

    def _texts(self, name: str, file: IO[bytes] | _Limited, depth: int) -> Iterator[Window]:
        head = file.head() if isinstance(file, _Limited) else _head(file)
        kind = _kind(name, head)
        read = _READERS.get(kind)
        if kind in (ENCRYPTED, STRANGE):
            self.unread[kind] += 1
        if read is None:
            yield from windows_of(cast("IO[bytes]", file))
        elif depth >= DEEPEST:
            self.unread[TOO_DEEP] += 1
        else:
            whole = self._again(file) if kind in _AS_A_WHOLE else cast("IO[bytes]", file)
            try:
                yield from read(self, name, whole, depth)
            except _BROKEN as error:
                self.unread[_WHY.get(type(error), BROKEN)] += 1
                if whole.seekable():
                    # Perhaps it only looks packed: what can be read as it stands is read.
                    whole.seek(0)
                    yield from windows_of(whole)

    def _again(self, file: IO[bytes] | _Limited) -> IO[bytes]:
        """A file that can be read from any place; what is unpacked goes to disk if it is large."""
        if not isinstance(file, _Limited):
            return file
        kept = cast("IO[bytes]", SpooledTemporaryFile(max_size=MOST_IN_MEMORY // 4))  # noqa: SIM115
        while block := file.read(1_000_000):
            kept.write(block)
        kept.seek(0)
        return kept

    def _member(self, name: str, source: IO[bytes], depth: int) -> Iterator[Window]:
        """What is inside of something; a fault in it does not stop the rest."""
        try:
            yield from self._texts(name, cast("IO[bytes]", _Limited(source, self)), depth + 1)
        except _BROKEN:
            self.unread[BROKEN] += 1

    def zip(self, _name: str, file: IO[bytes], depth: int) -> Iterator[Window]:
        with zipfile.ZipFile(file) as packed:
            names = [packed.comment.decode("utf-8", errors="replace"), *packed.namelist()]
            yield Window("\n".join(names))
            for member in packed.infolist():
                if member.is_dir():
                    continue
                if member.flag_bits & 1:
                    self.unread[ENCRYPTED] += 1
                    continue
                try:
                    opened = packed.open(member)
                except NotImplementedError:
                    self.unread[STRANGE] += 1
                    continue
                except _BROKEN:
                    self.unread[BROKEN] += 1
                    continue
                with opened:
                    yield from self._member(member.filename, opened, depth)

    def tar(self, _name: str, file: IO[bytes], depth: int) -> Iterator[Window]:
        with tarfile.open(fileobj=file, mode="r|", errorlevel=1) as packed:
            for member in packed:
                yield Window(
                    "\n".join([member.name, member.linkname, *member.pax_headers.values()])
                )
                opened = packed.extractfile(member) if member.isfile() else None
                if opened is not None:
                    yield from self._member(member.name, opened, depth)

    def gzip(self, name: str, file: IO[bytes], depth: int) -> Iterator[Window]:
        with gzip.open(file) as opened:
            yield from self._stream(name.removesuffix(".gz"), cast("IO[bytes]", opened), depth)

    def bzip2(self, name: str, file: IO[bytes], depth: int) -> Iterator[Window]:
        with bz2.open(file) as opened:
            yield from self._stream(name.removesuffix(".bz2"), cast("IO[bytes]", opened), depth)

    def xz(self, name: str, file: IO[bytes], depth: int) -> Iterator[Window]:
        with lzma.open(file) as opened:
            yield from self._stream(name.removesuffix(".xz"), cast("IO[bytes]", opened), depth)

    def zstd(self, name: str, file: IO[bytes], depth: int) -> Iterator[Window]:
        import pyarrow as pa

        source = pa.PythonFile(_Open(file), mode="r")
        with pa.CompressedInputStream(source, "zstd") as opened:
            yield from self._stream(name.removesuffix(".zst"), opened, depth)

    def _stream(self, name: str, opened: IO[bytes], depth: int) -> Iterator[Window]:
        """What one stream holds: a fault in the packing shows while it is read."""
        yield from self._texts(name, cast("IO[bytes]", _Limited(opened, self)), depth + 1)

    def pdf(self, name: str, file: IO[bytes], depth: int) -> Iterator[Window]:
        data = file.read(MOST_IN_MEMORY + 1)
        if len(data) > MOST_IN_MEMORY:
            yield from self._as_it_stands(file)
            return
        yield from (Window(text) for text in texts_of_pdf(data))
        for attached in attached_to_pdf(data):
            yield from self._member(name, io.BytesIO(attached), depth)

    def mail(self, _name: str, file: IO[bytes], depth: int) -> Iterator[Window]:
        data = file.read(MOST_IN_MEMORY + 1)
        if len(data) > MOST_IN_MEMORY:
            yield from self._as_it_stands(file)
            return
        for part in parts_of_mail(data):
            if isinstance(part, str):
                yield from windows_of(io.BytesIO(part.encode(errors="replace")))
            elif isinstance(part, SealedPart):
                self.unread[ENCRYPTED] += 1
            else:
                yield from self._member(part[0], io.BytesIO(part[1]), depth)

    def _as_it_stands(self, file: IO[bytes]) -> Iterator[Window]:
        self.unread[NOT_WHOLE] += 1
        file.seek(0)
        yield from windows_of(file)

    def parquet(self, _name: str, file: IO[bytes], _depth: int) -> Iterator[Window]:
        yield from (Window(text) for text in texts_of_parquet(file))

    def arrow(self, _name: str, file: IO[bytes], _depth: int) -> Iterator[Window]:
        yield from (Window(text) for text in texts_of_arrow(file))


_Reader = Callable[[Unpacking, str, IO[bytes], int], Iterator[Window]]
_READERS: dict[str, _Reader] = {
    "zip": Unpacking.zip,
    "tar": Unpacking.tar,
    "gzip": Unpacking.gzip,
    "bzip2": Unpacking.bzip2,
    "xz": Unpacking.xz,
    "zstd": Unpacking.zstd,
    "pdf": Unpacking.pdf,
    "mail": Unpacking.mail,
    "parquet": Unpacking.parquet,
    "arrow": Unpacking.arrow,
}
_AS_A_WHOLE = frozenset({"zip", "pdf", "mail", "parquet", "arrow"})
"""Kinds that are read from their end, or more than once."""


def _head(file: IO[bytes]) -> bytes:
    head = file.read(_HEAD)
    file.seek(0)
    return head


def _kind(name: str, head: bytes) -> str:
    """What a file is, by its first bytes; a mail by its name."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "tar"
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(_SEALED):
        return ENCRYPTED
    if head.startswith(_UNREAD):
        return STRANGE
    return "mail" if name.lower().endswith(".eml") else "text"
