"""What ends when: pseudonymised files, lines set aside, keys; and what can stop it."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lethe.errors import GuardStop, UsageError
from lethe.evidence.witness_opening import begin_witness
from lethe.guards.hold_entries import LOG_PERIOD, HoldKeys, Wanted
from lethe.guards.holds import add_holds
from lethe.keys import KeyRing
from lethe.pseudonymisation.key_end import destroy_due, destroy_month
from lethe.pseudonymisation.key_guards import approve_destruction, digest_of
from lethe.pseudonymisation.key_life import LogKeys, log_room, months_without_key
from lethe.pseudonymisation.life import Ended, end_lives
from lethe.pseudonymisation.nightly import work_night
from lethe.pseudonymisation.rawfiles import find_files

from tests.kit import Kit, MakeKit
from tests.pseudonymisation.kit import combined_line
from tests.pseudonymisation.test_nightly import POLICY

DAY = date(2026, 11, 23)


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    made = make_kit("CREATE TABLE person (id bigint PRIMARY KEY)", POLICY)
    (made.home / "raw").mkdir()
    return made


def write_and_work(kit: Kit, text: str) -> None:
    (kit.home / "raw" / "a.log").write_text(text)
    with log_room(kit.site, DAY) as room:
        assert all(o.destroyed for o in work_night(room, find_files(room), workers=0))


def end(kit: Kit, as_of: date) -> Ended:
    with log_room(kit.site, as_of) as room:
        return end_lives(room)


def output(kit: Kit) -> list[Path]:
    return sorted((kit.home / "logs" / "web").glob("day=*/*.parquet"))


def lay_hold(kit: Kit, month: str) -> None:
    connection = kit.site.connect("runner")
    witness = begin_witness(connection, "file", "witness")
    keys = HoldKeys.of(KeyRing.open(connection, witness=witness), DAY)
    connection.commit()
    wanted = Wanted(
        "hold", LOG_PERIOD, "a court asks", "legal", date(2027, 12, 1), "ann", ((month,),)
    )
    add_holds(connection, wanted, policy=kit.loaded.policy, keys=keys, witness=witness, as_of=DAY)
    witness.close()
    connection.close()


def test_a_file_stays_on_its_last_day_and_is_gone_on_the_next_with_its_rows_on_the_ledger(
    kit: Kit,
) -> None:
    write_and_work(kit, combined_line(time="30/Sep/2026:10:00:00 +0000") + combined_line())
    assert len(output(kit)) == 2
    assert end(kit, date(2027, 10, 30)).files == {}
    assert end(kit, date(2027, 10, 31)).files == {"done": 1}
    assert [path.parent.name for path in output(kit)] == ["day=2026-11-22"]
    assert not (kit.home / "logs" / "web" / "day=2026-09-30").exists()
    kinds = kit.execute("SELECT kind, payload ->> 'files' FROM lethe.ledger WHERE kind ~ 'files'")
    assert kinds == [("log_files_intended", "1"), ("files_destroyed", "1")]
    # What was destroyed is known: a late copy of the same raw file makes nothing anew.
    (kit.home / "raw" / "b.log").write_text(
        combined_line(time="30/Sep/2026:10:00:00 +0000") + combined_line()
    )
    with log_room(kit.site, date(2027, 10, 31)) as room:
        (again,) = work_night(room, find_files(room), workers=0)
    assert again.report is not None and again.report.repeated and again.destroyed


def test_what_was_set_aside_has_a_life_of_its_own(kit: Kit) -> None:
    write_and_work(kit, combined_line() * 20 + "rubbish\n")
    (aside,) = (kit.home / "logs" / "web" / "_quarantine").glob("*.lq")
    then = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
    os.utime(aside, (then, then))
    assert end(kit, date(2026, 12, 23)).files == {}
    assert aside.exists()
    assert end(kit, date(2026, 12, 24)).files == {"done": 1}
    assert not aside.exists()


def test_an_intent_that_a_crash_left_open_is_fulfilled_once(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lethe.pseudonymisation import life

    write_and_work(kit, combined_line())
    with monkeypatch.context() as patched:
        patched.setattr(life, "fulfil_intents", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            end(kit, date(2028, 1, 1))
    assert len(output(kit)) == 1
    assert end(kit, date(2028, 1, 1)).files == {"done": 1}
    intents = kit.execute("SELECT count(*) FROM lethe.ledger WHERE kind = 'log_files_intended'")
    assert intents == [(1,)]


def test_a_hold_on_a_month_keeps_its_key_and_its_files(kit: Kit) -> None:
    write_and_work(kit, combined_line() + combined_line(time="01/Oct/2026:10:00:00 +0000"))
    lay_hold(kit, "2026-10")
    later = date(2028, 2, 1)
    with log_room(kit.site, later) as room:
        ended = destroy_due(room)
        assert ended.held == {"2026-10": "a hold"}
        assert {each.record.period for each in ended.destroyed} == {"2026-11"}
        with pytest.raises(GuardStop, match="a hold stands on that month"):
            destroy_month(room, "2026-10")
    ended_files = end(kit, later)
    assert (ended_files.held, ended_files.files["done"]) == (1, 1)
    assert [path.parent.name for path in output(kit)] == ["day=2026-10-01"]


def test_more_keys_than_the_limit_wait_for_an_approval_of_exactly_these(kit: Kit) -> None:
    strict = kit.under(
        POLICY.replace("key_window: P12M", "key_window: P12M\n  keys_a_night: 1")
        + "guards: {approvers: [{user: bob, name: Bob}]}\n"
    )
    write_and_work(strict, combined_line() + combined_line(time="01/Oct/2026:10:00:00 +0000"))
    later = date(2028, 2, 1)
    with log_room(strict.site, later) as room:
        with pytest.raises(GuardStop, match="3 keys are due, the policy lets a night destroy 1"):
            destroy_due(room)
        due = [each.record for each in LogKeys(room).due()]
        assert len(due) == 3
        with pytest.raises(UsageError, match="another set of keys"):
            approve_destruction(room, "00" * 32, due, "bob", "x")
        with pytest.raises(GuardStop):
            approve_destruction(room, digest_of(room, due).hex(), due, "mallory", "x")
        approve_destruction(room, digest_of(room, due).hex(), due, "bob", "x")
        assert len(destroy_due(room).destroyed) == 3
    told = strict.execute(
        "SELECT payload ->> 'final_at' FROM lethe.ledger WHERE kind = 'log_key_destroyed'"
    )
    assert told == [("2028-05-01",)] * 3


def test_months_of_which_no_line_came_are_named_and_need_no_key(kit: Kit) -> None:
    with log_room(kit.site, DAY) as room:
        keys = LogKeys(room)
        for month in ("2025-11", "2026-02"):
            assert isinstance(keys.secret(month), bytes)
        keys.quarantine_key("2026-01")
        found = months_without_key(keys.every())
    assert {"2025-12", "2026-01"} <= set(found)
    assert "2026-02" not in found
    assert months_without_key([]) == []
