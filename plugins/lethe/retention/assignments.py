"""From a rule to what the eraser is asked to do."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Graph
from lethe.erasure.assignment import Assignment
from lethe.erasure.statements import lock_rows
from lethe.erasure.steps import Steps, plan_steps
from lethe.retention.statements import judge


def assign(graph: Graph, rule: str, as_of: date, run_id: UUID) -> Assignment:
    """Make the assignment of a rule: pure, the same for the same policy, catalogue and day."""
    steps, _ = plan_steps(graph, graph.policy.rules[rule].cluster)
    return Assignment(
        graph,
        run_id,
        rule,
        graph.policy.rules[rule].clause,
        as_of,
        steps,
        judge(graph, rule, as_of),
        judge(graph, rule, as_of, batch=True),
        tuple(_locks(graph, rule, steps)),
    )


def _locks(graph: Graph, rule: str, steps: Steps) -> list[Statement]:
    """Lock the rows that the starting point is read from; the subject itself is locked anyway."""
    kind = steps.kind
    tables = {
        event.table: None
        for event in graph.policy.rules[rule].starting_point.events
        if event.table is not None and event.table != kind.table
    }
    return [
        lock_rows(kind, table, way)
        for table in tables
        for way in graph.ways.get((kind.name, table), ())
    ]


def rests_on(graph: Graph, rules: list[str]) -> dict[str, set[str]]:
    """For each rule, those that must go first: their rows would bar what it erases."""
    holders = {
        rule: {member.table for member in graph.members[graph.policy.rules[rule].cluster]}
        for rule in rules
    }
    before: dict[str, set[str]] = {}
    for rule in rules:
        steps, _ = plan_steps(graph, graph.policy.rules[rule].cluster)
        barring = {ref.child for _, ref in steps.barred}
        before[rule] = {
            other
            for other in rules
            if barring & holders[other]
            and graph.policy.rules[other].cluster != graph.policy.rules[rule].cluster
        }
    return before


def order_rules(graph: Graph, rules: list[str]) -> list[str]:
    """Order rules so that what would bar others goes first; in a circle, the least barred first."""
    before = rests_on(graph, rules)
    order: list[str] = []
    while len(order) < len(rules):
        left = [rule for rule in rules if rule not in order]
        order.append(min(left, key=lambda rule: len(before[rule] - set(order))))
    return order
