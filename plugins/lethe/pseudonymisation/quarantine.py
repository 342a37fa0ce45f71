"""Lines that could not be read, kept encrypted until a parser is mended or their time ends.

A quarantine file is a sequence of segments: length (4 bytes), nonce (12), AES-256-GCM ciphertext
of an Arrow stream with the columns line, offset, reason, raw. Each segment is bound to the
digest of its source and to its number, so that none can be left out of the middle, moved or
taken from another file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lethe.errors import ConfigurationError, TamperingFound
from lethe.pseudonymisation.outcome import Quarantined

_MAGIC: Final = b"LETHEQ1\n"
_LENGTH: Final = struct.Struct(">I")
_NONCE: Final = 12


def seal(key: bytes, plain: bytes, bound_to: bytes = b"") -> bytes:
    """Encrypt with AES-256-GCM; the nonce goes in front."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(key: bytes, sealed: bytes, bound_to: bytes = b"") -> bytes:
    """Undo `seal`.

    Raises  InvalidTag if the key is another or a byte was changed
    """
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)


class QuarantineWriter:
    """Appends segments to one file, which it makes with the first of them."""

    def __init__(self, path: Path, key: bytes, source_digest: str) -> None:
        self.path = path
        self._key = key
        self._digest = source_digest
        self._file: IO[bytes] | None = None
        self._number = 0

    def write(self, lines: list[Quarantined]) -> None:
        """Seal some lines as one segment."""
        if not lines:
            return
        if self._file is None:
            # A crash must not leave personal data readable for others.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(descriptor, "wb")
            self._file.write(_MAGIC)
        sealed = seal(self._key, _pack(lines), _bound(self._digest, self._number))
        self._file.write(_LENGTH.pack(len(sealed)) + sealed)
        self._number += 1

    def close(self) -> None:
        """Make the file durable."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


def read_quarantine(path: Path, key: bytes, source_digest: str) -> Iterator[Quarantined]:
    """Open a quarantine file and give its lines.

    Raises  ConfigurationError if the first segment does not open: the key is another
            TamperingFound if a later one does not, or the file ends inside a segment
    """
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise TamperingFound(f"{path.name} is no quarantine file")
        number = 0
        while head := file.read(_LENGTH.size):
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
            sealed = file.read(length)
            if not length or len(sealed) != length:
                raise TamperingFound(f"{path.name} ends inside segment {number}")
            try:
                plain = unseal(key, sealed, _bound(source_digest, number))
            except InvalidTag:
                where = f"segment {number} of {path.name}"
                if number == 0:
                    raise ConfigurationError(
                        f"{where} does not open: it was sealed under another quarantine key"
                    ) from None
                raise TamperingFound(f"{where} does not open: it was changed or moved") from None
            yield from _unpack(plain)
            number += 1


def _bound(digest: str, number: int) -> bytes:
    return f"{digest}:{number}".encode()


def _pack(lines: list[Quarantined]) -> bytes:
    import pyarrow as pa

    table = pa.table(
        {
            "line": pa.array([q.line for q in lines], pa.int64()),
            "offset": pa.array([q.offset for q in lines], pa.int64()),
            "reason": pa.array([q.reason for q in lines], pa.string()),
            "raw": pa.array([q.raw for q in lines], pa.binary()),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _unpack(plain: bytes) -> Iterator[Quarantined]:
    import pyarrow as pa

    for row in pa.ipc.open_stream(plain).read_all().to_pylist():
        yield Quarantined(row["line"], row["offset"], row["reason"], row["raw"])
