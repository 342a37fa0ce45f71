"""Whole partitions past their period are dropped at once, with evidence; and no other ever is."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import psycopg2
import pytest
from lethe.catalogue.bind import bind
from lethe.erasure.check import check_partitions
from lethe.erasure.partitions import function_name
from lethe.policy.names import TableName
from lethe.retention import night_work
from lethe.retention.plan import read_plan

from tests.kit import TODAY, Kit, MakeKit

DDL = """
CREATE TABLE visit (id bigint, seen_at timestamptz, address text, PRIMARY KEY (id, seen_at))
    PARTITION BY RANGE (seen_at);
CREATE TABLE visit_2022 PARTITION OF visit FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE TABLE visit_2023 PARTITION OF visit FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE visit_2024 PARTITION OF visit FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE visit_rest PARTITION OF visit DEFAULT;
INSERT INTO visit SELECT i, timestamptz '2022-02-01' + i * interval '100 days', 'a' || i
FROM generate_series(1, 10) AS i;
"""
POLICY = """
subjects: {visit: {table: public.visit, key: [id, seen_at]}}
clusters: {c: {subject: visit}}
rules: {r: {cluster: c, starting_point: {latest: [{column: seen_at}]}}}
tables:
  public.visit:
    cluster: c
    columns: {address: automatic}
    not_personal: [id, seen_at]
    drop_partitions: true
"""


def partitions(kit: Kit) -> list[str]:
    return [
        name
        for (name,) in kit.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'visit'::regclass ORDER BY 1"
        )
    ]


def dropped(kit: Kit) -> list[tuple[str, int, str]]:
    return kit.execute(
        "SELECT payload ->> 'partition', (payload ->> 'rows')::int, payload ->> 'digest'"
        " FROM lethe.ledger WHERE kind = 'partition_dropped' ORDER BY id"
    )


def test_a_partition_that_lies_past_its_period_is_dropped_with_count_and_digest(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(DDL, POLICY)
    texts = kit.execute("SELECT v::text FROM visit_2022 AS v ORDER BY ctid")
    digest = hashlib.sha256(
        b"".join(hashlib.sha256(text.encode()).digest() for (text,) in texts)
    ).hexdigest()
    due = kit.plan()["r"]["due"]
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": due}
    assert partitions(kit) == ["visit_2024", "visit_rest"]
    assert [(name, rows) for name, rows, _ in dropped(kit)] == [
        ("public.visit_2022", 3), ("public.visit_2023", 3),
    ]  # fmt: skip
    assert dropped(kit)[0][2] == digest
    assert kit.execute("SELECT max(seen_at) < '2024-06-01' FROM visit") in ([(None,)], [(False,)])
    assert kit.execute("SELECT count(*) FROM visit WHERE seen_at < '2024-06-01'") == [(0,)]
    table = run.summary["rules"][0]["tables"]["public.visit"]
    assert table["deleted"] == due
    assert kit.execute("SELECT count(*) FROM lethe.ledger WHERE kind = 'subject_erased'") == [
        (due - 6,)
    ]


def test_a_partition_with_a_row_that_the_plan_does_not_have_stays_and_loses_what_is_due(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit(DDL, POLICY)
    real = night_work.drop_partitions

    def imported_meanwhile(*arguments: Any, **more: Any) -> Any:
        kit.execute("INSERT INTO visit VALUES (99, '2022-05-05', 'late import')")
        return real(*arguments, **more)

    monkeypatch.setattr(night_work, "drop_partitions", imported_meanwhile)
    kit.sweep()
    assert [name for name, _, _ in dropped(kit)] == ["public.visit_2023"]
    assert kit.execute("SELECT id FROM visit_2022") == [(99,)]


def test_a_hold_keeps_every_partition(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    kit.execute(
        "INSERT INTO lethe.hold (subject_kind, key, reason, owner, review_on, created_by)"
        " SELECT 'visit', ARRAY[id::text, seen_at::text], 'case', 'legal', '2027-01-01', 'vera'"
        " FROM visit WHERE id = 1"
    )
    run = kit.sweep()
    assert dropped(kit) == []
    assert kit.outcome(run)["held"] == 1
    assert kit.execute("SELECT id FROM visit_2022") == [(1,)]


def test_what_was_approved_over_the_cap_drops_no_partition_that_is_larger(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(DDL, POLICY + "guards: {cap: {subjects: 3}}\n")
    kit.sweep(approve=read_plan(kit.site, TODAY).digest.hex(), approved_by="vera")
    assert [(name, rows) for name, rows, _ in dropped(kit)] == [("public.visit_2022", 3)]
    assert kit.execute("SELECT count(*) FROM visit_2023") == [(3,)]


def test_the_owners_function_looks_for_itself_and_drops_nothing_else(make_kit: MakeKit) -> None:
    kit = make_kit(DDL + "CREATE TABLE other (id int, seen_at timestamptz);", POLICY)
    function = function_name(TableName("public", "visit"))
    kit.execute("INSERT INTO visit VALUES (50, now() - interval '3 days', 'x')")
    call = f"SELECT lethe.{function}('public', %s, '2099-01-01', false)"
    for name, state in (("visit_rest", "23514"), ("other", "42P01"), ("visit", "42P01")):
        with pytest.raises(psycopg2.Error) as refused:
            kit.execute("SET LOCAL ROLE lethe_runner; " + call, (name,))
        assert refused.value.pgcode == state
        kit.connection.rollback()
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        kit.execute("SET LOCAL ROLE lethe_planner; " + call, ("visit_2022",))
    kit.connection.rollback()
    assert len(partitions(kit)) == 4


def test_the_check_says_what_keeps_partitions_from_being_dropped(make_kit: MakeKit) -> None:
    kit = make_kit(
        DDL + "CREATE TABLE page (id int, v bigint, s timestamptz,"
        " FOREIGN KEY (v, s) REFERENCES visit (id, seen_at));",
        POLICY + "  public.page: {cluster: c}\n",
    )
    with kit.site.connected("owner") as connection:
        (found,) = check_partitions(bind(connection, kit.loaded).graph)
    assert "other rows belong to the cluster too" in found.message
    assert "other rows reference it" in found.message
    kit.sweep()
    assert dropped(kit) == []
    assert kit.execute("SELECT count(*) FROM visit WHERE seen_at < %s", (date(2024, 6, 1),)) == [
        (0,)
    ]
