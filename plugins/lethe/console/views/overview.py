"""The first page."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Request, Response

from lethe.catalogue.site import Site
from lethe.console import pages
from lethe.console.rendering import render
from lethe.console.told import tell, tell_decisions
from lethe.console.views.frame import others_of, paper_of, summary_or_none, titles_of
from lethe.console.warehouse import read_health, read_nights, read_open_sets, reading
from lethe.evidence.initialise import read_warehouse


def overview(request: Request, site: Site) -> Response:
    """The first page: verdict, health, what needs somebody, and where to look."""
    p = paper_of(request, site)
    with reading(site) as connection:
        known = read_warehouse(connection)
        summary = summary_or_none(connection, site)
        asked_at = datetime.now(UTC)
        health = read_health(connection, site, asked_at)
        sets = read_open_sets(connection, site)
        nights = read_nights(connection, site)
        others = others_of(connection, site, summary, p)
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
        titles=titles_of(site),
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
