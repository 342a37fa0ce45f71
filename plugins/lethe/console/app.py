"""The page in the Airflow UI: routes, each with the right that it takes.

Airflow mounts this at `/lethe`; `lethe_ui.py` makes it at the first request.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import HTTPException
from fastapi.responses import RedirectResponse

from lethe.catalogue.site import Site
from lethe.console.access import DECIDING, LOOKING
from lethe.console.rendering import COOKIE as LANGUAGE_COOKIE
from lethe.console.rendering import HEADERS, base_of, render
from lethe.console.troubles import trouble_of
from lethe.console.views import answers, evidence, overview, promises, quality, runs, sets
from lethe.console.warehouse import NoSummary
from lethe.errors import LetheError
from lethe.include import include_folder
from lethe.reporting.words import LANGUAGES

log = logging.getLogger(__name__)
SiteMaker = Callable[[], Site]


def make_app(site: SiteMaker | None = None) -> FastAPI:
    """Make the page; `site` gives the warehouse and its policy, by default those of Airflow."""
    app = FastAPI(
        title="Lethe",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=LOOKING,
    )
    app.state.site = site or SiteOfAirflow()
    _add_pages(app)
    _add_files(app)
    _add_acts(app)

    @app.get("/{path:path}", name="nowhere")
    def nowhere(path: str) -> Response:
        raise HTTPException(404, path)

    app.add_exception_handler(HTTPException, lambda request, error: _trouble(request, app, error))
    app.add_exception_handler(LetheError, lambda request, error: _trouble(request, app, error))
    app.add_exception_handler(Exception, lambda request, error: _trouble(request, app, error))
    return app


class SiteOfAirflow:
    """The site that this Airflow works on; the policy is read anew when its file changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[tuple[str, int, int], Site] | None = None

    def __call__(self) -> Site:
        default = include_folder() / "policy" / "mentorsig.yaml"
        file = Path(os.environ.get("LETHE_POLICY") or default)
        try:
            stat = file.stat()
            stamp = (str(file), stat.st_mtime_ns, stat.st_size)
        except OSError:
            stamp = (str(file), 0, 0)
        with self._lock:
            if self._known is None or self._known[0] != stamp:
                self._known = (stamp, Site.at(None, str(file)))
            return self._known[1]


def _add_pages(app: FastAPI) -> None:
    pages: dict[str, Callable[..., Response]] = {
        "/": overview.overview,
        "/clauses": promises.clauses,
        "/rules": promises.rules,
        "/runs": runs.runs,
        "/holds": evidence.holds,
        "/evidence": evidence.evidence,
        "/quality": quality.quality,
        "/unknowns": promises.unknowns,
        "/dag": runs.dag,
        "/run": runs.dag_run,
    }
    for path, view in pages.items():
        app.add_api_route(path, _page(app, view), methods=["GET"], name=path)

    @app.get("/waiting")
    def waiting(request: Request) -> Response:
        return sets.waiting(request, app.state.site())

    @app.get("/waiting/edition/{digest}")
    def one_edition(request: Request, user: GetUserDep, digest: str) -> Response:
        return answers.one_edition(request, app.state.site(), user, digest)

    @app.get("/waiting/keys")
    def keys(request: Request, user: GetUserDep) -> Response:
        return answers.keys(request, app.state.site(), user)

    @app.get("/waiting/returned")
    def returned(request: Request, user: GetUserDep) -> Response:
        return answers.returned(request, app.state.site(), user)

    @app.get("/waiting/{run_id}/{rule}")
    def one_set(request: Request, user: GetUserDep, run_id: str, rule: str) -> Response:
        return sets.one_set(request, app.state.site(), user, run_id, rule)

    @app.get("/waiting/{run_id}/{rule}/list.csv")
    def set_list(request: Request, run_id: str, rule: str) -> Response:
        return sets.set_list(request, app.state.site(), run_id, rule)

    @app.get("/runs/{run_id}")
    def one_run(request: Request, run_id: str) -> Response:
        return runs.one_run(request, app.state.site(), run_id)


def _page(app: FastAPI, view: Callable[..., Response]) -> Callable[..., Response]:
    def page(request: Request) -> Response:
        return view(request, app.state.site())

    return page


def _add_files(app: FastAPI) -> None:
    @app.get("/static/{name}")
    def static(name: str) -> Response:
        return quality.static(name)

    @app.get("/quality/docs/{path:path}")
    def docs(request: Request, path: str) -> Response:
        return quality.document(request, path)


def _add_acts(app: FastAPI) -> None:
    @app.post("/waiting/edition/{digest}/decision", dependencies=DECIDING)
    async def decide_edition(request: Request, user: GetUserDep, digest: str) -> Response:
        site: Site = await run_in_threadpool(app.state.site)
        return await answers.decide_edition(request, site, user, digest)

    @app.post("/waiting/keys/decision", dependencies=DECIDING)
    async def decide_keys(request: Request, user: GetUserDep) -> Response:
        site: Site = await run_in_threadpool(app.state.site)
        return await answers.decide_keys(request, site, user)

    @app.post("/waiting/returned/decision", dependencies=DECIDING)
    async def mark_returned(request: Request, user: GetUserDep) -> Response:
        site: Site = await run_in_threadpool(app.state.site)
        return await answers.mark_returned(request, site, user)

    @app.post("/waiting/{run_id}/{rule}/decision", dependencies=DECIDING)
    async def decide(request: Request, user: GetUserDep, run_id: str, rule: str) -> Response:
        site: Site = await run_in_threadpool(app.state.site)
        return await sets.decide(request, site, user, run_id, rule)

    @app.get("/language")
    def language(request: Request, to: str = "en", back: str = "/") -> Response:
        base = base_of(request)
        # Nothing but a path of our own: no host can stand in it.
        path = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
        answer = RedirectResponse(f"{base}{path}", 303, headers=HEADERS)
        if to in LANGUAGES:
            answer.set_cookie(
                LANGUAGE_COOKIE, to, path=base or "/", samesite="lax", max_age=31_536_000
            )
        return answer


def _trouble(request: Request, app: FastAPI, error: Exception) -> Response:
    """A page that says what is wrong and the way out; never a traceback, never a value."""
    status, kind, said = trouble_of(error)
    if status == 500:
        log.error("The page failed: %s", type(error).__name__)
    zone = "UTC"
    with contextlib.suppress(LetheError):
        zone = app.state.site().loaded.policy.policy.time_zone
    sign_in: str | None = None
    if status == 401:
        from airflow.api_fastapi.app import get_auth_manager

        sign_in = get_auth_manager().get_url_login(next_url=str(request.url.path))
    return render(
        request,
        "trouble",
        zone=zone,
        status=status,
        page="" if not isinstance(error, NoSummary) else "overview",
        kind=kind,
        said=said,
        sign_in=sign_in,
    )
