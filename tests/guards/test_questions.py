"""Questions to approvers: what they show, whose answer is taken, and when it is not."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from lethe.erasure.freeze import freeze_rule
from lethe.errors import ConfigurationError, GuardStop, UsageError
from lethe.evidence.runs import begin_run, set_state
from lethe.guards.answers import answer, settle_answers, supersede
from lethe.guards.approval import find_decision
from lethe.guards.frozen import settled_plans, write_list
from lethe.guards.questions import Question, as_markdown, build_questions
from lethe.retention.assignments import assign
from lethe.retention.statements import judge
from psycopg2 import sql

from tests.shop import LONG_AGO, Shop

TODAY = date(2026, 6, 1)


def freeze(
    shop: Shop, as_of: date = TODAY, state: str = "waiting", asked: str | None = None
) -> UUID:
    """Freeze a night as the sweep does; the account rule is over its limit."""
    graph = shop.graph()
    policy = shop.loaded.policy.policy
    digest = bytes.fromhex(shop.loaded.digest)
    runner = shop.act("runner")
    run = begin_run(
        runner,
        kind="sweep",
        name=None,
        policy=(policy.name, policy.version, digest),
        as_of=as_of,
        requested_by=asked,
    )
    plan = freeze_rule(runner, assign(graph, "inactive", as_of, run.run_id), digest)
    with runner.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lethe.plan_rule (run_id, rule, subject_kind, cluster, clause, state,"
            " planned, counts, oldest_on, newest_on, over_limit, digest)"
            " VALUES (%s, 'inactive', 'customer', 'account', 'retention', %s, %s, %s, %s, %s,"
            " '5 subjects are due, the cap is 3 a night', %s)",
            (
                str(run.run_id),
                state,
                plan.planned,
                json.dumps(dict(plan.counts)),
                plan.oldest_on,
                plan.newest_on,
                plan.digest,
            ),
        )
    set_state(runner, run.run_id, "waiting")
    runner.commit()
    return run.run_id


def ask(shop: Shop, run_id: UUID) -> Question:
    graph = shop.graph()
    (question,) = build_questions(shop.act("runner"), graph, run_id)
    shop.connection.commit()
    return question


def reply(
    shop: Shop, question: Question, decision: str = "approve", by: str = "vera", asked: str = ""
) -> None:
    answer(
        shop.act("approver"), question, decision, by, asked, policy=shop.loaded.policy,
        witness=shop.witness,
    )  # fmt: skip


def state_of(shop: Shop, run_id: UUID) -> str:
    found = shop.execute(
        "SELECT state FROM lethe.plan_rule WHERE run_id = %s AND rule = 'inactive'", (str(run_id),)
    )
    return str(found[0][0])


@pytest.fixture
def crowd(shop: Shop) -> Shop:
    """Five customers due, two with an open ticket, one with an unpaid invoice."""
    shop.add_customers(*(date(2020, month, 1) for month in range(1, 6)))
    shop.execute(
        "INSERT INTO crm.ticket VALUES (1, 1, 'open', '2019-01-01'), (2, 1, 'open', '2019-05-05'),"
        " (3, 2, 'open', '2018-01-01'), (4, 3, 'closed', '2019-06-01')"
    )
    shop.execute("INSERT INTO crm.invoice VALUES (1, 5, '2019-01-01', NULL)")
    return shop


def test_a_question_shows_what_a_person_needs_to_judge(crowd: Shop) -> None:
    question = ask(crowd, freeze(crowd))
    assert (question.due, question.oldest_on, question.newest_on) == (
        5,
        date(2022, 1, 2),
        date(2022, 5, 2),
    )
    assert {flag.name: flag.count for flag in question.flags} == {"open_ticket": 2, "unpaid": 1}
    assert question.newest_activity == date(2019, 6, 1)
    assert question.usual is None
    assert Question.from_data(json.loads(json.dumps(question.as_data()))) == question
    text = as_markdown([question], {"inactive": "/lethe/list"})
    assert "2 × Has an open ticket, 1 × Has an unpaid invoice" in text
    assert question.digest.hex() in text
    assert "example.org" not in text.lower()
    kept = crowd.execute("SELECT flags -> 'risk' FROM lethe.plan_rule")
    assert kept == [({"open_ticket": 2, "unpaid": 1},)]


def test_the_usual_count_is_the_median_of_the_last_nights(crowd: Shop) -> None:
    run = crowd.execute(
        "INSERT INTO lethe.run (kind, policy_name, policy_version, policy_digest, as_of, state)"
        " SELECT 'sweep', 'shop', '1', sha256(''), '2026-05-01'::date + n, 'done'"
        " FROM generate_series(1, 3) AS n RETURNING run_id"
    )
    for (run_id,), planned in zip(run, (1, 9, 2), strict=True):
        crowd.execute(
            "INSERT INTO lethe.plan_rule (run_id, rule, subject_kind, planned)"
            " VALUES (%s, 'inactive', 'customer', %s)",
            (run_id, planned),
        )
    question = ask(crowd, freeze(crowd))
    assert (question.usual, question.nights) == (2.0, 3)


def test_the_list_holds_tokens_dates_and_flags_and_no_key(crowd: Shop, tmp_path: Path) -> None:
    run_id = freeze(crowd)
    graph = crowd.graph()
    runner = crowd.act("runner")
    tokens = crowd.ring.tokens("token", "2026", create=True)
    file = write_list(
        runner, graph, run_id, "inactive", TODAY, tokens=tokens, folder=tmp_path / "lists"
    )
    rows = list(csv.DictReader(file.open()))
    named = [token.hex() for token in tokens.subjects("customer", [(str(n),) for n in range(1, 6)])]
    assert [row["token"] for row in rows] == named
    assert [row["due_on"] for row in rows][:2] == ["2022-01-02", "2022-02-02"]
    assert [row["open_ticket"] for row in rows] == ["yes", "yes", "", "", ""]
    assert [row["unpaid"] for row in rows] == ["", "", "", "", "yes"]
    assert file.stat().st_mode & 0o077 == 0
    assert set(rows[0]) == {"token", "due_on", "open_ticket", "unpaid"}


def test_an_answer_is_recorded_under_the_approvers_role_with_the_digest(crowd: Shop) -> None:
    question = ask(crowd, freeze(crowd))
    reply(crowd, question)
    rows = crowd.execute("SELECT decision, decided_by, decided_role, digest FROM lethe.approval")
    assert [(*row[:3], bytes(row[3])) for row in rows] == [
        ("approve", "vera", "lethe_approver", question.digest)
    ]
    found = find_decision(crowd.act("runner"), question.digest, question.policy_digest)
    assert found is not None
    assert found.decision == "approve"
    assert crowd.execute("SELECT kind, payload ->> 'by' FROM lethe.ledger") == [
        ("plan_approved", "vera")
    ]


def test_who_asked_who_is_not_named_and_what_is_no_decision_are_refused(crowd: Shop) -> None:
    question = ask(crowd, freeze(crowd, asked="Vera"))
    with pytest.raises(GuardStop, match="asked for this run"):
        reply(crowd, question)
    with pytest.raises(GuardStop, match="asked for this run"):
        reply(crowd, question, by="otto", asked="otto")
    with pytest.raises(GuardStop, match="'mallory' may not decide; the policy names: vera, otto"):
        reply(crowd, question, by="mallory")
    with pytest.raises(UsageError, match="approve, reject"):
        reply(crowd, question, decision="Approve", by="otto")
    assert crowd.execute("SELECT count(*) FROM lethe.approval") == [(0,)]
    reply(crowd, question, by="otto")


def test_the_runner_cannot_answer(crowd: Shop) -> None:
    question = ask(crowd, freeze(crowd))
    with pytest.raises(ConfigurationError, match="only the approver"):
        answer(crowd.act("runner"), question, "approve", "vera", None, policy=crowd.loaded.policy)


def test_an_expired_question_and_a_changed_set_take_no_answer(crowd: Shop) -> None:
    run_id = freeze(crowd)
    question = ask(crowd, run_id)
    crowd.execute("UPDATE lethe.plan_rule SET digest = sha256('other')")
    with pytest.raises(GuardStop, match="its digest changed"):
        reply(crowd, question)
    crowd.execute("UPDATE lethe.plan_rule SET digest = %s", (question.digest,))
    crowd.execute("UPDATE lethe.run SET started_at = now() - interval '9 days'")
    with pytest.raises(GuardStop, match="has expired"):
        reply(crowd, question)


def test_a_newer_plan_supersedes_an_unanswered_one_and_forgets_its_keys(crowd: Shop) -> None:
    old = freeze(crowd)
    question = ask(crowd, old)
    new = freeze(crowd, TODAY + timedelta(days=1))
    assert supersede(crowd.act("runner"), "shop", new) == [(old, "inactive")]
    crowd.connection.commit()
    assert (state_of(crowd, old), state_of(crowd, new)) == ("superseded", "waiting")
    left = crowd.execute("SELECT DISTINCT run_id FROM lethe.plan_subject")
    assert left == [(str(new),)]
    counts = crowd.execute("SELECT counts FROM lethe.plan_rule WHERE run_id = %s", (str(old),))[0][
        0
    ]
    assert counts == {"due": 5, "skipped: superseded by a newer plan": 5}
    assert crowd.execute("SELECT state FROM lethe.run WHERE run_id = %s", (str(old),)) == [
        ("superseded",)
    ]
    with pytest.raises(GuardStop, match="superseded"):
        reply(crowd, question)


def test_an_answered_plan_is_not_superseded(crowd: Shop) -> None:
    old = freeze(crowd)
    reply(crowd, ask(crowd, old))
    new = freeze(crowd, TODAY + timedelta(days=1))
    assert supersede(crowd.act("runner"), "shop", new) == []
    long_ago = datetime.now(UTC) - timedelta(days=7)
    settled = settle_answers(crowd.connection, crowd.loaded.policy, long_ago)
    crowd.connection.commit()
    assert settled == [(old, "inactive", "approved")]
    assert state_of(crowd, new) == "waiting"


def test_a_question_that_nobody_answers_in_time_is_rejected(crowd: Shop) -> None:
    run_id = freeze(crowd)
    crowd.execute("UPDATE lethe.run SET started_at = now() - interval '8 days'")
    week = datetime.now(UTC) - timedelta(days=7)
    settled = settle_answers(crowd.act("runner"), crowd.loaded.policy, week)
    assert settled == [(run_id, "inactive", "rejected")]
    crowd.connection.commit()
    why = crowd.execute("SELECT over_limit FROM lethe.plan_rule")[0][0]
    assert why.endswith("; not answered within P7D")
    assert crowd.execute("SELECT count(*) FROM lethe.plan_subject") == [(0,)]


def test_the_nights_of_report_only_leave_no_keys_behind(crowd: Shop) -> None:
    old = freeze(crowd, state="planned")
    crowd.execute("UPDATE lethe.run SET state = 'stopped', reason = 'report-only'")
    new = freeze(crowd, TODAY + timedelta(days=1), state="planned")
    assert supersede(crowd.act("runner"), "shop", new) == [(old, "inactive")]
    crowd.connection.commit()
    assert crowd.execute("SELECT DISTINCT run_id FROM lethe.plan_subject") == [(str(new),)]
    assert crowd.execute("SELECT state, reason FROM lethe.run ORDER BY started_at LIMIT 1") == [
        ("stopped", "report-only")
    ]


def test_nobody_belongs_to_two_open_plans(crowd: Shop) -> None:
    old = freeze(crowd, state="approved")
    crowd.execute(
        "UPDATE lethe.plan_subject SET outcome = 'skipped', reason = 'held' WHERE key = '{1}'"
    )
    crowd.add_customers(LONG_AGO, first=6)
    graph = crowd.graph()
    found = judge(graph, "inactive", TODAY)
    kind = graph.kind_of(graph.policy.rules["inactive"].cluster)
    with crowd.act("runner").cursor() as cursor:
        cursor.execute(
            sql.SQL("{}, settled AS ({}) SELECT outcome, count(*) FROM settled GROUP BY 1").format(
                found.text, settled_plans(kind)
            ),
            {
                **found.values,
                "run_id": str(UUID(int=7)),
                "rule": "inactive",
                "edition": bytes.fromhex(crowd.loaded.digest),
            },
        )
        # Skipped in the old plan and newly due: these may be planned; the other four are open.
        assert dict(cursor.fetchall()) == {"due": 2, "in an open plan": 4}
    crowd.execute("UPDATE lethe.plan_rule SET state = 'done' WHERE run_id = %s", (str(old),))
