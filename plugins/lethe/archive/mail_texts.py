"""The texts in a file that mails were saved in: as it is, and what is coded or packed in it.

Nothing hangs on the structure of a mail: what is base64 is found line by line, also where it was
quoted, or lies in what is base64 itself.
"""

from __future__ import annotations

import base64
import bz2
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

_DEPTH = 8
_MOST = 1 << 29
_SHORTEST = 100
_CODED = re.compile(r"^[ \t>|]*([A-Za-z0-9+/_-]{2,}={0,2})[ \t]*\n", re.MULTILINE)
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{200,}")
_ZIP, _PDF = b"PK\3\4", b"%PDF-"
_PACKERS: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(31),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lzma.LZMADecompressor,
}
_CLOSED = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "a file of Outlook (.msg) or Office",
    b"!BDN": "a mailbox of Outlook (.pst)",
    b"\x78\x9f\x3e\x22": "a file of Outlook (winmail.dat)",
    b"7z\xbc\xaf\x27\x1c": "a 7z file",
    b"Rar!\x1a": "a RAR file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
}
_ENCRYPTED = re.compile(
    rb"-----BEGIN PGP MESSAGE-----|application/pgp-encrypted"
    rb"|smime-type\s*=\s*\"?(?:authEnveloped|enveloped)-data",
    re.IGNORECASE,
)
_CONTROLS = bytes([*range(1, 9), 11, *range(14, 32), 127])
_SAVE = "cannot be looked into; save the mail as text or .eml"


class Texts:
    """The texts of one file.

    closed   why something in it could not be looked into, after its texts were read
    perhaps  the same of what need not be a mail: it counts if nothing else of the file tells a head
    """

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.perhaps: list[str] = []
        self._left = _MOST

    def of(self, data: bytes) -> Iterator[tuple[str, ...]]:
        """Give the texts, each as it stands: in every coding in which it may be meant."""
        if data.startswith(_PDF):
            self.perhaps.append(f"a PDF {_SAVE}")
        yield from self._of(data, 0)

    def _of(self, data: bytes, depth: int) -> Iterator[tuple[str, ...]]:
        self._left -= len(data)
        if depth > _DEPTH or self._left < 0:
            self.closed.append("more than 512 MiB, or packed more than eight times; divide it")
            return
        if _ENCRYPTED.search(data):
            self.closed.append("an encrypted mail cannot be looked into; save it decrypted")
        for begin, what in _CLOSED.items():
            if data.startswith(begin):
                self.perhaps.append(f"{what} {_SAVE}")
        texts = _decoded(data)
        yield texts
        for text in texts:
            for inner in _base64_in(text):
                yield from self._of(inner, depth + 1)
        for begin, packer in _PACKERS.items():
            if data.startswith(begin):
                yield from self._unpacked(data, packer, depth)
        if data.startswith(_ZIP):
            yield from self._entries(data, depth)

    def _unpacked(
        self, data: bytes, packer: Callable[[], Any], depth: int
    ) -> Iterator[tuple[str, ...]]:
        made = bytearray()
        try:
            while data and len(made) <= self._left:
                one = packer()
                made += one.decompress(data, self._left - len(made) + 1)
                if not one.eof:
                    break
                data = one.unused_data.lstrip(b"\0")
            cut = bool(data) and not one.eof
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            cut = True
        if cut:
            self.closed.append("what is packed in it cannot be unpacked whole")
        yield from self._of(bytes(made), depth + 1)

    def _entries(self, data: bytes, depth: int) -> Iterator[tuple[str, ...]]:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for entry in archive.infolist():
                    if entry.file_size > self._left:
                        self.closed.append("a zip file unpacks to more than 512 MiB; divide it")
                        return
                    yield from self._of(archive.read(entry), depth + 1)
        except (OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError):
            self.closed.append("a zip file cannot be unpacked: broken, or under a password")


def _decoded(data: bytes) -> tuple[str, ...]:
    """What bytes may be as text: every usual coding holds ASCII as it is, but for those of two."""
    found = [data.replace(b"\0", b"").decode("utf-8", "replace")]
    if b"h\0e\0" in data or b"\0h\0e" in data:
        found += [
            data[start:].decode(coding, "replace")
            for coding in ("utf-16-le", "utf-16-be")
            for start in (0, 1)
        ]
    if b"+-" in data or b"+AD0" in data:
        found.append(data.decode("utf-7", "replace"))
    return tuple(found)


def _base64_in(text: str) -> Iterator[bytes]:
    """What is base64 in a text, where it may be text or hold text itself."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for coded in _coded_in(f"{text}\n"):
        plain = coded.rstrip("=").replace("-", "+").replace("_", "/")
        # A word before it may have been taken for its first line.
        for start in range(4):
            part = plain[start:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            made = base64.b64decode(part + "=" * (-len(part) % 4))
            if _is_worth(made):
                yield made


def _is_worth(data: bytes) -> bool:
    """Text, text of two bytes a letter, or a file that may hold some."""
    some = data[:4096]
    controls = sum(some.count(code) for code in _CONTROLS)
    return (
        50 * controls < len(some)
        or 5 * some.count(0) > len(some)
        or data.startswith((_ZIP, *_PACKERS, *_CLOSED))
        or b"archive" in data
    )


def _coded_in(text: str) -> Iterator[str]:
    lines: list[str] = []
    end = -1
    for found in _CODED.finditer(text):
        if found.start() != end or (lines and lines[-1].endswith("=")):
            if sum(map(len, lines)) >= _SHORTEST:
                yield "".join(lines)
            lines = []
        lines.append(found[1])
        end = found.end()
    if sum(map(len, lines)) >= _SHORTEST:
        yield "".join(lines)
    for found in _TOKEN.finditer(text):
        yield found[0]
