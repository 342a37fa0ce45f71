"""A policy against a warehouse: every kind of finding, all at once, with its line."""

from __future__ import annotations

import re
from collections.abc import Callable
from textwrap import dedent

import psycopg2
import pytest
from lethe.catalogue.bind import Bound, bind, require_bound
from lethe.catalogue.checks.starting_points import looks_like_change_date
from lethe.errors import PolicyError
from psycopg2 import extensions

from tests.small_policy import small_policy

DDL = """
CREATE SCHEMA "My.Shop";
CREATE TYPE "My.Shop"."Mo%od" AS ENUM ('well', 'ill');
CREATE DOMAIN "My.Shop".short AS varchar(3);
CREATE TABLE "My.Shop"."Per""son %s" (
    "Id" bigint PRIMARY KEY, "e-mail" text, "Ünï" text, state "My.Shop"."Mo%od",
    code "My.Shop".short, ended_on date, born date, flag boolean, updated_at timestamptz,
    doc json, count int);
CREATE TABLE "My.Shop".note (
    id int PRIMARY KEY, who bigint REFERENCES "My.Shop"."Per""son %s", body text, at timestamp);
CREATE INDEX ON "My.Shop".note (who);
CREATE INDEX ON "My.Shop"."Per""son %s" (ended_on);
"""
PERSON = '"My.Shop"."Per""son %s"'
POLICY = """
clauses:
  retention:
    section: "9"
    promise: Deleted.
    control: {kind: enforced, by: [retention_sweep], rules: r}
subjects:
  person: {table: '"My.Shop"."Per""son %s"', key: Id}
clusters:
  c: {subject: person}
tables:
  '"My.Shop"."Per""son %s"':
    cluster: c
    columns: {e-mail: contact, Ünï: name, state: preference, ended_on: date, born: birth_date}
    not_personal: [Id, code, flag, updated_at, doc, count]
  '"My.Shop".note':
    cluster: c
    columns: {body: content}
    not_personal: [id, who, at]
    activity: at
rules:
  r:
    cluster: c
    starting_point: {latest: [{column: ended_on}]}
"""


@pytest.fixture
def check(
    warehouse: extensions.connection,
) -> Callable[..., Bound]:
    """Bind the policy, changed by replacing text, to the warehouse, changed by DDL."""
    with warehouse.cursor() as cursor:
        cursor.execute(DDL)

    def run(*changes: tuple[str, str], ddl: str = "") -> Bound:
        text = dedent(POLICY)
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        with warehouse.cursor() as cursor:
            cursor.execute(ddl or "SELECT")
        return bind(warehouse, small_policy(text))

    return run


def told(bound: Bound, level: str | None = None) -> list[tuple[str, str, str]]:
    return [
        (each.level, each.code, each.message) for each in bound.found if level in (None, each.level)
    ]


def codes(bound: Bound) -> set[tuple[str, str]]:
    return {(each.level, each.code) for each in bound.found}


def test_a_policy_that_fits_has_nothing_to_tell_whatever_the_names(
    check: Callable[..., Bound],
) -> None:
    bound = check()
    assert told(bound) == []
    assert bound.faults == ()
    assert [m.table.name for m in bound.graph.members["c"]] == ['Per"son %s', "note"]


FAULTS = {
    "missing table": (
        [("'\"My.Shop\".note':", "'\"My.Shop\".notes':")],
        "missing-table",
        'the warehouse has no table "My.Shop".notes; did you mean "My.Shop".note?',
    ),
    "table of an unknown schema": (
        [("'\"My.Shop\".note':", "nowhere.at_all:")],
        "missing-table",
        "the warehouse has no table nowhere.at_all; it has no table in a schema 'nowhere'; "
        "schemas with tables: My.Shop",
    ),
    "missing column": (
        [("{body: content}", "{bodyy: content}")],
        "missing-column",
        "table \"My.Shop\".note has no column 'bodyy'; did you mean 'body'? "
        "it has: id, who, body, at",
    ),
    "missing key": ([("key: Id", "key: id")], "missing-column", "has no column 'id'"),
    "missing identifier": (
        [("key: Id}", "key: Id, identifiers: {mail: email}}")],
        "missing-column",
        "has no column 'email'; did you mean 'e-mail'?",
    ),
    "missing country": (
        [("key: Id}", "key: Id, country: land}")],
        "missing-column",
        "has no column 'land'",
    ),
    "missing not personal": (
        [("[id, who, at]", "[id, who, at, gone]")],
        "missing-column",
        "has no column 'gone'",
    ),
    "birth date of a wrong type": (
        [("key: Id}", "key: Id, birth_date: count}")],
        "wrong-type",
        'column \'count\' of "My.Shop"."Per""son %s" is integer, and a birth date needs date',
    ),
    "starting point of a wrong type": (
        [("{column: ended_on}", "{column: count}")],
        "wrong-type",
        "a starting point needs date, timestamp or timestamptz",
    ),
    "starting point that is missing": (
        [("{column: ended_on}", "{column: ended_at}")],
        "missing-column",
        "has no column 'ended_at'; did you mean 'ended_on'?",
    ),
    "change date": (
        [("{column: ended_on}", "{column: updated_at}")],
        "change-date",
        "'updated_at' looks like a date that moves whenever the row is touched",
    ),
    "activity of a wrong type": (
        [("activity: at", "activity: body")],
        "wrong-type",
        "is text, and activity needs date, timestamp or timestamptz",
    ),
    "condition on a missing column": (
        [("starting_point: {", "where: {column: stat, equals: x}\n    starting_point: {")],
        "missing-column",
        "has no column 'stat'; did you mean 'state'?",
    ),
    "enum value that does not exist": (
        [("starting_point: {", "where: {column: state, equals: fine}\n    starting_point: {")],
        "unreadable-value",
        '\'fine\' is no value that column \'state\' of "My.Shop"."Per""son %s" can hold '
        '("My.Shop"."Mo%od"); it is one of: well, ill',
    ),
    "value that no number is": (
        [("starting_point: {", "where: {column: count, in: [1, two]}\n    starting_point: {")],
        "unreadable-value",
        "'two' is no value that column 'count'",
    ),
    "value that no date is": (
        [("starting_point: {", "where: {column: born, before: soon}\n    starting_point: {")],
        "unreadable-value",
        "'soon' is no value",
    ),
    "value that a domain would cut": (
        [("starting_point: {", "where: {column: code, equals: abcd}\n    starting_point: {")],
        "unreadable-value",
        "'abcd' is no value that column 'code'",
    ),
    "comparison that does not exist": (
        [("starting_point: {", "where: {column: doc, equals: '1'}\n    starting_point: {")],
        "incomparable-types",
        "values of type json cannot be compared with =",
    ),
    "value inside any and not": (
        [
            (
                "starting_point: {",
                "where: {any: [{not: {column: state, equals: nope}}, "
                "{column: count, equals: 1}]}\n    starting_point: {",
            )
        ],
        "unreadable-value",
        "'nope' is no value",
    ),
    "value inside exists": (
        [
            (
                "starting_point: {",
                "where: {exists: {table: '\"My.Shop\".note', where: {column: id, equals: x}}}\n"
                "    starting_point: {",
            )
        ],
        "unreadable-value",
        "'x' is no value that column 'id' of \"My.Shop\".note",
    ),
    "truth of what is no boolean": (
        [("starting_point: {", "where: {column: count, is: 'true'}\n    starting_point: {")],
        "wrong-type",
        "`is: true` needs boolean",
    ),
    "age of what is no date": (
        [("starting_point: {", "where: {column: count, older_than: P1Y}\n    starting_point: {")],
        "wrong-type",
        "older_than needs date, timestamp or timestamptz",
    ),
    "action on a missing column": (
        [("activity: at", "when_due: {do: keep, because: law, blank: [text]}")],
        "missing-column",
        "has no column 'text'",
    ),
    "blank of a column that is never NULL": (
        [("activity: at", "when_due: {do: keep, because: law, blank: [id]}")],
        "not-null",
        "column 'id' of \"My.Shop\".note cannot be NULL; give it a text under replace",
    ),
    "text that does not fit": (
        [
            (
                "not_personal: [Id, code,",
                "when_due: {do: keep, because: law, replace: {code: gone}}\n"
                "    not_personal: [Id, code,",
            )
        ],
        "unreadable-value",
        "'gone' does not fit into column 'code'",
    ),
    "token that does not fit": (
        [
            (
                "not_personal: [Id, code,",
                "when_due: {do: keep, because: law, replace: {code: '{token}'}}\n"
                "    not_personal: [Id, code,",
            )
        ],
        "unreadable-value",
        "{token} becomes 32 characters",
    ),
    "one text in a unique column": (
        [
            (
                "activity: at",
                "when_due: {do: keep, because: law, replace: {id: '0'}}",
            )
        ],
        "unique-column",
        '(id) of "My.Shop".note is unique, and a fixed text is the same in every row',
    ),
    "link of types that do not compare": (
        [
            (
                "activity: at",
                'links: [{columns: at, to: \'"My.Shop"."Per""son %s"\', references: Id}]',
            )
        ],
        "incomparable-types",
        "column 'at' of \"My.Shop\".note is timestamp without time zone and cannot be",
    ),
    "event of a table that leads nowhere": (
        [
            ("{column: ended_on}", "{table: public.calendar, column: day}"),
            ("tables:", "tables:\n  public.calendar: {not_personal: [day]}"),
        ],
        "no-way",
        "nothing leads from public.calendar to subject 'person'",
    ),
    "condition on a table that leads nowhere": (
        [
            (
                "starting_point: {",
                "where: {exists: {table: public.calendar}}\n    starting_point: {",
            ),
            ("tables:", "tables:\n  public.calendar: {not_personal: [day]}"),
        ],
        "no-way",
        "nothing leads from public.calendar to subject 'person'",
    ),
    "view": (
        [
            (
                "tables:",
                "tables:\n  public.people: {cluster: c, columns: {x: name}, links: [{columns: x}]}",
            )
        ],
        "not-a-table",
        "public.people is a view: rows are erased from the tables below it",
    ),
    "partition": (
        [("tables:", "tables:\n  public.log_2024: {}")],
        "missing-table",
        "public.log_2024 is a partition; name the table that it is part of: public.log",
    ),
    "computed column": (
        [
            (
                "tables:",
                "tables:\n  public.computed: {cluster: c, not_personal: [id], "
                "columns: {twice: content}, links: [{columns: id}], "
                "when_due: {do: keep, because: law, blank: [twice]}}",
            )
        ],
        "generated-column",
        "column 'twice' of public.computed is computed from id; change those",
    ),
    "rule that swallows": (
        [
            (
                "tables:",
                "tables:\n  public.swallowing: {cluster: c, not_personal: [id], "
                "links: [{columns: id}]}",
            )
        ],
        "swallowing-rule",
        "the rule quiet acts instead of DELETE",
    ),
    "parts of one cluster": (
        [
            (
                "tables:",
                "tables:\n  public.calendar: {rows: [{cluster: c}, {cluster: c}], "
                "not_personal: [day], links: [{columns: day}]}",
            )
        ],
        "part-twice",
        "two parts of the table belong to cluster 'c'",
    ),
    "unresolved link": (
        [("activity: at", 'links: [{columns: body, to: \'"My.Shop"."Per""son %s"\'}]')],
        "unresolved",
        "no foreign key leads from (body)",
    ),
}
MORE = """
    CREATE TABLE public.calendar (day date PRIMARY KEY);
    CREATE VIEW public.people AS SELECT "Ünï" AS x FROM "My.Shop"."Per""son %s";
    CREATE TABLE public.log (day date) PARTITION BY RANGE (day);
    CREATE TABLE public.log_2024 PARTITION OF public.log
        FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE public.computed (
        id bigint PRIMARY KEY, twice bigint GENERATED ALWAYS AS (id * 2) STORED);
    CREATE TABLE public.swallowing (id bigint PRIMARY KEY);
    CREATE RULE quiet AS ON DELETE TO public.swallowing DO INSTEAD NOTHING;
"""
NEEDS_MORE = ("public.", "nowhere")


@pytest.mark.parametrize("case", FAULTS)
def test_every_kind_of_fault_is_told(check: Callable[..., Bound], case: str) -> None:
    changes, code, message = FAULTS[case]
    needs = any("public." in new for _, new in changes)
    bound = check(*changes, ddl=MORE if needs else "")
    found = [text for level, kind, text in told(bound, "fault") if kind == code]
    assert any(message in text for text in found), told(bound, "fault")
    assert bound.faults
    assert all(fault.line for fault in bound.faults)


def test_all_faults_are_told_at_once_and_stop_what_needs_the_graph(
    warehouse: extensions.connection, check: Callable[..., Bound]
) -> None:
    check()
    text = dedent(POLICY)
    for old, new in (
        ("{body: content}", "{bodyy: content}"),
        ("column: ended_on", "column: count"),
    ):
        text = text.replace(old, new)
    loaded = small_policy(text)
    with pytest.raises(PolicyError) as caught:
        require_bound(warehouse, loaded)
    assert len(caught.value.faults) == 2
    assert [fault.path for fault in caught.value.faults] == [
        'tables."My.Shop".note.columns.bodyy',
        "rules.r.starting_point.latest[0].column",
    ]


def test_a_change_date_is_taken_where_the_policy_says_why(check: Callable[..., Bound]) -> None:
    bound = check(
        ("{latest: [{column: ended_on}]}", "{latest: [{column: updated_at}], although: it is}")
    )
    assert not bound.faults


@pytest.mark.parametrize(
    "name",
    [
        "updated_at",
        "UpdatedAt",
        "last_update",
        "lastModified",
        "modified on",
        "date_modif",
        "date_maj",
        "maj",
        "derniere_modification",
        "mise_a_jour",
        "changed_on",
        "last_status_change_date",
        "tms",
        "mtime",
        "write_date",
        "row_upd",
    ],
)
def test_names_of_change_dates_are_known(name: str) -> None:
    assert looks_like_change_date(name)


@pytest.mark.parametrize(
    "name",
    [
        "ended_on",
        "closed_at",
        "exchange_date",
        "majority_on",
        "last_service_ended_on",
        "last_seen_at",
        "date_fin",
        "major_event_at",
        "modulo_on",
        "model_from",
    ],
)
def test_names_of_events_are_left_alone(name: str) -> None:
    assert not looks_like_change_date(name)


ALARMS = {
    "unlisted table": (
        [],
        "CREATE TABLE public.new_one (email text)",
        "unlisted-table",
        "table public.new_one is not in the policy",
    ),
    "unlisted heir": (
        [],
        'CREATE TABLE public.heir () INHERITS ("My.Shop".note)',
        "unlisted-table",
        'table public.heir inherits from "My.Shop".note and is not in the policy',
    ),
    "unclassified column": (
        [],
        'ALTER TABLE "My.Shop".note ADD nickname text, ADD "other %s" text',
        "unclassified-column",
        "nickname, other %s are not classified",
    ),
    "critical in the clear": (
        [("{body: content}", "{body: critical}")],
        "",
        "critical-in-the-clear",
        "column 'body' of \"My.Shop\".note is critical and lies in the clear",
    ),
    "credential not hashed": (
        [("{body: content}", "{body: credential}")],
        "",
        "credential-in-the-clear",
        "is a credential and not said to be hashed",
    ),
    "files without connector": (
        [
            ("{body: content}", "{body: {class: content, file_reference: files}}"),
            ("\nrules:", "\nsystems: {files: {title: Files, kind: file_store, owner: IT}}\nrules:"),
        ],
        "",
        "no-connector",
        "nothing reaches the files of system 'files'",
    ),
    "view": (
        [],
        'CREATE VIEW public.v AS SELECT id FROM "My.Shop".note',
        "unanswered-view",
        "the view public.v shows \"My.Shop\".note; answer with kind: view, name: 'public.v'",
    ),
    "materialised view": (
        [],
        'CREATE MATERIALIZED VIEW public.m AS SELECT id FROM "My.Shop".note',
        "unanswered-materialised-view",
        'the materialised view public.m holds copies of rows of "My.Shop".note',
    ),
    "trigger": (
        [],
        "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';"
        'CREATE TRIGGER "t %s" AFTER DELETE ON "My.Shop".note FOR EACH ROW EXECUTE FUNCTION '
        "public.f()",
        "unanswered-trigger",
        "name: '\"My.Shop\".note.t %s'",
    ),
    "event trigger": (
        [],
        "CREATE FUNCTION public.g() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION public.g()",
        "unanswered-event-trigger",
        "the event trigger e calls public.g on sql_drop",
    ),
    "rule": (
        [],
        'CREATE RULE also AS ON DELETE TO "My.Shop".note DO ALSO SELECT 1',
        "unanswered-rule",
        'the rule also on "My.Shop".note acts besides DELETE',
    ),
    "publication": (
        [],
        'CREATE PUBLICATION p FOR TABLE "My.Shop".note',
        "unanswered-publication",
        'the publication p copies changes of "My.Shop".note',
    ),
    "publication without delete": (
        [],
        "CREATE PUBLICATION p FOR TABLE \"My.Shop\".note WITH (publish = 'insert')",
        "unanswered-publication",
        "does not publish DELETE, so that its subscribers keep what is erased here",
    ),
    "row security": (
        [],
        'ALTER TABLE "My.Shop".note ENABLE ROW LEVEL SECURITY',
        "unanswered-row-security",
        'row-level security is on for "My.Shop".note',
    ),
    "large object": (
        [("[id, who, at]", "[id, who, at, scan]")],
        'ALTER TABLE "My.Shop".note ADD scan oid',
        "unanswered-large-object",
        "name: '\"My.Shop\".note.scan'",
    ),
    "cascade": (
        [("\nrules:", "\nwarehouse: {ignore: [{schema: public, because: test}]}\nrules:")],
        'CREATE TABLE public.child (n int REFERENCES "My.Shop".note ON DELETE CASCADE)',
        "unanswered-cascade",
        "says ON DELETE CASCADE and would reach rows outside the policy",
    ),
}


@pytest.mark.parametrize("case", ALARMS)
def test_every_kind_of_alarm_is_told_and_stops_nothing(
    check: Callable[..., Bound], case: str
) -> None:
    changes, ddl, code, message = ALARMS[case]
    bound = check(*changes, ddl=ddl)
    found = [text for level, kind, text in told(bound, "alarm") if kind == code]
    assert any(message in text for text in found), told(bound)
    assert not bound.faults


UNANSWERED = [name for name in ALARMS if ALARMS[name][2].startswith("unanswered")]


@pytest.mark.parametrize("case", UNANSWERED)
def test_an_answer_by_the_printed_name_settles_it(check: Callable[..., Bound], case: str) -> None:
    changes, ddl, code, _ = ALARMS[case]
    (message,) = (text for _, kind, text in told(check(*changes, ddl=ddl)) if kind == code)
    answer = re.search(r"answer with kind: (\w+), name: '(.*)'$", message)
    assert answer
    quoted = answer[2].replace("'", "''")
    given = f"answers: [{{kind: {answer[1]}, name: '{quoted}', answer: ignore, because: known}}]"
    warehouse = f"\nwarehouse: {{{given}}}\nrules:"
    settled = [("\nrules:", warehouse)]
    if changes and "warehouse:" in changes[0][1]:
        settled = [
            (changes[0][0], changes[0][1].replace("warehouse: {", f"warehouse: {{{given}, "))
        ]
    else:
        settled = [*changes, *settled]
    assert code not in {kind for _, kind in codes(check(*settled))}
    # And once it is gone, the answer is told to be idle.
    assert not check(*settled).faults


def test_an_answer_to_what_is_gone_is_told(check: Callable[..., Bound]) -> None:
    bound = check(
        (
            "\nrules:",
            "\nwarehouse:\n  answers: [{kind: view, name: public.gone, answer: ignore, because: x}]"
            "\nrules:",
        )
    )
    assert told(bound) == [
        (
            "advice",
            "idle-answer",
            "nothing of kind view is called 'public.gone' here any more; take the answer out, or "
            "spell the name as this check prints it",
        )
    ]


def test_a_scope_that_names_nothing_is_told(check: Callable[..., Bound]) -> None:
    warehouse = (
        "{schemas: [My.Shop, publik], ignore: [{table: public.gone, because: x},"
        " {schema: nowhere, because: x}]}"
    )
    bound = check(("\nrules:", f"\nwarehouse: {warehouse}\nrules:"))
    assert [(level, code, message.split(";")[0]) for level, code, message in told(bound)] == [
        (
            "alarm",
            "unknown-schema",
            "the warehouse has no table in a schema 'publik', so nothing is looked for there",
        ),
        ("advice", "idle-ignore", "the warehouse has no table public.gone"),
        ("advice", "idle-ignore", "the warehouse has no table in a schema 'nowhere'"),
    ]


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("sql/nope.sql", "there is no file include/sql/nope.sql"),
        ("../README.md", "'../README.md' is not below include/"),
    ],
)
def test_a_canary_without_a_template_is_a_fault(
    check: Callable[..., Bound], template: str, says: str
) -> None:
    canary = f"{{subject: person, template: {template}, rule: r, outcome: erased}}"
    bound = check(("\nrules:", f"\nguards: {{canaries: {{c: {canary}}}}}\nrules:"))
    (fault,) = bound.faults
    assert says in str(fault)


def test_what_is_out_of_scope_or_ignored_is_not_asked_for(check: Callable[..., Bound]) -> None:
    ddl = "CREATE TABLE public.other (x int); CREATE SCHEMA aside; CREATE TABLE aside.t (x int)"
    for warehouse in (
        "{schemas: [My.Shop]}",
        "{ignore: [{schema: aside, because: x}, {table: public.other, because: x}]}",
    ):
        bound = check(("\nrules:", f"\nwarehouse: {warehouse}\nrules:"), ddl=ddl)
        assert told(bound) == []
        ddl = ""


ADVICE = {
    "critical with a reason": (
        [("{body: content}", "{body: {class: critical, clear_because: it is public}}")],
        "",
        "critical-in-the-clear",
        "lies in the clear: it is public",
        None,
    ),
    "nullable key": (
        [],
        'ALTER TABLE "My.Shop".note DROP CONSTRAINT note_who_fkey;'
        'ALTER TABLE "My.Shop".note ADD FOREIGN KEY (who) REFERENCES "My.Shop"."Per""son %s";'
        'ALTER TABLE "My.Shop"."Per""son %s" ADD UNIQUE (code)',
        "nullable-key",
        'code of "My.Shop"."Per""son %s" may be NULL, and such rows are nobody\'s',
        None,
    ),
    "check constraint": (
        [("activity: at", "when_due: {do: keep, because: law, blank: [body]}")],
        "ALTER TABLE \"My.Shop\".note ADD CONSTRAINT filled CHECK (body <> '')",
        "check-constraint",
        "the constraint 'filled' of \"My.Shop\".note looks at body",
        None,
    ),
    "foreign key without index": (
        [],
        'DROP INDEX "My.Shop".note_who_idx',
        "no-index",
        'no index of "My.Shop".note begins with who',
        'CREATE INDEX CONCURRENTLY ON "My.Shop"."note" ("who")',
    ),
    "due test without index": (
        [],
        'DROP INDEX "My.Shop"."Per""son %s_ended_on_idx"',
        "no-index",
        "begins with ended_on, which the test for due compares",
        'CREATE INDEX CONCURRENTLY ON "My.Shop"."Per""son %s" ("ended_on")',
    ),
}


@pytest.mark.parametrize("case", ADVICE)
def test_every_kind_of_advice_is_told_with_what_to_run(
    check: Callable[..., Bound], case: str
) -> None:
    changes, ddl, code, message, sql = ADVICE[case]
    if case == "nullable key":
        changes = [
            ("key: Id", "key: code"),
            ("activity: at", "activity: at\n    links: [{columns: body}]"),
        ]
    bound = check(*changes, ddl=ddl)
    found = [each for each in bound.advice if each.code == code and message in each.message]
    assert found, told(bound)
    assert found[0].sql == sql


QUERIES = {
    'SELECT who FROM "My.Shop".note -- people': None,
    "SELECT who FROM \"My.Shop\".note WHERE body LIKE 'a%' GROUP BY who;": None,
    'SELECT whom FROM "My.Shop".note': "names a column that the warehouse does not have",
    "SELECT who FROM nowhere": "names a table that the warehouse does not have",
    'DELETE FROM "My.Shop".note RETURNING who': "no single SELECT",
    "SELECT 1; SELECT 2": "no single SELECT",
    'WITH gone AS (DELETE FROM "My.Shop".note RETURNING who) SELECT who FROM gone': "it writes",
    'SELECT id FROM "My.Shop".note': "the query gives no column 'who'; it gives: id",
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_subject_may_be_a_select_and_nothing_else(
    check: Callable[..., Bound], warehouse: extensions.connection, query: str
) -> None:
    quoted = query.replace("'", "''")
    bound = check(
        ("subjects:", f"subjects:\n  author: {{query: '{quoted}', key: who}}"),
        ("clusters:", "clusters:\n  d: {subject: author}"),
        (
            "tables:",
            "tables:\n  public.by: {cluster: d, not_personal: [who], links: [{columns: who}]}",
        ),
        ddl='CREATE TABLE public.by (who bigint PRIMARY KEY);INSERT INTO "My.Shop".note VALUES (1)',
    )
    expected = QUERIES[query]
    messages = [fault.message for fault in bound.faults]
    if expected is None:
        assert messages == []
        assert bound.graph.kinds["author"].types == ("bigint",)
    elif expected == "it writes":
        assert len(messages) == 1
        assert re.search("writes|no single SELECT", messages[0])
    else:
        assert any(expected in message for message in messages), messages
    with warehouse.cursor() as cursor:
        cursor.execute('SELECT count(*) FROM "My.Shop".note')
        assert cursor.fetchone() == (1,)


def test_every_query_is_read_under_the_search_path_of_the_connection(
    check: Callable[..., Bound],
) -> None:
    bound = check(
        (
            "subjects:",
            "subjects:\n  one: {query: SELECT day FROM calendar, key: day}"
            "\n  two: {query: SELECT day FROM calendar, key: day}",
        ),
        ddl="CREATE TABLE public.calendar (day date PRIMARY KEY)",
    )
    assert not bound.faults
    assert bound.graph.kinds["two"].types == ("date",)


def test_conditions_on_a_query_are_refused(check: Callable[..., Bound]) -> None:
    bound = check(
        (
            "subjects:",
            "subjects:\n  author: {query: 'SELECT who FROM \"My.Shop\".note', key: who, "
            "country: land, where: {column: who, equals: 1}}",
        ),
        ("clusters:", "clusters:\n  d: {subject: author}"),
        (
            "tables:",
            "tables:\n  public.by: {cluster: d, not_personal: [who], links: [{columns: who}]}",
        ),
        (
            "\nrules:",
            "\nrules:\n  q: {cluster: d, where: {column: who, equals: 1}, "
            "starting_point: {latest: [{table: public.by, column: day}]}}",
        ),
        ddl="CREATE TABLE public.by (who bigint PRIMARY KEY, day date)",
    )
    places = {fault.path for fault in bound.faults if "this subject is a query" in fault.message}
    assert places == {"subjects.author.country", "subjects.author.where", "rules.q.where"}


def test_no_value_of_a_row_is_ever_told(
    check: Callable[..., Bound], warehouse: extensions.connection
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(
            'INSERT INTO "My.Shop"."Per""son %s" ("Id", "Ünï") VALUES (4711, \'SECRET\')'
        )
    for changes, _, _ in FAULTS.values():
        if not any("public." in new for _, new in changes):
            assert not any(
                "SECRET" in text or "4711" in text for _, _, text in told(check(*changes))
            )


def test_the_check_reads_inside_a_transaction_and_leaves_it_as_it_was(
    check: Callable[..., Bound], warehouse: extensions.connection
) -> None:
    check()
    connection = psycopg2.connect(warehouse.dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE public.mine (x int)")
            cursor.execute("SET LOCAL search_path = pg_temp")
            bound = bind(connection, small_policy(POLICY))
            assert [each.code for each in bound.alarms] == ["unlisted-table"]
            cursor.execute("SHOW search_path")
            assert cursor.fetchone() == ("pg_temp",)
            cursor.execute("SHOW transaction_read_only")
            assert cursor.fetchone() == ("off",)
            cursor.execute("INSERT INTO public.mine VALUES (1)")
        connection.rollback()
    finally:
        connection.close()


@pytest.mark.parametrize("sql_type", ["json", "point", "json[]"])
def test_a_key_whose_values_cannot_be_compared_is_a_fault(
    new_database: Callable[[], str], sql_type: str
) -> None:
    connection = psycopg2.connect(new_database())
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE person (id {sql_type}, day date)")
    bound = bind(
        connection,
        small_policy("""
            subjects: {person: {table: public.person, key: id}}
            clusters: {c: {subject: person}}
            rules: {r: {cluster: c, starting_point: {latest: [{column: day}]}}}
            tables: {public.person: {cluster: c}}
        """),
    )
    connection.close()
    assert any("whether two values are the same" in str(fault) for fault in bound.faults)
