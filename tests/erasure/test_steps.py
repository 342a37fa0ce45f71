"""Steps of an erasure from catalogue and policy alone, and the rights that they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg2
import pytest
from lethe.catalogue.bind import bind
from lethe.erasure.check import check_barred, check_rights, check_steps, require_plannable
from lethe.erasure.grants import needed_grants
from lethe.erasure.steps import Steps, plan_steps
from lethe.errors import PolicyError
from lethe.policy.names import TableName
from psycopg2 import extensions

from tests.small_policy import small_policy

PEOPLE = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
"""
Planned = Callable[[str, str], tuple[Steps, list[str]]]


@pytest.fixture
def warehouse(new_database: Callable[[], str]) -> Iterator[extensions.connection]:
    connection = psycopg2.connect(new_database())
    connection.autocommit = True
    yield connection
    connection.close()


@pytest.fixture
def plan(warehouse: extensions.connection) -> Planned:
    def run(ddl: str, tables: str) -> tuple[Steps, list[str]]:
        with warehouse.cursor() as cursor:
            cursor.execute(ddl)
        bound = bind(warehouse, small_policy(f"{PEOPLE}tables:\n{tables}"))
        assert not bound.faults, bound.faults
        steps, findings = plan_steps(bound.graph, "c")
        return steps, [message for _, message in findings]

    return run


def listed(*names: str) -> str:
    return "".join(f"  public.{name}: {{cluster: c}}\n" for name in names)


def test_children_go_before_parents_in_whatever_order_the_policy_names_them(plan: Planned) -> None:
    ddl = """
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE "order" (id int PRIMARY KEY, person int REFERENCES person);
        CREATE TABLE line (id int PRIMARY KEY, "order" int REFERENCES "order");
        CREATE TABLE note (id int PRIMARY KEY, line int REFERENCES line);
    """
    steps, findings = plan(ddl, listed("person", "order", "line", "note"))
    assert not findings
    assert [m.table.name for m in steps.deletes] == ["note", "line", "order", "person"]
    assert not (steps.cuts or steps.deferred or steps.barred)


CIRCLE = """
    CREATE TABLE person (id int PRIMARY KEY, main int{null});
    CREATE TABLE contact (id int PRIMARY KEY, person int NOT NULL REFERENCES person);
    ALTER TABLE person ADD CONSTRAINT "main %s" FOREIGN KEY (main) REFERENCES contact {how};
"""


def test_a_circle_is_broken_by_nulling_a_column_that_may_be_null(plan: Planned) -> None:
    steps, findings = plan(CIRCLE.format(null="", how=""), listed("person", "contact"))
    assert not findings
    assert [(ref.child.name, ref.columns) for _, ref in steps.cuts] == [("person", ("main",))]
    assert [m.table.name for m in steps.deletes] == ["contact", "person"]


def test_a_circle_is_broken_by_deferring_where_nothing_may_be_null(plan: Planned) -> None:
    ddl = CIRCLE.format(null=" NOT NULL", how="DEFERRABLE")
    steps, findings = plan(ddl, listed("person", "contact"))
    assert not findings
    assert steps.deferred == ("public\x00main %s",)
    assert not steps.cuts


def test_a_circle_that_nothing_breaks_goes_in_one_statement(plan: Planned) -> None:
    steps, findings = plan(CIRCLE.format(null=" NOT NULL", how=""), listed("person", "contact"))
    assert not findings
    assert not steps.cuts
    assert [{m.table.name for m in group} for group in steps.groups] == [{"person", "contact"}]


STAYING = "  public.contact: {cluster: c, when_due: skeleton, columns: {id: key, person: key}}\n"


def test_a_circle_in_which_a_row_may_stay_is_told_with_its_tables(plan: Planned) -> None:
    _, findings = plan(CIRCLE.format(null=" NOT NULL", how=""), listed("person") + STAYING)
    (told,) = [each for each in findings if "circle" in each]
    assert "public.person" in told
    assert "public.contact" in told


TWO = """
    CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, mail text);
    CREATE TABLE invoice (
        id int PRIMARY KEY, person int NOT NULL REFERENCES person, address text);
"""


def test_rows_that_stay_and_reference_what_goes_are_told(plan: Planned) -> None:
    keep = "  public.invoice: {cluster: c, when_due: {do: keep, because: law, blank: [address]}}\n"
    _, findings = plan(TWO, listed("person") + keep)
    assert any("say when_due: skeleton here" in finding for finding in findings)


def test_a_skeleton_is_spared_where_it_is_referenced_and_its_columns_take_the_blank(
    plan: Planned,
) -> None:
    keep = "  public.invoice: {cluster: c, when_due: {do: keep, because: law, blank: [address]}}\n"
    person = (
        "  public.person:\n    cluster: c\n    columns: {id: key, name: name, mail: contact}\n"
        "    when_due: %s\n"
    )
    _, findings = plan(TWO, person % "skeleton" + keep)
    assert findings == ["column 'name' cannot be NULL; give it a text under replace"]
    steps, findings = plan("SELECT", person % "{do: skeleton, replace: {name: erased}}" + keep)
    assert not findings
    assert [ref.child.name for ref in steps.spared[TableName("public", "person")]] == ["invoice"]
    (_, blanked) = sorted(steps.blankings, key=lambda each: each.member.table)
    assert (blanked.nulled, blanked.replaced) == (("mail",), (("name", "erased"),))


def test_a_link_that_can_never_be_null_cannot_be_unlinked(plan: Planned) -> None:
    link = "links: [{columns: boss, to: public.person, role: reference, when_gone: unlink}]"
    _, findings = plan(
        "CREATE TABLE person (id int PRIMARY KEY, boss int NOT NULL REFERENCES person)",
        f"  public.person: {{cluster: c, {link}}}\n",
    )
    assert any("cannot be NULL, so when_gone: unlink cannot be done" in each for each in findings)


def test_a_shared_row_whose_link_cannot_be_cut_is_told(plan: Planned) -> None:
    links = "links: [{columns: a, to: public.person}, {columns: b, to: public.person}]"
    _, findings = plan(
        """
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE message (
            id int PRIMARY KEY, a int NOT NULL REFERENCES person, b int REFERENCES person)
        """,
        listed("person") + f"  public.message: {{cluster: c, {links}}}\n",
    )
    assert len(findings) == 1
    assert "(a) cannot be NULL when one of them goes before the others" in findings[0]


GRANTED = """
    CREATE SCHEMA "S %s";
    CREATE TABLE "S %s"."p.1" ("i""d" int PRIMARY KEY, name text, boss int, ended date,
        code text UNIQUE);
    ALTER TABLE "S %s"."p.1" ADD FOREIGN KEY (boss) REFERENCES "S %s"."p.1";
    CREATE TABLE "S %s".service (id int PRIMARY KEY, who int REFERENCES "S %s"."p.1", ended date);
    CREATE TABLE "S %s".kept (id int PRIMARY KEY, who int, body text);
    CREATE TABLE "S %s".country (code text PRIMARY KEY);
"""
GRANTED_POLICY = """
subjects: {person: {table: '"S %s"."p.1"', key: 'i"d'}}
clusters: {c: {subject: person}}
tables:
  '"S %s"."p.1"':
    cluster: c
    columns: {name: name}
    not_personal: ['i"d', boss, ended, code]
    links:
      - {columns: boss, to: '"S %s"."p.1"', role: reference, when_gone: unlink}
  'S %s.service': {cluster: c, not_personal: [id, who, ended]}
  'S %s.kept':
    cluster: c
    columns: {body: content}
    not_personal: [id, who]
    links: [{columns: who}]
    when_due: {do: keep, because: law, replace: {body: gone}}
  'S %s.country': {not_personal: [code]}
rules:
  r: {cluster: c, starting_point: {latest: [{table: 'S %s.service', column: ended}]}}
"""


def test_the_rights_are_the_least_that_the_plan_needs(warehouse: extensions.connection) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(GRANTED)
    graph = require_plannable(warehouse, small_policy(GRANTED_POLICY))
    grants = {
        (grant.role, grant.table.name, *grant.privileges, *grant.columns)
        for grant in needed_grants(graph)
    }
    tables = ("p.1", "service", "kept", "country")
    selects = {(role, name, "SELECT") for role in ("runner", "planner") for name in tables}
    assert grants == {
        *selects,
        ("runner", "p.1", "DELETE"),
        ("runner", "service", "DELETE"),
        ("runner", "p.1", "UPDATE", "boss", 'i"d'),
        ("runner", "service", "UPDATE", "id"),
        ("runner", "kept", "UPDATE", "body"),
    }


@pytest.fixture
def poor_role(warehouse: extensions.connection) -> Iterator[str]:
    with warehouse.cursor() as cursor:
        cursor.execute(GRANTED)
        cursor.execute("CREATE ROLE poor_role")
        cursor.execute('GRANT USAGE ON SCHEMA "S %s" TO poor_role')
        cursor.execute('GRANT SELECT ON ALL TABLES IN SCHEMA "S %s" TO poor_role')
        cursor.execute('GRANT DELETE ON "S %s".service TO poor_role')
        cursor.execute('GRANT UPDATE ("i""d", boss) ON "S %s"."p.1" TO poor_role')
        yield "poor_role"
        cursor.execute("RESET ROLE; DROP OWNED BY poor_role; DROP ROLE poor_role")


def test_missing_rights_are_told_with_the_grant_to_run(
    warehouse: extensions.connection, poor_role: str
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(f"SET ROLE {poor_role}")
    bound = bind(warehouse, small_policy(GRANTED_POLICY))
    found = {each.message.split(";")[0]: each.sql for each in check_rights(warehouse, bound)}
    usage = 'GRANT USAGE ON SCHEMA "S %s" TO "lethe_runner"; GRANT '
    assert set(found) == {
        'role poor_role lacks DELETE on S %s."p.1"',
        "role poor_role lacks UPDATE (id) on S %s.service",
        "role poor_role lacks UPDATE (body) on S %s.kept",
    }
    assert all(sql is not None and sql.startswith(usage) for sql in found.values())


def test_clusters_that_cannot_be_ordered_are_faults_of_the_file(
    warehouse: extensions.connection,
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(CIRCLE.format(null=" NOT NULL", how=""))
    loaded = small_policy(f"{PEOPLE}tables:\n{listed('person')}{STAYING}")
    with pytest.raises(PolicyError) as caught:
        require_plannable(warehouse, loaded)
    assert caught.value.faults[0].line
    assert {each.level for each in check_steps(bind(warehouse, loaded).graph)} == {"fault"}


def test_rows_of_another_cluster_that_stop_an_erasure_are_told_beforehand(
    warehouse: extensions.connection,
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(TWO)
    bound = bind(
        warehouse,
        small_policy("""
        subjects:
          person: {table: public.person, key: id}
          invoice: {table: public.invoice, key: id}
        clusters: {c: {subject: person}, d: {subject: invoice}}
        tables: {public.person: {cluster: c}, public.invoice: {cluster: d}}
        """),
    )
    (advice,) = check_barred(bound.graph)
    assert "rows of public.invoice (person) that stay stop the erasure" in advice.message
