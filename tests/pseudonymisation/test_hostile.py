"""No line can be made slow."""

from __future__ import annotations

import time
from collections.abc import Callable

import polars as pl
import pytest
from lethe.pseudonymisation.batch import Batches
from lethe.pseudonymisation.outcome import Stretch
from lethe.pseudonymisation.text import TextScrubber

from tests.pseudonymisation.kit import combined_line, plan_for
from tests.pseudonymisation.test_text import Holes

LENGTH = 8000
PIECES = [
    "a", "%40", "a@", "@", "1.", "1", ":", "::", "1:", "%25", "a-", "a.", "eyJ", "user ", "LU28 ",
    "4111 ", "token=", "//:", "a.b@c.", "%3d", "Aa1-_", "%", "\\x", "&amp;", "f", "/~", "=", "&",
    "a=", "?", "#", "1.1.1.1", "[", '\\"', "invalid user ", "for user ", "é", "a%40a.", "ip-1-",
    "użytkownik ", "ユーザー=", "A=a:", " A=a:b", "cn=a,", "\" <a@b>",
    "Anna ", "anna-lena ", "approved by a ", "owner=", "<a> ", "user Anna ", "by Xkcdq ",
]  # fmt: skip
ORDINARY = {
    True: "sshd[815]: Accepted password for deploy from 192.0.2.17 port 51022 ssh2, and so on. ",
    False: "/presentations/logstash/images/kibana-search.png?page=2&sort=asc and a few more words ",
}


def seconds(work, repetitions: int = 3) -> float:
    best = float("inf")
    for _ in range(repetitions):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def slow_of(cost: Callable[[str], float], usual: float) -> dict[str, float]:
    """What costs more than ten times the usual, looked at again: others only ever slow it down."""
    first = [piece for piece in PIECES if cost(piece) > 10 * usual]
    looks = {piece: min(cost(piece) for _ in range(4)) for piece in first}
    return {piece: round(took / usual, 1) for piece, took in looks.items() if took > 10 * usual}


@pytest.mark.parametrize("free", [True, False])
def test_a_hostile_text_costs_no_more_than_ten_times_an_ordinary_one(free: bool) -> None:
    def texts(piece: str) -> pl.Series:
        # Each is another one, so that nothing is remembered.
        return pl.Series([f"{number:04d} {piece * LENGTH}"[:LENGTH] for number in range(40)])

    def cost(piece: str) -> float:
        series = texts(piece)
        return seconds(lambda: TextScrubber(Holes(), free=free).scrub(series))

    TextScrubber(Holes(), free=free).scrub(texts("x@example.com "))
    usual = max(cost(ORDINARY[free]), 0.002)
    assert slow_of(cost, usual) == {}


@pytest.mark.parametrize("place", ["url", "referrer", "agent", "user", "ip"])
def test_a_hostile_line_costs_no_more_than_ten_times_an_ordinary_one(place: str) -> None:
    batches = Batches(plan_for("combined", query_allow=frozenset({"page", "a"})))

    def cost(piece: str) -> float:
        raw = "".join(
            combined_line(**{place: f"/{number}?{piece * LENGTH}"[:LENGTH].replace('"', "")})
            for number in range(40)
        ).encode()
        return seconds(lambda: batches.process(Stretch(raw)))

    cost("x")
    usual = max(cost("a=b&page=2&"), 0.01)
    assert slow_of(cost, usual) == {}
