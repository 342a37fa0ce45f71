"""Which addresses of tables that are pseudonymised where they lie fail their check, and whose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import psycopg2
import pytest
from lethe.catalogue.site import Site
from lethe.cli.quality import HANDED
from lethe.evidence.witness_opening import begin_witness
from lethe.guards.hold_entries import HoldKeys, Sort, Wanted
from lethe.guards.holds import add_holds, release_hold
from lethe.keys import KeyRing
from lethe.pseudonymisation.inplace import work_in_place
from lethe.pseudonymisation.key_life import log_room
from lethe.quality.night import measure_quality, run_quality
from lethe.quality.rows import find_rows

from tests.kit import Kit, MakeKit
from tests.quality.conftest import outcome
from tests.small_policy import small_policy

DAY = date(2026, 11, 23)
OLD, YOUNG = "2026-08-01", "2026-11-10"
RAW, PSEUDONYM = "192.0.2.7", "fd00:1:2:3::4/127"
PROXY, TOKEN = "192.0.2.7, 198.51.100.9", "ip_abcdefgh, ip_ijklmnop"
INET, TEXT = "address.public.session.ip", "address.public.session.proxy"
VIA = "address.public.session.via"
DDL = """
CREATE TABLE person (id bigint PRIMARY KEY, frozen boolean DEFAULT false);
INSERT INTO person VALUES (1), (2), (3);
CREATE TABLE visit (visit_id bigint PRIMARY KEY, person_id bigint REFERENCES person);
INSERT INTO visit VALUES (10, 1), (20, 2), (30, 3), (40, NULL);
CREATE TABLE session (
    session_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    visit_id bigint REFERENCES visit, at timestamptz NOT NULL, ip inet, proxy text, via text);
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {people: {subject: person}}
tables:
  public.person: {cluster: people, columns: {id: key}, not_personal: [frozen]}
  public.visit: {cluster: people, columns: {visit_id: key, person_id: key}}
  public.session:
    cluster: people
    columns:
      {session_id: key, visit_id: key, at: date, ip: automatic, proxy: automatic, via: automatic}
guards:
  restrictions:
    frozen: {subject: person, where: {column: frozen, equals: true}, because: asked for it}
logs:
  clause: retention
  in_place:
    sessions:
      table: public.session
      columns:
        ip: {method: ipcrypt-deterministic}
        proxy: {method: ipcrypt-deterministic}
        via: {method: ipcrypt-deterministic}
      time: at
      after: P1M
"""
COLUMNS = pytest.mark.parametrize(
    ("column", "raw", "key"), [("ip", RAW, INET), ("proxy", PROXY, TEXT)]
)


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY)


def add(kit: Kit, column: str, value: str, at: str = OLD, visit: int | None = 10) -> None:
    kit.execute(
        f"INSERT INTO session (visit_id, at, {column}) VALUES (%s, %s, %s)", (visit, at, value)
    )


def found(kit: Kit, key: str) -> tuple[str, int]:
    """State of a check, and how many rows fail it."""
    each = outcome(measure_quality(kit.site, DAY, HANDED), key)
    assert each.because is None, each.because
    return each.state, each.failing


def hold(kit: Kit, person: int, sort: Sort = "hold") -> UUID:
    connection = kit.site.connect("runner")
    witness = begin_witness(connection, "file", "witness")
    keys = HoldKeys.of(KeyRing.open(connection, witness=witness), DAY)
    connection.commit()
    wanted = Wanted(
        sort, "person", "a lawsuit", "legal", DAY + timedelta(90), "vera", ((str(person),),)
    )
    (made,) = add_holds(
        connection, wanted, policy=kit.loaded.policy, keys=keys, witness=witness, as_of=DAY
    )
    witness.close()
    connection.close()
    return made


def release(kit: Kit, made: UUID) -> None:
    runner = kit.site.connect("runner")
    witness = begin_witness(runner, "file", "witness")
    connection = kit.site.connect("approver")
    release_hold(connection, made, by="otto", why="settled", witness=witness)
    for each in (witness, connection, runner):
        each.close()


@COLUMNS
def test_an_old_raw_address_fails_the_check(kit: Kit, column: str, raw: str, key: str) -> None:
    add(kit, column, raw)
    assert found(kit, key) == ("failed", 1)
    assert find_rows(kit.site, DAY, HANDED, key).keys == (("1",),)


@pytest.mark.parametrize(
    ("column", "raw", "done", "key"), [("ip", RAW, PSEUDONYM, INET), ("proxy", PROXY, TOKEN, TEXT)]
)
def test_a_pseudonym_and_a_young_raw_address_pass(
    kit: Kit, column: str, raw: str, done: str, key: str
) -> None:
    add(kit, column, done)
    add(kit, column, raw, YOUNG)
    assert found(kit, key) == ("passed", 0)
    kit.execute("UPDATE session SET at = %s", (OLD,))
    assert found(kit, key) == ("failed", 1)


def test_what_the_night_has_pseudonymised_passes(kit: Kit) -> None:
    add(kit, "ip", RAW)
    add(kit, "proxy", PROXY)
    assert [found(kit, key)[0] for key in (INET, TEXT)] == ["failed", "failed"]
    with log_room(kit.site, DAY) as room:
        assert work_in_place(room, "sessions").written == 2
    assert kit.execute("SELECT family(ip), masklen(ip) FROM session WHERE ip IS NOT NULL") == [
        (6, 127)
    ]
    assert [found(kit, key)[0] for key in (INET, TEXT)] == ["passed", "passed"]


@COLUMNS
@pytest.mark.parametrize("sort", ["hold", "restriction"])
def test_an_old_raw_address_of_a_held_or_restricted_subject_passes_until_the_release(
    kit: Kit, sort: Sort, column: str, raw: str, key: str
) -> None:
    add(kit, column, raw)
    made = hold(kit, 1, sort)
    assert found(kit, key) == ("passed", 0)
    release(kit, made)
    assert found(kit, key) == ("failed", 1)


@COLUMNS
def test_whom_the_warehouse_marks_as_restricted_passes_while_marked(
    kit: Kit, column: str, raw: str, key: str
) -> None:
    add(kit, column, raw)
    kit.execute("UPDATE person SET frozen = true WHERE id = 1")
    assert found(kit, key) == ("passed", 0)
    kit.execute("UPDATE person SET frozen = NULL")
    assert found(kit, key) == ("failed", 1)


def test_a_raw_address_of_the_new_kind_is_no_pseudonym(kit: Kit) -> None:
    add(kit, "ip", "2001:db8::7")
    assert found(kit, INET) == ("failed", 1)


def test_each_column_of_text_has_a_check_of_its_own(kit: Kit) -> None:
    add(kit, "via", "192.0.2.9")
    assert found(kit, VIA) == ("failed", 1)
    assert found(kit, TEXT)[0] != "failed"


@COLUMNS
def test_a_hold_spares_nobody_else(kit: Kit, column: str, raw: str, key: str) -> None:
    for visit in (10, 20, 30, 40, None):
        add(kit, column, raw, visit=visit)
    hold(kit, 1)
    kit.execute("UPDATE person SET frozen = true WHERE id = 2")
    assert found(kit, key) == ("failed", 3)
    assert find_rows(kit.site, DAY, HANDED, key).keys == (("3",), ("4",), ("5",))


def test_what_the_check_spares_is_what_the_night_leaves_alone(kit: Kit) -> None:
    for visit in (10, 20, 30, None):
        add(kit, "ip", RAW, visit=visit)
    made = hold(kit, 1)
    kit.execute("UPDATE person SET frozen = true WHERE id = 2")
    with log_room(kit.site, DAY) as room:
        assert work_in_place(room, "sessions").written == 2
    assert kit.execute("SELECT visit_id FROM session WHERE family(ip) = 4 ORDER BY 1") == [
        (10,),
        (20,),
    ]
    assert found(kit, INET) == ("passed", 0)
    release(kit, made)
    assert found(kit, INET) == ("failed", 1)


def test_great_expectations_spares_the_same_rows(kit: Kit) -> None:
    for visit in (10, 20, 30):
        add(kit, "ip", RAW, visit=visit)
        add(kit, "proxy", PROXY, visit=visit)
    hold(kit, 1)
    ran = run_quality(kit.site, DAY, HANDED, suites=["people"], with_docs=False)
    for key in (INET, TEXT):
        each = outcome(ran, key)
        assert (each.state, each.failing) == found(kit, key) == ("failed", 2)


@COLUMNS
def test_the_check_works_before_lethe_is_initialised(
    new_database: Callable[[], str], ready_database: str, column: str, raw: str, key: str
) -> None:
    dsn = new_database()
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(DDL)
        # The roles are the cluster's; another database of it has made them.
        cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO lethe_planner")
        cursor.execute(
            f"INSERT INTO session (visit_id, at, {column}) VALUES (10, %s, %s), (10, %s, %s)",
            (OLD, raw, YOUNG, raw),
        )
    connection.close()
    each = outcome(measure_quality(Site(dsn, small_policy(POLICY)), DAY, HANDED), key)
    assert (each.state, each.failing, each.because) == ("failed", 1, None)
