"""Whatever the schema: after a sweep exactly the rows of those who were due are gone."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, event, given, note, settings

from tests.kit import Kit, MakeKit
from tests.simulation.world import World, ddl, link_columns, place, policy, quoted, worlds

EXAMPLES = int(os.environ.get("LETHE_TEST_SCHEMAS", "25"))


def found(
    kit: Kit, world: World
) -> dict[int, dict[int, tuple[int | None, tuple[int | None, ...]]]]:
    """What the warehouse holds, in the oracle's words."""
    rows: dict[int, dict[int, tuple[int | None, tuple[int | None, ...]]]] = {}
    for shape in world.shapes:
        owner = "NULL::int"
        if shape.owner is not None:
            owner = quoted(link_columns("o", world.shapes[shape.owner])[0]) + "::int"
        pointers = [p for p in world.pointers if p.child == shape.number]
        columns = [
            quoted(link_columns(f"p{p.number}_", world.shapes[p.parent])[0]) for p in pointers
        ]
        select = f"SELECT id, {', '.join([owner, *columns])} FROM {place(shape)}"
        rows[shape.number] = {row[0]: (row[1], tuple(row[2:])) for row in kit.execute(select)}
    return rows


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds())
def test_after_a_sweep_exactly_the_rows_of_the_due_are_gone(
    make_kit: MakeKit, world: World
) -> None:
    note(ddl(world))
    note(policy(world))
    kit = make_kit(ddl(world), policy(world))
    run = kit.sweep()
    note(str(kit.outcome(run)))
    assert found(kit, world) == world.expected()
    kit.connection.close()  # hundreds of worlds are more than the server has room for
    outcome = kit.outcome(run)
    assert outcome.get("erased", 0) == len(world.going())
    assert not [reason for reason in outcome if "SQLSTATE" in reason], "skips have a reason"
    event(f"erased: {bool(world.going())}")
    for link in sorted({shape.link for shape in world.shapes if shape.owner is not None}):
        event(f"link: {link}")


@pytest.mark.parametrize("unlink", [False, True])
def test_the_oracle_bars_whom_a_staying_row_points_at_unless_it_lets_go(unlink: bool) -> None:
    from tests.simulation.world import NEW, OLD, Pointer, Row, Shape

    shape = Shape(0, "public", "person", None, False, False)
    pointer = Pointer(0, 0, 0, True, False, "NO ACTION", unlink)
    rows = {(0, 1): Row(0, 1, None, OLD, {0: None}), (0, 2): Row(0, 2, None, NEW, {0: 1})}
    world = World([shape], [pointer], rows)
    assert world.going() == ({(0, 1)} if unlink else set())
