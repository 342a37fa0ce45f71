"""ipcrypt gives what the draft's published vectors say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lethe.pseudonymisation import ipcrypt
from lethe.pseudonymisation.addresses import pack_address, write_address

ENCRYPT = {
    "ipcrypt-deterministic": ipcrypt.encrypt_deterministic,
    "ipcrypt-pfx": ipcrypt.encrypt_pfx,
    "ipcrypt-nd": ipcrypt.encrypt_nd,
    "ipcrypt-ndx": ipcrypt.encrypt_ndx,
}
DECRYPT = {
    "ipcrypt-deterministic": ipcrypt.decrypt_deterministic,
    "ipcrypt-pfx": ipcrypt.decrypt_pfx,
    "ipcrypt-nd": ipcrypt.decrypt_nd,
    "ipcrypt-ndx": ipcrypt.decrypt_ndx,
}
KEY = bytes(range(32))
addresses = st.one_of(
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=4, max_size=4).map(lambda four: bytes(10) + b"\xff\xff" + four),
)


def as_array(packed: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(packed), dtype=np.uint8).reshape(-1, 16)


def test_every_published_vector_comes_out_and_goes_back(shared_data: Path) -> None:
    document = json.loads((shared_data / "vectors" / "ipcrypt_vectors.json").read_text())
    vectors = [v for name, group in document.items() if name not in ("sources", "notes")
               for v in group]  # fmt: skip
    assert len(vectors) == 71
    for vector in vectors:
        key, variant = bytes.fromhex(vector["key"]), vector["variant"]
        packed = pack_address(vector["ip"])
        assert packed is not None
        plain = as_array([packed])
        if vector["tweak"]:
            tweak = np.frombuffer(bytes.fromhex(vector["tweak"]), dtype=np.uint8).reshape(1, -1)
            done = ENCRYPT[variant](key, plain, tweak)
            assert done.tobytes().hex() == vector["output"]
        else:
            done = ENCRYPT[variant](key, plain)
            assert write_address(done.tobytes()) == vector["output"]
        assert (DECRYPT[variant](key, done) == plain).all()


@settings(deadline=None, max_examples=50)
@given(st.lists(addresses, min_size=1, max_size=40))
def test_addresses_with_a_common_front_keep_just_that_front_in_common(packed: list[bytes]) -> None:
    plain = as_array(packed)
    done = ipcrypt.encrypt_pfx(KEY, plain)
    assert (ipcrypt.decrypt_pfx(KEY, done) == plain).all()
    assert (ipcrypt.is_mapped(done) == ipcrypt.is_mapped(plain)).all()
    before, after = np.unpackbits(plain, axis=1), np.unpackbits(done, axis=1)
    for i in range(1, len(packed)):
        if ipcrypt.is_mapped(plain)[0] == ipcrypt.is_mapped(plain)[i]:
            assert front(before[0], before[i]) == front(after[0], after[i])


def front(first: np.ndarray, second: np.ndarray) -> int:
    different = np.flatnonzero(first != second)
    return int(different[0]) if len(different) else 128


@settings(deadline=None, max_examples=50)
@given(st.lists(addresses, min_size=1, max_size=20))
def test_many_at_once_are_the_same_as_one_by_one(packed: list[bytes]) -> None:
    for variant in ("ipcrypt-deterministic", "ipcrypt-pfx"):
        key = KEY if variant == "ipcrypt-pfx" else KEY[:16]
        together = ENCRYPT[variant](key, as_array(packed))
        alone = np.concatenate([ENCRYPT[variant](key, as_array([p])) for p in packed])
        assert (together == alone).all()


def test_a_key_of_the_wrong_length_or_with_equal_halves_is_refused() -> None:
    plain = as_array([bytes(16)])
    with pytest.raises(ValueError, match="16 bytes"):
        ipcrypt.encrypt_deterministic(KEY, plain)
    with pytest.raises(ValueError, match="halves"):
        ipcrypt.encrypt_pfx(KEY[:16] * 2, plain)
