"""# Compliance report

Tells the data-protection officer by mail how the promises stand: every day, and every month.

**When** as soon as the quality checks of the night are done; at 06:30 in any case, so that a night
without a sweep is reported as silence. On the first of a month the report of the last month as
well.

**What it does** names the reports that are due → gathers what every wing left behind and writes the
files (`reports/` under LETHE_HOME: page, text, PDF/A, CSV, evidence pack) → sends the mails. The
outbox in the warehouse sees to it that nobody gets a report twice. One that says something else
than what was sent goes out as a correction in reply to the first; a run by the clock corrects none.

**By hand** the form asks for a day, for which reports, and whether they are sent. The same files
from a shell: `bin/lethe report --period day --output DIR`.

**If it fails** `make_report` needs the warehouse; its last line names what was refused.
`send_report` names the code of the mail server: mend the server or the connection `lethe_smtp`,
then clear the task: only what is missing is sent, under the same Message-ID.
"""

import pendulum
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag
from lethe.tasks import CHECKED, MANNERS, make_report, plan_reports, report_alarms, send_report


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("30 6 * * *", timezone="Europe/Luxembourg"),
        assets=[CHECKED],
    ),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Luxembourg"),
    catchup=False,
    max_active_runs=1,
    deadline=report_alarms(),
    default_args=MANNERS,
    tags=["lethe", "report", "§8"],
    doc_md=__doc__,
    params={
        "as_of": Param(None, type=["null", "string"], format="date", title="As of (day)"),
        "periods": Param(
            [], type=["null", "array"], items={"enum": ["day", "month"]}, title="Only reports"
        ),
        "send": Param(True, type="boolean", title="Send the mails"),
    },
)
def compliance_report():
    made = make_report.expand(report=plan_reports())
    send_report.expand(made=made)


compliance_report()
