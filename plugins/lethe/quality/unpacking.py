"""The texts of a file: a mail's parts, an archive's members, a compressed log.

What hides in base64 or in a zip is as readable to its recipient as plain text.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from email import message_from_bytes, policy

_DEEPEST = 3
_LARGEST = 64_000_000
_OF_MACHINES = frozenset(
    {"content-type", "content-transfer-encoding", "message-id", "in-reply-to", "references"}
    | {"date", "mime-version", "received"}
)
"""Headers that mail programs fill with random numbers and names of hosts."""
_ZIP, _GZIP, _PDF = b"PK\x03\x04", b"\x1f\x8b", b"%PDF-"
_PDF_TEXT = re.compile(
    rb"\(((?:[^()\\]|\\.){4,})\)|<(FEFF(?:[0-9A-Fa-f]{4})+)>|(<x:xmpmeta\b.*?</x:xmpmeta>)",
    re.DOTALL,
)
"""Titles, bookmarks, descriptions of pictures and metadata. Widths of fonts are endless lists of
numbers; what is drawn is compressed and numbered by glyph, and stands in the report's HTML too."""


def texts_of(name: str, data: bytes, depth: int = 0) -> Iterator[str]:
    """Every text that a reader of the file would see; what cannot be unpacked is taken as it is."""
    if depth >= _DEEPEST:
        return
    if data.startswith(_ZIP):
        yield from _of_zip(data, depth)
    elif data.startswith(_GZIP):
        yield from _of_gzip(name, data, depth)
    elif data.startswith(_PDF):
        yield _of_pdf(data)
    elif name.endswith(".eml"):
        yield from _of_mail(data, depth)
    else:
        yield data.decode("utf-8", errors="replace")


def _of_zip(data: bytes, depth: int) -> Iterator[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            yield "\n".join(packed.namelist())
            for member in packed.infolist():
                if not member.is_dir() and member.file_size <= _LARGEST:
                    yield from texts_of(member.filename, packed.read(member), depth + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, OSError):
        yield data.decode("utf-8", errors="replace")


def _of_gzip(name: str, data: bytes, depth: int) -> Iterator[str]:
    try:
        with gzip.open(io.BytesIO(data)) as packed:
            yield from texts_of(name.removesuffix(".gz"), packed.read(_LARGEST), depth + 1)
    except (OSError, EOFError, zlib.error):
        yield data.decode("utf-8", errors="replace")


def _of_pdf(data: bytes) -> str:
    found = []
    for written, hexadecimal, metadata in _PDF_TEXT.findall(data):
        if hexadecimal:
            found.append(bytes.fromhex(hexadecimal.decode()).decode("utf-16", errors="replace"))
        else:
            found.append((written or metadata).decode("utf-8", errors="replace"))
    return "\n".join(found)


def _of_mail(data: bytes, depth: int) -> Iterator[str]:
    mail = message_from_bytes(data, policy=policy.default)
    yield "\n".join(
        f"{name}: {value}" for name, value in mail.items() if name.lower() not in _OF_MACHINES
    )
    for part in mail.walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield from texts_of(part.get_filename() or "part", content, depth + 1)
