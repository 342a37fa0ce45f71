"""What people answer in the real Airflow: a night over its caps, an expiry, a re-identification.

One night, in the order in which it happens: late, as its report is, then asked, then answered.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email import policy as email_policy
from pathlib import Path
from typing import Any

import polars as pl
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

REAL_DAGS = ("compliance_report", "reidentification", "sweep_approval", "retention_sweep")
RULES = ("approved", "expired", "marked", "quick", "rejected")
TABLES = "".join(
    f"CREATE TABLE public.{rule} (id int PRIMARY KEY, email text, left_on date);"
    f"INSERT INTO public.{rule} VALUES (1, 'a@example.invalid', '2020-01-31'),"
    " (2, 'b@example.invalid', '2021-01-31'), (3, 'c@example.invalid', NULL);"
    for rule in RULES
)
TABLES += """
CREATE TABLE public.client (id int PRIMARY KEY, name text, ended_on date);
INSERT INTO public.client VALUES (1, 'Zoe Zest', '2005-06-30');
CREATE TABLE public.bill (id int PRIMARY KEY, number text, client_id int REFERENCES public.client,
                          issued_on date, name text);
INSERT INTO public.bill
SELECT n, 'B-' || n, 1, date '2004-01-01' + n, 'Zoe Zest' FROM generate_series(1, 3) AS n;
"""
LOG_LINE = '192.0.2.7 - - [{time}] "GET / HTTP/1.1" 200 5 "-" "curl/8.0"\n'
HEAD = """
guards:
  done_by: "03:31"
  cap: {subjects: 2}
  approvers: [{user: dpo, name: Officer}]
mail:
  sender: lethe@example.invalid
  recipients:
    - {email: dpo@example.invalid, language: fr, reports: [alarm]}
    - {email: boss@example.invalid, reports: [month]}
archive:
  clause: retention
  documents:
    bill:
      {title: Bill, table: public.bill, number: number, issued_on: issued_on, subject: client,
       columns: [name]}
  party: [{table: public.client, columns: [name]}]
  starting_point: {event: end, latest: [{column: ended_on, optional: true}]}
  period: P10Y
  legal_minimum: {LU: {period: P10Y, law: Code de commerce art. 16}}
logs:
  clause: retention
  key_window: P12M
  sources:
    web:
      files: raw/*.log
      fields: {ip: {method: ipcrypt-deterministic}, time: {method: time, truncate: minute}}
      output: logs/web
subjects:
  client: {table: public.client, key: id}
"""
CLIENTS = """
  public.client:
    cluster: client
    columns: {name: name}
    not_personal: [id, ended_on]
    when_due: {do: skeleton, blank: [name]}
  public.bill:
    cluster: client
    columns: {name: billing}
    not_personal: [id, number, client_id, issued_on]
    when_due: {do: keep, blank: [name], because: issued documents stay}
"""


def policy_text() -> str:
    caps = {rule: 5 if rule == "quick" else 1 for rule in RULES}
    lines = [HEAD]
    lines += [
        f"  {r}: {{table: public.{r}, key: id, identifiers: {{email: email}}}}" for r in RULES
    ]
    lines += ["clusters:", *(f"  {kind}: {{subject: {kind}}}" for kind in (*RULES, "client"))]
    lines += ["tables:", CLIENTS]
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
    """A night that was late and left four questions behind, beside one of the archive.

    case      the digest of an open case of re-identification
    question  how it was asked at a shell
    """

    platform: Platform
    night: dict[str, Any]
    alarms: list[dict[str, Any]]
    case: str
    question: tuple[str, ...]
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
        return {_rule_of(each["subject"]): each for each in found}

    def path(self, rule: str, task: str = "ask_approvers") -> str:
        index = self.questions()[rule]["task_instance"]["map_index"]
        return f"/dags/sweep_approval/dagRuns/{self.run_id}/taskInstances/{task}/{index}"

    def state(self, rule: str, task: str = "record_answer") -> str:
        return str(self.platform.api("engineer").get(self.path(rule, task))["state"])


def _rule_of(subject: str) -> str:
    return "archive" if subject.startswith("Destroy") else subject.split(": ")[1].split(" ")[0]


def mails(platform: Platform) -> list[Any]:
    """What lies in the mail sink, oldest first."""
    files = sorted(platform.home.mail.rglob("*.eml"))
    return [message_from_bytes(each.read_bytes(), policy=email_policy.default) for each in files]


def lethe(platform: Platform, *words: str, code: int = 0, dsn: str | None = None) -> Any:
    """What the command line answers, as the engineer's shell calls it."""
    environment = airflow_services.environment(platform.home)
    environment |= {"PGPASSWORD": platform.ground.loader_password, "LETHE_PYTHON": sys.executable}
    more = ["--policy", os.environ["LETHE_POLICY"], *(["--dsn", dsn] if dsn else []), "--json"]
    done = subprocess.run(
        [str(PROJECT / "bin" / "lethe"), *words, *more],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else done.stderr


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
    dsn = platform.ground.loader_dsn()
    lethe(platform, "init", "--rehearsal", "--arm", "--by", "dpo", dsn=dsn)


def leave_an_expiry(platform: Platform) -> None:
    """Three bills of somebody who left in 2005: more than one night may destroy."""
    found = lethe(platform, "archive", "run", code=1)
    assert [each["state"] for each in found["expiry"]] == ["waiting"]


def open_a_case(platform: Platform) -> tuple[str, ...]:
    """A month of logs, and a question about an address in it; gives the words of the question."""
    folder = platform.home.root / "raw"
    folder.mkdir()
    now = datetime.now(UTC)
    (folder / "a.log").write_text(LOG_LINE.format(time=f"{now:%d/%b/%Y:%H:%M:%S} +0000"))
    lethe(platform, "logs", "run")
    (part,) = (platform.home.root / "logs" / "web").glob("day=*/*.parquet")
    (pseudonym,) = pl.read_parquet(part, hive_partitioning=False)["ip"]
    return ("logs", "reveal", pseudonym, "--case", "FR-7", "--source", "web", "--period",
            f"{now:%Y-%m}", "--by", "ann")  # fmt: skip


def let_the_report_be_late(platform: Platform) -> None:
    """Let the deadline of the report be past; that of the night is when its run is made."""
    wait_for(
        lambda: execute(
            platform,
            "UPDATE deadline SET deadline_time = now() - interval '1 minute' WHERE dagrun_id IN"
            " (SELECT id FROM dag_run WHERE dag_id = 'compliance_report') RETURNING 1",
            METADATA,
        ),
        "the deadline of the report",
    )


@pytest.fixture(scope="module")
def asked(platform: Platform) -> Iterator[Asked]:
    set_up(platform)
    # A night whose hour was over before Lethe was set up is not late.
    execute(
        platform,
        "UPDATE lethe.warehouse SET created_at = now() - interval '2 days' RETURNING 1",
    )
    leave_an_expiry(platform)
    question = open_a_case(platform)
    case = re.search("[0-9a-f]{64}", str(lethe(platform, *question, code=1)))
    assert case is not None, "the shell names the digest that waits for an approval"
    api = platform.ground.api()
    for dag in REAL_DAGS:
        wait_for(lambda dag=dag: api.find(f"/dags/{dag}/details"), "the DAGs")
    lock = psycopg2.connect(platform.ground.server.dsn(WAREHOUSE))
    with lock.cursor() as cursor:
        cursor.execute("LOCK TABLE public.approved IN ACCESS EXCLUSIVE MODE")
    api.patch("/dags/compliance_report", {"is_paused": False})
    let_the_report_be_late(platform)
    for dag in REAL_DAGS:
        api.patch(f"/dags/{dag}", {"is_paused": False})
    try:
        wait_for(
            lambda: execute(platform, "SELECT 1 FROM lethe.ledger WHERE kind = 'sweep_late'"),
            "the alarm",
        )
    finally:
        lock.close()
    api.post("/dags/reidentification/dagRuns", {"logical_date": None, "conf": {"digest": case[0]}})
    (night,) = wait_for(lambda: over(platform, "retention_sweep"), "the end of the night")
    assert night["state"] == "success"
    alarms = execute(platform, "SELECT payload FROM lethe.ledger WHERE kind = 'sweep_late'")
    found = Asked(platform, night, [row[0] for row in alarms], case[0], question)
    runs = wait_for(
        lambda: api.get("/dags/sweep_approval/dagRuns")["dag_runs"], "the run of the approval"
    )
    found.run_id = runs[0]["dag_run_id"]
    wait_for(lambda: len(parked(found)) == 5, "five questions")
    time.sleep(7)  # an answer that comes too soon fails the task (Airflow 3.3.2)
    yield found
    pause(api, list(REAL_DAGS))


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
    late, clear = [each for each in mails(asked.platform) if "effacement" in each["Subject"]]
    assert late["To"] == clear["To"] == "dpo@example.invalid"
    assert "a du retard" in late["Subject"]
    assert "est terminé" in clear["Subject"]
    assert clear["In-Reply-To"] == late["Message-ID"]


def test_the_night_has_one_deadline_at_the_hour_of_the_policy(asked: Asked) -> None:
    found = asked.sql(
        "SELECT (d.deadline_time AT TIME ZONE 'Europe/Luxembourg')::time::text, d.missed"
        " FROM deadline AS d JOIN dag_run AS r ON r.id = d.dagrun_id"
        " WHERE r.dag_id = 'retention_sweep'",
        METADATA,
    )
    assert found == [("03:31:00", True)]


def test_a_report_that_is_late_rings_by_mail(asked: Asked) -> None:
    late = wait_for(
        lambda: [each for each in mails(asked.platform) if "apport" in each["Subject"]],
        "the alarm of the report",
    )
    (mail,) = late
    assert mail["To"] == "dpo@example.invalid"
    assert "compliance_report" in mail.get_body(("plain",)).get_content()


def test_what_is_over_its_cap_waits_and_the_rest_goes_on(asked: Asked) -> None:
    assert asked.night["state"] == "success"
    assert asked.ids("quick") == [3]
    for rule in ("approved", "expired", "marked", "rejected"):
        assert asked.ids(rule) == [1, 2, 3]


def test_each_rule_asks_a_question_with_a_list_that_stays_on_this_machine(asked: Asked) -> None:
    questions = asked.questions()
    about = questions.pop("archive")
    assert "Zoe" not in str(about)
    assert sorted(questions) == ["approved", "expired", "marked", "rejected"]
    names = {task["rendered_map_index"] for task in parked(asked)}
    assert names == {question["subject"] for question in (*questions.values(), about)}
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
    for rule, option in (("approved", "Approve"), ("rejected", "Reject"), ("archive", "Approve")):
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
        "archive": "success",
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
        ("archive:client", "approve", "dpo"),
        ("rejected", "reject", "dpo"),
    ]
    assert {row[3] for row in decisions} == {"lethe_approver"}
    assert asked.ids("approved") == [2, 3], "at most the cap a night, oldest first"


def test_an_expiry_that_was_approved_is_destroyed_at_most_the_cap_a_night(asked: Asked) -> None:
    left = asked.sql("SELECT count(*) FROM lethe.archive_record WHERE kind = 'document'")
    assert left == [(1,)]
    assert lethe(asked.platform, "archive", "verify")["faults"] == []


def test_a_case_is_approved_by_another_person_and_the_officer_is_told_by_mail(
    asked: Asked,
) -> None:
    api = asked.platform.api("engineer")
    base = "/dags/reidentification/dagRuns"
    (run,) = api.get(base)["dag_runs"]
    path = f"{base}/{run['dag_run_id']}/taskInstances/ask_approvers/0/hitlDetails"
    put = api.get(f"{base}/{run['dag_run_id']}/hitlDetails")["hitl_details"][0]
    assert asked.case in put["body"]
    assert asked.question[2] not in str(put), "no pseudonym comes near Airflow"
    answer = {"chosen_options": ["Approve"], "params_input": {}}
    with pytest.raises(PlatformError, match="403"):
        api.patch(path, answer)
    asked.platform.api("dpo").patch(path, answer)
    (run,) = wait_for(lambda: over(asked.platform, "reidentification"), "the end of the case")
    assert run["state"] == "success"
    assert asked.sql(
        "SELECT decided_by, decided_role FROM lethe.approval WHERE rule = 'logs:reveal'"
    ) == [("dpo", "lethe_approver")]
    shown = lethe(asked.platform, *asked.question)
    assert list(shown["values"].values()) == ["192.0.2.7"]
    (mail,) = [each for each in mails(asked.platform) if "FR-7" in each["Subject"]]
    assert mail["To"] == "dpo@example.invalid"
    text = mail.get_body(("plain",)).get_content()
    assert "approuvée par dpo" in text
    assert "192.0.2.7" not in text
    assert asked.question[2] not in text


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
