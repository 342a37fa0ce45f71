"""ipcrypt over arrays of 16-byte addresses: deterministic, pfx, nd and ndx.

An address is 16 bytes; an IPv4 address stands as ::ffff:a.b.c.d. Every function takes and
returns a `uint8` array of shape (n, 16), or (n, 24) and (n, 32) where a tweak goes in front.

Source   draft-denis-ipcrypt (IETF); its published vectors are under test
"""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

Addresses = NDArray[np.uint8]

MAPPED_PREFIX = np.frombuffer(bytes(10) + b"\xff\xff", dtype=np.uint8)


def is_mapped(addresses: Addresses) -> NDArray[np.bool_]:
    """Tell which addresses are IPv4, that is in ::ffff:0:0/96."""
    return np.asarray((addresses[:, :12] == MAPPED_PREFIX).all(axis=1))


def encrypt_blocks(key: bytes, blocks: Addresses) -> Addresses:
    """Encrypt independent 16-byte blocks with AES-128 in one call."""
    # Every block is one whole message of a fixed length: this is a permutation, not a mode.
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    done = encryptor.update(np.ascontiguousarray(blocks).tobytes())
    return np.frombuffer(done, dtype=np.uint8).reshape(-1, 16)


def decrypt_blocks(key: bytes, blocks: Addresses) -> Addresses:
    """Undo `encrypt_blocks`."""
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305
    done = decryptor.update(np.ascontiguousarray(blocks).tobytes())
    return np.frombuffer(done, dtype=np.uint8).reshape(-1, 16)


def encrypt_deterministic(key: bytes, addresses: Addresses) -> Addresses:
    """ipcrypt-deterministic; `key` has 16 bytes."""
    return encrypt_blocks(_checked(key, 16), addresses)


def decrypt_deterministic(key: bytes, addresses: Addresses) -> Addresses:
    """Undo `encrypt_deterministic`."""
    return decrypt_blocks(_checked(key, 16), addresses)


def encrypt_pfx(key: bytes, addresses: Addresses) -> Addresses:
    """ipcrypt-pfx; `key` has 32 bytes, whose halves differ.

    The addresses are sorted once, so that the distinct prefixes of each length are found by
    comparing neighbours: AES runs once a distinct prefix, whatever the number of addresses.
    """
    first, second = _halves(key)
    result = np.empty_like(addresses)
    four = is_mapped(addresses)
    for chosen, start in ((four, 96), (~four, 0)):
        if chosen.any():
            result[chosen] = _encrypt_prefixes(first, second, addresses[chosen], start)
    return result


def decrypt_pfx(key: bytes, addresses: Addresses) -> Addresses:
    """Undo `encrypt_pfx`, bit by bit."""
    first, second = _halves(key)
    result = np.zeros_like(addresses)
    four = is_mapped(addresses)
    for chosen, start in ((four, 96), (~four, 0)):
        if chosen.any():
            result[chosen] = _decrypt_prefixes(first, second, addresses[chosen], start)
    return result


def encrypt_nd(key: bytes, addresses: Addresses, tweaks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """ipcrypt-nd (KIASU-BC); `key` 16 bytes, `tweaks` (n, 8); returns tweak and block, (n, 24)."""
    schedule = _round_keys(_checked(key, 16))
    padded = _padded_tweaks(tweaks)
    state = addresses ^ schedule[0] ^ padded
    for round_key in schedule[1:10]:
        state = _mix_columns(_SBOX[state][:, _SHIFT]) ^ round_key ^ padded
    state = _SBOX[state][:, _SHIFT] ^ schedule[10] ^ padded
    return np.concatenate([tweaks, state], axis=1)


def decrypt_nd(key: bytes, blocks: NDArray[np.uint8]) -> Addresses:
    """Undo `encrypt_nd` on (n, 24)."""
    schedule = _round_keys(_checked(key, 16))
    padded = _padded_tweaks(blocks[:, :8])
    state = _INVERSE_SBOX[(blocks[:, 8:] ^ schedule[10] ^ padded)[:, _UNSHIFT]]
    for round_key in schedule[9:0:-1]:
        mixed = state ^ round_key ^ padded
        # MixColumns has order four: three more turns undo one.
        for _ in range(3):
            mixed = _mix_columns(mixed)
        state = _INVERSE_SBOX[mixed[:, _UNSHIFT]]
    return np.asarray(state ^ schedule[0] ^ padded)


def encrypt_ndx(key: bytes, addresses: Addresses, tweaks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """ipcrypt-ndx (AES-XTS, one block); `key` 32 bytes, `tweaks` (n, 16); returns (n, 32)."""
    first, second = _halves(key)
    mask = encrypt_blocks(second, tweaks)
    return np.concatenate([tweaks, encrypt_blocks(first, addresses ^ mask) ^ mask], axis=1)


def decrypt_ndx(key: bytes, blocks: NDArray[np.uint8]) -> Addresses:
    """Undo `encrypt_ndx` on (n, 32)."""
    first, second = _halves(key)
    mask = encrypt_blocks(second, blocks[:, :16])
    return decrypt_blocks(first, blocks[:, 16:] ^ mask) ^ mask


def _checked(key: bytes, length: int) -> bytes:
    if len(key) != length:
        raise ValueError(f"this variant of ipcrypt takes a key of {length} bytes, not {len(key)}")
    return key


def _halves(key: bytes) -> tuple[bytes, bytes]:
    _checked(key, 32)
    if key[:16] == key[16:]:
        raise ValueError("the two halves of an ipcrypt key must differ")
    return key[:16], key[16:]


def _padded_prefixes(addresses: Addresses, length: int) -> Addresses:
    """Put a one bit and the first `length` bits of each address at the right of 16 bytes."""
    whole, odd = divmod(128 - length, 8)
    padded = np.zeros((len(addresses), 16), dtype=np.uint8)
    kept = addresses[:, : 16 - whole]
    padded[:, whole:] = kept >> odd
    if odd:
        padded[:, whole + 1 :] |= kept[:, :-1] << (8 - odd)
    padded[:, 15 - length // 8] |= 1 << (length % 8)
    return padded


def _cipher_bits(first: bytes, second: bytes, padded: Addresses) -> NDArray[np.uint8]:
    odd = encrypt_blocks(first, padded)[:, 15] ^ encrypt_blocks(second, padded)[:, 15]
    return np.asarray(np.bitwise_and(odd, np.uint8(1)))


def _encrypt_prefixes(first: bytes, second: bytes, addresses: Addresses, start: int) -> Addresses:
    order = np.lexsort([addresses[:, i] for i in range(15, -1, -1)])
    ranked = addresses[order]
    bits = np.unpackbits(ranked, axis=1)
    # The first bit in which an address differs from the one before it, 128 if in none.
    differs = np.full(len(ranked), 128)
    differs[0] = -1
    unequal = bits[1:] != bits[:-1]
    differs[1:] = np.where(unequal.any(axis=1), unequal.argmax(axis=1), 128)
    for length in range(start, 128):
        fresh = differs < length
        pads = _cipher_bits(first, second, _padded_prefixes(ranked[fresh], length))
        bits[:, length] ^= pads[np.cumsum(fresh) - 1]
    result = np.empty_like(addresses)
    result[order] = np.packbits(bits, axis=1)
    return result


def _decrypt_prefixes(first: bytes, second: bytes, addresses: Addresses, start: int) -> Addresses:
    bits = np.unpackbits(addresses, axis=1)
    for length in range(start, 128):
        padded = _padded_prefixes(np.packbits(bits, axis=1), length)
        bits[:, length] ^= _cipher_bits(first, second, padded)
    return np.packbits(bits, axis=1)


def _padded_tweaks(tweaks: NDArray[np.uint8]) -> Addresses:
    padded = np.zeros((len(tweaks), 4, 4), dtype=np.uint8)
    padded[:, :, :2] = tweaks.reshape(-1, 4, 2)
    return padded.reshape(-1, 16)


def _doubled(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    carry = np.where(values & 0x80, np.uint8(0x1B), np.uint8(0))
    return np.bitwise_xor(np.left_shift(values, np.uint8(1)), carry)


def _mix_columns(state: Addresses) -> Addresses:
    columns = state.reshape(-1, 4, 4)
    following = np.roll(columns, -1, axis=2)
    every = np.bitwise_xor.reduce(columns, axis=2, keepdims=True)
    return (columns ^ every ^ _doubled(columns ^ following)).reshape(-1, 16)


def _make_sbox() -> NDArray[np.uint8]:
    """Compute the S-box of AES from its definition (FIPS 197, 5.1.1)."""
    box = np.zeros(256, dtype=np.uint8)
    power = inverse = 1
    while True:
        power = power ^ ((power << 1) & 0xFF) ^ (0x1B if power & 0x80 else 0)
        inverse ^= inverse << 1
        inverse ^= inverse << 2
        inverse ^= inverse << 4
        inverse &= 0xFF
        if inverse & 0x80:
            inverse ^= 0x09
        turned = inverse
        for turn in range(1, 5):
            turned ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xFF
        box[power] = turned ^ 0x63
        if power == 1:
            break
    box[0] = 0x63
    return box


_SBOX = _make_sbox()
_INVERSE_SBOX = np.argsort(_SBOX).astype(np.uint8)
_SHIFT = np.array([(4 * (c + r) + r) % 16 for c in range(4) for r in range(4)])
_UNSHIFT = np.argsort(_SHIFT)


def _round_keys(key: bytes) -> list[NDArray[np.uint8]]:
    words = [np.frombuffer(key[i : i + 4], dtype=np.uint8) for i in range(0, 16, 4)]
    constant = np.array([1, 0, 0, 0], dtype=np.uint8)
    for index in range(4, 44):
        word = words[-1]
        if index % 4 == 0:
            word = _SBOX[np.roll(word, -1)] ^ constant
            constant = _doubled(constant)
        words.append(words[index - 4] ^ word)
    return [np.concatenate(words[i : i + 4]) for i in range(0, 44, 4)]
