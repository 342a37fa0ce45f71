"""Random warehouses: tables that reference each other every which way, rows, and an oracle.

The oracle knows rows, owners and references as plain Python data, and nothing of the product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import yaml
from hypothesis import strategies as st

OLD, NEW = date(2020, 1, 1), date(2026, 1, 1)
NAMES = ("person", "Or.der", 'li"ne', "Tick et", "%s", "ünïcode", "select", "note")
SCHEMAS = ("public", "Other %")
REACTIONS = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL")
LINKS = ("key", "key", "key", "declared", "text", "typed")
NOBODY = 90
"""Number of a row that is not there: only a foreign key proves that a row is."""


@dataclass
class Pointer:
    """A reference besides the one to the owner; without a key, only the policy declares it."""

    number: int
    child: int
    parent: int
    nullable: bool
    deferrable: bool
    reaction: str
    unlink: bool
    has_key: bool = True


@dataclass
class Shape:
    """A table: its place, its owner table (None: subjects), whether its key has two parts.

    link    what leads to its owner: a foreign key, or only the policy (declared, as text, by type)
    others  more tables that a row may hang on, where a column of it tells by its type which
    """

    number: int
    schema: str
    name: str
    owner: int | None
    composite: bool
    partitioned: bool
    link: str = "key"
    others: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        return ("id", "Part %") if self.composite else ("id",)


@dataclass
class Row:
    """A row: its number is its key; owner and pointers name rows of other tables by number.

    below  the owner's table
    """

    table: int
    number: int
    owner: int | None
    ended_on: date | None
    points: dict[int, int | None] = field(default_factory=dict)
    below: int | None = None


@dataclass
class World:
    """Tables, pointers and rows."""

    shapes: list[Shape]
    pointers: list[Pointer]
    rows: dict[tuple[int, int], Row]

    def root(self, table: int) -> int:
        while (owner := self.shapes[table].owner) is not None:
            table = owner
        return table

    def subject(self, row: Row) -> tuple[int, int] | None:
        """The subject that a row hangs on."""
        while self.shapes[row.table].owner is not None:
            if row.owner is None or row.below is None or (row.below, row.owner) not in self.rows:
                return None
            row = self.rows[row.below, row.owner]
        return row.table, row.number

    def going(self) -> set[tuple[int, int]]:
        """Subjects that must be gone after a sweep: due, and nothing that stays needs their rows.

        Rows of a subject in another kind may point here: that kind is swept first.
        """
        gone: set[tuple[int, int]] = set()
        for kind in sorted((s.number for s in self.shapes if s.owner is None), reverse=True):
            due = {
                (row.table, row.number)
                for row in self.rows.values()
                if row.table == kind and row.ended_on == OLD
            }
            while barred := {subject for subject in due if self._is_needed(subject, gone | due)}:
                due -= barred
            gone |= due
        return gone

    def _is_needed(self, subject: tuple[int, int], going: set[tuple[int, int]]) -> bool:
        for row in self.rows.values():
            for number, target in row.points.items():
                pointer = self.pointers[number]
                if target is None or pointer.unlink or not pointer.has_key:
                    continue
                hit = self.subject(self.rows[pointer.parent, target]) == subject
                if hit and self.subject(row) not in going:
                    return True
        return False

    def expected(self) -> dict[int, dict[int, tuple[int | None, tuple[int | None, ...]]]]:
        """Table → number → (owner, what its pointers name), for every row that stays."""
        going = self.going()
        found: dict[int, dict[int, tuple[int | None, tuple[int | None, ...]]]] = {
            shape.number: {} for shape in self.shapes
        }
        for row in self.rows.values():
            if self.subject(row) in going:
                continue
            points = []
            for number, target in sorted(row.points.items()):
                pointer = self.pointers[number]
                named = self.rows.get((pointer.parent, target or 0))
                lost = named is not None and self.subject(named) in going
                stays = not pointer.has_key and not pointer.unlink
                points.append(None if lost and not stays else target)
            found[row.table][row.number] = (row.owner, tuple(points))
        return found


@st.composite
def worlds(draw: st.DrawFn, tables: int = 6, rows: int = 5) -> World:
    """Draw a world of at most so many tables, and so many rows a table."""
    count = draw(st.integers(2, tables))
    shapes: list[Shape] = []
    for number in range(count):
        root = number == 0 or (number == 1 and draw(st.booleans()))
        owner = None if root else draw(st.integers(0, number - 1))
        composite = draw(st.booleans())
        shape = Shape(
            number,
            draw(st.sampled_from(SCHEMAS)),
            NAMES[number],
            owner,
            composite,
            draw(st.integers(0, 3)) == 0,
        )
        shapes.append(shape)
        if owner is not None:
            _draw_link(draw, World(shapes, [], {}), shape)
    world = World(shapes, [], {})
    for number in range(draw(st.integers(0, count))):
        child, parent = draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))
        if world.root(child) < world.root(parent):
            child, parent = parent, child
        nullable = draw(st.booleans()) or child == parent
        world.pointers.append(
            Pointer(
                number,
                child,
                parent,
                nullable,
                draw(st.booleans()),
                draw(st.sampled_from(REACTIONS if nullable else REACTIONS[:3])),
                nullable and draw(st.booleans()),
                draw(st.integers(0, 3)) > 0,
            )
        )
    numbers = {
        shape.number: list(
            range(1, draw(st.integers(0 if shape.owner is not None else 1, rows)) + 1)
        )
        for shape in shapes
    }
    while empty := {
        p.child
        for p in world.pointers
        if not p.nullable and numbers[p.child] and not numbers[p.parent]
    }:
        numbers |= {number: [] for number in empty}
    for shape in shapes:
        mine = [p for p in world.pointers if p.child == shape.number]
        for number in numbers[shape.number]:
            row = Row(shape.number, number, None, None)
            if shape.owner is None:
                row.ended_on = draw(st.sampled_from((OLD, OLD, NEW)))
            else:
                row.below = draw(st.sampled_from([shape.owner, *shape.others]))
                owners = [*numbers[row.below], *numbers[row.below]]
                nobody = [] if shape.link == "key" else [NOBODY]
                row.owner = draw(st.sampled_from([None, *owners, *nobody]))
            for pointer in mine:
                targets: list[int | None] = list(numbers[pointer.parent])
                targets += [] if pointer.has_key else [NOBODY]
                row.points[pointer.number] = draw(
                    st.sampled_from([None, *targets] if pointer.nullable else targets)
                )
            world.rows[shape.number, number] = row
    return world


def _draw_link(draw: st.DrawFn, world: World, shape: Shape) -> None:
    """Draw what leads to the owner; as text or by type only where its key has one part."""
    assert shape.owner is not None
    link = draw(st.sampled_from(LINKS))
    if link in ("text", "typed") and world.shapes[shape.owner].composite:
        link = "declared"
    shape.link = link
    if link == "typed":
        others = [
            other.number
            for other in world.shapes[: shape.number]
            if not other.composite
            and other.number != shape.owner
            and world.root(other.number) == world.root(shape.owner)
        ]
        shape.others = tuple(other for other in others if draw(st.booleans()))


def quoted(*names: str) -> str:
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def place(shape: Shape) -> str:
    return quoted(shape.schema, shape.name)


def link_columns(prefix: str, parent: Shape) -> list[str]:
    return [f"{prefix}{at}" for at in range(len(parent.key))]


def ddl(world: World) -> str:
    """The statements that make the world."""
    return "\n".join([*_tables(world), *_inserts(world), *_foreign_keys(world)])


def _tables(world: World) -> Iterator[str]:
    yield f"CREATE SCHEMA {quoted(SCHEMAS[1])};"
    for shape in world.shapes:
        columns = ["id int", "ended_on date", *(['"Part %" text'] if shape.composite else [])]
        if shape.link == "typed":
            columns.append("of_type text")
        for prefix, parent, nullable in _links(world, shape):
            types = ("text" if prefix == "o" and shape.link == "text" else "int", "text")
            columns += [
                f"{name} {types[at]}{'' if nullable else ' NOT NULL'}"
                for at, name in enumerate(link_columns(prefix, parent))
            ]
        columns.append(f"PRIMARY KEY ({', '.join(quoted(k) for k in shape.key)})")
        by = " PARTITION BY HASH (id)" if shape.partitioned else ""
        yield f"CREATE TABLE {place(shape)} ({', '.join(columns)}){by};"
        for part in range(2) if shape.partitioned else ():
            yield (
                f"CREATE TABLE {quoted(shape.schema, f'part_{shape.number}_{part}')} PARTITION OF "
                f"{place(shape)} FOR VALUES WITH (MODULUS 2, REMAINDER {part});"
            )


def _links(world: World, shape: Shape) -> Iterator[tuple[str, Shape, bool]]:
    if shape.owner is not None:
        yield "o", world.shapes[shape.owner], True
    for pointer in world.pointers:
        if pointer.child == shape.number:
            yield f"p{pointer.number}_", world.shapes[pointer.parent], pointer.nullable


def _inserts(world: World) -> Iterator[str]:
    for row in world.rows.values():
        shape = world.shapes[row.table]
        names, values = ["id", "ended_on"], [str(row.number), _literal(row.ended_on)]
        if shape.composite:
            names.append(quoted("Part %"))
            values.append(f"'{row.number}'")
        if shape.link == "typed":
            names.append("of_type")
            values.append(f"'t{row.below}'")
        targets = {"o": row.owner, **{f"p{n}_": target for n, target in row.points.items()}}
        for prefix, parent, _ in _links(world, shape):
            for at, name in enumerate(link_columns(prefix, parent)):
                names.append(name)
                target = targets[prefix]
                values.append(
                    "NULL" if target is None else f"{target}" if at == 0 else f"'{target}'"
                )
        yield f"INSERT INTO {place(shape)} ({', '.join(names)}) VALUES ({', '.join(values)});"


def _literal(day: date | None) -> str:
    return "NULL" if day is None else f"'{day}'"


def _foreign_keys(world: World) -> Iterator[str]:
    for shape in world.shapes:
        if shape.owner is not None and shape.link == "key":
            parent = world.shapes[shape.owner]
            yield _foreign_key(shape, "o", parent, "")
    for pointer in world.pointers:
        if not pointer.has_key:
            continue
        parent = world.shapes[pointer.parent]
        more = f"ON DELETE {pointer.reaction}{' DEFERRABLE' if pointer.deferrable else ''}"
        yield _foreign_key(world.shapes[pointer.child], f"p{pointer.number}_", parent, more)


def _foreign_key(shape: Shape, prefix: str, parent: Shape, more: str) -> str:
    return (
        f"ALTER TABLE {place(shape)} ADD FOREIGN KEY ({', '.join(link_columns(prefix, parent))}) "
        f"REFERENCES {place(parent)} ({', '.join(quoted(k) for k in parent.key)}) {more};"
    )


def policy(world: World) -> str:
    """The policy of the world."""
    roots = [shape for shape in world.shapes if shape.owner is None]
    tables = {}
    for shape in world.shapes:
        links = list(_owner_links(world, shape))
        for pointer in world.pointers:
            if pointer.child == shape.number:
                parent = world.shapes[pointer.parent]
                columns = link_columns(f"p{pointer.number}_", parent)
                link: dict[str, object] = {"columns": columns, "to": _written(parent)}
                link |= {"role": "reference", "references": list(parent.key)}
                links.append(link | ({"when_gone": "unlink"} if pointer.unlink else {}))
        tables[_written(shape)] = {"cluster": f"c{world.root(shape.number)}", "links": links}
    return yaml.safe_dump(
        {
            "subjects": {
                f"s{root.number}": {"table": _written(root), "key": list(root.key)}
                for root in roots
            },
            "clusters": {f"c{root.number}": {"subject": f"s{root.number}"} for root in roots},
            "rules": {
                f"r{root.number}": {
                    "cluster": f"c{root.number}",
                    "starting_point": {"latest": [{"column": "ended_on"}]},
                }
                for root in roots
            },
            "tables": tables,
        },
        sort_keys=False,
    )


def _owner_links(world: World, shape: Shape) -> Iterator[dict[str, object]]:
    if shape.owner is None:
        return
    for number in (shape.owner, *shape.others):
        parent = world.shapes[number]
        link: dict[str, object] = {"columns": link_columns("o", parent), "to": _written(parent)}
        if shape.link != "key":
            link["references"] = list(parent.key)
        if shape.link == "text":
            link["match"] = "text"
        if shape.link == "typed":
            link["where"] = {"of_type": f"t{number}"}
        yield link


def _written(shape: Shape) -> str:
    def part(name: str) -> str:
        return quoted(name) if "." in name or '"' in name else name

    return f"{part(shape.schema)}.{part(shape.name)}"
