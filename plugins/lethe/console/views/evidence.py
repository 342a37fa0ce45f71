"""Archive, ledger, logs and keys; holds and restrictions."""

from __future__ import annotations

from fastapi import Request, Response

from lethe.catalogue.site import Site
from lethe.console import pages
from lethe.console.rendering import render
from lethe.console.views.frame import asked_of, read_moment, zone_of
from lethe.console.warehouse import read_holds, reading
from lethe.evidence.initialise import read_warehouse


def evidence(request: Request, site: Site) -> Response:
    """Keys, the archive's head, the ledger's seal, who signs."""
    summary, p = read_moment(request, site)
    return render(
        request,
        "evidence",
        zone=p.zone,
        page="evidence",
        summary=summary,
        list=pages.key_list(summary.keys, asked_of(request)),
    )


def holds(request: Request, site: Site) -> Response:
    """Holds and restrictions in force, and when each is reviewed."""
    with reading(site) as connection:
        read_warehouse(connection)
        found = read_holds(connection)
    return render(
        request,
        "holds",
        zone=zone_of(site),
        page="holds",
        today=site.today(),
        list=pages.hold_list(found, asked_of(request)),
        late=sum(hold.review_on < site.today() for hold in found),
    )
