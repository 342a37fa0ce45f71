"""The gates see what is there, in any dress, and nothing that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg2
import pytest
from lethe.quality.content import has_address, has_card, has_iban, undressed
from psycopg2 import sql

Gate = Callable[[sql.Composable], sql.Composed]


@pytest.fixture(scope="module")
def ask(postgres: str) -> Iterator[Callable[[Gate, str], bool]]:
    connection = psycopg2.connect(postgres)

    def asked(gate: Gate, text: str) -> bool:
        with connection.cursor() as cursor:
            given = sql.SQL('(%(text)s::text COLLATE "C")')
            select = sql.SQL("SELECT {} FROM {} AS one").format(
                gate(sql.SQL("one.t")), undressed(given)
            )
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
    "4111 - 1111 - 1111 - 1111",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "411111 1111111111",
    "4111\u202f1111\u20111111\u00ad1111",
    "/pay?n=4111%201111%201111%201111",
    "/pay?n=4111+1111+1111+1111&x=1",
    "<td>4111&nbsp;1111&nbsp;1111&nbsp;1111</td>",
    '{"n": "4111\\u00a01111\\n1111 1111"}',
    "'4111111111111111':3 'card':1",
    "4111_1111_1111_1111",
    "6759649826438453",
    "5018000000000009",
    "5067310000000010",
    "135410014004955",
    "6240008631401148",
    "9792030394440796",
    "6799990100000000019",
    "amount 12.50 for 4111111111111111.",
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
    "0.4111111111111111",
    "-4.111111111111111",
    '{"score": 0.5555555555554444, "at": 4.111111111111111}',
    "[0.4111111111111111,5.555555555554444]",
    "12 34 56 78 90 41 11 11 11 11 11 11 11 22 33",
    "2026-01-02 2026-01-03",
    "10.4.111.111 1111",
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
    "lu28-0019-4006-4475-0000",
    "LU28.0019.4006.4475.0000",
    "LU28\u00a00019\u00a04006\u00a04475\u00a00000",
    "/pay?to=LU28%200019%204006%204475%200000",
    "q=%3DLU280019400644750000",
    "AT12 LU28 0019 4006 4475 0000",
    "IBAN LU28 0019 4006 4475 0000 BIC BCEELULL",
    "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
    "no93.8601.1117.947",
]
NO_IBANS = [
    "LU10ZZZ0000000000009999",
    "LU280019400644750001",
    "LU2800194006447500001",
    "DE89370400440532013000x",
    "ab12cdefabcdefabcdef",
    "LU28 0019: 4006 4475 0000",
    "TVA LU46345678 Luxembourg",
    "TVA LU46345678 LUXEMBOURG",
    "psn:lu280019400644750000abc",
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
