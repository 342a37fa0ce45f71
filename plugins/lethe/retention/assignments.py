"""From a rule to what the eraser is asked to do."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from lethe.catalogue.graph import Graph
from lethe.erasure.assignment import Assignment
from lethe.erasure.clock import freeze_clock
from lethe.erasure.locks import find_locks
from lethe.erasure.questions import lock_rows
from lethe.erasure.statements import tell_of_newer
from lethe.erasure.steps import plan_steps
from lethe.policy.model.rules import Rule
from lethe.policy.periods import boundary
from lethe.retention.statements import judge


def assign(graph: Graph, rule: str, as_of: date, run_id: UUID) -> Assignment:
    """Make the assignment of a rule: pure, the same for the same policy, catalogue and day."""
    named = graph.policy.rules[rule]
    steps, _ = plan_steps(graph, named.cluster)
    cut_off = _cut_off(named, as_of)
    trusted = tell_of_newer(steps) if cut_off else ()
    return Assignment(
        graph,
        run_id,
        rule,
        named.clause,
        as_of,
        steps,
        judge(graph, rule, as_of),
        judge(graph, rule, as_of, batch=True),
        judge(graph, rule, as_of, batch=True, trusted=trusted),
        tuple(
            (table, lock_rows(graph, steps.kind, table, way))
            for table, way in find_locks(graph, rule)
        ),
        cut_off,
        freeze_clock(graph, named.cluster, as_of),
    )


def _cut_off(rule: Rule, as_of: date) -> date | None:
    """The earliest cut-off of all countries; the re-check gives that of each subject."""
    if rule.newer_rows != "stop":
        return None
    periods = (rule.period, *(minimum.period for minimum in rule.at_least.values()))
    return min(boundary(as_of, period) for period in periods)


def rests_on(graph: Graph, rules: list[str]) -> dict[str, set[str]]:
    """For each rule, those that must go first: their rows would bar what it erases, or leave a
    skeleton of it that nobody needs once they are gone."""
    holders = {
        rule: {member.table for member in graph.members[graph.policy.rules[rule].cluster]}
        for rule in rules
    }
    before: dict[str, set[str]] = {}
    for rule in rules:
        steps, _ = plan_steps(graph, graph.policy.rules[rule].cluster)
        barring = {ref.child for _, ref in steps.barred}
        barring |= {ref.child for refs in steps.spared.values() for ref in refs}
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
