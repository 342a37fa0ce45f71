"""A schema that nobody prepared: odd names and types, defects planted in them, and clean traps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from lethe.catalogue.site import Site
from lethe.cli.quality import HANDED
from lethe.policy.load import LoadedPolicy
from lethe.quality.night import measure_quality, run_quality
from lethe.quality.outcomes import Outcome, Report

from tests.small_policy import small_policy

AS_OF = date(2026, 3, 2)

# (type, value): each stands in one row of a table of its own, among rows that are clean.
CARDS = [
    ("text", "'4111111111111111'"),
    ("varchar(19)", "'5555 5555 5555 4444'"),
    ("char(16)", "'4111111111111111'"),
    ("text", "'Bonjour, ma carte est le 5105-1051-0510-5100 merci'"),
    ("text", "E'4111\\u00a01111\\u00a01111\\u00a01111'"),
    ("text", "'4111.1111.1111.1111'"),
    ("text", '\'"pan"=>"378282246310005", "cvv"=>"1234"\''),
    ("text", "'https://x.example/p?a=1&pan=4111%201111%201111%201111&b=2'"),
    ("text", "'id;pan;exp' || chr(10) || '1;6011111111111117;1227'"),
    ("json", """'{"a": {"b": [1, 2, 6011000990139424]}}'"""),
    ("json", """'{"pan": "3530-1113-3330-0000"}'"""),
    ("jsonb", """'{"pan": 30569309025904}'"""),
    ("jsonb", """'[["4111 1111 1111 1111"]]'"""),
    ("jsonb[]", """ARRAY['{"n": "4222222222222"}'::jsonb]"""),
    ("text[]", "ARRAY['a', '6304000000000000']"),
    ("varchar(20)[]", "ARRAY['x', '4012-8888-8888-1881']"),
    ("bigint[]", "ARRAY[1, 4111111111111111]"),
    ("numeric[]", "ARRAY[4111111111111111.00]"),
    ("bigint", "4111111111111111"),
    ("numeric", "6799990100000000019"),
    ("numeric(20,0)", "4012888888881881"),
    ("numeric(30,8)", "4012888888881881"),
    ("double precision", "4111111111111111"),
    ("double precision[]", "ARRAY[4111111111111111]"),
    ("money", "'4111111111111111'"),
    ("bytea", "convert_to('pan 4111111111111111', 'UTF8')"),
    ("tsvector", "to_tsvector('simple', 'card 4111111111111111')"),
    ("int8range", "int8range(4111111111111111, 4111111111111113)"),
    ("lake.pan", "'4111111111111111'"),
    ("lake.pair", "ROW(1, '4111111111111111')::lake.pair"),
    ("lake.pair[]", "ARRAY[ROW(1, '4111111111111111')::lake.pair]"),
    ("lake.folded", "'4111-1111-1111-1111'"),
    ("text", "'0004111111111111111'"),
    ("text", "'４１１１ １１１１ １１１１ １１１１'"),
    ("text", "'رقم ٤١١١١١١١١١١١١١١١'"),
    ("lake.amount", "4111111111111111"),
    ("lake.pan[]", "ARRAY['4111 1111 1111 1111']::lake.pan[]"),
    ("jsonpath", """'$.pan ? (@ == "4111111111111111")'"""),
    ("text", "'order 4500000000000007919 paid with 4111111111111111'"),
]
ACCOUNTS = [
    ("text", "'LU280019400644750000'"),
    ("text", "'payez sur lu28 0019 4006 4475 0000 svp'"),
    ("varchar(34)", "'de89-3704-0044-0532-0130-00'"),
    ("text", "E'FR14\\u00a02004\\u00a01010\\u00a00505\\u00a00001\\u00a03M02\\u00a0606'"),
    ("jsonb", """'{"iban": "GB82 WEST 1234 5698 7654 32"}'"""),
    ("text[]", "ARRAY['BE68539007547034']"),
    ("bytea", "convert_to('iban:NL91ABNA0417164300', 'UTF8')"),
    ("lake.pair", "ROW(1, 'CH93 0076 2011 6238 5295 7')::lake.pair"),
    ("text", "'?iban=AT61+1904+3002+3457+3201'"),
]
# (type, expression over n): 400 rows each, and none may raise an alarm.
CLEAN = [
    ("bigint", "1700000000000000 + n * 86400123457"),
    ("bigint", "4000000000000000 + n * 37"),
    ("text", "(4500000000000000 + n * 7919)::text"),
    ("text", "'5' || lpad((n * 104729)::text, 15, '0')"),
    ("numeric(19,0)", "6011000000000000000 + n * 999983"),
    ("text", "to_char(timestamp '2024-01-01' + n * interval '7 hours', 'YYYYMMDDHH24MISS')"),
    ("text", "(timestamp '2024-01-01 01:02:03.456789' + n * interval '7 hours')::text"),
    ("text", "md5(n::text)"),
    ("text", "encode(sha256(n::text::bytea), 'hex')"),
    ("uuid", "md5(n::text)::uuid"),
    ("text", "md5(n::text)::uuid::text"),
    ("text", "encode(sha256(n::text::bytea), 'base64')"),
    ("bytea", "sha256(n::text::bytea)"),
    ("double precision", "sin(n)"),
    ("double precision[]", "ARRAY[sin(n), cos(n), 5 * sin(n)]"),
    ("jsonb", "jsonb_build_object('x', 5 * sin(n), 'y', cos(n), 'at', 1700000000000 + n)"),
    ("numeric", "(5 * sin(n))::numeric(30, 18)"),
    ("text", "'ORD-2024-' || lpad(n::text, 10, '0') || '/' || n"),
    ("text", "'+352 621 ' || lpad((n * 997 % 1000000)::text, 6, '0')"),
    ("text", "'+49 151 ' || lpad((n * 99991 % 100000000)::text, 8, '0')"),
    ("text", "'4006381' || lpad((n % 100000)::text, 5, '0')"),
    ("text", "'LU' || lpad((n * 131)::text, 8, '0')"),
    ("text", "'GA1.1.' || (1000000000 + n * 7919) || '.' || (1700000000 + n)"),
    ("text", "'Mozilla/5.0 (X11; Linux x86_64) Chrome/' || n || '.0.0.0 Safari/537.36'"),
    ("text", "'10.' || n % 256 || '.0.' || n % 256"),
    ("text", "'ab' || n || ' DE12 word word word word ' || n"),
    ("integer[]", "ARRAY[4111, 1111, 1111, n]"),
    ("text", "(SELECT string_agg(((n * g) % 100)::text, ', ') FROM generate_series(1, 60) AS g)"),
    ("lake.mood", "'fine'::lake.mood"),
    ("jsonb", "jsonb_build_object('order', 4500000000000000 + n * 7919, 'at', now())"),
    ("jsonb", "jsonb_build_object('parcels', jsonb_build_array('5' || lpad((n * 104729)::text, 15,"
     " '0'), '5' || lpad((n * 7907)::text, 15, '0')))"),
    ("text[]", "ARRAY['6' || lpad((n * 104729)::text, 15, '0'), 'x']"),
    ("bigint[]", "ARRAY[4500000000000000 + n * 7919, n]"),
    ("text", "'parcel 6' || lpad((n * 104729)::text, 15, '0') || ' left on ' || now()"),
    ("text", "regexp_replace('4500' || lpad((n * 104729)::text, 12, '0'), '(....)', '\\1 ', 'g')"),
    ("varchar(20)", "'35' || lpad((n::bigint * 99991 * 7919)::text, 14, '0')"),
    ("text", "'0' || (4000000000000000 + n * 37)"),
    ("bigint", "1700000000000 + n::bigint * 86400123"),
    ("text", "'621' || lpad((n * 997)::text, 6, '0') || '/661' || lpad((n * 991)::text, 6, '0')"),
    ("text", "'978-3-16-' || lpad((n * 397 % 1000000)::text, 6, '0') || '-' || n % 10"),
    ("text", "'1Z' || upper(left(md5(n::text), 6)) || lpad((n * 99991)::text, 10, '0')"),
]  # fmt: skip

GROUND = """
CREATE SCHEMA lake; CREATE SCHEMA "Odd ""Schema"; CREATE SCHEMA "select";
CREATE DOMAIN lake.pan AS varchar(30);
CREATE COLLATION lake.fold (provider = builtin, locale = 'C');
CREATE DOMAIN lake.folded AS text COLLATE lake.fold;
CREATE DOMAIN lake.amount AS numeric;
CREATE TYPE lake.pair AS (a int, b text);
CREATE TYPE lake.mood AS ENUM ('fine', 'so_so');
CREATE TABLE lake.person (id bigint PRIMARY KEY, gone date);
"""

ODD = """
CREATE TABLE "select"."from" ("where" bigint, "100%" text, "a.b" text, "Zeile ""1"" x" text,
  PRIMARY KEY ("where", "100%"));
INSERT INTO "select"."from" SELECT n, n || '%', 'x', 'y' FROM generate_series(1, 50) AS n;
UPDATE "select"."from" SET "a.b" = '4111 1111 1111 1111' WHERE "where" = 7;
CREATE TABLE "Odd ""Schema"."Ta.ble" (id int, part text, at date NOT NULL, payload jsonb)
  PARTITION BY RANGE (at);
CREATE TABLE "Odd ""Schema".p1 PARTITION OF "Odd ""Schema"."Ta.ble"
  FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE "Odd ""Schema".p2 PARTITION OF "Odd ""Schema"."Ta.ble" DEFAULT;
INSERT INTO "Odd ""Schema"."Ta.ble" SELECT n, 'p', date '2025-06-01' + n * 10, '{}'
  FROM generate_series(1, 50) AS n;
UPDATE "Odd ""Schema"."Ta.ble" SET payload = '{"k": "LU28 0019 4006 4475 0000"}' WHERE id = 40;
CREATE TABLE lake.parent (id int PRIMARY KEY, note text);
CREATE TABLE lake.child (extra text) INHERITS (lake.parent);
INSERT INTO lake.child VALUES (1, 'pan 4111111111111111', '');
CREATE TABLE lake.empty (id int PRIMARY KEY, note text);
CREATE TABLE lake.nothing ();
CREATE TABLE lake.computed (id int PRIMARY KEY, a text, b text,
  whole text GENERATED ALWAYS AS (a || ' ' || b) STORED);
INSERT INTO lake.computed (id, a, b) VALUES (1, '4111 1111', '1111 1111');
CREATE MATERIALIZED VIEW lake.copies AS SELECT '4111111111111111'::text AS pan;
CREATE VIEW lake.seen AS SELECT id FROM lake.person;
"""


@pytest.fixture(scope="module")
def planted(
    module_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Report]:
    dsn = module_database()
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(GROUND)
        for kind, some in (("card", CARDS), ("iban", ACCOUNTS)):
            for number, (type_, value) in enumerate(some):
                table = f'lake."{kind} {number}"'
                cursor.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, v {type_})")
                cursor.execute(f"INSERT INTO {table} SELECT n, NULL FROM generate_series(1, 20) n")
                cursor.execute(f"UPDATE {table} SET v = {value} WHERE id = 13")
        for number, (type_, value) in enumerate(CLEAN):
            cursor.execute(f'CREATE TABLE lake."clean {number}" (id int PRIMARY KEY, v {type_})')
            rows = f"SELECT n, {value} FROM generate_series(1, 400) AS n"
            cursor.execute(f'INSERT INTO lake."clean {number}" {rows}')
        cursor.execute(ODD)
        wide = ", ".join(f"c{n} text DEFAULT 'word {n}'" for n in range(400))
        cursor.execute(f"CREATE TABLE lake.wide (id int PRIMARY KEY, {wide})")
        cursor.execute("INSERT INTO lake.wide (id) SELECT n FROM generate_series(1, 100) n")
        cursor.execute("UPDATE lake.wide SET c399 = '5555555555554444' WHERE id = 50")
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LETHE_HOME", str(tmp_path_factory.mktemp("home")))
        return dsn, measure_quality(Site(dsn, policy()), AS_OF, HANDED)


def policy(quality: str = "") -> LoadedPolicy:
    return small_policy(f"""
        subjects:
          person: {{table: lake.person, key: [id]}}
        clusters:
          people: {{subject: person}}
        tables:
          lake.person: {{cluster: people, columns: {{id: key, gone: date}}}}
        rules:
          gone: {{cluster: people, starting_point: {{latest: [{{column: gone}}]}}}}
        {quality}
    """)


def one(report: Report, key: str) -> Outcome:
    return next(each for each in report.outcomes if each.key == key)


@pytest.mark.parametrize("number", range(len(CARDS)), ids=lambda n: f"{CARDS[n]}")
def test_a_card_is_found_in_any_type_and_dress(planted: tuple[str, Report], number: int):
    found = one(planted[1], f"card.lake.card {number}")
    assert (found.state, found.failing) == ("failed", 1), found.says
    assert one(planted[1], f"iban.lake.card {number}").failing == 0


@pytest.mark.parametrize("number", range(len(ACCOUNTS)), ids=lambda n: f"{ACCOUNTS[n]}")
def test_an_account_is_found_in_any_type_and_dress(planted: tuple[str, Report], number: int):
    found = one(planted[1], f"iban.lake.iban {number}")
    assert (found.state, found.failing) == ("failed", 1), found.says
    assert one(planted[1], f"card.lake.iban {number}").failing == 0


@pytest.mark.parametrize("number", range(len(CLEAN)), ids=lambda n: f"{CLEAN[n]}")
def test_a_clean_column_raises_no_alarm(planted: tuple[str, Report], number: int):
    some = [each for each in planted[1].outcomes if f"lake.clean {number}" in each.key]
    bad = {each.key: each.says for each in some if each.is_bad and each.kind != "classified"}
    assert bad == {}


def test_odd_names_partitions_heirs_wide_tables_and_copies_are_searched(
    planted: tuple[str, Report],
):
    report = planted[1]
    for key in (
        "card.select.from",
        "card.lake.child",
        "card.lake.computed",
        "card.lake.copies",
        "card.lake.wide",
        'iban."Odd ""Schema"."Ta.ble"',
    ):
        found = one(report, key)
        assert (found.state, found.failing) == ("failed", 1), found.says
    assert one(report, "card.lake.parent").state == "no rows"
    assert one(report, "card.lake.empty").state == "no rows"
    keys = [each.key for each in report.outcomes]
    assert len(keys) == len(set(keys))
    kinds = ("card", "iban")
    lost = [e.says for e in report.outcomes if e.kind in kinds and e.state == "not checked"]
    assert lost == []
    assert one(report, "overdue.gone").state in ("no rows", "passed")
    assert one(report, "disclosure").state == "not applicable"


def test_a_card_beside_order_numbers_is_told_from_them_by_its_dress(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    dsn = new_database()
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(GROUND)
        cursor.execute(
            "CREATE TABLE lake.orders AS SELECT (4500000000000000 + n * 7919)::text AS no"
            " FROM generate_series(1, 400) AS n"
        )
        cursor.execute("UPDATE lake.orders SET no = '4111 1111 1111 1111' WHERE no ~ '92$'")
        cursor.execute(
            "CREATE TABLE lake.cards AS SELECT '411111111111111' || (n % 2) AS no"
            " FROM generate_series(1, 400) AS n"
        )
        cursor.execute(
            "CREATE TABLE lake.parcels AS SELECT 4500000000000000 + n * 7919 AS no,"
            " jsonb_build_object('no', 4500000000000000 + n * 7919) AS doc"
            " FROM generate_series(1, 400) AS n"
        )
        # What begins otherwise than all of the series is judged by itself, in plain digits too.
        cursor.execute("UPDATE lake.parcels SET no = 4111111111111111 WHERE no % 100 = 3")
        cursor.execute(
            "UPDATE lake.parcels SET doc = '{\"no\": 5555555555554444}' WHERE no % 100 = 7"
        )
    connection.commit()
    report = measure_quality(Site(dsn, policy()), AS_OF, HANDED)
    assert one(report, "card.lake.parcels").failing == 8
    assert one(report, "series.lake.parcels.no").state == "passed"
    assert one(report, "series.lake.parcels.doc").state == "passed"
    assert one(report, "card.lake.orders").state == "failed"
    assert one(report, "series.lake.orders.no").state == "passed"
    assert one(report, "card.lake.cards").failing == 200
    connection.close()


def test_an_expectation_that_cannot_be_asked_says_why_and_the_rest_runs(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    dsn = new_database()
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(GROUND + ODD)
        cursor.execute("INSERT INTO lake.parent VALUES (5, 'a note')")
        cursor.execute("CREATE ROLE clerk_of_quality LOGIN")
        cursor.execute(
            "GRANT USAGE ON SCHEMA lake TO clerk_of_quality;"
            "GRANT SELECT ON lake.person, lake.parent, lake.empty TO clerk_of_quality;"
            "GRANT SELECT (id, a) ON lake.computed TO clerk_of_quality"
        )
    connection.commit()
    loaded = policy("""
        quality:
          extra:
            view: {table: lake.seen, column: id, expect: not_null, clause: retention}
            no-table: {table: lake.lost, column: id, expect: not_null, clause: retention}
            no-column: {table: lake.parent, column: lost, expect: not_null, clause: retention}
            pattern: {table: lake.parent, column: note, expect: matches, pattern: "([",
                      clause: retention, severity: critical}
            syntax: {table: lake.parent, expect: sql, statement: "SELEC 1", clause: retention}
            writes: {table: lake.parent, expect: sql, clause: retention,
                     statement: "DELETE FROM lake.parent RETURNING id"}
            values: {table: lake.parent, column: id, expect: in_set, values: [a, b],
                     clause: retention}
            limits: {table: lake.parent, column: id, expect: between, clause: retention}
            other: {table: lake.parent, column: id, expect: references, references: lake.lost,
                    clause: retention}
            none: {table: lake.empty, column: id, expect: not_null, clause: retention}
            good: {table: lake.person, column: id, expect: not_null, clause: retention}
    """)
    clerk = psycopg2.extensions.make_dsn(dsn, user="clerk_of_quality")
    site = Site(clerk, loaded)
    reports = (measure_quality(site, AS_OF, HANDED), run_quality(site, AS_OF, HANDED))
    for report in reports:
        says = {each.key: each.says for each in report.outcomes}
        assert "may not read lake.seen" in says["view"] or "42501" in says["view"]
        assert says["no-table"] == "not applicable: the warehouse has no table lake.lost"
        assert "has no column 'lost'" in says["no-column"]
        assert "2201B" in says["pattern"]
        assert "42601" in says["syntax"]
        assert says["writes"].startswith("not checked")
        assert says["values"].startswith("not checked: SQLSTATE 22P02")
        assert says["limits"].startswith("not checked")
        assert says["other"].startswith("not checked")
        assert says["none"] == "no rows"
        assert says["good"] == "no rows"
        assert "may not read lake.child" in says["card.lake.child"]
        assert "may not read b, whole" in says["card.lake.computed.unread"]
        assert says["card.lake.computed"] == "passed (1)"
        assert report.exit_code == 1
    with connection.cursor() as cursor:
        cursor.execute("DROP OWNED BY clerk_of_quality; DROP ROLE clerk_of_quality")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("purpose", "because", "state"),
    [
        ("against_fraud: true", "", "passed"),
        ("against_fraud: false", "", "failed"),
        ("against_fraud: false", "linked_because: the contract is about it,", "passed"),
    ],
)
def test_automatic_data_stand_beside_a_person_only_against_fraud_or_for_a_reason(
    new_database: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    purpose: str,
    because: str,
    state: str,
):
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    dsn = new_database()
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE person (id int PRIMARY KEY, email text, gone date);"
            "CREATE TABLE visit (id int PRIMARY KEY, person_id int REFERENCES person, ip inet)"
        )
    connection.commit()
    connection.close()
    loaded = small_policy(f"""
        purposes: {{aim: {{title: Aim, basis: contract, {purpose}}}}}
        subjects:
          person: {{table: public.person, key: [id], identifiers: {{email: email}}}}
        clusters:
          people: {{subject: person, purpose: aim}}
        tables:
          public.person: {{cluster: people, columns: {{id: key, email: contact, gone: date}}}}
          public.visit:
            {{cluster: people, {because} columns: {{id: key, person_id: key, ip: automatic}}}}
        rules:
          gone: {{cluster: people, starting_point: {{latest: [{{column: gone}}]}}}}
    """)
    report = measure_quality(Site(dsn, loaded), AS_OF, HANDED)
    assert one(report, "automatic.public.visit").state == state
