"""Foreign keys: each once, with all that erasing along it must know."""

from __future__ import annotations

from collections.abc import Callable

from lethe.catalogue.model import Catalogue, ForeignKey
from lethe.policy.names import TableName

Read = Callable[[str], Catalogue]


def only(catalogue: Catalogue) -> ForeignKey:
    (key,) = catalogue.foreign_keys
    return key


def test_a_composite_key_keeps_its_pairs_in_the_order_of_the_constraint(catalogue_of: Read) -> None:
    key = only(
        catalogue_of("""
            CREATE TABLE p (a int, b int, c text, PRIMARY KEY (b, a));
            CREATE TABLE c (x int, y int NOT NULL, z int,
                CONSTRAINT link FOREIGN KEY (x, y) REFERENCES p (a, b));
        """)
    )
    assert (key.constraint, key.child_columns, key.parent_columns) == (
        "link",
        ("x", "y"),
        ("a", "b"),
    )
    assert key.nullable_columns == ("x",)
    assert key.can_be_cut


def test_every_reaction_and_every_way_of_deferring_is_told(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE p (id int PRIMARY KEY);
        CREATE TABLE c (
            a int CONSTRAINT a REFERENCES p,
            b int CONSTRAINT b REFERENCES p ON DELETE RESTRICT DEFERRABLE,
            c int CONSTRAINT c REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
            d int CONSTRAINT d REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE,
            e int NOT NULL CONSTRAINT e REFERENCES p ON DELETE SET DEFAULT);
    """)
    keys = {key.constraint: key for key in catalogue.foreign_keys}
    assert {name: key.on_delete for name, key in keys.items()} == {
        "a": "no action",
        "b": "restrict",
        "c": "cascade",
        "d": "set null",
        "e": "set default",
    }
    assert {n for n, k in keys.items() if k.deferrable} == {"b", "c"}
    assert {n for n, k in keys.items() if k.initially_deferred} == {"c"}
    assert {n for n, k in keys.items() if not k.can_be_cut} == {"e"}
    assert keys["d"].on_update == "cascade"
    assert keys["d"].set_columns == ("d",)
    assert keys["a"].set_columns == ()


def test_set_null_may_name_only_some_of_the_columns(catalogue_of: Read) -> None:
    key = only(
        catalogue_of("""
            CREATE TABLE p (tenant int, id int, PRIMARY KEY (tenant, id));
            CREATE TABLE c (tenant int NOT NULL, owner int,
                FOREIGN KEY (tenant, owner) REFERENCES p ON DELETE SET NULL (owner));
        """)
    )
    assert key.set_columns == ("owner",)
    assert key.nullable_columns == ("owner",)


def test_match_full_needs_every_column_nullable_to_be_cut(catalogue_of: Read) -> None:
    key = only(
        catalogue_of("""
            CREATE TABLE p (a int, b int, PRIMARY KEY (a, b));
            CREATE TABLE c (a int, b int NOT NULL,
                FOREIGN KEY (a, b) REFERENCES p MATCH FULL);
        """)
    )
    assert key.match_full
    assert not key.can_be_cut


def test_a_column_is_not_nullable_in_a_key_or_under_a_domain_that_refuses_null(
    catalogue_of: Read,
) -> None:
    catalogue = catalogue_of("""
        CREATE DOMAIN must AS int NOT NULL; CREATE TABLE p (id int PRIMARY KEY);
        CREATE TABLE c (a int PRIMARY KEY REFERENCES p, b must REFERENCES p,
            g int GENERATED ALWAYS AS (a) STORED REFERENCES p);
    """)
    assert {key.child_columns: key.nullable_columns for key in catalogue.foreign_keys} == {
        ("a",): (),
        ("b",): (),
        ("g",): (),
    }


def test_self_references_and_cycles_are_just_foreign_keys(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE a (id int PRIMARY KEY, up int REFERENCES a, b int);
        CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
        ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b DEFERRABLE;
    """)
    links = sorted((k.child.name, k.parent.name) for k in catalogue.foreign_keys)
    assert links == [("a", "a"), ("a", "b"), ("b", "a")]
    assert [k.child_columns for k in catalogue.foreign_keys if k.is_self_reference] == [("up",)]


def test_a_key_out_of_an_ignored_schema_is_told_for_it_could_cascade(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE SCHEMA lethe; CREATE SCHEMA crm; CREATE SCHEMA "s h o p";
        CREATE TABLE crm.account (id int PRIMARY KEY);
        CREATE TABLE "s h o p".orders (account int REFERENCES crm.account);
        CREATE TABLE lethe.note (account int REFERENCES crm.account ON DELETE CASCADE);
        CREATE TABLE lethe.a (id int PRIMARY KEY, up int REFERENCES lethe.a);
    """)
    account = TableName("crm", "account")
    assert [str(k.child) for k in catalogue.foreign_keys_to(account)] == [
        "lethe.note",
        "s h o p.orders",
    ]
    assert [k.nullable_columns for k in catalogue.foreign_keys_to(account)] == [(), ("account",)]
    assert len(catalogue.foreign_keys) == 2


def test_what_postgresql_repeats_for_partitions_is_told_once(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE parent (id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE parent_1 PARTITION OF parent FOR VALUES FROM (0) TO (10);
        CREATE TABLE parent_2 PARTITION OF parent FOR VALUES FROM (10) TO (20);
        CREATE TABLE child (id int, parent int CONSTRAINT link REFERENCES parent)
            PARTITION BY LIST (id);
        CREATE TABLE child_1 PARTITION OF child FOR VALUES IN (1);
        CREATE TABLE child_2 PARTITION OF child DEFAULT;
    """)
    key = only(catalogue)
    assert (key.constraint, key.child.name, key.parent.name) == ("link", "child", "parent")
    assert key.child_partition is None
    assert key.parent_partition is None


def test_a_key_of_or_to_one_partition_alone_names_that_partition(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE parent (id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE parent_1 PARTITION OF parent FOR VALUES FROM (0) TO (10);
        CREATE TABLE child (id int, parent int) PARTITION BY LIST (id);
        CREATE TABLE child_1 PARTITION OF child FOR VALUES IN (1);
        ALTER TABLE child_1 ADD CONSTRAINT link FOREIGN KEY (parent) REFERENCES parent_1;
    """)
    key = only(catalogue)
    assert (key.child.name, key.parent.name) == ("child", "parent")
    assert key.child_partition == TableName("public", "child_1")
    assert key.parent_partition == TableName("public", "parent_1")
    assert key.nullable_columns == ("parent",)


def test_a_key_that_is_not_validated_or_not_enforced_says_so(catalogue_of: Read) -> None:
    catalogue = catalogue_of("""
        CREATE TABLE p (id int PRIMARY KEY);
        CREATE TABLE c (a int CONSTRAINT a REFERENCES p,
            b int, c int CONSTRAINT c REFERENCES p NOT ENFORCED);
        ALTER TABLE c ADD CONSTRAINT b FOREIGN KEY (b) REFERENCES p NOT VALID;
    """)
    keys = {key.constraint: (key.validated, key.enforced) for key in catalogue.foreign_keys}
    assert keys == {"a": (True, True), "b": (False, True), "c": (False, False)}
