"""The gates see what is there, in any dress, and nothing that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg2
import pytest
from lethe.quality.content import has_address, has_card, has_iban
from psycopg2 import sql

Gate = Callable[[sql.Composable], sql.Composed]


@pytest.fixture(scope="module")
def ask(postgres: str) -> Iterator[Callable[[Gate, str], bool]]:
    connection = psycopg2.connect(postgres)

    def asked(gate: Gate, text: str) -> bool:
        with connection.cursor() as cursor:
            select = sql.SQL("SELECT {}").format(gate(sql.SQL("%(text)s::text")))
            cursor.execute(select, {"text": text})
            return bool(cursor.fetchone()[0])

    yield asked
    connection.close()


CARDS = [
    "4111111111111111",
    "4111 1111 1111 1111",
    "paid with 4111-1111-1111-1111 exp 12/27",
    "card 4111 1111 1111 1111 12 27",
    '{"a": [{"n": 4111111111111111}]}',
    "378282246310005",
    "3782 822463 10005",
    "6011111111111117",
    "4222222222222",
    "5555.5555.5555.4444",
    "4111\u00a01111\u00a01111\u00a01111",
    "pan4111111111111111",
    "30569309025904",
    "2223003122003222",
    "4111111111111111.0000",
    "3530111333300000",
    "41111 11111 11111 1",
    "4111111111111111exp1227",
    "order 12, 4111111111111111, 99 pieces",
    "4111 1111\n1111 1111",
]
NO_CARDS = [
    "4111111111111112",
    "1234567812345678",
    "+49 1511 2345678",
    "4006381333931",
    "a4111111111111111b2",
    "2026-01-02 12:30:45.123456+00",
    "550e8400-e29b-41d4-a716-446655440000",
    "411111111111111111111111",
    "LU28 0019 4006 4475 0000",
    "1795363200000000",
    "",
]
IBANS = [
    "LU280019400644750000",
    "lu28 0019 4006 4475 0000",
    "please pay DE89 3704 0044 0532 0130 00 at once",
    "GB82WEST12345698765432",
    "iban:FR1420041010050500013M02606",
    "IBANLU280019400644750000",
    "x_LU280019400644750000",
    "NL91ABNA0417164300",
    '{"iban":"BE68539007547034"}',
]
NO_IBANS = [
    "LU10ZZZ0000000000009999",
    "LU280019400644750001",
    "LU2800194006447500001",
    "DE89370400440532013000x",
    "ab12cdefabcdefabcdef",
]


@pytest.mark.parametrize("text", CARDS)
def test_a_card_number_is_seen(ask, text):
    assert ask(has_card, text)


@pytest.mark.parametrize("text", NO_CARDS)
def test_a_number_that_is_no_card_raises_no_alarm(ask, text):
    assert not ask(has_card, text)


@pytest.mark.parametrize("text", IBANS)
def test_a_whole_bank_account_is_seen(ask, text):
    assert ask(has_iban, text)


@pytest.mark.parametrize("text", NO_IBANS)
def test_a_word_that_is_no_bank_account_raises_no_alarm(ask, text):
    assert not ask(has_iban, text)


@pytest.mark.parametrize("text", ["10.0.0.1 - -", "http://10.0.0.1/x", "from 192.168.1.9."])
def test_a_network_address_is_seen(ask, text):
    assert ask(has_address, text)


@pytest.mark.parametrize("text", ["Chrome/120.0.0.0", "2001:db8::1", "1.2.3", "1.2.3.4.5"])
def test_a_version_or_a_pseudonym_is_no_raw_address(ask, text):
    assert not ask(has_address, text)
