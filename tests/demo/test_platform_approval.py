"""A night over its caps through the real Airflow: asked, answered by four people's clicks, done.

One night, in the order in which it happens: late, then asked, then answered.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email import policy as email_policy
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from demo.platform import airflow_services
from demo.platform.credentials import METADATA, WAREHOUSE
from demo.platform.errors import PlatformError
from demo.platform.home import PROJECT
from demo.platform.night import pause, run_night
from tests.demo.conftest import Platform
from tests.small_policy import small_policy

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

RULES = ("approved", "expired", "marked", "quick", "rejected")
TABLES = "".join(
    f"CREATE TABLE public.{rule} (id int PRIMARY KEY, email text, left_on date);"
    f"INSERT INTO public.{rule} VALUES (1, 'a@example.invalid', '2020-01-31'),"
    " (2, 'b@example.invalid', '2021-01-31'), (3, 'c@example.invalid', NULL);"
    for rule in RULES
)
HEAD = """
guards:
  done_by: "03:31"
  approvers: [{user: dpo, name: Officer}]
mail:
  sender: lethe@example.invalid
  recipients:
    - {email: dpo@example.invalid, language: fr, reports: [alarm]}
    - {email: boss@example.invalid, reports: [month]}
subjects:
"""


def policy_text() -> str:
    caps = {rule: 5 if rule == "quick" else 1 for rule in RULES}
    lines = [HEAD]
    lines += [
        f"  {r}: {{table: public.{r}, key: id, identifiers: {{email: email}}}}" for r in RULES
    ]
    lines += ["clusters:", *(f"  {rule}: {{subject: {rule}}}" for rule in RULES), "tables:"]
    lines += [
        f"  public.{r}: {{cluster: {r}, columns: {{email: contact}}, not_personal: [id, left_on]}}"
        for r in RULES
    ]
    lines += ["rules:"]
    lines += [
        f"  {rule}: {{cluster: {rule}, cap: {{subjects: {caps[rule]}}},"
        " starting_point: {latest: [{column: left_on, optional: true}]}}"
        for rule in RULES
    ]
    return "\n".join(lines)


@dataclass
class Asked:
    """A night that was late and left four questions behind."""

    platform: Platform
    night: dict[str, Any]
    alarms: list[dict[str, Any]]
    mails: list[bytes]
    run_id: str = ""
    answered: dict[str, int] = field(default_factory=dict)

    def sql(self, text: str, database: str = WAREHOUSE) -> list[tuple[Any, ...]]:
        return execute(self.platform, text, database)

    def ids(self, rule: str) -> list[int]:
        return [row[0] for row in self.sql(f"SELECT id FROM public.{rule} ORDER BY 1")]

    def questions(self) -> dict[str, dict[str, Any]]:
        """Rule → its Required Action."""
        path = f"/dags/sweep_approval/dagRuns/{self.run_id}/hitlDetails"
        found = self.platform.api("engineer").get(path)["hitl_details"]
        return {each["subject"].split(": ")[1].split(" ")[0]: each for each in found}

    def path(self, rule: str, task: str = "ask_approvers") -> str:
        index = self.questions()[rule]["task_instance"]["map_index"]
        return f"/dags/sweep_approval/dagRuns/{self.run_id}/taskInstances/{task}/{index}"

    def state(self, rule: str, task: str = "record_answer") -> str:
        return str(self.platform.api("engineer").get(self.path(rule, task))["state"])


def execute(platform: Platform, text: str, database: str = WAREHOUSE) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(platform.ground.server.dsn(database))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 180) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(1)
    return found


def set_up(platform: Platform) -> None:
    """Tables, policy, `lethe init --arm`: as production does, the DBA grants."""
    loaded = small_policy(policy_text())
    file = Path(os.environ["LETHE_POLICY"])
    file.write_text(loaded.model.model_dump_json(by_alias=True, exclude_unset=True))
    connection = psycopg2.connect(platform.ground.loader_dsn(platform.ground.loader_password))
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
    connection.close()
    environment = airflow_services.environment(platform.home)
    environment |= {"PGPASSWORD": platform.ground.loader_password, "LETHE_PYTHON": sys.executable}
    done = subprocess.run(
        [
            *(str(PROJECT / "bin" / "lethe"), "init", "--rehearsal", "--arm", "--by", "dpo"),
            *("--policy", str(file), "--dsn", platform.ground.loader_dsn()),
        ],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr


def make_it_late(platform: Platform) -> None:
    """Let two of the deadlines of the night that runs be past, and wait for its alarm."""
    wait_for(
        lambda: execute(
            platform,
            "UPDATE deadline SET deadline_time = now() - interval '1 minute' WHERE id IN"
            " (SELECT id FROM deadline ORDER BY deadline_time LIMIT 2) RETURNING 1",
            METADATA,
        ),
        "the night's deadlines",
    )
    wait_for(
        lambda: execute(platform, "SELECT 1 FROM lethe.ledger WHERE kind = 'sweep_late'"),
        "the alarm",
    )


@pytest.fixture(scope="module")
def asked(platform: Platform) -> Iterator[Asked]:
    set_up(platform)
    api = platform.ground.api()
    wait_for(lambda: api.find("/dags/sweep_approval/details"), "the DAGs")
    wait_for(lambda: api.find("/dags/retention_sweep/details"), "the DAGs")
    api.patch("/dags/sweep_approval", {"is_paused": False})
    lock = psycopg2.connect(platform.ground.server.dsn(WAREHOUSE))
    with lock.cursor() as cursor:
        cursor.execute("LOCK TABLE public.approved IN ACCESS EXCLUSIVE MODE")
    api.patch("/dags/retention_sweep", {"is_paused": False})
    try:
        make_it_late(platform)
    finally:
        lock.close()
    (night,) = wait_for(lambda: over(platform, "retention_sweep"), "the end of the night")
    alarms = execute(platform, "SELECT payload FROM lethe.ledger WHERE kind = 'sweep_late'")
    mails = wait_for(lambda: sorted(platform.home.mail.rglob("*.eml")), "the mail")
    found = Asked(
        platform, night, [row[0] for row in alarms], [each.read_bytes() for each in mails]
    )
    runs = wait_for(
        lambda: api.get("/dags/sweep_approval/dagRuns")["dag_runs"], "the run of the approval"
    )
    found.run_id = runs[0]["dag_run_id"]
    wait_for(lambda: len(parked(found)) == 4, "four questions")
    time.sleep(7)  # an answer that comes too soon fails the task (Airflow 3.3.2)
    yield found
    pause(api, ["retention_sweep", "sweep_approval"])


def over(platform: Platform, dag_id: str) -> list[Any]:
    runs = platform.ground.api().get(f"/dags/{dag_id}/dagRuns")["dag_runs"]
    return [run for run in runs if run["state"] in ("success", "failed")]


def parked(asked: Asked) -> list[dict[str, Any]]:
    path = f"/dags/sweep_approval/dagRuns/{asked.run_id}/taskInstances"
    tasks = asked.platform.api("engineer").get(path)["task_instances"]
    return [
        task
        for task in tasks
        if task["task_id"] == "ask_approvers" and task["state"] == "awaiting_input"
    ]


def test_a_night_that_is_late_rings_once_on_the_ledger_and_by_mail(asked: Asked) -> None:
    assert [alarm["done_by"] for alarm in asked.alarms] == ["03:31"]
    (mail,) = [message_from_bytes(each, policy=email_policy.default) for each in asked.mails]
    assert mail["To"] == "dpo@example.invalid"
    assert "en retard" in mail["Subject"]


def test_what_is_over_its_cap_waits_and_the_rest_goes_on(asked: Asked) -> None:
    assert asked.night["state"] == "success"
    assert asked.ids("quick") == [3]
    for rule in ("approved", "expired", "marked", "rejected"):
        assert asked.ids(rule) == [1, 2, 3]


def test_each_rule_asks_a_question_with_a_list_that_stays_on_this_machine(asked: Asked) -> None:
    questions = asked.questions()
    assert sorted(questions) == ["approved", "expired", "marked", "rejected"]
    names = {task["rendered_map_index"] for task in parked(asked)}
    assert names == {question["subject"] for question in questions.values()}
    for rule, question in questions.items():
        (file,) = (asked.platform.home.root / "reports" / "waiting").glob(f"*-{rule}.csv")
        assert str(file) in question["body"]
        assert "example.invalid" not in question["body"] + file.read_text()


def test_only_the_approver_answers(asked: Asked) -> None:
    answer = {"chosen_options": ["Approve"], "params_input": {}}
    for user in ("engineer", "viewer"):
        with pytest.raises(PlatformError, match="403"):
            asked.platform.api(user).patch(f"{asked.path('approved')}/hitlDetails", answer)


def test_marking_the_question_as_successful_erases_nothing_and_shifts_no_other_answer(
    asked: Asked,
) -> None:
    asked.platform.api("engineer").patch(asked.path("marked"), {"new_state": "success"})
    dpo = asked.platform.api("dpo")
    for rule, option in (("approved", "Approve"), ("rejected", "Reject")):
        answer = {"chosen_options": [option], "params_input": {}}
        dpo.patch(f"{asked.path(rule)}/hitlDetails", answer)
    index = asked.questions()["expired"]["task_instance"]["map_index"]
    asked.sql(
        "UPDATE task_instance SET trigger_timeout = now() - interval '1 minute'"
        f" WHERE dag_id = 'sweep_approval' AND task_id = 'ask_approvers' AND map_index = {index}",
        METADATA,
    )
    (run,) = wait_for(lambda: over(asked.platform, "sweep_approval"), "the end of the approval")
    assert run["state"] == "failed", "an answer that could not be recorded is no success"
    states = {rule: asked.state(rule) for rule in asked.questions()}
    assert states == {
        "approved": "success",
        "expired": "success",
        "marked": "failed",
        "rejected": "success",
    }
    for rule in ("expired", "marked", "rejected"):
        assert asked.ids(rule) == [1, 2, 3]


def test_what_was_approved_is_recorded_under_the_approvers_role_and_worked_off(
    asked: Asked,
) -> None:
    decisions = asked.sql(
        "SELECT rule, decision, decided_by, decided_role FROM lethe.approval WHERE kind = 'plan'"
        " ORDER BY rule"
    )
    assert [row[:3] for row in decisions] == [
        ("approved", "approve", "dpo"),
        ("rejected", "reject", "dpo"),
    ]
    assert {row[3] for row in decisions} == {"lethe_approver"}
    assert asked.ids("approved") == [2, 3], "at most the cap a night, oldest first"


def test_the_lists_of_what_was_answered_are_gone(asked: Asked) -> None:
    left = (asked.platform.home.root / "reports" / "waiting").glob("*.csv")
    assert sorted(file.stem[37:] for file in left) == ["expired", "marked"]


def test_the_next_night_goes_on_with_what_was_approved_and_asks_anew_for_the_rest(
    asked: Asked,
) -> None:
    (night,) = run_night(asked.platform.ground.api(), ["retention_sweep"], asked.platform.listen)
    assert night.state == "success"
    assert asked.ids("approved") == [2, 3], "the cap of this day is used up"
    api = asked.platform.ground.api()
    ((tomorrow,),) = asked.sql("SELECT (max(as_of) + 1)::text FROM lethe.run")
    known = len(over(asked.platform, "retention_sweep"))
    conf = {"dry_run": False, "as_of": tomorrow}
    api.post("/dags/retention_sweep/dagRuns", {"logical_date": None, "conf": conf})
    wait_for(lambda: len(over(asked.platform, "retention_sweep")) > known, "the next night")
    assert asked.ids("approved") == [3]
    for rule in ("expired", "marked", "rejected"):
        assert asked.ids(rule) == [1, 2, 3]
