"""Batches begin small, converge on the aim, and give way at once to a slow server."""

from __future__ import annotations

import pytest
from lethe.erasure.pace import Pace
from lethe.policy.model.guards import Batches, BesideOthers


def _after(pace: Pace, batches: int, *, fixed_ms: float, subject_ms: float) -> list[float]:
    """Durations of some batches on a server of that speed."""
    durations = []
    for _ in range(batches):
        size = pace.size
        durations.append(fixed_ms + size * subject_ms)
        pace.took(durations[-1], size)
    return durations


def test_a_pace_converges_on_the_aim_and_stays_near_it() -> None:
    pace = Pace(Batches(subjects=5_000, target_ms=250))
    durations = _after(pace, 30, fixed_ms=20, subject_ms=0.5)
    assert max(durations) <= 260
    assert 200 <= durations[-1] <= 260


def test_a_pace_never_takes_more_than_the_policy_allows() -> None:
    pace = Pace(Batches(subjects=500, target_ms=250))
    _after(pace, 20, fixed_ms=1, subject_ms=0.01)
    assert pace.size == 500
    assert Pace(Batches(subjects=10)).size == 10


def test_a_slow_batch_counts_at_once_and_fades() -> None:
    pace = Pace(Batches(subjects=5_000, target_ms=250))
    _after(pace, 30, fixed_ms=0, subject_ms=0.5)
    pace.took(2_000, pace.size)
    assert pace.size <= 70
    _after(pace, 20, fixed_ms=0, subject_ms=0.5)
    assert pace.size >= 450


def test_a_pace_takes_one_subject_at_least_however_slow() -> None:
    pace = Pace(Batches(subjects=500, target_ms=10))
    pace.took(60_000, 1)
    pace.failed()
    assert pace.size == 1


def test_a_server_that_is_slow_whatever_the_size_gets_no_batches_of_one() -> None:
    pace = Pace(Batches(subjects=500, target_ms=250))
    _after(pace, 20, fixed_ms=400, subject_ms=1)
    assert pace.size == 20


def test_few_subjects_with_very_many_rows_go_one_by_one() -> None:
    pace = Pace(Batches(subjects=500, target_ms=250))
    _after(pace, 20, fixed_ms=10, subject_ms=900)
    assert pace.size <= 2


def test_a_failed_batch_halves_the_next() -> None:
    pace = Pace(Batches(subjects=500))
    pace.failed()
    assert pace.size == 25


def test_beside_others_batches_aim_at_less_and_rest_for_their_share() -> None:
    pace = Pace(Batches(target_ms=250, beside_others=BesideOthers(target_ms=25, share=0.25)))
    assert max(_after(pace, 20, fixed_ms=0, subject_ms=0.5)) > 200
    assert pace.rest_s(0.02) == 0
    pace.give_way(beside_others=True)
    assert _after(pace, 10, fixed_ms=0, subject_ms=0.5) == [25.0] * 10
    assert pace.rest_s(0.02) == pytest.approx(0.06)


def test_alone_again_batches_grow_to_their_full_size() -> None:
    pace = Pace(Batches(target_ms=250, beside_others=BesideOthers(target_ms=25)))
    pace.give_way(beside_others=True)
    _after(pace, 20, fixed_ms=0, subject_ms=0.5)
    pace.give_way(beside_others=False)
    assert _after(pace, 20, fixed_ms=0, subject_ms=0.5)[-1] == 250


def test_beside_others_no_batch_is_cut_to_where_its_statements_cost_more_than_its_rows() -> None:
    pace = Pace(Batches(target_ms=250, beside_others=BesideOthers(target_ms=25)))
    pace.give_way(beside_others=True)
    assert _after(pace, 20, fixed_ms=60, subject_ms=1)[-1] == 80


def test_an_aim_beside_others_above_the_usual_one_does_not_count() -> None:
    pace = Pace(Batches(target_ms=50, beside_others=BesideOthers(target_ms=1000)))
    pace.give_way(beside_others=True)
    assert _after(pace, 20, fixed_ms=0, subject_ms=0.5)[-1] <= 50


def test_no_rest_is_longer_than_a_second() -> None:
    pace = Pace(Batches(beside_others=BesideOthers(share=0.01)))
    pace.give_way(beside_others=True)
    assert pace.rest_s(10) == 1
