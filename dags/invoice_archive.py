"""# Invoice archive

Archives the contact, payment and billing data bound to every issued document, sealed and
provable, and destroys what is past its period without breaking the proof.

**When** every night at 01:30, before the sweep (and never between 02:00 and 03:00: a change of
clocks repeats that hour). The sweep erases an account only when all its documents are archived.

**What it does** seals the clocks of erased accounts → archives, kind by kind, what is new or
corrected → destroys what has come to its end, as far as the guards allow → opens a sample, so that
a lost key is found tonight → signs the head of the tree, adds up, seals the evidence.

**By hand** the form asks for a day. Nothing is archived twice: what has not changed makes no
version.

**If it fails** read the last line of the failed task: it names document, record or key and the way
out. Every task may be cleared at any time and goes on where it was. A record that does not open:
`bin/lethe archive verify`. Expiry over a limit is asked about by `sweep_approval`, or approved with
`bin/lethe archive run --approve DIGEST`.
"""

import pendulum
from airflow.sdk import CronTriggerTimetable, Param, dag
from lethe.tasks import (
    MANNERS,
    announce_waiting,
    archive_documents,
    begin_archive,
    close_archive,
    expire_archive,
    list_documents,
)


@dag(
    schedule=CronTriggerTimetable("30 1 * * *", timezone="Europe/Luxembourg"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Luxembourg"),
    catchup=False,
    max_active_runs=1,
    default_args=MANNERS,
    tags=["lethe", "archive", "§9"],
    doc_md=__doc__,
    params={
        "as_of": Param(None, type=["null", "string"], format="date", title="As of (day)"),
    },
)
def invoice_archive():
    night = begin_archive()
    captured = archive_documents.partial(night=night).expand(document=list_documents(night))
    expired = expire_archive(night)
    captured >> expired
    announce_waiting(close_archive(night, captured, expired))


invoice_archive()
