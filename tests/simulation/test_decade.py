"""Eleven years of a warehouse, day by day, against an oracle: nothing early, nothing late.

`LETHE_SIMULATION=full` sweeps on every day of eleven years (half an hour); `ci`, the default,
jumps over days on which neither the oracle nor any event changes anything, and visits every other
day, the day before it and the day after.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from lethe.connections import acting_as
from lethe.evidence.witness_opening import begin_witness
from lethe.guards.hold_entries import HoldKeys, Wanted
from lethe.guards.holds import add_holds, release_hold
from lethe.keys import KeyRing

from tests.erasure.breakdown import remember_graph
from tests.kit import Kit, MakeKit
from tests.simulation.days import every_day
from tests.simulation.life import Act, Life
from tests.simulation.oracle import Row
from tests.simulation.warehouse import COLUMNS, DDL, POLICY

FIRST, LAST = date(2027, 1, 1), date(2037, 12, 31)
# Leap days and their neighbours, ends of months, both changes of clocks, ends of years.
TURNS = (
    date(2027, 2, 28),
    date(2027, 3, 28),
    date(2027, 8, 31),
    date(2027, 10, 31),
    date(2028, 2, 29),
    date(2030, 3, 31),
    date(2032, 2, 29),
    date(2033, 3, 1),
    date(2036, 2, 29),
)


@dataclass(frozen=True)
class Size:
    """How much life: the seed, on which days something happens, and how often the night comes."""

    seed: int
    events: dict[date, int] = field(repr=False)
    every_night: bool


def ci() -> Size:
    return Size(10, dict.fromkeys(TURNS, 50), every_night=False)


def full() -> Size:
    random = Random(2027)  # noqa: S311
    days = {day: random.choice((0, 0, 0, 1, 2)) for day in every_day(FIRST, date(2035, 6, 30))}
    return Size(2027, days | dict.fromkeys(TURNS, 8), every_night=True)


@dataclass(frozen=True)
class Visit:
    """One night: what happened since the last one, and what must be there in the morning."""

    day: date
    acts: tuple[Act, ...]
    erased: int
    rows: dict[str, list[Row]] = field(repr=False)


def foresee(size: Size) -> Iterator[Visit]:
    """Let the oracle live the eleven years alone, and name the nights to compare."""
    coming = [day for day, count in size.events.items() if count]
    life = Life(Random(size.seed), coming)  # noqa: S311
    nights = []
    for day in every_day(FIRST, LAST):
        acts = life.live(day, size.events.get(day, 0))
        erased = life.world.pass_night(day)
        nights.append(Visit(day, tuple(acts), erased, life.world.rows()))
    busy = {visit.day for visit in nights if visit.acts or visit.erased}
    near = {day + timedelta(days=by) for day in busy for by in (-1, 0, 1)}
    return (visit for visit in nights if size.every_night or visit.day in near)


@dataclass
class Player:
    """Does to the warehouse what happened in the life."""

    kit: Kit
    holds: dict[tuple[int, str], UUID] = field(default_factory=dict)

    def play(self, visit: Visit) -> None:
        for act in visit.acts:
            if act.sort == "sql":
                self.kit.execute(act.text, act.values)
            else:
                self._hold(act, visit.day)

    def _hold(self, act: Act, day: date) -> None:
        number = int(str(act.values[0]))
        policy = self.kit.loaded.policy
        with self.kit.site.connected("runner") as connection:
            witness = begin_witness(connection, "file", "witness")
            if act.sort == "release":
                hold_id = self.holds.pop((number, act.text))
                release_hold(connection, hold_id, by="vera", why="over", witness=witness)
                return
            acting_as(connection, "runner")
            keys = HoldKeys.of(KeyRing.open(connection, witness=witness), day)
            connection.commit()
            acting_as(connection, "runner")
            wanted = Wanted(
                "hold" if act.sort == "hold" else "restriction",
                "customer",
                "a reason",
                "legal",
                day + timedelta(days=365),
                "vera",
                ((str(number),),),
            )
            (hold_id,) = add_holds(
                connection, wanted, policy=policy, keys=keys, witness=witness, as_of=day
            )
            self.holds[number, act.sort] = hold_id

    def rows(self) -> dict[str, list[Row]]:
        return {
            table: self.kit.execute(f"SELECT {columns} FROM {table}")
            for table, columns in COLUMNS.items()
        }


def difference(found: dict[str, list[Row]], expected: dict[str, list[Row]]) -> dict[str, Any]:
    """Table → rows too many (late), rows too few (early)."""
    return {
        table: {"late": sorted(late, key=str), "early": sorted(early, key=str)}
        for table in expected
        if (late := set(found[table]) - set(expected[table]))
        | (early := set(expected[table]) - set(found[table]))
    }


def test_in_eleven_years_nobody_goes_early_and_nobody_goes_late(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = full() if os.environ.get("LETHE_SIMULATION") == "full" else ci()
    kit = make_kit(DDL, POLICY)
    remember_graph(monkeypatch, kit)
    player = Player(kit)
    nights = erased = 0
    for visit in foresee(size):
        player.play(visit)
        run = kit.sweep(visit.day)
        assert run.state == "done"
        outcome = kit.outcome(run)
        wrong = difference(player.rows(), visit.rows)
        assert not wrong, f"{visit.day} (seed {size.seed}): {wrong}; {outcome}"
        assert outcome.get("erased", 0) == visit.erased, f"{visit.day} (seed {size.seed})"
        nights += 1
        erased += visit.erased
    assert nights > 100
    assert erased > 40
    assert len(kit.erased_tokens()) == erased


def test_the_life_reaches_every_case_that_the_policy_tells_apart() -> None:
    """A simulation in which nothing happens proves nothing."""
    nights = list(foresee(ci()))
    skeletons = [row for row in nights[-1].rows["crm.customer"] if row[1] is None]
    assert skeletons
    assert {act.sort for visit in nights for act in visit.acts} >= {"sql", "hold", "release"}
    assert nights[-1].day.year >= 2036
