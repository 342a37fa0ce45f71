"""Records are judged by their shape as they are judged without it."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lethe.archive.records import FORMAT, read_record
from lethe.archive.shapes import CanonicalReader

from tests.archive.test_records import NESTED, TEXT

AT = "2026-06-01T00:00:00.000000Z"
NAMES = st.dictionaries(TEXT, NESTED, max_size=3)
HEAD = {"format": FORMAT, "kind": "document", "recorded_at": AT}


def record(bound: dict[str, Any], previous: int | None = None) -> bytes:
    return rfc8785.dumps({"bound": bound, "previous": previous, **HEAD})


def judged(read: Any, data: bytes) -> Any:
    try:
        said = read(data)
    except ValueError:
        return "refused"
    if isinstance(said, dict):
        asked = [said.get(name) for name in ("format", "kind", "recorded_at")]
        if any(type(each) is not str for each in asked):
            return "refused"
        return (*asked, said.get("previous"))
    return said


@given(st.lists(NAMES, min_size=1, max_size=4), st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_came_before_a_record_is_judged_as_if_it_stood_alone(
    bounds: list[dict[str, Any]], data: Any
) -> None:
    reader = CanonicalReader()
    for bound in bounds:
        whole = record(bound, data.draw(st.none() | st.integers(0, 9)))
        at = data.draw(st.integers(0, len(whole)))
        more = data.draw(st.sampled_from([b" ", b"\n", b"0", b'"', b",", b"\\u0041", b"e1"]))
        for each in (whole, whole[:at] + more + whole[at:], whole[:at], whole):
            assert judged(lambda one: reader.read(one, b"d"), each) == judged(read_record, each)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b'"a":"1","b":null', b'"b":null,"a":"1"'),
        (b'"a":"1","b":null', b'"a":"1","b":null,"b":null'),
        (b'"a":"1","b":null', b'"a":"1", "b":null'),
        (b'"a":"1","b":null', b'"a":"\\u0031","b":null'),
        (b'"a":"1","b":2', b'"a":"1","b":2.0'),
        (b'"a":"1","b":2', b'"a":"1","b":2e0'),
        (b'"a":"1","b":0', b'"a":"1","b":-0'),
        (b'"a":["x","y"]', b'"a":["x", "y"]'),
        (b'"a":[{"n":"1"},{"n":"2"}]', b'"a":[{"n":"1"},{"n":"2","n":"2"}]'),
        (b'"a":"/"', b'"a":"\\/"'),
    ],
)
def test_other_bytes_for_a_shape_that_was_learnt_are_refused(right: bytes, wrong: bytes) -> None:
    reader = CanonicalReader()
    front = b'{"bound":{'
    rest = b'},"format":"lethe-archive/1","kind":"document","previous":null,"recorded_at":"x"}'
    for _ in range(3):
        assert reader.read(front + right + rest, b"d") == (FORMAT, "document", "x", None)
    with pytest.raises(ValueError, match=r"canonical|no such number"):
        reader.read(front + wrong + rest, b"d")


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "a.b", "", "__class__", "é", "%s"])
def test_whatever_a_column_is_called_its_record_is_read(name: str) -> None:
    reader = CanonicalReader()
    for number in range(3):
        whole = record({name: f"{number}"}, number)
        assert reader.read(whole, b"d")[3] == number
        with pytest.raises(ValueError, match="canonical"):
            reader.read(whole.replace(b"null", b" null").replace(b":{", b": {"), b"d")


def test_an_endless_row_of_new_shapes_is_read_and_not_learnt() -> None:
    reader = CanonicalReader()
    for number in range(200):
        whole = record({f"n{number}": "x"}, number)
        assert reader.read(whole, b"%d" % number)[3] == number
    assert reader._learnt <= 50
    with pytest.raises(ValueError, match=r"."):
        reader.read(b'{"format":"lethe-archive/2"}', b"d")
