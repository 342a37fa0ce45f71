"""The whole platform, once: real services, a real scheduler, the three users."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from demo.platform import airflow_services, lifecycle, processes
from demo.platform.errors import NightFailed, PlatformError
from demo.platform.night import failed_task_log, nightly_dags, pause, run_night
from demo.platform.rest import Api
from tests.demo.conftest import Platform

pytestmark = pytest.mark.airflow


def test_the_night_runs_what_was_missed_and_a_second_one_is_triggered_in_earnest(
    platform: Platform,
) -> None:
    api = platform.ground.api()
    first, second = (run_night(api, ["invoice_archive"], platform.listen) for _ in range(2))
    assert [run.state for run in first + second] == ["success", "success"]
    assert [run.run_id.partition("__")[0] for run in first + second] == ["scheduled", "manual"]
    triggered = api.get(f"/dags/invoice_archive/dagRuns/{second[0].run_id}")
    assert triggered["conf"] == {"dry_run": False}
    assert platform.seen[-1] == "success"
    pause(api, ["invoice_archive"])
    assert api.get("/dags/invoice_archive")["is_paused"] is True


def test_the_warehouse_is_reached_as_the_runner_from_a_task(platform: Platform) -> None:
    api = platform.ground.api()
    (run,) = run_night(api, ["invoice_archive"], platform.listen)
    path = f"/dags/invoice_archive/dagRuns/{run.run_id}/taskInstances/warehouse_role/xcomEntries"
    assert api.get(f"{path}/return_value")["value"] == "demo_runner"


def test_what_a_task_says_of_its_night_is_noted_on_the_run(platform: Platform) -> None:
    api = platform.ground.api()
    (run,) = run_night(api, ["invoice_archive"], platform.listen)
    assert api.get(f"/dags/invoice_archive/dagRuns/{run.run_id}")["note"] == "9 erased, 3 stayed"


def test_a_failed_run_ends_the_night_and_its_reason_is_quoted(platform: Platform) -> None:
    api = platform.ground.api()
    runs = run_night(api, ["data_quality", "invoice_archive"], platform.listen)
    assert [(run.dag_id, run.state) for run in runs] == [("data_quality", "failed")]
    assert "three checks are untrue" in failed_task_log(api, runs[0])


def test_a_dag_that_cannot_be_imported_is_said_with_its_reason(platform: Platform) -> None:
    with pytest.raises(NightFailed, match="SyntaxError"):
        run_night(platform.ground.api(), ["policy_notice"], platform.listen)


def test_the_nights_dags_are_those_that_exist_in_their_order(platform: Platform) -> None:
    folder = platform.home.root.parent / "dags"
    assert nightly_dags(folder) == [
        "invoice_archive",
        "retention_sweep",
        "data_quality",
        "policy_notice",
    ]


def test_nobody_gets_in_without_a_password(platform: Platform) -> None:
    for path in ("/api/v2/dags", "/api/v2/connections", "/api/v2/dags/ask/dagRuns"):
        assert httpx.get(f"{platform.ground.address}{path}", trust_env=False).status_code == 401
    wrong = Api(platform.ground.address, "engineer", "wrong")
    with pytest.raises(PlatformError, match="did not let the user engineer in"):
        wrong.get("/dags")


def test_only_the_engineer_triggers_and_sees_connections(platform: Platform) -> None:
    assert platform.api("engineer").get("/connections")["connections"] is not None
    for user in ("dpo", "viewer"):
        assert platform.api(user).get("/dags")["dags"]
        with pytest.raises(PlatformError, match="403"):
            platform.api(user).get("/connections")
        with pytest.raises(PlatformError, match="403"):
            platform.api(user).post("/dags/ask/dagRuns", {"logical_date": None})
        with pytest.raises(PlatformError, match="403"):
            platform.api(user).patch("/dags/ask", {"is_paused": True})


def test_only_the_approver_answers_an_approval(platform: Platform) -> None:
    engineer = platform.api("engineer")
    run_id = engineer.post("/dags/ask/dagRuns", {"logical_date": None})["dag_run_id"]
    path = f"/dags/ask/dagRuns/{run_id}/taskInstances/approve"
    _wait_for(engineer, path, "awaiting_input")
    time.sleep(6)  # an answer that comes too soon fails the task (Airflow 3.3.2)
    answer = {"chosen_options": ["Approve"], "params_input": {}}
    for user in ("engineer", "viewer"):
        with pytest.raises(PlatformError, match="403"):
            platform.api(user).patch(f"{path}/-1/hitlDetails", answer)
    dpo = platform.api("dpo")
    with pytest.raises(PlatformError, match="403"):
        dpo.patch(path, {"new_state": "success"})
    dpo.patch(f"{path}/-1/hitlDetails", answer)
    _wait_for(engineer, path, "success")


def _wait_for(api: Api, path: str, state: str) -> None:
    deadline = time.monotonic() + 60
    while (found := api.get(path)["state"]) != state:
        assert found != "failed"
        assert time.monotonic() < deadline, f"{path} is {found}"
        time.sleep(0.5)


def test_nothing_listens_beyond_this_machine(platform: Platform) -> None:
    ours = {process.pid for process in processes.running(platform.home)}
    lines = subprocess.run(
        ["ss", "-ltnupH"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    listening = [line for line in lines if any(f"pid={pid}," in line for pid in ours)]
    assert len(listening) == 2
    assert all("127.0.0.1:" in line.split()[4] for line in listening)


def test_a_killed_scheduler_is_started_again_and_alone(platform: Platform) -> None:
    before = {p.service: p.pid for p in processes.running(platform.home)}
    for process in processes.running(platform.home):
        if process.service == "scheduler" and os.getsid(process.pid) == process.pid:
            os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while "scheduler" in processes.services(platform.home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert lifecycle.start_airflow(platform.ground) == ["scheduler"]
    airflow_services.wait_until_ready(platform.home, platform.ground.api(), lambda _: None)
    after = {p.service: p.pid for p in processes.running(platform.home)}
    assert after["api-server"] == before["api-server"]


def test_no_password_stands_on_a_command_line_or_in_a_log(platform: Platform) -> None:
    known = platform.ground.credentials
    secrets = [*known.roles.values(), *known.ui.values(), *known.airflow.values()]
    for process in processes.running(platform.home):
        arguments = (Path("/proc") / str(process.pid) / "cmdline").read_bytes().decode()
        assert not [secret for secret in secrets if secret in arguments]
    for log in platform.home.logs.rglob("*"):
        if log.is_file():
            words = log.read_text(errors="replace")
            assert not [secret for secret in secrets if secret in words], log


def test_after_coming_down_no_process_is_left(platform: Platform) -> None:
    ended = lifecycle.bring_down(platform.home)
    assert {*airflow_services.SERVICES, "mail-sink", "postgresql"} == set(ended)
    assert lifecycle.remaining(platform.home) == []
    assert lifecycle.bring_down(platform.home) == []
