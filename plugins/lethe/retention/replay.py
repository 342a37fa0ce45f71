"""After a restore: bring the warehouse up to its witness, and erase again who was erased.

Keys, tombstones and holds that the restore lost come back from the witness first. Those who were
erased and are there again are frozen as a set of their own, which waits for approval like any set
over a limit; the re-check at the act is the same as ever, so that somebody who has become active
since is left in peace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from psycopg2 import extensions

from lethe.catalogue.graph import Graph
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.freeze import RulePlan, freeze_rule, frozen_digest, rule_digest
from lethe.evidence.acting import open_witness_of
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.initialise import disarm, read_warehouse
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.restoring import find_disarming, restore_keys, restore_tombstones
from lethe.evidence.runs import begin_run, set_state
from lethe.evidence.settle import lost_batches, note_replay, settle_witness
from lethe.evidence.witness import Witness
from lethe.guards.editions import see_edition
from lethe.guards.holds import restore_holds
from lethe.include import statement
from lethe.keys import KeyRing, year_of
from lethe.retention.assignments import assign
from lethe.retention.night import RESTORED, set_rule_state
from lethe.retention.plan import add_plan_rule
from lethe.retention.returned import Returned, find_returned, summary_of


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay brought back, and whom it found.

    state     in_step, settled or behind: how the warehouse stood before
    run_id    the set that waits for approval; None if nobody is to be erased again
    waiting   rule → subjects of that set
    digests   rule → digest to approve
    """

    state: str
    keys: int
    tombstones: int
    holds: int
    returned: tuple[Returned, ...]
    run_id: UUID | None
    waiting: dict[str, int]
    digests: dict[str, str]


def replay(site: Site, as_of: date, *, requested_by: str | None = None) -> Replay:
    """Bring the warehouse up to its witness and freeze who must be erased again.

    Raises  GuardStop, WarehouseRefused
    """
    with site.connected("runner") as connection:
        graph = site.graph(connection)
        witness = open_witness_of(site, connection)
        state = settle_witness(connection, witness).state
        keys, tombstones, holds, batch = _bring_back(connection, witness, as_of)
        _disarm_again(site, connection, witness)
        note_replay(connection, witness, batch)
        acting_as(connection, "runner")
        ring = KeyRing.open(connection, witness=witness)
        returned = tuple(find_returned(connection, graph, ring))
        run_id, plans = _freeze(site, connection, graph, returned, as_of, requested_by)
        connection.commit()
    return Replay(
        state,
        keys,
        tombstones,
        holds,
        returned,
        run_id,
        {plan.rule: plan.due for plan in plans},
        {plan.rule: plan.digest.hex() for plan in plans},
    )


def _bring_back(
    connection: extensions.connection, witness: Witness, as_of: date
) -> tuple[int, int, int, UUID]:
    """Keys first: the tombstones and holds are read with them. One commit each."""
    acting_as(connection, "runner")
    ring = KeyRing.open(connection, witness=witness)
    keys, _ = restore_keys(ring, witness)
    for purpose in ("token", "tombstone"):
        ring.create(purpose, year_of(as_of))
    connection.commit()
    acting_as(connection, "runner")
    lost = list(lost_batches(connection, witness))
    tombstones = restore_tombstones(connection, iter(lost))
    holds, _ = restore_holds(connection, KeyRing.open(connection, witness=witness), lost)
    evidence = EvidenceBatch(connection, None, witness)
    payload = {"batches": len(lost), "keys": keys, "tombstones": tombstones, "holds": holds}
    evidence.add_rows([LedgerRow("warehouse_replayed", payload)])
    evidence.commit()
    return keys, tombstones, holds, evidence.batch


def _disarm_again(site: Site, connection: extensions.connection, witness: Witness) -> None:
    """The off switch outlives a restore: only the approver turns it, either way."""
    acting_as(connection, "runner")
    armed = read_warehouse(connection).armed
    connection.rollback()
    by = find_disarming(witness)
    if armed and by is not None:
        with site.connected("approver") as approver:
            disarm(approver, by, witness)


def _freeze(
    site: Site,
    connection: extensions.connection,
    graph: Graph,
    returned: Iterable[Returned],
    as_of: date,
    requested_by: str | None,
) -> tuple[UUID | None, list[RulePlan]]:
    see_edition(connection, site.loaded)
    restored = {each.kind: each.restored for each in returned if each.restored}
    if not restored:
        return None, []
    run = begin_run(
        connection,
        kind="sweep",
        name=None,
        policy=site.edition,
        as_of=as_of,
        requested_by=requested_by,
    )
    plans = []
    for rule in graph.policy.rules:
        kind = graph.kind_of(graph.policy.rules[rule].cluster).name
        if kind not in restored:
            continue
        assignment = assign(graph, rule, as_of, run.run_id)
        plan = freeze_rule(connection, assignment, site.digest)
        plan = _only(connection, plan, run.run_id, restored[kind], site.digest, as_of)
        if plan.due:
            add_plan_rule(connection, run.run_id, plan)
            set_rule_state(connection, run.run_id, rule, "waiting", over_limit=RESTORED)
            plans.append(plan)
    set_state(connection, run.run_id, "waiting" if plans else "done", finished=not plans)
    return (run.run_id, plans) if plans else (None, [])


def _only(
    connection: extensions.connection,
    plan: RulePlan,
    run_id: UUID,
    keys: set[tuple[str, ...]],
    policy_digest: bytes,
    as_of: date,
) -> RulePlan:
    """Keep of a frozen set those who were erased before."""
    named = {"run_id": str(run_id), "rule": plan.rule}
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/list_frozen"), named)
        rows = cursor.fetchall()
        others = [number for number, key in rows if tuple(key) not in keys]
        cursor.execute(statement("retention/forget_numbers"), {**named, "numbers": others})
    due = len(rows) - len(others)
    digest = frozen_digest(connection, run_id, plan.rule) or b""
    return RulePlan(
        plan.rule,
        plan.clause,
        plan.cluster,
        plan.kind,
        rule_digest(policy_digest, as_of, plan.rule, digest),
        {"due": due},
        plan.oldest_on,
        plan.newest_on,
    )


def as_document(done: Replay) -> dict[str, object]:
    """The replay as a JSON document."""
    return {
        "state": done.state,
        "keys_restored": done.keys,
        "tombstones_restored": done.tombstones,
        "holds_restored": done.holds,
        "returned": summary_of(done.returned),
        "run_id": str(done.run_id) if done.run_id else None,
        "waiting": done.waiting,
        "digests": done.digests,
    }
