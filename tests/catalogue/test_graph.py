"""How rows hang on their subject, from catalogue and policy."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2
import pytest
from lethe.catalogue.graph import Graph, Hop, build_graph
from lethe.catalogue.model import Catalogue
from lethe.catalogue.ways import walk
from lethe.policy.names import TableName
from psycopg2 import extensions, sql

from tests.small_policy import small_policy

CatalogueOf = Callable[[str], Catalogue]

PEOPLE = """
    subjects: {person: {table: public.person, key: id}}
    clusters: {c: {subject: person}}
"""


def t(name: str, schema: str = "public") -> TableName:
    return TableName(schema, name)


def graph_of(catalogue: Catalogue, policy: str) -> tuple[Graph, list[str]]:
    graph, findings = build_graph(small_policy(policy).policy, catalogue)
    return graph, [message for _, message in findings]


def owners_of(
    warehouse: extensions.connection, graph: Graph, table: TableName, cluster: str = "c"
) -> list[tuple[object, ...]]:
    """Every row's `label` with the key of the root of its member, walked in the database."""
    member = next(m for m in graph.members[cluster] if m.table == table)
    walked = walk(member.way, "m")
    select = sql.SQL("SELECT m.label, {} FROM {} WHERE {} ORDER BY 1, 2").format(
        sql.SQL(", ").join(walked.owner),
        walked.source(sql.SQL("{} AS m").format(table.identifier)),
        sql.SQL(" AND ").join([sql.SQL("true"), *walked.conditions]),
    )
    with warehouse.cursor() as cursor:
        cursor.execute(select, {})
        return cursor.fetchall()


def test_a_foreign_key_to_the_subject_is_a_way_of_one_hop(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE note (id int PRIMARY KEY, person_id int REFERENCES person);
    """)
    graph, findings = graph_of(
        catalogue, PEOPLE + "    tables: {public.person: {cluster: c}, public.note: {cluster: c}}"
    )
    assert not findings
    note = next(m for m in graph.members["c"] if m.table == t("note"))
    assert note.way == (Hop(("person_id",), None, ("id",)),)
    assert note.anchor is None
    assert note.is_declared


def test_two_hops_lead_through_the_table_between(
    catalogue_of: CatalogueOf, warehouse: extensions.connection
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE "Or.der" ("№" int PRIMARY KEY, "who%s" int REFERENCES person);
        CREATE TABLE line (label text, "or""der" int REFERENCES "Or.der");
        INSERT INTO person VALUES (1), (2);
        INSERT INTO "Or.der" VALUES (10, 1), (20, 2);
        INSERT INTO line VALUES ('a', 10), ('b', 20), ('c', 20), ('nobody', NULL);
    """)
    graph, findings = graph_of(
        catalogue,
        PEOPLE
        + """
    tables:
      public.person: {cluster: c}
      'public."Or.der"': {cluster: c}
      public.line: {cluster: c}
    """,
    )
    assert not findings
    assert owners_of(warehouse, graph, t("line")) == [("a", 1), ("b", 2), ("c", 2)]


def test_composite_keys_are_compared_column_by_column_whatever_their_order(
    catalogue_of: CatalogueOf, warehouse: extensions.connection
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (a int, b int, PRIMARY KEY (b, a));
        CREATE TABLE note (label text, x int, y int, FOREIGN KEY (x, y) REFERENCES person (a, b));
        INSERT INTO person VALUES (1, 2), (2, 1);
        INSERT INTO note VALUES ('one-two', 1, 2), ('two-one', 2, 1);
    """)
    graph, findings = graph_of(
        catalogue,
        """
        subjects: {person: {table: public.person, key: [b, a]}}
        clusters: {c: {subject: person}}
        tables: {public.person: {cluster: c}, public.note: {cluster: c}}
        """,
    )
    assert not findings
    assert graph.kinds["person"].unique
    assert owners_of(warehouse, graph, t("note")) == [("one-two", 2, 1), ("two-one", 1, 2)]


def test_a_link_that_no_foreign_key_declares_is_declared_in_the_policy(
    catalogue_of: CatalogueOf,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE log (label text, who int);
    """)
    without, findings = graph_of(
        catalogue, PEOPLE + "    tables: {public.person: {cluster: c}, public.log: {cluster: c}}"
    )
    assert [m.table for m in without.members["c"]] == [t("person")]
    assert findings == [
        "nothing leads from it to public.person (subject 'person'); add a link under links: "
        "columns, to, references"
    ]
    graph, findings = graph_of(
        catalogue,
        PEOPLE
        + """
    tables:
      public.person: {cluster: c}
      public.log: {cluster: c, links: [{columns: who, to: public.person, references: id}]}
    """,
    )
    assert not findings
    log = graph.members["c"][1]
    assert log.way == (Hop(("who",), None, ("id",), declared=False),)
    assert not log.is_declared


def test_a_link_to_another_unique_column_goes_through_the_subjects_table(
    catalogue_of: CatalogueOf, warehouse: extensions.connection
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY, number text UNIQUE);
        CREATE TABLE note (label text, number text REFERENCES person (number));
        INSERT INTO person VALUES (1, 'N1'), (2, 'N2');
        INSERT INTO note VALUES ('a', 'N2'), ('b', 'N1');
    """)
    graph, findings = graph_of(
        catalogue, PEOPLE + "    tables: {public.person: {cluster: c}, public.note: {cluster: c}}"
    )
    assert not findings
    assert graph.members["c"][1].anchor is None
    assert owners_of(warehouse, graph, t("note")) == [("a", 2), ("b", 1)]


VISITORS = """
    subjects: {visitor: {table: public.visit, key: cookie}}
    clusters: {c: {subject: visitor}}
    tables:
      public.visit: {cluster: c}
      public.click: {cluster: c, links: [{columns: cookie, to: public.visit, references: cookie}]}
      public.page: {cluster: c}
"""


def test_rows_with_one_cookie_are_one_subject_and_what_holds_the_cookie_hangs_on_it(
    catalogue_of: CatalogueOf, warehouse: extensions.connection
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE visit (visit_id int PRIMARY KEY, cookie text);
        CREATE TABLE click (id int PRIMARY KEY, label text, cookie text);
        CREATE TABLE page (label text, visit_id int REFERENCES visit);
        INSERT INTO visit VALUES (1, 'k'), (2, 'k'), (3, 'other');
        INSERT INTO click VALUES (1, 'a', 'k');
        INSERT INTO page VALUES ('p', 2), ('q', 3);
    """)
    graph, findings = graph_of(catalogue, VISITORS)
    assert not findings
    assert not graph.kinds["visitor"].unique
    assert all(member.anchor is None for member in graph.members["c"])
    assert owners_of(warehouse, graph, t("click")) == [("a", "k")]
    assert owners_of(warehouse, graph, t("page")) == [("p", "k"), ("q", "other")]


SHARED = """
    CREATE TABLE person (id int PRIMARY KEY);
    CREATE TABLE contact (contact_id int PRIMARY KEY, label text);
    CREATE TABLE person_contact (
        label text, id int REFERENCES person, contact_id int REFERENCES contact);
    CREATE TABLE phone (label text, contact_id int REFERENCES contact);
    INSERT INTO person VALUES (1), (2);
    INSERT INTO contact VALUES (7, 'shared'), (8, 'own');
    INSERT INTO person_contact VALUES ('1-7', 1, 7), ('2-7', 2, 7), ('2-8', 2, 8);
    INSERT INTO phone VALUES ('of 7', 7), ('of 8', 8);
"""


@pytest.mark.parametrize("association", ["{cluster: c}", "{}"])
def test_a_contact_shared_through_an_association_table_is_an_anchor(
    catalogue_of: CatalogueOf, warehouse: extensions.connection, association: str
) -> None:
    graph, findings = graph_of(
        catalogue_of(SHARED),
        PEOPLE
        + f"""
    tables:
      public.person: {{cluster: c}}
      public.person_contact: {association}
      public.phone: {{cluster: c}}
      public.contact:
        cluster: c
        links: [{{columns: contact_id, to: public.person_contact, references: contact_id}}]
    """,
    )
    if association == "{}":
        # Nothing is in the association's own cluster, so it is only passed.
        assert t("person_contact") not in {m.table for m in graph.members["c"]}
    assert not findings
    (anchor,) = graph.anchors("c")
    assert (anchor.table, anchor.key, anchor.types) == (t("contact"), ("contact_id",), ("integer",))
    assert owners_of(warehouse, graph, t("contact")) == [("own", 8), ("shared", 7)]
    assert owners_of(warehouse, graph, t("phone")) == [("of 7", 7), ("of 8", 8)]


def test_a_message_with_sender_and_recipient_hangs_on_both(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE message (
            id int PRIMARY KEY, sender int REFERENCES person, recipient int REFERENCES person);
    """)
    graph, findings = graph_of(
        catalogue,
        PEOPLE
        + """
    tables:
      public.person: {cluster: c}
      public.message:
        cluster: c
        links: [{columns: sender, to: public.person}, {columns: recipient, to: public.person}]
    """,
    )
    assert not findings
    (anchor,) = graph.anchors("c")
    assert anchor.table == t("message")
    assert [way[0].columns for way in anchor.ways] == [("sender",), ("recipient",)]


def test_two_foreign_keys_to_the_subject_need_a_word_about_the_owner(
    catalogue_of: CatalogueOf,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE message (
            id int PRIMARY KEY, sender int REFERENCES person, recipient int REFERENCES person);
    """)
    policy = PEOPLE + "    tables: {public.person: {cluster: c}, public.message: {cluster: c%s}}"
    _, findings = graph_of(catalogue, policy % "")
    assert [finding.split(" (")[0] for finding in findings] == [
        "2 foreign keys lead to subject 'person'"
    ]
    reference = ", links: [{columns: recipient, to: public.person, role: reference}]"
    graph, findings = graph_of(catalogue, policy % reference)
    assert not findings
    assert graph.members["c"][1].way == (Hop(("sender",), None, ("id",)),)


def test_rows_that_hang_on_several_subjects_need_a_key_to_be_named_by(
    catalogue_of: CatalogueOf,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE message (sender int REFERENCES person, recipient int REFERENCES person);
    """)
    _, findings = graph_of(
        catalogue,
        PEOPLE
        + """
    tables:
      public.person: {cluster: c}
      public.message:
        cluster: c
        links: [{columns: sender, to: public.person}, {columns: recipient, to: public.person}]
    """,
    )
    assert findings == [
        "its rows hang on several subjects, and it has no unique key to name them by; "
        "add a primary key"
    ]


def test_a_link_that_leads_to_somebody_else_is_told(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE employee (id int PRIMARY KEY);
        CREATE TABLE note (
            id int PRIMARY KEY, person int REFERENCES person, writer int REFERENCES employee);
    """)
    _, findings = graph_of(
        catalogue,
        """
        subjects:
          person: {table: public.person, key: id}
          employee: {table: public.employee, key: id}
        clusters: {c: {subject: person}, e: {subject: employee}}
        tables:
          public.person: {cluster: c}
          public.employee: {cluster: e}
          public.note:
            cluster: c
            links: [{columns: person, to: public.person}, {columns: writer, to: public.employee}]
        """,
    )
    assert findings == [
        "the link (writer) to public.employee does not lead to subject 'person', on which these "
        "rows hang; if it only points, say role: reference"
    ]


def test_a_self_reference_and_a_circle_do_not_lead_astray(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY, boss int REFERENCES person, main int);
        CREATE TABLE contact (id int PRIMARY KEY, person int REFERENCES person, next int);
        ALTER TABLE person ADD FOREIGN KEY (main) REFERENCES contact;
        CREATE TABLE b (id int PRIMARY KEY, a int);
        CREATE TABLE a (
            id int PRIMARY KEY, b int REFERENCES b, contact int REFERENCES contact,
            parent int REFERENCES a);
        ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a;
    """)
    tables = ["person", "contact", "a", "b"]
    for order in (tables, tables[::-1], ["b", "contact", "a", "person"]):
        listed = ", ".join(f"public.{name}: {{cluster: c}}" for name in order)
        graph, findings = graph_of(catalogue, PEOPLE + f"    tables: {{{listed}}}")
        assert not findings
        ways = {m.table.name: [hop.columns[0] for hop in m.way] for m in graph.members["c"]}
        assert ways == {
            "person": ["id"],
            "contact": ["person"],
            "a": ["contact", "person"],
            "b": ["a", "contact", "person"],
        }


def test_a_link_by_lower_case_goes_through_the_table_and_may_meet_several(
    catalogue_of: CatalogueOf, warehouse: extensions.connection
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (email text PRIMARY KEY);
        CREATE TABLE mail (id int PRIMARY KEY, label text, address text);
        INSERT INTO person VALUES ('Ann@x'), ('ann@x'), ('bob@x');
        INSERT INTO mail VALUES (1, 'to ann', 'ANN@X'), (2, 'to bob', 'Bob@x');
    """)
    for link in ("to: public.person, references: email, ", ""):
        graph, findings = graph_of(
            catalogue,
            f"""
            subjects: {{person: {{table: public.person, key: email}}}}
            clusters: {{c: {{subject: person}}}}
            tables:
              public.person: {{cluster: c}}
              public.mail: {{cluster: c, links: [{{columns: address, {link}match: lower}}]}}
            """,
        )
        assert not findings
        (anchor,) = graph.anchors("c")
        assert anchor.table == t("mail")
        walked = walk(anchor.ways[0], "m")
        with warehouse.cursor() as cursor:
            cursor.execute(
                sql.SQL("SELECT m.label, {} FROM {} WHERE {} ORDER BY 1, 2").format(
                    walked.owner[0],
                    walked.source(sql.SQL("mail AS m")),
                    sql.SQL(" AND ").join(walked.conditions),
                ),
                {},
            )
            assert cursor.fetchall() == [
                ("to ann", "Ann@x"),
                ("to ann", "ann@x"),
                ("to bob", "bob@x"),
            ]


def test_parts_of_one_table_each_go_by_their_own_links(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE note (id int PRIMARY KEY, kind text, author int, about int, other int);
        CREATE TABLE attachment (id int PRIMARY KEY, note int REFERENCES note);
    """)
    graph, findings = graph_of(
        catalogue,
        """
        subjects: {person: {table: public.person, key: id}}
        clusters: {c: {subject: person}, d: {subject: person}, e: {subject: person}}
        tables:
          public.person: {cluster: c}
          public.note:
            links: [{columns: other}]
            rows:
              - {cluster: c, where: {column: kind, equals: a}, links: [{columns: author}]}
              - {cluster: d, where: {column: kind, equals: b}, links: [{columns: about}]}
              - {cluster: e, where: {column: kind, equals: c}}
          public.attachment: {cluster: c}
        """,
    )
    assert not findings
    ways = {
        cluster: [
            hop.columns for m in graph.members[cluster] if m.table == t("note") for hop in m.way
        ]
        for cluster in "cde"
    }
    assert ways == {"c": [("author",)], "d": [("about",)], "e": [("other",)]}
    attachment = graph.members["c"][-1]
    assert attachment.anchor is not None
    assert attachment.anchor.table == t("note")
    assert len(attachment.ways) == 3


def test_a_subject_that_is_a_query_is_reached_by_the_columns_that_hold_its_key(
    catalogue_of: CatalogueOf,
) -> None:
    catalogue = catalogue_of("CREATE TABLE log (id int PRIMARY KEY, ip inet, day date)")
    policy = small_policy("""
        subjects: {address: {query: "SELECT ip FROM log GROUP BY ip", key: ip}}
        clusters: {c: {subject: address}}
        tables: {public.log: {cluster: c, links: [{columns: ip}]}}
    """)
    graph, findings = build_graph(policy.policy, catalogue, {"address": ("inet",)})
    assert not findings
    assert graph.kinds["address"].types == ("inet",)
    assert graph.members["c"][0].way == (Hop(("ip",), None, ("ip",), declared=False),)


def test_the_wrong_number_of_columns_in_a_link_is_told(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE log (id int PRIMARY KEY, who int, what int);
    """)
    policy = (
        PEOPLE + "    tables: {public.person: {cluster: c}, public.log: {cluster: c, links: [%s]}}"
    )
    for link, expected in (
        ("{columns: [who, what]}", "has 1 key columns (id), and the link names 2"),
        ("{columns: who, to: public.person, references: idd}", "has no column 'idd'"),
        ("{columns: whoo, to: public.person, references: id}", "has no column 'whoo'"),
        ("{columns: who, to: public.person}", "no foreign key leads from (who)"),
        ("{columns: who, to: public.person, references: [id, id]}", "differ in number"),
    ):
        _, findings = graph_of(catalogue, policy % link)
        assert any(expected in finding for finding in findings), (link, findings)


def test_keys_are_cast_to_types_that_cut_nothing(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of("""
        CREATE DOMAIN code AS varchar(3);
        CREATE TABLE person (id code PRIMARY KEY, since timestamptz(0));
    """)
    graph, _ = graph_of(catalogue, PEOPLE + "    tables: {public.person: {cluster: c}}")
    assert graph.kinds["person"].types == ("character varying",)
    assert graph.column_type(t("person"), "since") == "timestamp with time zone"


def test_keys_of_text_have_one_spelling_unless_their_collation_takes_others_for_equal(
    catalogue_of: CatalogueOf,
) -> None:
    catalogue = catalogue_of("""
        CREATE COLLATION "any case" (provider = libc, locale = 'C');
        UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'any case';
        CREATE TABLE one (id text PRIMARY KEY, n int);
        CREATE TABLE two (id text COLLATE "any case" PRIMARY KEY, n int);
        CREATE TABLE three (id numeric, n int, PRIMARY KEY (n, id));
    """)
    graph, _ = graph_of(
        catalogue,
        """
    subjects:
      one: {table: public.one, key: id}
      two: {table: public.two, key: id}
      three: {table: public.three, key: [n, id]}
    clusters: {c: {subject: one}}
    tables: {public.one: {cluster: c}, public.two: {}, public.three: {}}
    """,
    )
    assert {name: kind.spelt_once for name, kind in graph.kinds.items()} == {
        "one": True,
        "two": False,
        "three": False,
    }


def test_events_may_be_in_tables_of_no_cluster_and_a_tie_is_told(
    catalogue_of: CatalogueOf,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE payment (id int PRIMARY KEY, by int REFERENCES person, for_ int
            REFERENCES person, day date);
        CREATE TABLE item (id int PRIMARY KEY, payment int REFERENCES payment, day date);
    """)
    policy = (
        PEOPLE
        + """
    tables:
      public.person: {cluster: c}
      public.item: {}
      public.payment: {links: [%s]}
    rules: {r: {cluster: c, starting_point: {latest: [{table: public.%s, column: day}]}}}
    """
    )
    _, findings = graph_of(catalogue, policy % ("", "payment"))
    assert [finding[:21] for finding in findings] == ["2 foreign keys lead t"]
    for link in (
        "{columns: for_, to: public.person, role: reference}",
        "{columns: by, to: public.person}",
    ):
        graph, findings = graph_of(catalogue, policy % (link, "item"))
        assert not findings
        (way,) = graph.ways["person", t("item")]
        assert [hop.columns for hop in way] == [("payment",), ("by",)]


def test_rows_of_a_parent_are_named_without_those_of_its_heirs(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY);
        CREATE TABLE vip (PRIMARY KEY (id)) INHERITS (person);
    """)
    graph, findings = graph_of(catalogue, PEOPLE + "    tables: {public.person: {cluster: c}}")
    assert not findings
    assert graph.members["c"][0].only


def test_an_unlinked_reference_is_known_also_where_no_foreign_key_declares_it(
    catalogue_of: CatalogueOf,
) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE person (id int PRIMARY KEY, boss int, rep int REFERENCES person);
    """)
    graph, _ = graph_of(
        catalogue,
        PEOPLE
        + """
    tables:
      public.person:
        cluster: c
        links:
          - {columns: boss, to: public.person, references: id, role: reference, when_gone: unlink}
          - {columns: rep, to: public.person, role: reference, when_gone: unlink}
    """,
    )
    assert {(ref.columns, ref.unlink, ref.constraint) for ref in graph.references} == {
        (("boss",), True, None),
        (("rep",), True, "person_rep_fkey"),
    }


def test_a_table_that_is_missing_is_left_out_and_breaks_nothing(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of("CREATE TABLE note (id int PRIMARY KEY, person_id int)")
    graph, _ = graph_of(
        catalogue,
        PEOPLE
        + "    tables: {public.person: {cluster: c}, public.note: {cluster: c, "
        + "links: [{columns: person_id, to: public.person, references: id}]}}",
    )
    assert not graph.kinds
    assert graph.members == {"c": ()}


def test_percent_signs_and_quotes_in_names_survive_composition(
    warehouse: extensions.connection, catalogue_of: CatalogueOf
) -> None:
    catalogue = catalogue_of("""
        CREATE SCHEMA "Sché.ma";
        CREATE TABLE "Sché.ma"."per""son %s" ("Id %(x)s" int PRIMARY KEY, label text);
        INSERT INTO "Sché.ma"."per""son %s" VALUES (5, 'five');
    """)
    name = t('per"son %s', "Sché.ma")
    graph, findings = graph_of(
        catalogue,
        """
        subjects: {person: {table: '"Sché.ma"."per""son %s"', key: "Id %(x)s"}}
        clusters: {c: {subject: person}}
        tables: {'"Sché.ma"."per""son %s"': {cluster: c}}
        """,
    )
    assert not findings
    try:
        assert owners_of(warehouse, graph, name) == [("five", 5)]
    except psycopg2.Error as error:  # pragma: no cover
        pytest.fail(str(error.pgcode))
