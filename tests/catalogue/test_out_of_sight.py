"""What could delete or copy out of our sight is in the catalogue."""

from __future__ import annotations

from collections.abc import Callable

from lethe.catalogue.model import Catalogue, Reading
from lethe.catalogue.read import read_catalogue
from lethe.policy.names import TableName
from psycopg2 import extensions

Read = Callable[[str], Catalogue]
T = TableName("public", "t")


def test_views_name_what_they_read_directly_and_the_tables_below(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int, mail text, secret text); CREATE TABLE u (id int);
        CREATE VIEW v AS SELECT mail FROM t JOIN u USING (id);
        CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM v WITH NO DATA;
        CREATE VIEW constant AS SELECT 1 AS one;
    """)
    u = TableName("public", "u")
    v = catalogue.views[TableName("public", "v")]
    m = catalogue.views[TableName("public", "m")]
    assert v.reads == (Reading(T, ("id", "mail")), Reading(u, ("id",)))
    assert v.tables == (T, u)
    assert (m.is_materialised, m.is_populated) == (True, False)
    assert [reading.source for reading in m.reads] == [v.name]
    assert m.tables == (T, u)
    assert list(m.columns) == ["n"]
    assert catalogue.views[TableName("public", "constant")].tables == ()
    assert {view.name.name for view in catalogue.views_over(T)} == {"v", "m"}
    assert T in catalogue.tables
    assert v.name not in catalogue.tables


def test_a_view_that_reads_through_a_function_with_an_sql_body_is_seen_through(
    catalogue_of: Read,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int, mail text);
        CREATE FUNCTION mails() RETURNS SETOF text BEGIN ATOMIC SELECT mail FROM t; END;
        CREATE VIEW v AS SELECT * FROM mails();
    """)
    assert catalogue.views[TableName("public", "v")].tables == (T,)


def test_a_view_over_a_partition_reads_the_whole_table(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int, mail text) PARTITION BY LIST (id);
        CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
        CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2);
        CREATE VIEW v AS SELECT id FROM t1 UNION ALL SELECT length(mail) FROM t2;
    """)
    view = catalogue.views[TableName("public", "v")]
    assert view.tables == (T,)
    assert [reading.source for reading in view.reads] == [T]
    assert set(view.reads[0].columns) == {"id", "mail"}


def test_triggers_of_people_are_told_and_those_of_constraints_are_not(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t, mail text);
        CREATE FUNCTION "Copy"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
        CREATE TRIGGER keep BEFORE DELETE OR UPDATE OF mail, up ON t FOR EACH ROW
            WHEN (OLD.id > 0) EXECUTE FUNCTION "Copy"();
        CREATE TRIGGER wipe AFTER TRUNCATE ON t EXECUTE FUNCTION "Copy"();
        ALTER TABLE t DISABLE TRIGGER wipe;
        CREATE VIEW v AS SELECT * FROM t;
        CREATE TRIGGER into_view INSTEAD OF DELETE ON v FOR EACH ROW EXECUTE FUNCTION "Copy"();
    """)
    found = {trigger.name: trigger for trigger in catalogue.triggers}
    assert set(found) == {"keep", "wipe", "into_view"}
    keep = found["keep"]
    assert (keep.table, keep.function, keep.timing) == (T, 'public."Copy"', "before")
    assert keep.events == ("update", "delete")
    assert keep.columns == ("up", "mail")
    assert (keep.for_each_row, keep.has_condition, keep.firing) == (True, True, "origin")
    assert (found["wipe"].events, found["wipe"].firing) == (("truncate",), "disabled")
    assert found["into_view"].timing == "instead of"
    assert found["into_view"].table == TableName("public", "v")


def test_a_trigger_on_a_partitioned_table_is_told_once_and_one_on_a_partition_with_its_name(
    catalogue_of: Read,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int) PARTITION BY LIST (id);
        CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
        CREATE TRIGGER whole AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
        CREATE TRIGGER part AFTER DELETE ON t1 FOR EACH ROW EXECUTE FUNCTION f();
    """)
    assert [(trigger.name, trigger.table, trigger.partition) for trigger in catalogue.triggers] == [
        ("whole", T, None),
        ("part", T, TableName("public", "t1")),
    ]


def test_event_triggers_are_told(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER watch ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION e();
    """)
    (watch,) = catalogue.event_triggers
    assert (watch.event, watch.function, watch.tags) == ("sql_drop", "public.e", ("DROP TABLE",))


def test_a_rule_that_swallows_deletes_is_told(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int); CREATE RULE never AS ON DELETE TO t DO INSTEAD NOTHING;
        CREATE VIEW v AS SELECT 1;
    """)
    (rule,) = catalogue.rules
    assert (rule.name, rule.table, rule.event, rule.instead) == ("never", T, "delete", True)


def test_row_level_security_is_told_with_its_policies_and_whether_it_filters_us(
    catalogue_of: Read, warehouse: extensions.connection
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        ALTER TABLE t FORCE ROW LEVEL SECURITY;
        CREATE POLICY few ON t AS RESTRICTIVE FOR DELETE TO pg_monitor USING (id > 1);
        CREATE POLICY mine ON t USING (true);
        GRANT SELECT ON t TO pg_monitor;
    """)
    table = catalogue.tables[T]
    assert (table.rls_enabled, table.rls_forced, table.rls_filters_us) == (True, True, False)
    few, mine = catalogue.policies
    assert (few.name, few.table, few.command, few.permissive, few.roles) == (
        "few", T, "delete", False, ("pg_monitor",),
    )  # fmt: skip
    assert (mine.command, mine.permissive, mine.roles) == ("all", True, ("public",))
    with warehouse.cursor() as cursor:
        cursor.execute("SET ROLE pg_monitor")
    assert read_catalogue(warehouse).tables[T].rls_filters_us


def test_publications_name_their_tables_however_they_were_chosen(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE SCHEMA s; CREATE TABLE s.in_schema (id int); CREATE TABLE t (id int PRIMARY KEY);
        CREATE UNLOGGED TABLE fleeting (id int);
        CREATE TABLE p (id int) PARTITION BY LIST (id);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        CREATE PUBLICATION every FOR ALL TABLES;
        CREATE PUBLICATION listed FOR TABLE t, p1 WITH (publish = 'insert, update');
        CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA s;
    """)
    found = {publication.name: publication for publication in catalogue.publications}
    assert {name: [str(t) for t in p.tables] for name, p in found.items()} == {
        "every": ["public.p", "public.t", "s.in_schema"],
        "listed": ["public.p", "public.t"],
        "of_schema": ["s.in_schema"],
    }
    assert found["every"].all_tables
    assert found["every"].delete
    listed = found["listed"]
    assert (listed.insert, listed.update) == (True, True)
    assert (listed.delete, listed.truncate) == (False, False)
    assert [p.name for p in catalogue.publications_of(T)] == ["every", "listed"]
    assert catalogue.tables[TableName("public", "fleeting")].unlogged


def test_replica_identity_and_subscriptions_are_told(
    catalogue_of: Read, warehouse: extensions.connection
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE t (id int); ALTER TABLE t REPLICA IDENTITY FULL;
        CREATE SUBSCRIPTION from_crm CONNECTION 'dbname=nowhere' PUBLICATION p
            WITH (connect = false, enabled = false, slot_name = NONE);
    """)
    assert catalogue.tables[T].replica_identity == "full"
    (subscription,) = catalogue.subscriptions
    assert (subscription.name, subscription.enabled) == ("from_crm", False)
    with warehouse.cursor() as cursor:
        cursor.execute("DROP SUBSCRIPTION from_crm")  # else the database could not be dropped


def test_large_objects_are_noticed_with_the_columns_that_may_name_them(catalogue_of: Read) -> None:
    assert not catalogue_of("CREATE TABLE t (id int, scan oid)").has_large_objects
    catalogue = catalogue_of("SELECT lo_create(0)")
    assert catalogue.has_large_objects
    assert catalogue.tables[T].large_object_columns == ("scan",)
