"""Internet addresses as people and programs write them, and their pseudonyms."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lethe.pseudonymisation import ipcrypt
from lethe.pseudonymisation.tokens import derive_key

# What a replaced address begins with in text, so that a scan can tell it from a real one.
MARK: Final = "ip_"

_MAPPED: Final = bytes(10) + b"\xff\xff"
_V4_PORT = re.compile(r"((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?::[0-9]{1,5})?\Z")
_BRACKETS = re.compile(r"\[([0-9A-Fa-f:.]{2,45})(%[\w.-]{1,30})?\](?::[0-9]{1,5})?\Z")
_ZONE = re.compile(r"([0-9A-Fa-f:.]{2,45})%[\w.-]{1,30}\Z")
_ESCAPES = (("%253a", ":"), ("%3a", ":"), ("%255b", "["), ("%5b", "["), ("%255d", "]"),
            ("%5d", "]"), ("%2e", "."))  # fmt: skip


class AddressMethod(StrEnum):
    """How an address is replaced; the names of the draft without their common front."""

    DETERMINISTIC = "deterministic"
    PREFIX = "pfx"
    ND = "nd"
    NDX = "ndx"


def pack_address(text: str) -> bytes | None:
    """Read one address in any notation as 16 bytes, or None where it is none.

    Takes  IPv4 (also with each octet padded to three digits), IPv6 in every form, mapped IPv4,
           brackets, a port, a zone id, and colons and brackets that are percent-encoded
    """
    packed = _pack_plain(text)
    if packed is not None or not 2 <= len(text) <= 120:
        return packed
    if "%" in text:
        lowered = text.lower()
        for escape, plain in _ESCAPES:
            lowered = lowered.replace(escape, plain)
        text = lowered.replace("%25", "%")
        if (packed := _pack_plain(text)) is not None:
            return packed
    for shape in (_V4_PORT, _BRACKETS, _ZONE):
        if match := shape.match(text):
            return _pack_plain(match[1])
    return None


def _pack_plain(text: str) -> bytes | None:
    try:
        if ":" in text:
            return inet_pton(AF_INET6, text)
        return _MAPPED + inet_pton(AF_INET, text)
    except (OSError, ValueError):
        pass
    octets = text.split(".")
    if len(octets) == 4 and all(len(o) == 3 and o.isascii() and o.isdigit() for o in octets):
        values = [int(o) for o in octets]
        return _MAPPED + bytes(values) if max(values) < 256 else None
    return None


def write_address(packed: bytes) -> str:
    """Write 16 bytes in the canonical form, mapped IPv4 as a dotted quad."""
    if packed.startswith(_MAPPED):
        return inet_ntop(AF_INET, packed[12:])
    return inet_ntop(AF_INET6, packed)


def is_pseudonym(method: AddressMethod, text: str) -> bool:
    """Whether a text is written as what a method makes of an address."""
    bare = text.removeprefix(MARK)
    if method in (AddressMethod.DETERMINISTIC, AddressMethod.PREFIX):
        return pack_address(bare) is not None
    width = 24 if method is AddressMethod.ND else 32
    return len(bare) == 2 * width and set(bare) <= set("0123456789abcdef")


class AddressPseudonyms:
    """The pseudonyms of addresses under one secret.

    secret   the period's secret; `domain` separates what must stay unlinkable inside it
    """

    def __init__(self, method: AddressMethod, secret: bytes, domain: str) -> None:
        self.method = method
        length = 16 if method in (AddressMethod.DETERMINISTIC, AddressMethod.ND) else 32
        self._key = derive_key(secret, f"{domain}/ipcrypt-{method}", length)

    @property
    def linkable(self) -> bool:
        """Whether the same address always has the same pseudonym."""
        return self.method in (AddressMethod.DETERMINISTIC, AddressMethod.PREFIX)

    def replace(self, packed: Sequence[bytes]) -> list[str]:
        """Give the pseudonym of each address, in order."""
        if not self.linkable:
            return self._replace_once(packed)
        if not packed:
            return []
        done = _ENCRYPT[self.method](self._key, _as_array(packed)).tobytes()
        return [write_address(done[i : i + 16]) for i in range(0, len(done), 16)]

    def _replace_once(self, packed: Sequence[bytes]) -> list[str]:
        width = 8 if self.method is AddressMethod.ND else 16
        random = np.frombuffer(os.urandom(width * len(packed)), dtype=np.uint8)
        encrypt = ipcrypt.encrypt_nd if width == 8 else ipcrypt.encrypt_ndx
        done = encrypt(self._key, _as_array(packed), random.reshape(-1, width)).tobytes().hex()
        step = 2 * (width + 16)
        return [done[i : i + step] for i in range(0, len(done), step)]

    def reveal(self, pseudonyms: Sequence[str]) -> list[str]:
        """Give back the addresses; only whoever holds the secret can.

        Raises  ValueError for what is no pseudonym of this method
        """
        if self.linkable:
            read = [pack_address(p.removeprefix(MARK)) for p in pseudonyms]
            if None in read:
                raise ValueError(f"not every value is a pseudonym of ipcrypt-{self.method}")
            undo = _DECRYPT[self.method]
            done = undo(self._key, _as_array([p for p in read if p is not None]))
        else:
            width = 24 if self.method is AddressMethod.ND else 32
            blob = bytes.fromhex("".join(p.removeprefix(MARK) for p in pseudonyms))
            blocks = np.frombuffer(blob, dtype=np.uint8).reshape(-1, width)
            decrypt = ipcrypt.decrypt_nd if width == 24 else ipcrypt.decrypt_ndx
            done = decrypt(self._key, blocks)
        return [write_address(row.tobytes()) for row in done]


_Cipher = Callable[[bytes, NDArray[np.uint8]], NDArray[np.uint8]]
_ENCRYPT: dict[AddressMethod, _Cipher] = {
    AddressMethod.DETERMINISTIC: ipcrypt.encrypt_deterministic,
    AddressMethod.PREFIX: ipcrypt.encrypt_pfx,
}
_DECRYPT: dict[AddressMethod, _Cipher] = {
    AddressMethod.DETERMINISTIC: ipcrypt.decrypt_deterministic,
    AddressMethod.PREFIX: ipcrypt.decrypt_pfx,
}


def _as_array(packed: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(packed), dtype=np.uint8).reshape(-1, 16)
