"""The promises, the rules that keep them, and what somebody must confirm."""

from __future__ import annotations

from fastapi import Request, Response

from lethe.catalogue.site import Site
from lethe.console import pages
from lethe.console.rendering import render
from lethe.console.views.frame import asked_of, read_moment


def clauses(request: Request, site: Site) -> Response:
    """The clause trace: promise, rule, control, tests, last evidence."""
    summary, p = read_moment(request, site)
    share, verdicts = pages.verdict_chart(summary.clauses, p)
    return render(
        request,
        "clauses",
        zone=p.zone,
        page="clauses",
        summary=summary,
        list=pages.clause_list(summary.clauses, asked_of(request), p),
        verdicts=verdicts,
        verdicts_chart=share,
        untested=sum(pages.is_untested(clause) for clause in summary.clauses),
        is_untested=pages.is_untested,
    )


def rules(request: Request, site: Site) -> Response:
    """Every deletion rule: due, erased, kept and why, backlog, what comes."""
    summary, p = read_moment(request, site)
    return render(
        request,
        "rules",
        zone=p.zone,
        page="rules",
        summary=summary,
        list=pages.rule_list(summary.rules, asked_of(request), p),
        states=sorted({rule.state for rule in summary.rules}),
        due_chart=pages.due_chart(summary.rules, p),
        backlog_chart=pages.backlog_chart(summary.rules, p),
    )


def unknowns(request: Request, site: Site) -> Response:
    """What we do not know, and somebody must confirm."""
    summary, p = read_moment(request, site)
    return render(request, "unknowns", zone=p.zone, page="clauses", summary=summary)
