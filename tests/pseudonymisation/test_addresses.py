"""Addresses in every notation, and their pseudonyms."""

from __future__ import annotations

import pytest
from lethe.pseudonymisation.addresses import (
    AddressMethod,
    AddressPseudonyms,
    pack_address,
    write_address,
)

SECRET, OTHER = b"a" * 32, b"b" * 32


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:8080", "192.0.2.1"),
        ("192.000.002.001", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:443", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:8443", "2001:db8::1"),
        ("[fe80::1%eth0]:53", "fe80::1"),
        ("fe80::1%en0.1", "fe80::1"),
        ("fe80::1%25eth0", "fe80::1"),
        ("2001%3adb8%3A%3a1", "2001:db8::1"),
        ("%5B2001:db8::1%5D", "2001:db8::1"),
        ("%255B2001%253Adb8%253A%253A1%255D", "2001:db8::1"),
        ("::", "::"),
    ],
)
def test_an_address_is_read_in_every_notation(text: str, plain: str) -> None:
    packed = pack_address(text)
    assert packed is not None
    assert write_address(packed) == plain


@pytest.mark.parametrize(
    "text",
    ["", "-", "unknown", "1.2.3", "1.2.3.4.5", "256.1.1.1", "12:34:56", "1.2.3.04", "a.b.c.d",
     "00:1a:2b:3c:4d:5e", "example.com", "1.2.3.4\0", "Foo::Bar", ":", ":::", "9" * 200],
)  # fmt: skip
def test_what_is_no_address_is_not_read_as_one(text: str) -> None:
    assert pack_address(text) is None


@pytest.mark.parametrize("method", [AddressMethod.DETERMINISTIC, AddressMethod.PREFIX])
def test_an_address_has_one_pseudonym_in_a_period_and_another_in_the_next_or_another_field(
    method: AddressMethod,
) -> None:
    packed = [p for text in ("192.0.2.1", "2001:db8::1") if (p := pack_address(text))]
    made = AddressPseudonyms(method, SECRET, "ip").replace(packed)
    assert AddressPseudonyms(method, SECRET, "ip").replace(packed * 3) == made * 3
    assert not set(made) & set(AddressPseudonyms(method, OTHER, "ip").replace(packed))
    assert not set(made) & set(AddressPseudonyms(method, SECRET, "peer").replace(packed))


@pytest.mark.parametrize("method", [AddressMethod.ND, AddressMethod.NDX])
def test_without_linkability_every_occurrence_has_a_pseudonym_of_its_own(
    method: AddressMethod,
) -> None:
    packed = pack_address("192.0.2.1")
    assert packed
    assert len(set(AddressPseudonyms(method, SECRET, "ip").replace([packed] * 50))) == 50


@pytest.mark.parametrize("method", list(AddressMethod))
def test_whoever_holds_the_secret_can_go_back(method: AddressMethod) -> None:
    texts = ["192.0.2.1", "2001:db8::1", "10.0.0.1"]
    pseudonyms = AddressPseudonyms(method, SECRET, "ip")
    made = pseudonyms.replace([p for text in texts if (p := pack_address(text))])
    assert pseudonyms.reveal([f"ip_{pseudonym}" for pseudonym in made]) == texts
