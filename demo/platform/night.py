"""One night through the real scheduler: every nightly DAG in its order, waited for to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.platform.errors import NightFailed, PlatformError
from demo.platform.rest import Api

# Their order is that of the mission; those whose file is not in the dags folder are left out.
NIGHTLY = (
    "log_pseudonymisation",
    "invoice_archive",
    "retention_sweep",
    "subject_requests",
    "data_quality",
    "policy_notice",
    "compliance_report",
)
REPORT = "compliance_report"
_PARSED_WITHIN_S = 120
_SCHEDULED_WITHIN_S = 20
_ENDED_WITHIN_S = 1800
_OVER = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True)
class Task:
    """One task instance as the scheduler sees it."""

    name: str
    map_index: int
    state: str
    try_number: int

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Task:
        label = answer.get("rendered_map_index")
        index = int(answer.get("map_index", -1))
        name = str(answer["task_id"]) + (f" [{label or index}]" if index >= 0 else "")
        return cls(name, index, str(answer.get("state") or "none"), int(answer["try_number"]))


@dataclass(frozen=True, slots=True)
class Run:
    """One DAG run of the night."""

    dag_id: str
    run_id: str
    state: str
    seconds: float
    tasks: tuple[Task, ...] = field(default=())

    @property
    def failed(self) -> bool:
        return self.state == "failed"


Listener = Callable[[Run], None]


def nightly_dags(folder: Path) -> list[str]:
    """Name the DAGs of the night that exist, in their order."""
    return [dag_id for dag_id in NIGHTLY if (folder / f"{dag_id}.py").exists()]


def run_night(api: Api, dag_ids: list[str], listen: Listener) -> list[Run]:
    """Run each DAG in turn; after a failed one only the report runs, as it does by the clock.

    A DAG whose cron slot of last night was missed is started by the scheduler itself as soon as
    it is unpaused; the others are triggered.
    """
    runs: list[Run] = []
    for dag_id in dag_ids:
        if dag_id != REPORT and any(run.failed for run in runs):
            continue
        _wait_until_parsed(api, dag_id)
        runs += _run_dag(api, dag_id, listen)
    return runs


def pause(api: Api, dag_ids: list[str]) -> None:
    """Let nothing start by itself any more."""
    for dag_id in dag_ids:
        api.patch(f"/dags/{dag_id}", {"is_paused": True})


def _run_dag(api: Api, dag_id: str, listen: Listener) -> list[Run]:
    known = {run.run_id: run for run in _last_runs(api, dag_id)}
    unfinished = {run.run_id for run in known.values() if run.state not in _OVER}
    was_due = _next_run_is_due(api.get(f"/dags/{dag_id}/details"))
    api.patch(f"/dags/{dag_id}", {"is_paused": False})
    if unfinished:
        # A crash left them; the scheduler sees them through, well or badly.
        _follow(api, dag_id, listen, lambda run: run.run_id in unfinished)
    comes = was_due and _comes_by_itself(api, dag_id, known.keys())
    if not comes or "periods" in _params(api, dag_id):
        # The report of a night that has just been run is not that of the last slot.
        _trigger(api, dag_id)
    return _follow(api, dag_id, listen, lambda run: run.run_id not in known)


def _follow(api: Api, dag_id: str, listen: Listener, concerns: Callable[[Run], bool]) -> list[Run]:
    deadline = time.monotonic() + _ENDED_WITHIN_S
    while True:
        runs = [run for run in _last_runs(api, dag_id) if concerns(run)]
        for run in runs:
            listen(run)
        if runs and all(run.state in _OVER for run in runs):
            return runs
        if time.monotonic() > deadline:
            raise NightFailed(f"{dag_id} did not end within {_ENDED_WITHIN_S // 60} minutes")
        time.sleep(0.5)


def _wait_until_parsed(api: Api, dag_id: str) -> None:
    deadline = time.monotonic() + _PARSED_WITHIN_S
    while api.find(f"/dags/{dag_id}/details") is None:
        for error in api.get("/importErrors").get("import_errors", ()):
            if Path(error["filename"]).stem == dag_id:
                raise NightFailed(f"dags/{dag_id}.py cannot be imported:\n{error['stack_trace']}")
        if time.monotonic() > deadline:
            raise NightFailed(f"Airflow did not find {dag_id} within {_PARSED_WITHIN_S} s")
        time.sleep(1)


def _next_run_is_due(details: Mapping[str, Any]) -> bool:
    after = details.get("next_dagrun_run_after")
    return (
        bool(details.get("is_paused"))
        and isinstance(after, str)
        and datetime.fromisoformat(after) <= datetime.now(UTC)
    )


def _comes_by_itself(api: Api, dag_id: str, known: Container[str]) -> bool:
    deadline = time.monotonic() + _SCHEDULED_WITHIN_S
    while time.monotonic() < deadline:
        if any(run.run_id not in known for run in _last_runs(api, dag_id)):
            return True
        time.sleep(0.5)
    return False


def _trigger(api: Api, dag_id: str) -> None:
    """Trigger by hand; a form that offers a dry run by default is told to be in earnest."""
    wanted = {"dry_run": False, "periods": ["day", "month"]}
    params = _params(api, dag_id)
    conf = {name: value for name, value in wanted.items() if name in params}
    api.post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})


def _params(api: Api, dag_id: str) -> Mapping[str, Any]:
    """The form of a DAG."""
    return api.get(f"/dags/{dag_id}/details").get("params") or {}


def _last_runs(api: Api, dag_id: str) -> list[Run]:
    answer = api.get(f"/dags/{dag_id}/dagRuns", order_by="-id", limit=5)
    runs = []
    for found in reversed(answer["dag_runs"]):
        path = f"/dags/{dag_id}/dagRuns/{found['dag_run_id']}/taskInstances"
        tasks = api.get(path, limit=500)["task_instances"]
        runs.append(
            Run(
                dag_id,
                str(found["dag_run_id"]),
                str(found["state"]),
                _seconds(found),
                tuple(Task.from_answer(task) for task in tasks),
            )
        )
    return runs


def _seconds(found: Mapping[str, Any]) -> float:
    start = found.get("start_date")
    if not start:
        return 0.0
    end = datetime.fromisoformat(found["end_date"]) if found.get("end_date") else datetime.now(UTC)
    return (end - datetime.fromisoformat(start)).total_seconds()


def failed_task_log(api: Api, run: Run, count: int = 15) -> str:
    """Quote the last lines that the failing tasks of a run wrote."""
    quoted = []
    for task in run.tasks:
        if task.state != "failed":
            continue
        task_id = task.name.partition(" [")[0]
        path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/logs"
        try:
            answer = api.get(
                f"{path}/{max(task.try_number, 1)}", map_index=task.map_index, full_content=True
            )
        except PlatformError as error:
            quoted.append(f"{task.name}: its log cannot be read: {error}")
            continue
        lines = [_line(part) for part in answer.get("content", ())]
        lines = [line for line in lines if not line.startswith("::")]
        quoted.append("\n  ".join([f"{task.name}:", *lines[-count:]]))
    return "\n".join(quoted) or "no task failed; see the scheduler's log"


def _line(part: object) -> str:
    if not isinstance(part, dict):
        return str(part)
    error = ""
    for detail in part.get("error_detail") or ():
        error = f": {detail.get('exc_type')}: {detail.get('exc_value')}"
    return f"{part.get('event', part)}{error}"
