"""The answer on the page: whose is taken, what it is bound to, how it is recorded."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lethe.errors import GuardStop
from lethe.retention.approved import open_questions, record, work_off

from tests.console.conftest import World


def form_of(client: Any, path: str) -> dict[str, str]:
    """The hidden fields of the form on the page of a set."""
    text = client.get(path).text
    form = text[text.index('<form method="post"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', form))


def post(client: Any, world: World, **fields: str) -> Any:
    form = form_of(client, world.set_path)
    given = {**form, "decision": "approve", "reason": "looked at", "sure": "yes", **fields}
    return client.post(f"{world.set_path}/decision", data=given)


def decisions(world: World) -> list[tuple[Any, ...]]:
    return world.kit.execute(
        "SELECT decision, decided_by, decided_role, reason, encode(digest, 'hex'), rule"
        " FROM lethe.approval WHERE kind = 'plan' ORDER BY decided_at"
    )


def test_an_approval_is_recorded_with_digest_and_reason_under_the_approvers_role(
    world: World,
) -> None:
    client = world.client("dpo")
    answer = post(client, world, reason="  They left\n long ago ")
    assert answer.status_code == 303
    _, digest = world.waiting
    assert decisions(world) == [
        ("approve", "dpo", "lethe_approver", "They left long ago", digest, "reader-left")
    ]
    page = client.get(answer.headers["location"]).text
    assert "Approved and recorded" in page
    assert "approved, worked off from tonight" in page
    ((payload,),) = world.kit.execute(
        "SELECT payload FROM lethe.ledger WHERE kind = 'plan_approved'"
    )
    assert payload == {"rule": "reader-left", "digest": digest, "by": "dpo"}


def test_what_was_approved_on_the_page_is_worked_off_by_the_next_night(world: World) -> None:
    post(world.client("dpo"), world)
    assert work_off(world.kit.site, None) == {"reader-left": 5}
    assert len(world.kit.ids("public.reader")) == 115
    page = world.client("dpo").get("/lethe/waiting").text
    assert "approved, being worked off" in page


def test_the_required_action_that_follows_records_the_answer_no_second_time(world: World) -> None:
    (question,) = open_questions(world.kit.site)
    post(world.client("dpo"), world)
    said = {"chosen_options": ["Approve"], "responded_by_user": {"id": "dpo", "name": "dpo"}}
    assert record(world.kit.site, question["data"], said) == "approve"
    assert len(decisions(world)) == 1
    work_off(world.kit.site, None)
    assert record(world.kit.site, question["data"], said) == "approve", "not late, but known"
    rejected = {**said, "chosen_options": ["Reject"]}
    with pytest.raises(GuardStop):
        record(world.kit.site, question["data"], rejected)


def test_a_rejection_is_recorded_and_nothing_is_erased(world: World) -> None:
    answer = post(world.client("dpo"), world, decision="reject", sure="")
    assert answer.status_code == 303
    assert [row[0] for row in decisions(world)] == ["reject"]
    assert len(world.kit.ids("public.reader")) == 120


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"sure": ""}, 400, "Tick the box to approve."),
        ({"reason": "  "}, 400, "Say why."),
        ({"reason": "x" * 501}, 400, "Say why."),
        ({"reason": "x" * 20_000}, 400, "The form is too long."),
        ({"decision": "perhaps"}, 400, "The form names no decision."),
        ({"digest": "00" * 32}, 400, "This is not the set that was on the page."),
        ({"form": "0" * 64}, 403, "This form does not come from here."),
        ({"form": ""}, 403, "This form does not come from here."),
    ],
)
def test_an_answer_that_is_not_complete_or_about_another_set_records_nothing(
    world: World, fields: dict[str, str], status: int, words: str
) -> None:
    answer = post(world.client("dpo"), world, **fields)
    assert (answer.status_code, decisions(world)) == (status, [])
    assert words in answer.text


def test_a_form_of_another_person_or_another_site_records_nothing(world: World) -> None:
    dpo = world.client("dpo")
    form = form_of(dpo, world.set_path)
    given = {**form, "decision": "reject", "reason": "x"}
    bare = world.client("dpo")
    assert bare.post(f"{world.set_path}/decision", data=given).status_code == 403
    there = dpo.post(
        f"{world.set_path}/decision", data=given, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert there.status_code == 403
    assert decisions(world) == []


@pytest.mark.parametrize("user", ["engineer", "viewer"])
def test_whom_airflow_does_not_let_answer_sees_no_form_and_is_refused(
    world: World, user: str
) -> None:
    client = world.client(user)
    page = client.get(world.set_path)
    assert page.status_code == 200
    assert '<form method="post"' not in page.text
    assert "Office of the officer" in page.text
    form = form_of(world.client("dpo"), world.set_path)
    answer = client.post(f"{world.set_path}/decision", data={**form, "decision": "approve"})
    assert (answer.status_code, decisions(world)) == (403, [])


def test_whom_the_policy_does_not_name_is_refused_although_airflow_would_let_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__LETHE__APPROVERS", "dpo,viewer")
    client = world.client("viewer")
    assert "the policy does not name you" in client.get(world.set_path).text
    client.cookies.set("lethe_form", "c" * 43)
    from lethe.console.forms import _token

    _, digest = world.waiting
    given = {"decision": "approve", "reason": "x", "sure": "yes", "digest": digest}
    answer = client.post(
        f"{world.set_path}/decision", data={**given, "form": _token("c" * 43, "viewer")}
    )
    assert (answer.status_code, decisions(world)) == (409, [])
    assert "guards.approvers" in answer.text


def test_whoever_asked_for_the_run_by_hand_does_not_approve_it(world: World) -> None:
    world.kit.execute("UPDATE lethe.run SET requested_by = 'DPO'")
    client = world.client("dpo")
    assert "another approver decides" in client.get(world.set_path).text
    _, digest = world.waiting
    client.cookies.set("lethe_form", "c" * 43)
    from lethe.console.forms import _token

    given = {"decision": "approve", "reason": "x", "sure": "yes", "digest": digest}
    answer = client.post(
        f"{world.set_path}/decision", data={**given, "form": _token("c" * 43, "dpo")}
    )
    assert (answer.status_code, decisions(world)) == (409, [])


def test_a_set_that_changed_since_it_was_shown_is_not_approved(world: World) -> None:
    client = world.client("dpo")
    form = form_of(client, world.set_path)
    world.kit.execute(
        "UPDATE lethe.plan_rule SET digest = sha256('other') WHERE rule = 'reader-left'"
    )
    given = {**form, "decision": "approve", "reason": "x", "sure": "yes"}
    answer = client.post(f"{world.set_path}/decision", data=given)
    assert (answer.status_code, decisions(world)) == (400, [])


def test_a_set_of_an_edition_that_no_longer_rules_is_not_approved(world: World) -> None:
    from tests.console.conftest import POLICY

    client = world.client("dpo")
    form = form_of(client, world.set_path)
    other = world.kit.under(POLICY.replace("cap: {subjects: 5}", "cap: {subjects: 6}"))
    world.app.state.site = lambda: other.site
    given = {**form, "decision": "approve", "reason": "x", "sure": "yes"}
    answer = client.post(f"{world.set_path}/decision", data=given)
    assert (answer.status_code, decisions(world)) == (409, [])
    assert "no longer rules" in client.get(world.set_path).text


def test_an_answer_that_comes_too_late_is_not_taken(world: World) -> None:
    client = world.client("dpo")
    form = form_of(client, world.set_path)
    world.kit.execute("UPDATE lethe.run SET started_at = started_at - interval '9 days'")
    assert "The time to answer is over" in client.get(world.set_path).text
    given = {**form, "decision": "approve", "reason": "x", "sure": "yes"}
    answer = client.post(f"{world.set_path}/decision", data=given)
    assert (answer.status_code, decisions(world)) == (409, [])


def test_a_set_that_is_not_there_is_not_there(world: World) -> None:
    client = world.client("dpo")
    run, _ = world.waiting
    for path in (f"/lethe/waiting/{run}/visitor-gone", "/lethe/waiting/x/reader-left"):
        assert client.get(path).status_code == 404
        assert client.get(f"{path}/list.csv").status_code == 404


def test_a_person_is_known_by_the_name_and_not_by_a_number_of_the_auth_manager(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    # As FAB does it: whoever signs in as 'dpo' has the id '7'.
    monkeypatch.setattr(SimpleAuthManagerUser, "get_id", lambda _: "7")
    monkeypatch.setenv("AIRFLOW__LETHE__APPROVERS", "7")
    assert post(world.client("dpo"), world).status_code == 303
    assert [row[:2] for row in decisions(world)] == [("approve", "dpo")]
