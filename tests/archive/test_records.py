"""Records are canonical JSON, written and judged by the quick way as rfc8785 does it."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lethe.archive.records import FORMAT, read_record, verbatim, write_record

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.text(alphabet=st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=6)
LEAF = st.none() | st.booleans() | TEXT | st.integers(-(2**53) + 1, 2**53 - 1)
NESTED = st.recursive(
    LEAF, lambda one: st.lists(one, max_size=4) | st.dictionaries(NAME, one, max_size=4)
)
ANY_NAME = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=6)
FIELDS = st.dictionaries(NAME, NESTED, max_size=8)


@given(FIELDS)
@example({"a": "\x00\x1f\x7f\u2028/\\\"'é\U0001f600", "é": [], "\uffff": {}, "e\u0301": None})
@settings(max_examples=400)
def test_a_record_is_written_as_rfc8785_writes_it_and_read_back(fields: dict[str, Any]) -> None:
    whole = {**fields, "format": FORMAT}
    written = write_record(fields | {"format": FORMAT})
    assert written == rfc8785.dumps(whole)
    assert read_record(written) == whole


@given(st.dictionaries(ANY_NAME, TEXT | st.dictionaries(ANY_NAME, TEXT, max_size=4), max_size=8))
@example({"\uffff": "", "\U00010000": ""})
def test_names_beyond_utf16_are_read_in_the_order_of_rfc8785(fields: dict[str, Any]) -> None:
    whole = {**fields, "format": FORMAT}
    assert read_record(rfc8785.dumps(whole)) == whole


@given(FIELDS, st.data())
@settings(max_examples=300)
def test_other_bytes_for_the_same_record_are_refused(fields: dict[str, Any], data: Any) -> None:
    whole = write_record(fields | {"format": FORMAT})
    at = data.draw(st.integers(0, len(whole)))
    other = whole[:at] + data.draw(st.sampled_from([b" ", b"\n", b"\t"])) + whole[at:]
    try:
        value = read_record(other)
    except ValueError:
        return
    assert rfc8785.dumps(value) == other, "the blank stands inside a text"


@pytest.mark.parametrize(
    "data",
    [
        b'{"format":"lethe-archive/1","n":1.0}',
        b'{"format":"lethe-archive/1","n":1e2}',
        b'{"format":"lethe-archive/1","n":-0}',
        b'{"n":1,"format":"lethe-archive/1"}',
        b'{"format":"lethe-archive/1","n":1,"n":1}',
        b'{"format":"lethe-archive/1","n":"\\u0041"}',
        b'{"format":"lethe-archive/1","n":"\\/"}',
        b'{"format":"lethe-archive/2"}',
        b'["lethe-archive/1"]',
        b'{"format":"lethe-archive/1","n":"\xff"}',
        b"",
    ],
)
def test_what_is_no_canonical_record_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_record(data)


def test_what_the_server_gave_goes_in_as_it_is() -> None:
    given_text = '{"a":"\\n","b":["1",null]}'
    assert write_record({"bound": verbatim(given_text), "x": 1}) == (
        b'{"bound":' + given_text.encode() + b',"format":"lethe-archive/1","x":1}'
    )
