"""Automatic data of other tables, pseudonymised where it lies, each value once."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg2
import pytest
from lethe.errors import GuardStop, UsageError, VerificationError
from lethe.evidence.initialise import disarm
from lethe.pseudonymisation import inplace
from lethe.pseudonymisation.inplace import PlaceDone, work_in_place
from lethe.pseudonymisation.key_end import destroy_due
from lethe.pseudonymisation.key_life import LogKeys, log_room

from tests.kit import Kit, MakeKit

DAY = date(2026, 11, 23)
DDL = """
CREATE TABLE person (id bigint PRIMARY KEY, frozen boolean DEFAULT false);
INSERT INTO person VALUES (1, false), (2, true);
CREATE TABLE session (
    session_id text PRIMARY KEY, person_id bigint REFERENCES person, at timestamptz NOT NULL,
    ip inet, proxy text, agent text NOT NULL, landing text, note text, seen int);
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {people: {subject: person}}
tables:
  public.person: {cluster: people, columns: {id: key}, not_personal: [frozen]}
  public.session:
    cluster: people
    columns: {session_id: automatic, person_id: key, at: date, ip: automatic, proxy: automatic,
              agent: automatic, landing: behaviour, note: automatic}
    not_personal: [seen]
guards:
  restrictions:
    frozen: {subject: person, where: {column: frozen, equals: true}, because: asked for it}
logs:
  clause: retention
  in_place:
    sessions:
      table: public.session
      columns:
        session_id: {method: token}
        ip: {method: ipcrypt-deterministic}
        proxy: {method: ipcrypt-deterministic}
        agent: {method: user-agent}
        landing: {method: url, query_allow: [page], path_templates: ["/customer/{id}"]}
        note: {method: text}
      time: at
      after: P1M
"""
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
TEXTS = "session_id, ip::text, proxy, agent, landing, note"


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY)


def fill(kit: Kit, count: int, at: str = "2026-08-01", person: int = 1, front: str = "s") -> None:
    kit.execute(
        "INSERT INTO session SELECT %s || n, %s, %s::timestamptz, ('192.0.2.' || n %% 9)::inet,"
        " '192.0.2.' || n %% 9 || ', 2001:db8::' || n %% 9, %s,"
        " 'https://x.example/customer/' || n || '?page=1&mail=a%%40b.example',"
        " 'called by ann' || n || '@example.org', n FROM generate_series(1, %s) AS n",
        (front, person, at, FIREFOX, count),
    )


def work(kit: Kit, as_of: date = DAY, blocks: int = 4) -> PlaceDone:
    with log_room(kit.site, as_of) as room:
        return work_in_place(room, "sessions", blocks=blocks)


def rows(kit: Kit, where: str = "true") -> list[tuple[Any, ...]]:
    return kit.execute(f"SELECT {TEXTS} FROM session WHERE {where} ORDER BY seen")


def test_old_rows_are_pseudonymised_once_and_a_second_night_changes_nothing(kit: Kit) -> None:
    fill(kit, 400)
    fill(kit, 5, "2026-11-10", front="young")
    done = work(kit)
    assert (done.written, done.batches > 2) == (400, True)
    old = rows(kit, "session_id !~ '^young'")
    text = "\n".join(str(row) for row in old)
    for raw in ("192.0.2.", "2001:db8:", "Mozilla", "mail=", "ann1"):
        assert raw not in text
    first = old[0]
    assert first[0].startswith("session_id_") and first[1].endswith("/127")
    assert first[2].count("ip_") == 2
    assert first[3] == "ua: Firefox 132; Linux; desktop"
    assert first[4] == "https://x.example/customer/{id}?page=1"
    assert len({row[1] for row in old}) == 9
    assert len({row[0] for row in old}) == 400
    assert "192.0.2.1" in str(rows(kit, "session_id ~ '^young'"))
    again = work(kit)
    assert (again.written, rows(kit, "session_id !~ '^young'")) == (0, old)
    told = kit.execute("SELECT sum((payload ->> 'rows')::int) FROM lethe.ledger"
                       " WHERE kind = 'log_in_place'")  # fmt: skip
    assert told == [(400,)]


def test_rows_that_come_late_are_done_under_the_same_key(kit: Kit) -> None:
    fill(kit, 3)
    work(kit)
    kit.execute(
        "INSERT INTO session (session_id, at, ip, agent, seen)"
        " VALUES ('late', '2026-08-02', '192.0.2.1', '-', 99)"
    )
    assert work(kit).written == 1
    assert len({row[1] for row in rows(kit, "seen IN (1, 99)")}) == 1


def test_a_crash_between_two_batches_leaves_no_row_half_done_or_done_twice(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(kit, 400)
    usual, seen = inplace.EvidenceBatch.commit, []

    def dies(batch: Any) -> None:
        seen.append(batch)
        if len(seen) == 2:
            raise KeyboardInterrupt
        usual(batch)

    with monkeypatch.context() as patched:
        patched.setattr(inplace.EvidenceBatch, "commit", dies)
        with pytest.raises(KeyboardInterrupt):
            work(kit)
    half = kit.execute("SELECT count(*) FROM session WHERE masklen(ip) = 127")[0][0]
    assert 0 < half < 400
    assert work(kit).written == 400 - half
    assert len({row[1] for row in rows(kit)}) == 9


@pytest.mark.parametrize("what", ["NEW.note := OLD.note; RETURN NEW;", "RETURN NULL;"])
def test_a_trigger_that_keeps_what_was_there_is_a_fault_and_no_row_is_told_as_done(
    make_kit: MakeKit, what: str
) -> None:
    keeps = f"""
        CREATE FUNCTION keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what} END $$;
        CREATE TRIGGER keeps BEFORE UPDATE ON session FOR EACH ROW EXECUTE FUNCTION keeps();"""
    kit = make_kit(DDL + keeps, POLICY)
    fill(kit, 20)
    before = rows(kit)
    with pytest.raises(VerificationError, match=r"of 20 rows of public\.session only 0 hold"):
        work(kit)
    assert rows(kit) == before
    assert not kit.execute("SELECT FROM lethe.ledger WHERE kind = 'log_in_place'")


def test_a_trigger_that_changes_another_column_is_no_hindrance(make_kit: MakeKit) -> None:
    counts = """
        CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.seen := NEW.seen + 1000; RETURN NEW; END $$;
        CREATE TRIGGER counts BEFORE UPDATE ON session FOR EACH ROW EXECUTE FUNCTION counts();"""
    kit = make_kit(DDL + counts, POLICY)
    fill(kit, 20)
    assert work(kit).written == 20
    assert work(kit).read == work(kit).quarantined["unchanged"]


def test_what_only_looks_like_a_pseudonym_is_replaced_too(kit: Kit) -> None:
    fill(kit, 3)
    kit.execute(
        "UPDATE session SET ip = '198.51.100.6/31', proxy = 'ip_198.51.100.7',"
        " agent = CASE seen WHEN 1 THEN 'ua: ann@example.org' WHEN 2 THEN 'ua: Firefox; 1; ann'"
        " ELSE agent END"
    )
    assert work(kit).written == 3
    text = str(rows(kit))
    assert not any(raw in text for raw in ("198.51.100", "ann"))
    assert work(kit).written == 0


def test_a_restricted_person_and_a_locked_row_wait(kit: Kit) -> None:
    fill(kit, 5)
    fill(kit, 3, person=2, front="frozen")
    with kit.connect() as other, other.cursor() as cursor:
        cursor.execute("SELECT FROM session WHERE session_id = 's1' FOR UPDATE")
        assert work(kit).written == 4
        other.rollback()
    assert work(kit).written == 1
    kit.execute("UPDATE person SET frozen = false")
    assert work(kit).written == 3


def test_a_row_whose_key_is_gone_loses_its_values(kit: Kit) -> None:
    fill(kit, 2)
    work(kit)
    later = date(2028, 1, 1)
    with log_room(kit.site, later) as room:
        assert "2026-08" in {each.record.period for each in destroy_due(room).destroyed}
    fill(kit, 1, front="late")
    done = work(kit, later)
    assert (done.written, done.masked) == (1, 1)
    row = kit.execute(f"SELECT {TEXTS} FROM session WHERE session_id = '[session_id]'")[0]
    assert row[:4] == ("[session_id]", "::/127", "[proxy]", "[agent]")
    assert row[4] == "https://x.example/customer/{id}?page=1"
    assert row[5].startswith("called by email_")
    assert work(kit, later).written == 0


def test_rows_of_before_any_key_get_a_secret_that_nobody_keeps(kit: Kit) -> None:
    fill(kit, 20, "2019-02-03")
    assert work(kit).written == 20
    assert len({row[1] for row in rows(kit)}) == 9
    with log_room(kit.site, DAY) as room:
        assert "2019-02" not in {key.period for key in LogKeys(room).every()}
    assert work(kit).written == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("method: token", "method: time"), "a time is not truncated in place"),
        (
            ("agent: {method: user-agent}", "seen: {method: token}"),
            "which the method token does not fit",
        ),
    ],
)
def test_what_cannot_be_done_in_place_is_said_before_anything_is_read(
    kit: Kit, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        work(kit.under(POLICY.replace(*change)))


def test_nothing_is_changed_in_a_warehouse_that_is_not_armed(kit: Kit) -> None:
    fill(kit, 1)
    with kit.connect() as connection:
        disarm(connection)
    with pytest.raises(GuardStop):
        work(kit)


def test_the_runner_may_change_these_columns_and_no_other(kit: Kit) -> None:
    with kit.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE lethe_runner")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("UPDATE session SET seen = 1")


def test_rows_that_have_no_time_are_counted_as_such(kit: Kit) -> None:
    kit.execute("ALTER TABLE session ALTER at DROP NOT NULL")
    fill(kit, 3)
    fill(kit, 2, "infinity", front="endless")
    kit.execute("UPDATE session SET at = NULL WHERE session_id = 's1'")
    done = work(kit)
    assert (done.read, done.written, dict(done.quarantined)) == (5, 2, {"no-time": 3})
    again = work(kit)
    assert (again.written, again.quarantined["no-time"]) == (0, 3)


def test_a_column_too_narrow_for_a_pseudonym_is_refused_and_told_by_the_check(kit: Kit) -> None:
    from lethe.catalogue.bind import bind

    from tests.small_policy import small_policy

    kit.execute("ALTER TABLE session ALTER session_id TYPE varchar(26), ALTER proxy TYPE char(41)")
    with pytest.raises(UsageError, match=r"is character\(41\), and what .* takes 42 characters"):
        work(kit)
    with kit.site.connected("owner") as connection:
        found = bind(connection, small_policy(POLICY)).found
    told = {".".join(map(str, each.place)) for each in found if each.code == "wrong-type"}
    assert told == {f"logs.in_place.sessions.columns.{name}" for name in ("session_id", "proxy")}
    kit.execute(
        "ALTER TABLE session ALTER session_id TYPE varchar(27), ALTER proxy TYPE varchar(42)"
    )
    fill(kit, 3)
    done = [work(kit), work(kit)]
    assert [each.written for each in done] == [3, 0]
    assert "[proxy]" in {row[2] for row in rows(kit)}


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        ("ALTER at TYPE text", "'at' of public.session is text, and time needs date"),
        ("ALTER note TYPE jsonb USING NULL", "'note' of public.session is jsonb, which the"),
        (
            "DROP note, ADD note text GENERATED ALWAYS AS (session_id) STORED",
            "'note' of public.session is generated from others",
        ),
    ],
)
def test_the_policy_check_tells_what_cannot_be_done_in_place(
    kit: Kit, alter: str, words: str
) -> None:
    from lethe.catalogue.bind import bind

    from tests.small_policy import small_policy

    kit.execute(f"ALTER TABLE session {alter}")
    with kit.site.connected("owner") as connection:
        found = bind(connection, small_policy(POLICY)).found
    (fault,) = [each for each in found if each.code == "wrong-type"]
    assert fault.level == "fault" and words in fault.message


def test_a_table_and_columns_with_odd_names_are_done_too(make_kit: MakeKit) -> None:
    odd = make_kit(
        """CREATE TABLE person (id bigint PRIMARY KEY);
        CREATE TABLE "se%s""on" (id bigint PRIMARY KEY, "a%(x)s" text, at timestamptz);
        INSERT INTO "se%s""on" VALUES (1, '192.0.2.1', '2026-08-01'), (2, '192.0.2.1', NULL);""",
        """
subjects: {person: {table: public.person, key: id}}
clusters: {people: {subject: person}}
tables: {public.person: {cluster: people, columns: {id: key}}}
logs:
  clause: retention
  in_place:
    sessions:
      table: 'public."se%s""on"'
      columns: {"a%(x)s": {method: ipcrypt-deterministic}}
      time: at
      after: P1M
""",
    )
    assert work(odd).written == 1


def test_text_that_was_looked_through_comes_to_rest() -> None:
    from pathlib import Path

    import polars as pl
    from lethe.pseudonymisation.fields import FieldMethods
    from lethe.pseudonymisation.logplan import Kind, Method

    from tests.pseudonymisation.kit import plan_for

    plan = plan_for("syslog", kinds={"x": Kind.MESSAGE}, methods={"x": Method.SCAN}, settled=True)
    methods = FieldMethods(plan)
    for name in ("nasty_text.txt", "nasty_urls.txt"):
        path = Path(__file__).with_name(name)
        raw = pl.Series(path.read_text(encoding="utf-8").splitlines(), dtype=pl.String)
        raw = raw.str.replace_all("[«»]", "")
        once = methods.replace("2026-11", b"x" * 32, "x", raw)
        twice = methods.replace("2026-11", b"x" * 32, "x", once)
        assert once.ne_missing(twice).sum() <= 2
        assert twice.equals(methods.replace("2026-11", b"x" * 32, "x", twice))
