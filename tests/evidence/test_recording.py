"""What only reads stands among the runs too, and its record is never in its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lethe.errors import AnswerIsNo
from lethe.evidence.recording import recorded

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY)


def runs(kit: Kit) -> list[tuple[Any, ...]]:
    return kit.execute(
        "SELECT kind, name, state, reason, requested_by, finished_at >= started_at"
        " FROM lethe.run ORDER BY started_at"
    )


def test_a_run_is_on_record_while_it_lasts_and_with_its_end(kit: Kit) -> None:
    with recorded(kit.site, "report", TODAY, "scheduled__1", "ann"):
        assert runs(kit) == [("report", "scheduled__1", "running", None, "ann", None)]
    assert runs(kit) == [("report", "scheduled__1", "done", None, "ann", True)]
    with recorded(kit.site, "report", TODAY, "scheduled__1", "ann"):
        assert [run[2] for run in runs(kit)] == ["running"], "cleared and run again, it is the same"
    assert [run[2] for run in runs(kit)] == ["done"]


def test_how_a_run_failed_is_told_without_the_text_of_what_nobody_foresaw(kit: Kit) -> None:
    with pytest.raises(AnswerIsNo), recorded(kit.site, "quality", TODAY, "a"):
        raise AnswerIsNo("critical: card.account")
    with pytest.raises(KeyError), recorded(kit.site, "quality", TODAY, "b"):
        raise KeyError("ann@example.org")
    assert [run[2:4] for run in runs(kit)] == [
        ("failed", "critical: card.account"),
        ("failed", "KeyError"),
    ]


def test_under_another_edition_it_is_a_run_of_its_own(kit: Kit) -> None:
    for site in (kit.site, kit.under(POLICY.replace("subjects: 50", "subjects: 40")).site):
        with recorded(site, "report", TODAY, "a"):
            pass
    assert [run[1:3] for run in runs(kit)] == [("a", "done"), (None, "done")]


def test_a_warehouse_that_takes_no_record_does_not_stop_the_act(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    done = []
    with recorded(replace(kit.site, dsn="host=/nowhere"), "report", TODAY, "a"):
        done.append(True)
    assert done and "not on record" in caplog.text
