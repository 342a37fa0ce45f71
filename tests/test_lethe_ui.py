"""What Airflow is told of the page: menu, tabs, links; and that the page is made late."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import lethe_ui
import pytest
from lethe.console.app import make_app


def task(*tags: str) -> Any:
    return SimpleNamespace(get_dag=lambda: SimpleNamespace(tags=set(tags)))


def test_a_task_of_lethe_leads_to_the_page_of_its_run_and_others_nowhere() -> None:
    key = SimpleNamespace(dag_id="retention_sweep", run_id="scheduled__2026-06-01T01:30:00+00:00")
    link = lethe_ui.ConsoleLink()
    assert link.get_link(task("lethe", "retention"), ti_key=key) == (
        "/plugin/lethe/lethe/run?dag_id=retention_sweep"
        "&run_id=scheduled__2026-06-01T01%3A30%3A00%2B00%3A00"
    )
    assert link.get_link(task("somebody", "else"), ti_key=key) == ""
    assert link.get_link(SimpleNamespace(get_dag=lambda: None), ti_key=key) == ""


def test_every_view_leads_to_a_page_that_is_there() -> None:
    paths = {route.path for route in make_app(lambda: None).routes}  # type: ignore[arg-type,return-value]
    for view in lethe_ui.LethePlugin.external_views:
        assert view["href"].partition("?")[0].removeprefix("/lethe") in paths
    assert {view["destination"] for view in lethe_ui.LethePlugin.external_views} == {
        "nav", "dag", "dag_run",
    }  # fmt: skip
    routes = [view["url_route"] for view in lethe_ui.LethePlugin.external_views]
    assert len(set(routes)) == len(routes), "Airflow drops the second view of a route"


def test_the_page_is_made_once_at_the_first_request_and_knows_airflow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []
    seen: list[Any] = []

    async def page(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["lethe.airflow"])

    def make() -> Any:
        made.append(page)
        return page

    monkeypatch.setattr(lethe_ui, "_make", make)
    app = lethe_ui.HandOver()
    assert not made

    async def ask() -> None:
        scope = {"type": "http", "app": "Airflow"}
        await asyncio.gather(*(app(scope, None, None) for _ in range(5)))

    asyncio.run(ask())
    assert (len(made), seen) == (1, ["Airflow"] * 5)
