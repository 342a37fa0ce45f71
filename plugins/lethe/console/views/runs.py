"""Runs of every duty, and where a DAG of Airflow is told of."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.console import pages
from lethe.console.rendering import HEADERS, base_of, render
from lethe.console.views.frame import asked_of, titles_of, uuid_of, zone_of
from lethe.console.warehouse import find_run, read_run_rules, read_run_tables, read_runs, reading
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.runs import read_run

# DAG → kinds of runs that it makes, and the page that tells of its duty
DUTIES = {
    "retention_sweep": (("sweep",), "/runs?only=sweep"),
    "sweep_approval": (("sweep",), "/waiting"),
    "invoice_archive": (("archive", "invoice_archive"), "/evidence"),
    "data_quality": (("quality", "data_quality"), "/quality"),
    "log_pseudonymisation": (("logs", "log_pseudonymisation"), "/evidence"),
    "compliance_report": (("report", "compliance_report"), "/"),
}


def runs(request: Request, site: Site) -> Response:
    """The history of runs of every duty."""
    with reading(site) as connection:
        read_warehouse(connection)
        found = read_runs(connection, site)
    return render(
        request,
        "runs",
        zone=zone_of(site),
        page="runs",
        list=pages.run_list(found, asked_of(request)),
        kinds=sorted({run.kind for run in found}),
    )


def one_run(request: Request, site: Site, run_id: str) -> Response:
    """One run: its rules, its tables, its seal."""
    with reading(site) as connection:
        read_warehouse(connection)
        return _run_page(request, site, connection, uuid_of(run_id))


def _run_page(
    request: Request, site: Site, connection: extensions.connection, run_id: UUID
) -> Response:
    run = read_run(connection, run_id)
    summary = {rule["rule"]: rule for rule in run.summary.get("rules", ())}
    return render(
        request,
        "run",
        zone=zone_of(site),
        page="runs",
        run=run,
        titles=titles_of(site),
        rules=read_run_rules(connection, run_id),
        tables=sorted(read_run_tables(connection, run_id).items()),
        sums=summary,
        kept_counts=pages.kept_counts,
    )


def dag_run(request: Request, site: Site) -> Response:
    """The page of what a DAG run did; for a DAG that is not Lethe's a line that says so."""
    dag_id = request.query_params.get("dag_id", "")
    name = request.query_params.get("run_id", "")
    if dag_id not in DUTIES:
        return dag(request, site)
    with reading(site) as connection:
        read_warehouse(connection)
        run_id = find_run(connection, site, name, DUTIES[dag_id][0])
        if run_id is not None:
            return _run_page(request, site, connection, run_id)
    return dag(request, site)


def dag(request: Request, site: Site) -> Response:
    """Where a DAG of Lethe is told of."""
    dag_id = request.query_params.get("dag_id", "")[:250]
    duty = DUTIES.get(dag_id)
    if duty is not None and "run_id" not in request.query_params:
        return RedirectResponse(f"{base_of(request)}{duty[1]}", 303, headers=HEADERS)
    return render(
        request, "dag", zone=zone_of(site), page="", dag_id=dag_id, link=duty[1] if duty else None
    )
