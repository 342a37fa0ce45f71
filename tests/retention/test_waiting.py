"""The list of a set that waits: there while the question is open, gone when it is settled."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from lethe.errors import GuardStop
from lethe.retention.approved import open_questions, record, work_off
from lethe.retention.waiting import lists_folder

from tests.kit import Kit, MakeKit
from tests.retention.test_replay import DDL, POLICY

TODAY = date(2026, 6, 1)
CAPPED = f"""{POLICY}
guards:
  cap: {{subjects: 1}}
  approvers: [{{user: vera, name: Vera}}, {{user: otto, name: Otto}}]
"""


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, CAPPED)


def lists() -> list[Path]:
    return sorted(lists_folder().glob("*"))


def test_a_question_names_a_list_of_tokens_without_anything_personal(kit: Kit) -> None:
    kit.sweep(TODAY)
    (question,) = open_questions(kit.site)
    (file,) = lists()
    assert str(file) in question["body"]
    assert file.stat().st_mode & 0o777 == 0o600
    head, *rows = csv.reader(file.read_text().splitlines())
    assert head[:2] == ["token", "due_on"]
    assert [row[1] for row in rows] == ["2022-02-01", "2023-03-01"]
    assert all(len(row[0]) == 64 for row in rows)
    assert "example.org" not in file.read_text()


def test_the_list_goes_when_the_set_was_approved(kit: Kit) -> None:
    kit.sweep(TODAY)
    (question,) = open_questions(kit.site)
    said = {"chosen_options": ["Approve"], "responded_by_user": {"id": "vera", "name": "Vera"}}
    assert record(kit.site, question["data"], said) == "approve"
    assert work_off(kit.site, None) == {"gone": 1}, "at most the cap a night"
    assert lists() == []


def test_the_list_goes_when_a_newer_plan_takes_its_place(kit: Kit) -> None:
    kit.sweep(TODAY)
    open_questions(kit.site)
    kit.sweep(date(2026, 6, 2))
    assert lists() == []
    open_questions(kit.site)
    assert len(lists()) == 1


def test_nobody_is_asked_who_started_the_run(kit: Kit) -> None:
    kit.sweep(TODAY, requested_by="vera")
    (question,) = open_questions(kit.site)
    assert [user["id"] for user in question["assigned_users"]] == ["otto"]


def test_without_anybody_who_may_answer_no_question_is_put_and_the_log_says_so(
    make_kit: MakeKit, caplog: pytest.LogCaptureFixture
) -> None:
    kit = make_kit(DDL, CAPPED.replace(", {user: otto, name: Otto}", ""))
    kit.sweep(TODAY, requested_by="vera")
    assert open_questions(kit.site) == []
    assert "nobody may answer" in caplog.text


def test_an_answer_of_nobody_approves_nothing(kit: Kit) -> None:
    kit.sweep(TODAY)
    (question,) = open_questions(kit.site)
    for said in (None, {}, {"chosen_options": ["Approve"], "responded_by_user": None}):
        with pytest.raises(GuardStop, match="no approval"):
            record(kit.site, question["data"], said)
    late = {"chosen_options": ["Reject"], "responded_by_user": None}
    assert record(kit.site, question["data"], late) == "expired"
    assert work_off(kit.site, None) == {}
    assert kit.ids("public.customer") == [1, 2, 3, 4]
