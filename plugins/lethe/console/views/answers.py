"""The pages on which an edition and the end of keys are answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import HTTPException
from fastapi.responses import RedirectResponse

from lethe.catalogue.site import Site
from lethe.console.access import has_right_to_decide, name_of
from lethe.console.deciding import Answer
from lethe.console.forms import FIELD, begin_form, keep_cookie, read_form
from lethe.console.other_answers import (
    OpenEdition,
    find_edition,
    find_keys,
    record_edition,
    record_keys,
    record_seen,
    require_may_decide,
)
from lethe.console.rendering import HEADERS, base_of, render
from lethe.console.warehouse import reading
from lethe.errors import GuardStop, UsageError
from lethe.evidence.initialise import read_warehouse
from lethe.guards.answers import require_approver
from lethe.guards.findings import Finding, digest_of, read_findings


def one_edition(request: Request, site: Site, user: Any, digest: str) -> Response:
    """An edition of the policy: what it changes in words and in rows, and the form."""
    found = _edition(site, digest)
    barred = _barred(user, lambda by: require_may_decide(found, by))
    clusters = {name: each.title for name, each in site.loaded.policy.clusters.items()}
    return _asked(request, site, user, "edition", barred, found=found, clusters=clusters)


def keys(request: Request, site: Site, user: Any) -> Response:
    """The keys that are due and more than a night may destroy, and the form."""
    found = find_keys(site)
    policy = site.loaded.policy
    barred = _barred(user, lambda by: require_approver(policy, by))
    if found is not None and found.decision is not None and barred is None:
        barred = "settled" if found.decision.decision == "approve" else None
    return _asked(request, site, user, "keys", barred, found=found)


def returned(request: Request, site: Site, user: Any) -> Response:
    """Who came back and which keys are used again, by token alone, and the form to mark them."""
    found = _findings(site)
    policy = site.loaded.policy
    barred = _barred(user, lambda by: require_approver(policy, by))
    titles = {name: kind.title for name, kind in policy.subjects.items()}
    values = {"found": found, "digest": digest_of(found).hex(), "titles": titles}
    return _asked(request, site, user, "returned", barred, **values)


async def mark_returned(request: Request, site: Site, user: Any) -> Response:
    """Mark exactly the findings of the page as seen."""
    by = name_of(user)
    said = Answer.of(await read_form(request, by))
    found = await run_in_threadpool(_findings, site)
    said.require_sense(digest_of(found))
    if said.decision != "approve":
        raise UsageError("no_decision")
    await run_in_threadpool(record_seen, site, found, said, by)
    return _recorded(request, said)


def _findings(site: Site) -> list[Finding]:
    with reading(site) as connection:
        read_warehouse(connection)
        return read_findings(connection, site.edition[0])


async def decide_edition(request: Request, site: Site, user: Any, digest: str) -> Response:
    """Take an answer about an edition and record it."""
    by = name_of(user)
    said = Answer.of(await read_form(request, by))
    found = await run_in_threadpool(_edition, site, digest)
    said.require_sense(found.diff_digest)
    await run_in_threadpool(record_edition, site, found, said, by)
    return _recorded(request, said)


async def decide_keys(request: Request, site: Site, user: Any) -> Response:
    """Take an answer about the end of keys and record it."""
    by = name_of(user)
    said = Answer.of(await read_form(request, by))
    found = await run_in_threadpool(find_keys, site)
    if found is None:
        raise GuardStop("no keys wait for an approval any more")
    said.require_sense(found.digest)
    await run_in_threadpool(record_keys, site, found, said, by)
    return _recorded(request, said)


def _asked(
    request: Request, site: Site, user: Any, page: str, barred: str | None, **values: Any
) -> Response:
    cookie, token = begin_form(request, name_of(user))
    policy = site.loaded.policy
    answer = render(
        request,
        page,
        zone=policy.policy.time_zone,
        page="waiting",
        barred=barred,
        approvers=policy.guards.approvers,
        form=(FIELD, token),
        **values,
    )
    keep_cookie(request, answer, cookie)
    return answer


def _recorded(request: Request, said: Answer) -> Response:
    place = f"{base_of(request)}/waiting?done={said.decision}"
    return RedirectResponse(place, 303, headers=HEADERS)


def _edition(site: Site, digest: str) -> OpenEdition:
    with reading(site) as connection:
        read_warehouse(connection)
        found = find_edition(connection, site.edition[0], digest)
    if found is None:
        raise HTTPException(404)
    return found


def _barred(user: Any, guard: Callable[[str], None]) -> str | None:
    """Why this person may not answer; None if nothing stands in the way."""
    if not has_right_to_decide(user):
        return "right"
    try:
        guard(name_of(user))
    except GuardStop:
        return "policy"
    return None
