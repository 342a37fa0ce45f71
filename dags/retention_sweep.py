"""# Retention sweep

Erases what is due by the policy, keeps what the law demands, and leaves evidence of both.

**When** every night at 03:30 (never between 02:00 and 03:00: a change of clocks repeats that hour).

**What it does** freezes tonight's plan → checks its inputs → asks the guards → erases, rule by
rule, in small batches → reads back, adds up, seals the evidence. What is over a limit waits for
approval; the rest goes on; what was approved earlier is worked off first. Late: an alarm.

**By hand** it is a dry run unless told otherwise: the plan is read aloud, and nothing is written.

**If it fails** read the last line of the failed task: it names rule, table and way out. Every task
may be cleared at any time: the frozen set is reused, and work goes on where it was. After a restore
of the warehouse `plan_sweep` stops until `bin/lethe sweep replay` has run.
"""

import pendulum
from airflow.sdk import CronTriggerTimetable, Param, dag
from lethe.tasks import (
    MANNERS,
    announce_waiting,
    check_inputs,
    erase_due,
    guard_sweep,
    late_alarms,
    list_rest,
    plan_sweep,
    verify_sweep,
    work_off_approved,
)


@dag(
    schedule=CronTriggerTimetable("30 3 * * *", timezone="Europe/Luxembourg"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Luxembourg"),
    catchup=False,
    max_active_runs=1,
    deadline=late_alarms(),
    default_args=MANNERS,
    tags=["lethe", "retention", "§9"],
    doc_md=__doc__,
    params={
        "as_of": Param(None, type=["null", "string"], format="date", title="As of (day)"),
        "rules": Param([], type=["null", "array"], items={"type": "string"}, title="Only rules"),
        "dry_run": Param(True, type="boolean", title="Dry run: show the plan, erase nothing"),
    },
)
def retention_sweep():
    night = plan_sweep()
    first = erase_due.override(task_id="erase_first").partial(night=night)
    then = erase_due.override(task_id="erase_then", max_active_tis_per_dagrun=1)
    rest = list_rest(night)
    closed = verify_sweep(night)
    first.expand(rule=guard_sweep(check_inputs(night))) >> work_off_approved(night) >> rest
    then.partial(night=night).expand(rule=rest) >> closed
    announce_waiting(closed)


retention_sweep()
