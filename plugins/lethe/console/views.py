"""One function a page: read a moment, gather, render."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import HTTPException
from fastapi.responses import RedirectResponse, StreamingResponse
from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.console import documents, pages, waiting_list
from lethe.console.access import has_right_to_decide
from lethe.console.deciding import Answer, close_required_action, question_of, record_answer
from lethe.console.forms import FIELD, begin_form, keep_cookie, read_form
from lethe.console.listing import Asked
from lethe.console.other_answers import open_editions
from lethe.console.rendering import (
    HEADERS,
    Paper,
    base_of,
    language_of,
    render,
    static_version,
)
from lethe.console.told import tell, tell_decisions
from lethe.console.warehouse import (
    NoSummary,
    OpenSet,
    find_run,
    read_health,
    read_holds,
    read_nights,
    read_open_sets,
    read_run_rules,
    read_run_tables,
    read_runs,
    read_summary,
    reading,
)
from lethe.errors import GuardStop
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.runs import read_run
from lethe.guards.answers import require_approver, require_four_eyes
from lethe.guards.editions import read_editions
from lethe.reporting.summary import Summary
from lethe.reporting.words import wording

# DAG → kinds of runs that it makes, and the page that tells of its duty
DUTIES = {
    "retention_sweep": (("sweep",), "/runs?only=sweep"),
    "sweep_approval": (("sweep",), "/waiting"),
    "invoice_archive": (("archive", "invoice_archive"), "/evidence"),
    "data_quality": (("quality", "data_quality"), "/quality"),
    "log_pseudonymisation": (("logs", "log_pseudonymisation"), "/evidence"),
    "compliance_report": (("report", "compliance_report"), "/"),
}


def overview(request: Request, site: Site) -> Response:
    """The first page: verdict, health, what needs somebody, and where to look."""
    p = _paper(request, site)
    with reading(site) as connection:
        known = read_warehouse(connection)
        summary = _summary_or_none(connection, site)
        asked_at = datetime.now(UTC)
        health = read_health(connection, site, asked_at)
        sets = read_open_sets(connection, site)
        nights = read_nights(connection, site)
        others = _others(connection, site, summary, p)
    share, verdicts = pages.verdict_chart(summary.clauses if summary else (), p)
    rules = summary.rules if summary else ()
    return render(
        request,
        "overview",
        zone=p.zone,
        page="overview",
        known=known,
        summary=summary,
        silent=summary is not None and pages.is_silent(summary),
        health=health,
        tiles=pages.tiles(health, site, p),
        sets=sets,
        asked_at=asked_at,
        told=tell(summary, p.words.language) if summary else None,
        titles=_titles(site),
        others=others,
        told_decisions=tell_decisions(summary, p.words.language) if summary else [],
        nights=nights,
        nights_chart=pages.nights_chart(nights, p) if nights else None,
        due_chart=pages.due_chart(rules, p),
        due_rules=sorted((r for r in rules if r.next_30), key=lambda r: -r.next_30)[:10],
        backlog_chart=pages.backlog_chart(rules, p),
        backlog_rules=sorted((r for r in rules if r.backlog), key=lambda r: -r.backlog)[:10],
        verdicts=verdicts,
        verdicts_chart=share,
    )


def clauses(request: Request, site: Site) -> Response:
    """The clause trace: promise, rule, control, tests, last evidence."""
    summary, p = _summary(request, site)
    share, verdicts = pages.verdict_chart(summary.clauses, p)
    return render(
        request,
        "clauses",
        zone=p.zone,
        page="clauses",
        summary=summary,
        list=pages.clause_list(summary.clauses, _asked(request), p),
        verdicts=verdicts,
        verdicts_chart=share,
        untested=sum(pages.is_untested(clause) for clause in summary.clauses),
        is_untested=pages.is_untested,
    )


def rules(request: Request, site: Site) -> Response:
    """Every deletion rule: due, erased, kept and why, backlog, what comes."""
    summary, p = _summary(request, site)
    return render(
        request,
        "rules",
        zone=p.zone,
        page="rules",
        summary=summary,
        list=pages.rule_list(summary.rules, _asked(request), p),
        states=sorted({rule.state for rule in summary.rules}),
        due_chart=pages.due_chart(summary.rules, p),
        backlog_chart=pages.backlog_chart(summary.rules, p),
    )


def waiting(request: Request, site: Site) -> Response:
    """What waits for a person, and what is being worked off."""
    with reading(site) as connection:
        read_warehouse(connection)
        sets = read_open_sets(connection, site)
        summary = _summary_or_none(connection, site)
        p = _paper(request, site)
        others = _others(connection, site, summary, p)
    return render(
        request,
        "waiting",
        zone=p.zone,
        page="waiting",
        list=pages.set_list(sets, _asked(request)),
        titles=_titles(site),
        others=others,
        told_decisions=tell_decisions(summary, p.words.language) if summary else [],
        done=request.query_params.get("done", ""),
    )


def _others(
    connection: extensions.connection, site: Site, summary: Summary | None, p: Paper
) -> list[pages.Other]:
    """What waits for an answer beside sets: editions, and keys by the newest report."""
    policy = site.loaded.policy
    editions = open_editions(read_editions(connection), site.edition[0])
    due = sum(key.state == "due" for key in summary.keys) if summary else 0
    return pages.others(editions, due if policy.logs and due > policy.logs.keys_a_night else 0, p)


def one_set(request: Request, site: Site, user: Any, run_id: str, rule: str) -> Response:
    """One set: the figures to judge by, its list, and the form for the answer."""
    found = _find_set(site, run_id, rule)
    policy = site.loaded.policy
    asked = _asked(request)
    file = waiting_list.list_file(found.run_id, found.rule)
    listed = waiting_list.read_page(file, asked) if file else None
    cookie, token = begin_form(request, str(user.get_id()))
    answer = render(
        request,
        "set",
        zone=_zone(site),
        page="waiting",
        set=found,
        question=question_of(found, policy),
        rule_title=policy.rules[rule].title if rule in policy.rules else {},
        flag_titles={name: flag.title for name, flag in policy.guards.risk_flags.items()},
        listed=listed,
        barred=_barred(site, user, found),
        approvers=policy.guards.approvers,
        form=(FIELD, token),
        done=request.query_params.get("done", ""),
        closed=request.query_params.get("closed", ""),
    )
    keep_cookie(request, answer, cookie)
    return answer


def set_list(request: Request, site: Site, run_id: str, rule: str) -> Response:
    """The list of a set as CSV, sorted and filtered as on the page."""
    found = _find_set(site, run_id, rule)
    file = waiting_list.list_file(found.run_id, found.rule)
    if file is None:
        raise HTTPException(404)
    digest = found.digest.hex()
    name = f"{found.rule}-{found.as_of}-{digest[:12]}.csv"
    return StreamingResponse(
        waiting_list.export(file, _asked(request)),
        media_type="text/csv; charset=utf-8",
        headers={
            **HEADERS,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "X-Lethe-Digest": digest,
        },
    )


async def decide(request: Request, site: Site, user: Any, run_id: str, rule: str) -> Response:
    """Take an answer, record it, and let Airflow's Required Action follow."""
    by = str(user.get_id())
    said = Answer.of(await read_form(request, by))
    found = await run_in_threadpool(_find_set, site, run_id, rule)
    said.require_sense(found.digest)
    if found.policy_digest != site.digest:
        raise GuardStop("the set was frozen under an edition of the policy that no longer rules")
    await run_in_threadpool(record_answer, site, found, said, by)
    base = base_of(request)
    closed = await close_required_action(
        request.scope.get("lethe.airflow"),
        base.removesuffix("/lethe"),
        _credentials(request),
        found,
        said.decision,
    )
    place = f"{base}/waiting/{found.run_id}/{quote(found.rule)}"
    query = f"?done={said.decision}&closed={'yes' if closed else 'no'}"
    return RedirectResponse(place + query, 303, headers=HEADERS)


def _credentials(request: Request) -> dict[str, str]:
    """What the person showed to us, shown on to Airflow's own API in this process."""
    names = ("cookie", "authorization")
    return {name: request.headers[name] for name in names if name in request.headers}


def runs(request: Request, site: Site) -> Response:
    """The history of runs of every duty."""
    with reading(site) as connection:
        read_warehouse(connection)
        found = read_runs(connection, site)
    return render(
        request,
        "runs",
        zone=_zone(site),
        page="runs",
        list=pages.run_list(found, _asked(request)),
        kinds=sorted({run.kind for run in found}),
    )


def one_run(request: Request, site: Site, run_id: str) -> Response:
    """One run: its rules, its tables, its seal."""
    with reading(site) as connection:
        read_warehouse(connection)
        return _run_page(request, site, connection, _uuid(run_id))


def _run_page(
    request: Request, site: Site, connection: extensions.connection, run_id: UUID
) -> Response:
    run = read_run(connection, run_id)
    summary = {rule["rule"]: rule for rule in run.summary.get("rules", ())}
    return render(
        request,
        "run",
        zone=_zone(site),
        page="runs",
        run=run,
        titles=_titles(site),
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
        request, "dag", zone=_zone(site), page="", dag_id=dag_id, link=duty[1] if duty else None
    )


def holds(request: Request, site: Site) -> Response:
    """Holds and restrictions in force, and when each is reviewed."""
    with reading(site) as connection:
        read_warehouse(connection)
        found = read_holds(connection)
    return render(
        request,
        "holds",
        zone=_zone(site),
        page="holds",
        today=site.today(),
        list=pages.hold_list(found, _asked(request)),
        late=sum(hold.review_on < site.today() for hold in found),
    )


def evidence(request: Request, site: Site) -> Response:
    """Keys, the archive's head, the ledger's seal, who signs."""
    summary, p = _summary(request, site)
    return render(
        request,
        "evidence",
        zone=p.zone,
        page="evidence",
        summary=summary,
        list=pages.key_list(summary.keys, _asked(request)),
    )


def quality(request: Request, site: Site) -> Response:
    """What the checks found, by clause and suite, and their Data Docs."""
    summary, p = _summary(request, site)
    found = summary.quality
    return render(
        request,
        "quality",
        zone=p.zone,
        page="quality",
        summary=summary,
        list=pages.check_list(found.suites if found else (), _asked(request)),
        documents=[(name, quote(path)) for name, path in documents.list_documents()],
    )


def unknowns(request: Request, site: Site) -> Response:
    """What we do not know, and somebody must confirm."""
    summary, p = _summary(request, site)
    return render(request, "unknowns", zone=p.zone, page="clauses", summary=summary)


def document(request: Request, path: str) -> Response:
    """A page of the Data Docs, in a sandbox without scripts or anything remote."""
    file = documents.find_document(path)
    if file is None:
        raise HTTPException(404)
    style = f"{base_of(request)}/static/data-docs.css?v={static_version()}"
    headers = {**HEADERS, "Content-Security-Policy": documents.SANDBOX}
    return Response(
        documents.read_document(file, style),
        media_type=documents.type_of(file),
        headers=headers,
    )


def static(name: str) -> Response:
    """A style sheet, script or icon of the page."""
    file = documents.find_static(name)
    if file is None:
        raise HTTPException(404)
    headers = {**HEADERS, "Cache-Control": "private, max-age=86400"}
    return Response(file.read_bytes(), media_type=documents.type_of(file), headers=headers)


def _find_set(site: Site, run_id: str, rule: str) -> OpenSet:
    wanted = _uuid(run_id)
    with reading(site) as connection:
        read_warehouse(connection)
        sets = read_open_sets(connection, site)
    for each in sets:
        if each.run_id == wanted and each.rule == rule:
            return each
    raise HTTPException(404)


def _barred(site: Site, user: Any, found: OpenSet) -> str | None:
    """Why this person may not answer; None if nothing stands in the way."""
    by = str(user.get_id())
    guards: list[tuple[str, Callable[[], Any]]] = [
        ("policy", lambda: require_approver(site.loaded.policy, by)),
        ("asked", lambda: require_four_eyes(by, found.requested_by)),
    ]
    if not has_right_to_decide(user):
        return "right"
    for reason, ask in guards:
        try:
            ask()
        except GuardStop:
            return reason
    if found.state != "waiting":
        return "settled"
    if found.policy_digest != site.digest:
        return "edition"
    if site.today() > question_of(found, site.loaded.policy).expires_on:
        return "late"
    return None


def _summary(request: Request, site: Site) -> tuple[Summary, Paper]:
    with reading(site) as connection:
        read_warehouse(connection)
        return read_summary(connection, site), _paper(request, site)


def _summary_or_none(connection: extensions.connection, site: Site) -> Summary | None:
    try:
        return read_summary(connection, site)
    except NoSummary:
        return None


def _paper(request: Request, site: Site) -> Paper:
    return Paper(wording(language_of(request), "console"), _zone(site))


def _titles(site: Site) -> dict[str, Mapping[Any, str]]:
    return {name: rule.title for name, rule in site.loaded.policy.rules.items()}


def _zone(site: Site) -> str:
    return site.loaded.policy.policy.time_zone


def _asked(request: Request) -> Asked:
    # The last value counts: the button of a header stands behind the hidden field.
    return Asked.of(dict(request.query_params))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise HTTPException(404) from None
