"""A home of its own for every test of the platform; and the whole platform, once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from demo.platform import airflow_services, lifecycle, mail_sink
from demo.platform.home import PROJECT, Home
from demo.platform.night import Run
from demo.platform.rest import Api

HEAD = """
import pendulum
from airflow.sdk import Param, dag, get_current_context, task
begin = pendulum.datetime(2026, 1, 1, tz="Europe/Luxembourg")
"""
DAGS = {
    "invoice_archive": HEAD
    + """
@dag(schedule="30 3 * * *", start_date=begin, catchup=False, params={"dry_run": Param(True)})
def invoice_archive():
    @task
    def warehouse_role():
        from airflow.sdk import BaseHook
        from lethe.connections import open_warehouse
        get_current_context()["ti"].xcom_push(key="lethe_note", value="9 erased, 3 stayed")
        assert BaseHook.get_connection("lethe_warehouse").login == "demo_runner"
        with open_warehouse() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            return cursor.fetchone()[0]
    warehouse_role()
invoice_archive()
""",
    "data_quality": HEAD
    + """
@dag(schedule=None, start_date=begin)
def data_quality():
    @task
    def look():
        raise ValueError("three checks are untrue")
    look()
data_quality()
""",
    "policy_notice": "from airflow.sdk import dag\nthis is no Python\n",
    "ask": HEAD
    + """
from airflow.providers.standard.operators.hitl import HITLOperator
@dag(schedule=None, start_date=begin, is_paused_upon_creation=False)
def ask():
    HITLOperator(task_id="approve", subject="Erase?", options=["Approve", "Reject"])
ask()
""",
}


@pytest.fixture
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="lethe-test-"))
    folder.chmod(0o755)
    home = Home(folder / "var")
    try:
        yield home
    finally:
        lifecycle.bring_down(home)
        shutil.rmtree(folder)


@dataclass
class Platform:
    ground: lifecycle.Ground
    home: Home
    seen: list[str] = field(default_factory=list)

    def api(self, user: str) -> Api:
        return Api(self.ground.address, user, self.ground.credentials.ui[user])

    def listen(self, run: Run) -> None:
        self.seen.append(run.state)


@pytest.fixture(scope="module")
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """The platform, once a file of tests: DAGs of their own beside real ones.

    A file names in REAL_DAGS which; else they are the sweep and its approval. `LETHE_POLICY` names
    a file that whoever runs the real DAGs writes first.
    """
    folder = Path(tempfile.mkdtemp(prefix="lethe-test-"))
    folder.chmod(0o755)
    (folder / "dags").mkdir()
    for name, text in DAGS.items():
        (folder / "dags" / f"{name}.py").write_text(text)
    for name in getattr(request.module, "REAL_DAGS", ("retention_sweep", "sweep_approval")):
        shutil.copy(PROJECT / "dags" / f"{name}.py", folder / "dags")
    home = Home(folder / "var")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LETHE_PORT", str(mail_sink.free_port()))
        patch.setenv("LETHE_DAGS", str(folder / "dags"))
        patch.setenv("LETHE_POLICY", str(folder / "policy.yaml"))
        try:
            ground = lifecycle.lay_ground(home)
            lifecycle.start_airflow(ground)
            airflow_services.wait_until_ready(home, ground.api(), lambda _: None)
            yield Platform(ground, home)
        finally:
            lifecycle.bring_down(home)
            shutil.rmtree(folder)
