"""All expectations over the demo: Great Expectations beside the same checks as plain SQL.

Plain SQL is what a careful person writes by hand: one pass a table, every check a
`count(*) FILTER (WHERE …)`. Target: at most twice that, and five minutes for a million accounts.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
from lethe.catalogue.site import Site
from lethe.cli.quality import HANDED
from lethe.erasure.grants import needed_grants
from lethe.evidence.initialise import initialise
from lethe.include import include_folder
from lethe.policy.load import load_policy
from lethe.quality.night import measure_quality, run_quality

from benchmarks.options import Options, machine
from benchmarks.report import Report, at_most
from demo.platform.postgres import temporary_server
from demo.warehouse.load import load_warehouse

FULL_SIZE = 1_000_000


def measure(options: Options) -> Report:
    """Load the demo, ask everything both ways, twice each, and take the quicker time."""
    size = options.size or FULL_SIZE
    report = Report("quality", {"accounts": size, **machine()})
    with temporary_server() as server, tempfile.TemporaryDirectory() as home:
        os.environ["LETHE_HOME"] = home
        dsn = server.dsn("postgres")
        options.tell(f"Loading {size:,} accounts")
        load_warehouse(dsn, size)
        site = _ready(dsn)
        today = site.today()
        plain, asked = _quickest(lambda: len(measure_quality(site, today, HANDED).outcomes))
        options.tell(f"Plain SQL: {plain:.1f} s for {asked} expectations")
        started = time.monotonic()
        ran = run_quality(site, today, HANDED)
        whole = time.monotonic() - started
        again = run_quality(site, today, HANDED)
        pages = sum(1 for _ in Path(home).rglob("*.html"))
    tables = {"seconds": [{"step": name, "s": taken} for name, taken in ran.seconds.items()]}
    report.tables.update(tables)
    queries = min(each.seconds["derive"] + each.seconds["run"] for each in (ran, again))
    report.figures += [
        at_most("Great Expectations beside plain SQL", queries / plain, 2, "times"),
        at_most("a whole run with import and Data Docs", whole, 300, "s"),
    ]
    report.about |= {"expectations": asked, "plain_sql_s": round(plain, 2), "pages": pages}
    return report


def _ready(dsn: str) -> Site:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connection.close()
    site = Site(dsn, load_policy(str(include_folder() / "policy" / "mentorsig.yaml")))
    with site.connected("owner") as owner:
        grants = needed_grants(site.graph(owner))
    initialise(psycopg2.connect(dsn), rehearsal=True, grants=grants)
    return site


def _quickest(act: Callable[[], int]) -> tuple[float, int]:
    times = []
    for _ in range(2):
        started = time.monotonic()
        found = act()
        times.append(time.monotonic() - started)
    return min(times), found
