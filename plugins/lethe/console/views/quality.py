"""What the checks found, their Data Docs, and the files of the page itself."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import HTTPException

from lethe.catalogue.site import Site
from lethe.console import documents, pages
from lethe.console.rendering import HEADERS, base_of, render, static_version
from lethe.console.views.frame import asked_of, read_moment


def quality(request: Request, site: Site) -> Response:
    """What the checks found, by clause and suite, and their Data Docs."""
    summary, p = read_moment(request, site)
    found = summary.quality
    failed = [each[0] for each in found.failures] if found else []
    return render(
        request,
        "quality",
        zone=p.zone,
        page="quality",
        summary=summary,
        list=pages.check_list(found.suites if found else (), asked_of(request)),
        told_on={key: quote(path) for key, path in documents.pages_of(failed).items()},
        documents=[(name, quote(path)) for name, path in documents.list_documents()],
    )


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
