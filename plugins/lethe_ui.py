"""Lethe in Airflow: the page in the left menu, its tabs, a link from every task, the late hour.

Airflow executes this file in every process, tasks included: the page itself is imported when the
API server gets the first request for it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import BaseOperatorLink
from airflow.sdk.definitions.deadline import BaseDeadlineReference

ROOT = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
IN_AIRFLOW = f"{ROOT}/plugin/lethe/lethe"
"""Where a page stands with Airflow's menu around it: this, then its own path."""


class HandOver:
    """The ASGI application that Airflow mounts; it makes the real one at the first request."""

    def __init__(self) -> None:
        self._app: Any = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            async with self._making:
                if self._app is None:
                    self._app = await asyncio.to_thread(_make)
        # The mounted application replaces scope["app"]; decisions need Airflow's own.
        await self._app({**scope, "lethe.airflow": scope.get("app")}, receive, send)


def _make() -> Any:
    from lethe.console.app import make_app

    return make_app()


class ConsoleLink(BaseOperatorLink):
    """From a task of Lethe to the page of its run; other DAGs get no link."""

    name = "Lethe"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Say where the page of the run is; '' for a DAG without the tag `lethe`."""
        dag = operator.get_dag()
        if dag is None or "lethe" not in (getattr(dag, "tags", None) or ()):
            return ""
        which = urlencode({"dag_id": ti_key.dag_id, "run_id": ti_key.run_id})
        return f"{IN_AIRFLOW}/run?{which}"


class SweepDoneBy(BaseDeadlineReference):
    """The hour by which a night of the sweep should be done; the policy names it."""

    required_kwargs = frozenset({"dag_id", "run_id"})

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> datetime | None:
        from airflow.models import DagRun
        from lethe.tasks.alarms import due_hour
        from sqlalchemy import select

        asked = select(DagRun.run_after).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
        run_after = session.scalar(asked)
        return None if run_after is None else due_hour(run_after)


class LethePlugin(AirflowPlugin):
    """What Airflow is told."""

    name = "lethe"
    fastapi_apps = [{"app": HandOver(), "url_prefix": "/lethe", "name": "Lethe"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Lethe",
            "href": f"{ROOT}/lethe/",
            "destination": "nav",
            "url_route": "lethe",
            "icon": f"{ROOT}/lethe/static/icon-light.svg",
            "icon_dark_mode": f"{ROOT}/lethe/static/icon-dark.svg",
            "nav_top_level": True,
        },
        {
            "name": "Lethe",
            "href": f"{ROOT}/lethe/run?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "lethe-run",
        },
        {
            "name": "Lethe",
            "href": f"{ROOT}/lethe/dag?dag_id={{DAG_ID}}",
            "destination": "dag",
            "url_route": "lethe-dag",
        },
    ]
    deadline_references = [SweepDoneBy]  # noqa: RUF012
    global_operator_extra_links = [ConsoleLink()]  # noqa: RUF012
