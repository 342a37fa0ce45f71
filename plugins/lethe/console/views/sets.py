"""Frozen sets that wait: the list of them, one of them, its export, and the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import HTTPException
from fastapi.responses import RedirectResponse, StreamingResponse

from lethe.catalogue.site import Site
from lethe.console import pages, waiting_list
from lethe.console.access import has_right_to_decide, name_of
from lethe.console.deciding import Answer, close_required_action, question_of, record_answer
from lethe.console.forms import FIELD, begin_form, keep_cookie, read_form
from lethe.console.rendering import HEADERS, base_of, render
from lethe.console.told import tell_decisions
from lethe.console.views.frame import (
    asked_of,
    others_of,
    paper_of,
    summary_or_none,
    titles_of,
    uuid_of,
    zone_of,
)
from lethe.console.warehouse import OpenSet, read_open_sets, reading
from lethe.errors import GuardStop
from lethe.evidence.initialise import read_warehouse
from lethe.guards.answers import require_approver, require_four_eyes


def waiting(request: Request, site: Site) -> Response:
    """What waits for a person, and what is being worked off."""
    with reading(site) as connection:
        read_warehouse(connection)
        sets = read_open_sets(connection, site)
        summary = summary_or_none(connection, site)
        p = paper_of(request, site)
        others = others_of(connection, site, summary, p)
    return render(
        request,
        "waiting",
        zone=p.zone,
        page="waiting",
        list=pages.set_list(sets, asked_of(request)),
        titles=titles_of(site),
        others=others,
        told_decisions=tell_decisions(summary, p.words.language) if summary else [],
        done=request.query_params.get("done", ""),
    )


def one_set(request: Request, site: Site, user: Any, run_id: str, rule: str) -> Response:
    """One set: the figures to judge by, its list, and the form for the answer."""
    found = _find_set(site, run_id, rule)
    policy = site.loaded.policy
    asked = asked_of(request)
    file = waiting_list.list_file(found.run_id, found.rule)
    listed = waiting_list.read_page(file, asked) if file else None
    cookie, token = begin_form(request, name_of(user))
    answer = render(
        request,
        "set",
        zone=zone_of(site),
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
        waiting_list.export(file, asked_of(request)),
        media_type="text/csv; charset=utf-8",
        headers={
            **HEADERS,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "X-Lethe-Digest": digest,
        },
    )


async def decide(request: Request, site: Site, user: Any, run_id: str, rule: str) -> Response:
    """Take an answer, record it, and let Airflow's Required Action follow."""
    by = name_of(user)
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


def _find_set(site: Site, run_id: str, rule: str) -> OpenSet:
    wanted = uuid_of(run_id)
    with reading(site) as connection:
        read_warehouse(connection)
        sets = read_open_sets(connection, site)
    for each in sets:
        if each.run_id == wanted and each.rule == rule:
            return each
    raise HTTPException(404)


def _barred(site: Site, user: Any, found: OpenSet) -> str | None:
    """Why this person may not answer; None if nothing stands in the way."""
    by = name_of(user)
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
