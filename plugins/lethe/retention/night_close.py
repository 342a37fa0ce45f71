"""Closing a night: sums asserted, summary written, ledger sealed, keys forgotten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.verify import Verification
from lethe.errors import VerificationError
from lethe.evidence.acting import acting, open_witness_of
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.runs import Run, State, read_run, set_state
from lethe.evidence.seal import seal_ledger
from lethe.evidence.witness import Witness
from lethe.include import statement
from lethe.retention.closing import Closing, close_rule, forget_keys, payload, summarise
from lethe.retention.night import Night, read_night, set_rule_state
from lethe.retention.outlook import count_tonight, look_ahead


def close_night(
    site: Site, run_id: UUID, verified: Mapping[str, Verification], *, on: date | None = None
) -> Run:
    """Assert the sums, write outcomes and summary, seal the ledger, forget decided keys.

    on  day whose night did the work; None: the day that the run was planned for
    """
    with acting(site, "closing the run") as connection:
        night = read_night(connection, run_id)
        if night.run.state in ("done", "superseded"):
            return night.run
        if night.run.state == "stopped":
            return _close_stopped(site, connection, night)
        witness = open_witness_of(site, connection)
        # After a crash between sums and seal: what was looked at then is not there any more.
        known = None if night.run.finished_at else night.run.summary.get("outlook")
        ahead = known or look_ahead(site, night.run, witness)
        acting_as(connection, "runner")
        closings = [close_rule(connection, night.run, planned) for planned in night.rules]
        summary = summarise(connection, read_night(connection, run_id), closings, verified)
        summary["canaries"] = night.run.summary.get("canaries", {})
        left = not_worked_off(summary)
        if left:
            # Whoever goes on with it closes it: a run is closed once.
            reason = f"broke off; not worked off: {', '.join(left)}"
            set_state(connection, run_id, "running", reason=reason, summary=summary)
            connection.commit()
            seal_ledger(connection, witness)
            return read_run(connection, run_id)
        summary["worked_off"] = _worked_off(connection, night.run)
        erased = sum(closing.done for closing in closings) + sum(summary["worked_off"].values())
        summary["outlook"] = known or count_tonight(ahead, erased)
        stopped = {planned.rule for planned in night.rules if planned.state == "stopped"}
        for rule in stopped:
            forget_keys(connection, run_id, rule)
        waiting = any(each.undecided for each in closings if each.rule not in stopped)
        state: State = "waiting" if waiting else "done"
        set_state(connection, run_id, "waiting" if waiting else "running", summary=summary)
        _record_closing(connection, night.run, payload(night.run, closings, summary, on), witness)
        seal = seal_ledger(connection, witness)
        acting_as(connection, "runner")
        number = seal.seal_no if seal else None
        set_state(connection, run_id, state, finished=True, seal_no=number)
        connection.commit()
        return read_run(connection, run_id)


def _worked_off(connection: extensions.connection, run: Run) -> dict[str, int]:
    """What the night of this run erased of sets that were approved earlier, by rule."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("retention/list_worked_off"),
            {"policy_name": run.policy_name, "night": str(run.run_id)},
        )
        return {rule: int(count) for rule, count in cursor.fetchall()}


def _record_closing(
    connection: extensions.connection, run: Run, payload: Mapping[str, Any], witness: Witness
) -> None:
    """Put the sums on the ledger and commit; once, though a crash came before the seal."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("retention/find_closing"),
            {"run_id": str(run.run_id), "payload": json.dumps(payload)},
        )
        if cursor.fetchone() == (True,):
            connection.commit()
            return
    evidence = EvidenceBatch(connection, run.run_id, witness)
    evidence.add_rows([LedgerRow("sweep_closed", payload)])
    evidence.commit()


def close_stopped(site: Site, run_id: UUID) -> None:
    """Close a night that a guard stopped as a whole: its figures stay, whom it planned does not."""
    with acting(site, "closing the run") as connection:
        night = read_night(connection, run_id)
        if night.run.state == "stopped":
            _close_stopped(site, connection, night)


def _close_stopped(site: Site, connection: extensions.connection, night: Night) -> Run:
    """A night that only reports: write what it would have done, and forget whom."""
    witness = open_witness_of(site, connection)
    outlook = night.run.summary.get("outlook") or look_ahead(site, night.run, witness)
    acting_as(connection, "runner")
    closings = [Closing(planned.rule, undecided=planned.due) for planned in night.rules]
    summary = {**summarise(connection, night, closings, {}), "outlook": outlook}
    run = night.run
    for planned in night.rules:
        forget_keys(connection, run.run_id, planned.rule)
        set_rule_state(connection, run.run_id, planned.rule, "stopped")
    set_state(connection, run.run_id, "stopped", reason=run.reason, summary=summary)
    connection.commit()
    return read_run(connection, run.run_id)


def require_worked_off(run: Run) -> None:
    """Refuse to call a night good whose cleared rules were not worked off.

    Raises  VerificationError with the rules; run the night again, it goes on where it was
    """
    left = not_worked_off(run.summary)
    if left:
        raise VerificationError(
            f"not worked off: {', '.join(left)}; clear the failed tasks, they go on where they were"
        )


def not_worked_off(summary: Mapping[str, Any]) -> list[str]:
    """Name the cleared rules of which somebody is left, with the count."""
    return [
        f"{each['rule']} ({each['undecided']})"
        for each in summary["rules"]
        if each["undecided"] and each["state"] == "planned"
    ]
