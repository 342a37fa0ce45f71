"""# Data quality

Proves that the warehouse is what the policy says, with Great Expectations.

**When** every night as soon as the sweep is closed, and by hand for all suites or some.

**What it does** derives the expectations from the policy → runs all suites in one process (Great
Expectations is imported once) → tells of each suite, a cluster, what failed → looks for personal
values in our own outputs. Only counts leave the warehouse: no report holds the value of a row.

**Where to look** Data Docs: `quality/docs/index.html` under LETHE_HOME; the figures of this and of
earlier nights: `quality/latest.json` and `quality/history`. Which rows fail:
`bin/lethe quality rows EXPECTATION` prints their keys and the SQL to look at them.

**If it fails** a suite turns red when a critical expectation failed, or could not be asked: the
last line of its log names it, and how to find the rows. Mend the data or the policy, then clear
`run_suites`. `scan_leaks` turns red when a file of ours, or Airflow's metadata (XCom, rendered
fields), holds a personal value: it names the place; delete it and find out who wrote it; what it
could not read is a warning. Nothing here stops or undoes a deletion.
"""

import pendulum
from airflow.sdk import Param, dag
from lethe.tasks import MANNERS, SWEPT, run_suites, scan_leaks, tell_suite


@dag(
    schedule=[SWEPT],
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Luxembourg"),
    catchup=False,
    max_active_runs=1,
    default_args=MANNERS | {"owner": "data"},
    tags=["lethe", "quality", "§6", "§7"],
    doc_md=__doc__,
    params={
        "suites": Param([], type=["null", "array"], items={"type": "string"}, title="Only suites"),
        "as_of": Param(None, type=["null", "string"], format="date", title="As of (day)"),
    },
)
def data_quality():
    found = run_suites()
    tell_suite.expand(found=found)
    scan_leaks(found)


data_quality()
