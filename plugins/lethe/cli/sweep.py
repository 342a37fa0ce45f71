"""`lethe sweep`: tonight's plan read aloud, and the sweep itself."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from lethe.cli.desk import COMMON, Desk
from lethe.cli.quality import HANDED
from lethe.erasure.freeze import CANDIDATES, RulePlan
from lethe.errors import GuardStop
from lethe.evidence.runs import Run
from lethe.quality.inputs import ask_inputs, check_inputs, stops
from lethe.retention.alone import alone
from lethe.retention.approved import work_off
from lethe.retention.approving import approve_restored
from lethe.retention.plan import SweepPlan, read_plan
from lethe.retention.readiness import destroy_files, prove_ready
from lethe.retention.replay import as_document
from lethe.retention.replay import replay as bring_up
from lethe.retention.sweep import run_sweep

app = typer.Typer(help="Plan and run the retention sweep.", no_args_is_help=True, epilog=COMMON)

_STOPPED = CANDIDATES[1:]
RuleOption = Annotated[list[str] | None, typer.Option("--rule", help="Only this rule; repeatable.")]


@app.command(epilog=COMMON)
def plan(context: typer.Context, rule: RuleOption = None) -> None:
    """Read tonight's plan aloud; nothing is written."""
    desk: Desk = context.obj
    found = read_plan(desk.site, desk.as_of, rule)
    stopped = stops(ask_inputs(desk.site, desk.as_of, HANDED))
    if desk.answer(plan_document(found, stopped)):
        return
    table = Table(title=f"Plan for {found.as_of}", title_justify="left")
    table.add_column("rule", no_wrap=True)
    table.add_column("due", justify="right")
    for name in ("oldest due", "stopped", "refused", "would wait"):
        table.add_column(name)
    for each in found.rules:
        waits = "its inputs" if each.rule in stopped else found.over.get(each.rule, "–")
        table.add_row(*_row(each), waits)
    desk.console.print(table)
    for each in found.rules:
        waits = f" over a limit: {found.over[each.rule]}" if each.rule in found.over else ""
        if each.rule in stopped:
            waits = f" nothing of it goes tonight: {stopped[each.rule]}"
        desk.console.print(
            f"[dim]{each.rule}[/dim] digest {each.digest.hex()}{waits}", soft_wrap=True
        )
    desk.console.print(f"[bold]whole plan[/bold] digest {found.digest.hex()}", soft_wrap=True)


def _row(each: RulePlan) -> list[str]:
    stopped = {name: each.counts[name] for name in _STOPPED if each.counts.get(name)}
    return [
        each.rule,
        f"{each.due:,}",
        str(each.oldest_on or "–"),
        _listed(stopped),
        _listed(each.refused),
    ]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items())) or "–"


def plan_document(found: SweepPlan, stopped: Mapping[str, str]) -> dict[str, Any]:
    """The plan as a JSON document.

    stopped  rule → why its inputs stop it
    """
    name, version, digest = found.policy
    return {
        "policy": name,
        "version": version,
        "policy_digest": digest.hex(),
        "as_of": found.as_of.isoformat(),
        "digest": found.digest.hex(),
        "rules": [
            {
                "rule": each.rule,
                "clause": each.clause,
                "cluster": each.cluster,
                "subject": each.kind,
                "due": each.due,
                "planned": each.planned,
                "held": each.counts.get("held", 0),
                "restricted": each.counts.get("restricted", 0),
                "stopped": {
                    reason: each.counts[reason] for reason in _STOPPED if each.counts.get(reason)
                },
                "refused": each.refused,
                "active": each.counts.get("active", 0),
                "not_yet_due": each.counts.get("not yet due", 0),
                "oldest_due_on": each.oldest_on.isoformat() if each.oldest_on else None,
                "newest_due_on": each.newest_on.isoformat() if each.newest_on else None,
                "over_limit": found.over.get(each.rule),
                "stopped_by_inputs": stopped.get(each.rule),
                "digest": each.digest.hex(),
            }
            for each in found.rules
        ],
    }


@app.command(epilog=COMMON)
def run(
    context: typer.Context,
    approve: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="Approve the set that `sweep plan` names so."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who approves; default: the user of the system.")] = "",
    rule: RuleOption = None,
) -> None:
    """Erase what is due and what the guard allows; resumable at any moment."""
    desk: Desk = context.obj
    user = getpass.getuser()
    with alone(desk.site):
        desk.tell("Proving the eraser on temporary tables")
        canaries = prove_ready(desk.site, desk.as_of)
        done = run_sweep(
            desk.site,
            desk.as_of,
            approve=approve,
            approved_by=by,
            requested_by=user,
            rules=rule,
            canaries=canaries,
            inspect=lambda run_id: check_inputs(desk.site, run_id, desk.as_of, HANDED),
            tell=desk.tell,
        )
        files = destroy_files(desk.site).by_system()
    if not desk.answer({"state": done.state, **done.summary, "files": files}):
        show_summary(desk, done)
        for system, counts in files.items():
            desk.console.print(f"Files of {system}: {_listed(counts)}.")
    _require_done(done)


_MEND = "; mend them, or say in the policy what is to be expected (quality.checks)"


def _require_done(done: Run) -> None:
    """Raise GuardStop where a rule waits for a person or was stopped by inputs or a hold."""
    said = []
    names = [each["rule"] for each in done.summary["rules"] if each["state"] == "waiting"]
    if names:
        said.append(
            f"over a limit and waiting for approval: {', '.join(names)}; read it with `lethe sweep "
            "plan`, then `lethe sweep run --approve DIGEST`"
        )
    said += [
        f"rule {each['rule']} waits: {each['over_limit']}"
        + (_MEND if each["over_limit"].startswith("its inputs") else "")
        for each in done.summary["rules"]
        if each["state"] == "stopped"
    ]
    if said:
        raise GuardStop("; ".join(said))


@app.command(epilog=COMMON)
def replay(
    context: typer.Context,
    approve: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="Approve one set that the replay found."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who approves; default: the user of the system.")] = "",
) -> None:
    """After a restore: bring the warehouse up to its witness; who was erased is erased again."""
    desk: Desk = context.obj
    if approve:
        with alone(desk.site):
            approve_restored(desk.site, approve, by)
            erased = work_off(desk.site, None)
        if not desk.answer({"erased": erased}):
            desk.console.print(f"Erased again: {_listed(erased)}")
        return
    with alone(desk.site):
        done = bring_up(desk.site, desk.as_of, requested_by=getpass.getuser())
    if not desk.answer(as_document(done)):
        desk.console.print(
            f"The warehouse was {done.state.replace('_', ' ')}; brought back: {done.keys} keys, "
            f"{done.tombstones} tombstones, {done.holds} holds."
        )
        for each in done.returned:
            desk.console.print(
                f"{each.kind}: {len(each.restored)} erased before and there again, "
                f"{each.same_identifier} came back by themselves, {each.same_key} keys used again."
            )
    if done.waiting:
        sets = "; ".join(
            f"{rule}: {count} subjects, --approve {done.digests[rule]}"
            for rule, count in done.waiting.items()
        )
        raise GuardStop(f"to be erased again, after approval (`lethe sweep replay …`): {sets}")


def show_summary(desk: Desk, done: Run) -> None:
    """Show a closed run to a person."""
    table = Table(title=f"Sweep of {done.as_of}: {done.state}", title_justify="left")
    table.add_column("rule", no_wrap=True)
    table.add_column("due", justify="right")
    table.add_column("erased", justify="right")
    for name in ("kept", "refused", "waiting"):
        table.add_column(name)
    for each in done.summary["rules"]:
        kept = {**each["kept"], **each["quarantined"]}
        waiting = each["over_limit"] if each["undecided"] and each["over_limit"] else "–"
        if each["undecided"] and each["state"] == "approved":
            waiting = f"approved, {each['undecided']:,} left for the next nights"
        earlier = done.summary.get("worked_off", {}).get(each["rule"], 0)
        table.add_row(
            each["rule"],
            f"{each['due']:,}",
            f"{each['erased']:,}" + (f" + {earlier:,} approved earlier" if earlier else ""),
            _listed(kept),
            _listed(each["refused"]),
            waiting,
        )
    desk.console.print(table)
    if done.seal_no:
        desk.console.print(f"Evidence: seal {done.seal_no}, run {done.run_id}")
