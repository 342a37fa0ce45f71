"""Re-identification: one purpose, one case, two people, exactly what was approved."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import polars as pl
import psycopg2
import pytest
from lethe.errors import GuardStop, UsageError
from lethe.pseudonymisation.cases import Question, list_cases
from lethe.pseudonymisation.key_end import destroy_due
from lethe.pseudonymisation.key_life import log_room
from lethe.pseudonymisation.nightly import work_night
from lethe.pseudonymisation.rawfiles import find_files
from lethe.pseudonymisation.reveal import approve, ask, close, describe, reveal

from tests.kit import Kit, MakeKit
from tests.pseudonymisation.kit import combined_line
from tests.pseudonymisation.test_nightly import POLICY

DAY = date(2026, 11, 23)


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    made = make_kit("CREATE TABLE person (id bigint PRIMARY KEY)", POLICY)
    (made.home / "raw").mkdir()
    (made.home / "raw" / "a.log").write_text(
        combined_line(ip="192.0.2.7", user="zoe") + combined_line(ip="2001:db8::9")
    )
    approving = made.under(
        POLICY + "guards: {approvers: [{user: bob, name: Bob}, {user: ann, name: Ann}]}\n"
    )
    with log_room(approving.site, DAY) as room:
        assert all(o.destroyed for o in work_night(room, find_files(room), workers=0))
    return approving


def question(kit: Kit, **changes: object) -> Question:
    (file,) = (kit.home / "logs" / "web").glob("day=*/*.parquet")
    frame = pl.read_parquet(file, hive_partitioning=False).sort("line")
    asked = Question("FR-2026-7", "web", "ip", "2026-11", tuple(frame["ip"]), "ann")
    return replace(asked, **changes)  # type: ignore[arg-type]


def kinds(kit: Kit) -> list[str]:
    rows = kit.execute("SELECT kind FROM lethe.ledger WHERE kind ~ 'reveal' ORDER BY id")
    return [row[0] for row in rows]


def test_values_are_shown_once_somebody_else_approved_exactly_this_question(kit: Kit) -> None:
    asked = question(kit)
    with log_room(kit.site, DAY) as room:
        case = ask(room, asked)
        assert ask(room, asked).case_id == case.case_id
        with pytest.raises(GuardStop, match="waits for an approval of exactly these 2 pseudonyms"):
            reveal(room, asked)
        with pytest.raises(GuardStop, match="asked for this"):
            approve(room, case.digest.hex(), "ann", "ann")
        with pytest.raises(GuardStop, match="may not decide"):
            approve(room, case.digest.hex(), "mallory", "mallory")
        put = describe(room, case.digest.hex())
        assert [user["id"] for user in put["assigned_users"]] == ["bob"]
        assert not any(pseudonym in str(put) for pseudonym in asked.pseudonyms)
        approve(room, case.digest.hex(), "bob", "x")
        _, by, values = reveal(room, asked)
    assert (by, list(values.values())) == ("bob", ["192.0.2.7", "2001:db8::9"])
    assert kinds(kit) == ["log_reveal_asked", "log_reveal_approved", "log_revealed"]
    told = json.dumps(kit.execute("SELECT payload FROM lethe.ledger WHERE kind ~ 'reveal'"))
    assert "192.0.2.7" not in told
    assert not any(pseudonym in told for pseudonym in asked.pseudonyms)
    role = kit.execute("SELECT decided_role FROM lethe.approval WHERE rule = 'logs:reveal'")
    assert role == [("lethe_approver",)]


def test_an_approval_serves_no_other_question(kit: Kit) -> None:
    asked = question(kit)
    with log_room(kit.site, DAY) as room:
        approve(room, ask(room, replace(asked, pseudonyms=asked.pseudonyms[:1])).digest.hex(),
                "bob", "x")  # fmt: skip
        for other in (asked, replace(asked, asked_by="carol"), replace(asked, case_number="X")):
            ask(room, other)
            with pytest.raises(GuardStop, match="waits for an approval"):
                reveal(room, other)
        with pytest.raises(UsageError, match="nobody asked this"):
            reveal(room, replace(asked, period="2026-10"))
    changed = kit.under(POLICY + "guards: {approvers: [{user: bob, name: Robert}]}\n")
    with log_room(changed.site, DAY) as room:
        first = replace(asked, pseudonyms=asked.pseudonyms[:1])
        ask(room, first)
        with pytest.raises(GuardStop, match="waits for an approval"):
            reveal(room, first)


def test_only_fraud_is_a_purpose_and_only_addresses_can_be_undone(kit: Kit) -> None:
    with log_room(kit.site, DAY) as room:
        with pytest.raises(GuardStop, match="fraud"):
            ask(room, question(kit, purpose="marketing"))
        with pytest.raises(UsageError, match="cannot be undone by anybody"):
            ask(room, question(kit, field="user"))
        with pytest.raises(UsageError, match="no source 'cookies'"):
            ask(room, question(kit, source="cookies"))
        with pytest.raises(UsageError, match="case number"):
            ask(room, question(kit, case_number=" "))
    with kit.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE lethe_runner")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(
                "INSERT INTO lethe.approval (digest, policy_digest, decision, decided_by)"
                " VALUES (decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'),"
                " 'approve', 'bob')"
            )


def test_that_tokens_cannot_be_undone_is_said_before_a_case_is_opened(kit: Kit) -> None:
    asked = question(kit, pseudonyms=("user_abcdefghijklmnop", "[card]", *question(kit).pseudonyms))
    with log_room(kit.site, DAY) as room:
        with pytest.raises(UsageError, match="2 of 4 are tokens"):
            ask(room, asked)
        assert list_cases(room) == []


def test_what_is_no_pseudonym_of_an_address_opens_no_case(kit: Kit) -> None:
    asked = question(kit, pseudonyms=("rubbish", *question(kit).pseudonyms))
    with log_room(kit.site, DAY) as room:
        with pytest.raises(UsageError, match="1 of 3 are no pseudonym of ipcrypt-deterministic"):
            ask(room, asked)
        assert list_cases(room) == []


def test_a_question_that_nobody_approves_keeps_no_key_for_ever(kit: Kit) -> None:
    with log_room(kit.site, DAY) as room:
        case = ask(room, question(kit))
    age = "UPDATE lethe.reveal_case SET asked_at = %(asked)s"
    kit.execute(age, {"asked": "2028-01-20"})
    with log_room(kit.site, date(2028, 2, 1)) as room:
        assert destroy_due(room).held == {"2026-11": "an open case"}
    kit.execute(age, {"asked": "2027-12-20"})
    with log_room(kit.site, date(2028, 2, 1)) as room:
        assert not destroy_due(room).held
        approve(room, case.digest.hex(), "bob", "x")
        with pytest.raises(UsageError, match="nobody can undo"):
            reveal(room, question(kit))


def test_what_another_field_holds_is_revealed_with_the_key_of_that_field(kit: Kit) -> None:
    policy = POLICY.replace("fields:\n", "fields:\n        forwarded: {method: ipcrypt-nd}\n")
    named = kit.under(policy + "guards: {approvers: [{user: bob, name: Bob}]}\n")
    raw = named.home / "raw" / "b.log"
    raw.write_text(combined_line().rstrip("\n") + ' "198.51.100.3"\n')
    with log_room(named.site, DAY) as room:
        (done,) = work_night(room, find_files(room), workers=0)
        assert done.destroyed
        frames = (
            pl.read_parquet(file, hive_partitioning=False)
            for file in (named.home / "logs" / "web").glob("day=*/*.parquet")
        )
        (written,) = (f["forwarded"][0] for f in frames if "forwarded" in f.columns)
        asked = Question("FR-2026-8", "web", "forwarded", "2026-11", (written,), "ann")
        approve(room, ask(room, asked).digest.hex(), "bob", "x")
        assert list(reveal(room, asked)[2].values()) == ["198.51.100.3"]


def test_an_open_case_keeps_the_key_and_a_closed_one_does_not(kit: Kit) -> None:
    asked, later = question(kit), date(2028, 2, 1)
    with log_room(kit.site, DAY) as room:
        case = ask(room, asked)
        approve(room, case.digest.hex(), "bob", "x")
    with log_room(kit.site, later) as room:
        assert destroy_due(room).held == {"2026-11": "an open case"}
        assert len(reveal(room, asked)[2]) == 2
        assert close(room, case.digest.hex(), "bob") == "FR-2026-7"
        with pytest.raises(GuardStop, match="was closed"):
            reveal(room, asked)
        assert [each.closed_at is None for each in list_cases(room)] == [False]
        assert "2026-11" in {each.record.period for each in destroy_due(room).destroyed}
    with log_room(kit.site, later) as room:
        again = replace(asked, case_number="FR-2028-1")
        approve(room, ask(room, again).digest.hex(), "bob", "x")
        with pytest.raises(UsageError, match="nobody can undo"):
            reveal(room, again)
