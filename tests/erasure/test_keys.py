"""A subject is found again by its key, whatever type the key has and however it is written."""

from __future__ import annotations

import pytest

from tests.kit import MakeKit

POLICY = """
subjects: {person: {table: public.person, key: KEY}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {public.person: {cluster: c}, public.note: {cluster: c}}
"""

TYPES = {
    "smallint": ("7", "8"),
    "bigint": ("9007199254740993", "9007199254740994"),
    "uuid": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'"),
    "text": ("'%s it''s {\"\\ NULL'", "'%s it''s {\"\\ null'"),
    "varchar(40)": ("'Zoë Ünïcode ☃'", "'zoë Ünïcode ☃'"),
    "char(6)": ("'ab'", "'abc'"),
    "date": ("'2020-02-29'", "'2020-03-01'"),
    "numeric": ("1.10", "1.2"),
    "numeric(20,4)": ("12345678901234.1", "2"),
    "double precision": ("0.1", "0.2"),
    "timestamp": ("'2020-01-01 00:00:00.123456'", "'2020-01-01 00:00:00.123457'"),
    "timestamptz": ("'2020-01-01 00:00:00.1+05'", "'2020-01-01 00:00:00.2+05'"),
    "boolean": ("true", "false"),
    "bytea": ("'\\x00ff'", "'\\x00fe'"),
    "inet": ("'10.0.0.1/8'", "'10.0.0.1/9'"),
    "interval": ("'1 day'", "'2 days'"),
    "mood": ("'so so'", "'fine'"),
    "short": ("'abc'", "'abd'"),
    '"odd s".dom': ("'x'", "'y'"),
    "ci": ("'ABC'", "'abd'"),
    "integer[]": ("'{1,2}'", "'{2,1}'"),
    "text[]": ("'{\"a,b\",NULL}'", "'{a,b,NULL}'"),
    "int4range": ("'[1,5)'", "'[1,6)'"),
    "pair": ("ROW('a,b', 1)::pair", "ROW('a', 1)::pair"),
    "listed": ("'{1,2}'", "'{2,1}'"),
}
SETUP = """
CREATE TYPE mood AS ENUM ('fine', 'so so');
CREATE DOMAIN short AS varchar(3);
CREATE SCHEMA "odd s";
CREATE DOMAIN "odd s".dom AS text COLLATE "C";
CREATE TYPE pair AS (name text, number int);
CREATE DOMAIN listed AS int[];
"""
CI = """
CREATE TYPE ci;
CREATE FUNCTION ci_in(cstring) RETURNS ci LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION ci_out(ci) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE ci (INPUT = ci_in, OUTPUT = ci_out, INTERNALLENGTH = VARIABLE, CATEGORY = 'S',
                STORAGE = extended, COLLATABLE = true);
CREATE CAST (ci AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (text AS ci) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE FUNCTION ci_cmp(ci, ci) RETURNS int IMMUTABLE STRICT LANGUAGE sql
    AS 'SELECT bttextcmp(lower($1::text), lower($2::text))';
CREATE FUNCTION ci_eq(ci, ci) RETURNS bool IMMUTABLE STRICT LANGUAGE sql
    AS 'SELECT lower($1::text) = lower($2::text)';
CREATE FUNCTION ci_lt(ci, ci) RETURNS bool IMMUTABLE STRICT LANGUAGE sql
    AS 'SELECT lower($1::text) < lower($2::text)';
CREATE FUNCTION ci_le(ci, ci) RETURNS bool IMMUTABLE STRICT LANGUAGE sql
    AS 'SELECT lower($1::text) <= lower($2::text)';
CREATE FUNCTION ci_gt(ci, ci) RETURNS bool IMMUTABLE STRICT LANGUAGE sql
    AS 'SELECT lower($1::text) > lower($2::text)';
CREATE FUNCTION ci_ge(ci, ci) RETURNS bool IMMUTABLE STRICT LANGUAGE sql
    AS 'SELECT lower($1::text) >= lower($2::text)';
CREATE OPERATOR = (FUNCTION = ci_eq, LEFTARG = ci, RIGHTARG = ci, MERGES);
CREATE OPERATOR < (FUNCTION = ci_lt, LEFTARG = ci, RIGHTARG = ci);
CREATE OPERATOR <= (FUNCTION = ci_le, LEFTARG = ci, RIGHTARG = ci);
CREATE OPERATOR > (FUNCTION = ci_gt, LEFTARG = ci, RIGHTARG = ci);
CREATE OPERATOR >= (FUNCTION = ci_ge, LEFTARG = ci, RIGHTARG = ci);
CREATE OPERATOR CLASS ci_ops DEFAULT FOR TYPE ci USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 ci_cmp(ci, ci);
"""
"""A type like citext, which the server of the tests does not have."""


@pytest.mark.parametrize("sql_type", TYPES)
def test_a_key_of_any_type_names_its_subject_and_nobody_else(
    make_kit: MakeKit, sql_type: str
) -> None:
    due, other = TYPES[sql_type]
    kit = make_kit(
        SETUP
        + CI
        + f"""
        CREATE TABLE person (id {sql_type} PRIMARY KEY, ended_on date);
        CREATE TABLE note (id int, person_id {sql_type} REFERENCES person);
        INSERT INTO person VALUES ({due}, '2020-01-01'), ({other}, '2026-01-01');
        INSERT INTO note VALUES (1, {due}), (2, {other}), (3, NULL);
        """,
        POLICY.replace("KEY", "id"),
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert kit.ids("note") == [2, 3]
    assert kit.execute(f"SELECT count(*) FROM person WHERE id = {other}::{sql_type}") == [(1,)]
    assert len(kit.ids("person")) == 1


@pytest.mark.parametrize(
    ("sql_type", "parent", "child"),
    [
        ("numeric", "1", "1.00"),
        ("ci", "'ABC'", "'abc'"),
        ("char(6)", "'ab'", "'ab    '"),
        ("double precision", "0", "'-0'"),
        ("interval", "'1 mon'", "'30 days'"),
    ],
)
def test_rows_whose_link_is_written_otherwise_than_the_key_go_with_it(
    make_kit: MakeKit, sql_type: str, parent: str, child: str
) -> None:
    kit = make_kit(
        SETUP
        + CI
        + f"""
        CREATE TABLE person (id {sql_type} PRIMARY KEY, ended_on date);
        CREATE TABLE note (id int, person_id {sql_type} REFERENCES person);
        INSERT INTO person VALUES ({parent}, '2020-01-01');
        INSERT INTO note VALUES (1, {child}), (2, NULL);
        """,
        POLICY.replace("KEY", "id"),
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert kit.ids("note") == [2]


def test_a_key_reads_the_same_whatever_the_roles_write_dates_like(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id date PRIMARY KEY, ended_on date);
        CREATE TABLE note (id int, person_id date REFERENCES person);
        INSERT INTO person VALUES ('2020-01-02', '2020-01-01'), ('2020-02-01', '2026-01-01');
        INSERT INTO note VALUES (1, '2020-01-02'), (2, '2020-02-01');
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = ''SQL, DMY''',
                                   current_database()); END $$;
        """,
        POLICY.replace("KEY", "id"),
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert kit.ids("note") == [2]
    rows = kit.execute("SELECT key FROM lethe.plan_subject")
    assert rows == []


def test_a_composite_key_of_mixed_types_across_schemas_is_matched_as_a_whole(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE SCHEMA "Crm.%s";
        CREATE TABLE "Crm.%s"."per""son" (
            "Land %" char(2), "nr." uuid, day date, ended_on date,
            PRIMARY KEY ("nr.", "Land %", day)
        );
        CREATE TABLE note (id int, d date, n uuid, c char(2),
            FOREIGN KEY (c, n, d) REFERENCES "Crm.%s"."per""son" ("Land %", "nr.", day));
        INSERT INTO "Crm.%s"."per""son" VALUES
            ('LU', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2019-01-01', '2020-01-01'),
            ('FR', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2019-01-01', '2026-01-01'),
            ('LU', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2019-01-02', '2026-01-01');
        INSERT INTO note VALUES
            (1, '2019-01-01', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'LU'),
            (2, '2019-01-01', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'FR'),
            (3, '2019-01-02', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'LU'),
            (4, '2019-01-02', NULL, 'LU');
        """,
        """
subjects: {person: {table: '"Crm.%s"."per""son"', key: ["Land %", "nr.", day]}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables: {'"Crm.%s"."per""son"': {cluster: c}, public.note: {cluster: c}}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert kit.ids("note") == [2, 3, 4]
    assert kit.execute('SELECT count(*) FROM "Crm.%s"."per""son"') == [(2,)]


def test_rows_that_share_a_key_are_one_subject_and_rows_without_key_are_nobodys(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (id int, cookie text, ended_on date);
        CREATE TABLE note (id int, cookie text);
        INSERT INTO person VALUES (1, 'a', '2020-01-01'), (2, 'a', '2020-06-01'),
            (3, 'b', '2020-01-01'), (4, 'b', '2026-01-01'), (5, NULL, '2020-01-01');
        INSERT INTO note VALUES (1, 'a'), (2, 'b'), (3, NULL);
        """,
        """
subjects: {person: {table: public.person, key: cookie}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person: {cluster: c}
  public.note: {cluster: c, links: [{columns: cookie}]}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert kit.ids("person") == [3, 4, 5]
    assert kit.ids("note") == [2, 3]


def test_subjects_may_be_a_query(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE mail (id int PRIMARY KEY, address text, sent_on date);
        INSERT INTO mail VALUES (1, 'a', '2020-01-01'), (2, 'a', '2021-01-01'),
            (3, 'b', '2020-01-01'), (4, 'b', '2026-01-01'), (5, NULL, '2020-01-01');
        """,
        """
subjects:
  person:
    query: SELECT DISTINCT address FROM public.mail WHERE address IS NOT NULL
    key: address
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{table: public.mail, column: sent_on}]}}}
tables:
  public.mail: {cluster: c, links: [{columns: address}]}
""",
    )
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 1}
    assert kit.ids("mail") == [3, 4, 5]


@pytest.mark.parametrize("sql_type", ["integer[]", "pair"])
def test_rows_that_hang_on_several_are_named_by_keys_of_any_type(
    make_kit: MakeKit, sql_type: str
) -> None:
    def one(number: int) -> str:
        return f"'{{{number},0}}'" if sql_type == "integer[]" else f"'(a,{number})'"

    kit = make_kit(
        SETUP
        + f"""
        CREATE TABLE person (id {sql_type} PRIMARY KEY, ended_on date, mail text);
        CREATE TABLE chat (id {sql_type}, part text, one {sql_type} REFERENCES person,
                           two {sql_type} REFERENCES person, PRIMARY KEY (id, part));
        CREATE TABLE line (id int, chat {sql_type}, part text,
                           FOREIGN KEY (chat, part) REFERENCES chat);
        INSERT INTO person VALUES ({one(1)}, '2020-01-01', 'a@x.org'),
                                  ({one(2)}, '2020-01-01', NULL),
                                  ({one(3)}, '2026-01-01', NULL);
        INSERT INTO chat VALUES ({one(7)}, 'x', {one(1)}, {one(2)}),
                                ({one(8)}, 'y', {one(1)}, {one(3)});
        INSERT INTO line VALUES (1, {one(7)}, 'x'), (2, {one(8)}, 'y');
        """,
        """
subjects: {person: {table: public.person, key: id, identifiers: {mail: mail}}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person: {cluster: c}
  public.chat: {cluster: c, links: [{columns: one}, {columns: two}]}
  public.line: {cluster: c}
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 2}
    assert (len(kit.ids("person")), kit.ids("chat", "part"), kit.ids("line")) == (1, ["y"], [2])
    assert kit.execute("SELECT one IS NULL, two IS NULL FROM chat") == [(True, False)]
