"""# Pseudonymisation of logs

Turns raw logs (files and the raw log table of the warehouse) into pseudonymised ones, proves that
every line is accounted for, and destroys the raw.

**When** every night at 01:00, before the archive and the sweep (and never between 02:00 and 03:00:
a change of clocks repeats that hour).

**What it does** opens the keys and makes this month's → works on every raw file, every month of a
raw table and every table in place, each in a task of its own → destroys keys, pseudonymised files
and quarantined lines whose time has ended, adds up, seals the evidence. A raw line is destroyed
only when its pseudonymised form is durable, was read back and stands on the ledger.

**By hand** the form asks for a day. A file or row is never done twice: what is done is recognised.

**How much at once** two pieces, each on two processors; the environment variable LETHE_LOGS_POOL
names a pool of your own.

**If it fails** each failed piece says in its last line why, and its raw lines are still there: mend
what it names (format, key, disk, limit), then clear that task and `close_logs`. The same from a
shell: `bin/lethe logs run`. Set aside: `bin/lethe logs run --quarantine` reads them again.
"""

import pendulum
from airflow.sdk import CronTriggerTimetable, Param, dag
from lethe.tasks import MANNERS, begin_logs, close_logs, list_logs, pseudonymise_log


@dag(
    schedule=CronTriggerTimetable("0 1 * * *", timezone="Europe/Luxembourg"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Luxembourg"),
    catchup=False,
    max_active_runs=1,
    default_args=MANNERS,
    tags=["lethe", "logs", "§2"],
    doc_md=__doc__,
    params={
        "as_of": Param(None, type=["null", "string"], format="date", title="As of (day)"),
    },
)
def log_pseudonymisation():
    night = begin_logs()
    pieces = list_logs(night)
    done = pseudonymise_log.partial(night=night).expand(piece=pieces)
    close_logs(night, pieces, done)


log_pseudonymisation()
