"""Tokens: keyed, separated, quick."""

from __future__ import annotations

import hmac
import os
import time
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from lethe.keys import TOKEN_BYTES, Tokens, derive, encode_message

VALUE = st.text(max_size=5) | st.lists(st.none() | st.text(max_size=5), max_size=3)
NAMED = st.tuples(st.text(max_size=5), st.text(max_size=5), VALUE)


def test_a_token_is_the_hmac_of_the_written_message() -> None:
    secret = os.urandom(32)
    token = Tokens(secret, uuid4()).one("account", "email", "a@x")
    message = encode_message("account", "email", "a@x")
    assert token == hmac.digest(derive(secret, "token"), message, "sha256")
    assert len(token) == TOKEN_BYTES
    assert message == (b"\0\0\0\7account\0\0\0\5email\0\0\0\1\0\0\0\3a@x")


@given(NAMED, NAMED)
def test_two_messages_are_equal_only_if_all_their_parts_are(
    one: tuple[str, str, str | list[str | None]], other: tuple[str, str, str | list[str | None]]
) -> None:
    assert (encode_message(*one) == encode_message(*other)) is (parts(one) == parts(other))


def test_kind_field_value_key_and_composition_all_separate() -> None:
    secret = os.urandom(32)
    tokens, others = Tokens(secret, uuid4()), Tokens(os.urandom(32), uuid4())
    made = [
        tokens.one("account", "", ("1",)),
        tokens.one("visitor", "", ("1",)),
        tokens.one("account", "email", ("1",)),
        tokens.one("account", "", ("1", "")),
        tokens.one("account", "", ("1", None)),
        tokens.one("account", "", ("", "1")),
        others.one("account", "", ("1",)),
    ]
    assert len(set(made)) == len(made)
    assert tokens.subjects("account", [("1",)]) == [made[0]]
    assert tokens.one("account", "", "1") == made[0]


def test_many_are_made_in_their_order_and_fifty_thousand_a_second() -> None:
    tokens = Tokens(os.urandom(32), uuid4())
    keys = [(str(number),) for number in range(50_000)]
    started = time.perf_counter()
    made = tokens.subjects("account", keys)
    assert time.perf_counter() - started < 1
    assert made[::9999] == [tokens.one("account", "", key) for key in keys[::9999]]


def parts(named: tuple[str, str, str | list[str | None]]) -> tuple[object, ...]:
    kind, field, value = named
    return kind, field, [value] if isinstance(value, str) else value
