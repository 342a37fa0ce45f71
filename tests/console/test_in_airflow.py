"""The page as people see it: Debian's Chromium, the real API server, a night that left a set over.

One night, in the order in which it happens: looked at, refused, approved, worked off.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg2
import pytest
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.guards.editions import see_edition
from lethe.guards.findings import SORTS, Found, note_findings
from lethe.reporting.summary import Summary

from demo.platform import airflow_services
from demo.platform.credentials import WAREHOUSE
from demo.platform.home import PROJECT
from demo.platform.night import pause, run_night
from tests.console.accessibility import count_reachable, poor_contrasts, walk
from tests.console.conftest import DDL, POLICY, write_summary
from tests.demo.conftest import Platform
from tests.demo.conftest import platform as platform
from tests.reporting.examples import KEPT, NOT_KEPT
from tests.small_policy import small_policy

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.airflow,
    pytest.mark.ui,
    pytest.mark.xdist_group("airflow"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@dataclass
class Seen:
    """The platform after its night, and browsers in front of it."""

    platform: Platform
    chromium: Any
    open: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.platform.ground.address

    def browser(self, user: str | None, **options: Any) -> Any:
        """A fresh browser window; a user is signed in through Airflow's own form."""
        context = self.chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"} | options
        )
        self.open.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.set_default_navigation_timeout(60_000)
        if user is not None:
            page.goto(f"{self.address}/auth/login")
            page.locator("input[name=username]").fill(user)
            page.locator("input[name=password]").fill(self.platform.ground.credentials.ui[user])
            page.locator("button[type=submit]").click()
            page.wait_for_url(lambda url: "/auth/" not in url)
        return page

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.platform.ground.server.dsn(WAREHOUSE))
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def tell(self, summary: Summary) -> None:
        leave_summary(self.platform, summary)

    @property
    def set_path(self) -> str:
        ((run,),) = self.sql(
            "SELECT run_id::text FROM lethe.plan_rule"
            " WHERE rule = 'reader-left' AND state IN ('waiting', 'approved')"
        )
        return f"/lethe/waiting/{run}/reader-left"

    def actions(self) -> list[dict[str, Any]]:
        """The Required Actions of the approval."""
        path = "/dags/sweep_approval/dagRuns/~/hitlDetails"
        return list(self.platform.api("engineer").get(path)["hitl_details"])


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 180) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(1)
    return found


LOGS = """
logs:
  clause: retention
  key_window: P12M
  keys_a_night: 1
  unique_share: 1.0
  sources: {web: {files: raw/*.log*, fields: {ip: {method: ipcrypt-deterministic}}, output: logs}}
"""
LONGER = (POLICY + LOGS).replace(
    "{latest: [{column: left_on}]}}", "{latest: [{column: left_on}]}, period: P5Y}"
)


def set_up(platform: Platform) -> None:
    """Tables, policy, rights: as the DBA of the demo does it."""
    loaded = small_policy(POLICY + LOGS)
    file = Path(os.environ["LETHE_POLICY"])
    file.write_text(loaded.model.model_dump_json(by_alias=True, exclude_unset=True))
    ground = platform.ground
    connection = psycopg2.connect(ground.loader_dsn(ground.loader_password))
    with connection, connection.cursor() as cursor:
        cursor.execute(DDL)
    connection.close()
    environment = airflow_services.environment(platform.home)
    environment |= {"PGPASSWORD": ground.loader_password, "LETHE_PYTHON": sys.executable}
    done = subprocess.run(
        [
            *(str(PROJECT / "bin" / "lethe"), "init", "--rehearsal", "--arm", "--by", "dpo"),
            *("--policy", str(file), "--dsn", ground.loader_dsn()),
        ],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    leave_summary(platform, KEPT)


def leave_summary(platform: Platform, summary: Summary) -> None:
    """Leave a summary, as a report does."""
    soon = datetime.now(UTC) + timedelta(hours=20)
    told = replace(summary, next_due=soon, period="day")
    write_summary(platform.ground.server.dsn(WAREHOUSE), "small", told)


@pytest.fixture(scope="module")
def seen(platform: Platform) -> Iterator[Seen]:
    from playwright.sync_api import sync_playwright

    set_up(platform)
    api = platform.ground.api()
    for dag in ("sweep_approval", "retention_sweep"):
        wait_for(lambda dag=dag: api.find(f"/dags/{dag}/details"), "the DAGs")
    api.patch("/dags/sweep_approval", {"is_paused": False})
    (night,) = run_night(api, ["retention_sweep"], platform.listen)
    assert night.state == "success"
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = Seen(platform, chromium)
        wait_for(found.actions, "the question")
        parked = "/dags/sweep_approval/dagRuns/~/taskInstances?state=awaiting_input"
        wait_for(lambda: api.get(parked)["task_instances"], "the parked question")
        time.sleep(7)  # an answer that comes too soon fails the task (Airflow 3.3.2)
        yield found
        for context in found.open:
            context.close()
        chromium.close()
    pause(api, ["retention_sweep", "sweep_approval"])


def framed(page: Any) -> Any:
    """What stands in the frame that Airflow draws around the page."""
    return page.frame_locator("iframe[title=Lethe]")


def test_nobody_sees_anything_without_signing_in(seen: Seen) -> None:
    for path in ("/lethe/", "/lethe/clauses", "/lethe/static/console.css", seen.set_path,
                 "/lethe/quality/docs/index.html", "/lethe/nothing"):  # fmt: skip
        answer = httpx.get(f"{seen.address}{path}", trust_env=False)
        assert answer.status_code == 401, path
    answer = httpx.post(f"{seen.address}{seen.set_path}/decision", trust_env=False)
    assert answer.status_code == 401
    page = seen.browser(None)
    page.goto(f"{seen.address}/lethe/clauses")
    page.get_by_role("link", name="Sign in").click()
    page.wait_for_url("**/auth/login**")


def test_the_page_stands_in_the_left_menu_and_its_pages_have_addresses_in_airflow(
    seen: Seen,
) -> None:
    page = seen.browser("viewer")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.get_by_role("link", name="Lethe", exact=True).click()
    frame = framed(page)
    frame.get_by_role("heading", name="Nothing needs a look.").wait_for()
    assert frame.get_by_role("heading", name="Health").is_visible()
    frame.get_by_role("link", name="Clauses", exact=True).first.click()
    frame.get_by_role("heading", name="Clause trace").wait_for()
    page.wait_for_url("**/plugin/lethe/lethe/clauses")
    page.reload()
    framed(page).get_by_role("heading", name="Clause trace").wait_for()
    assert not faults


def test_a_list_is_sorted_filtered_and_exported_by_mouse(seen: Seen) -> None:
    page = seen.browser("viewer")
    page.goto(f"{seen.address}{seen.set_path}")
    page.get_by_role("button", name="Due on").click()
    page.wait_for_url("**sort=due_on%3Adesc**")
    header = page.get_by_role("columnheader", name="Due on")
    assert header.get_attribute("aria-sort") == "descending"
    page.get_by_label("Among them").select_option("vip")
    page.get_by_text("12 of 120").wait_for()
    assert header.get_attribute("aria-sort") == "descending", "a filter keeps the order"
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    lines = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert len(lines) == 12
    days = [line["due_on"] for line in lines]
    assert days == sorted(days, reverse=True)
    page.get_by_label("Token or day begins with").type(lines[0]["token"][:8])
    page.get_by_text("1 of 120").wait_for()
    page.wait_for_function("document.activeElement.name === 'find'")


def test_who_has_not_the_right_sees_why_and_is_refused(seen: Seen) -> None:
    for user in ("viewer", "engineer"):
        page = seen.browser(user)
        page.goto(f"{seen.address}{seen.set_path}")
        page.get_by_text("Office of the officer").wait_for()
        assert page.get_by_role("button", name="Approve the erasure").count() == 0
        answer = page.request.post(
            f"{seen.address}{seen.set_path}/decision", form={"decision": "approve"}
        )
        assert answer.status == 403
    assert seen.sql("SELECT count(*) FROM lethe.approval WHERE kind = 'plan'") == [(0,)]


def test_everything_can_be_reached_by_keyboard_alone(seen: Seen) -> None:
    page = seen.browser("viewer")
    page.goto(f"{seen.address}/lethe/rules")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "due":
            break
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid", "one sees where one is"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("sort=due$"))
    page.wait_for_function("document.activeElement.value === 'due:desc'")
    page.goto(f"{seen.address}/lethe/")
    order = page.evaluate(
        "[...document.querySelectorAll('a, button, summary, input')].map(e => e.tabIndex)"
    )
    assert set(order) == {0}, "nothing jumps the queue and nothing is left out"


PAGES = (
    "/",
    "/clauses",
    "/waiting",
    "/rules",
    "/runs",
    "/holds",
    "/evidence",
    "/quality",
    "/unknowns",
)


def test_the_tab_key_goes_through_every_page_in_order_and_out_again(seen: Seen) -> None:
    page = seen.browser("dpo", reduced_motion="reduce")
    for path in (*PAGES, seen.set_path.removeprefix("/lethe")):
        page.goto(f"{seen.address}/lethe{path}")
        walked = walk(page, "Tab")
        numbers = [each["no"] for each in walked]
        assert len(set(numbers)) == len(numbers), f"{path}: something is visited twice"
        assert len(numbers) == count_reachable(page), f"{path}: something is left out"
        dim = [each["what"] for each in walked if not (each["ring"] and each["seen"])]
        assert not dim, f"{path}: one does not see where one is"
        back = [each["no"] for each in walk(page, "Shift+Tab")]
        assert back == numbers[::-1], f"{path}: the way back is another"


def test_the_keyboard_gets_into_the_frame_and_out_of_it(seen: Seen) -> None:
    page = seen.browser("viewer")
    page.goto(f"{seen.address}/plugin/lethe/lethe/holds")
    framed(page).get_by_role("heading", name="Holds").wait_for()
    inside = []
    for _ in range(120):
        page.keyboard.press("Tab")
        inside.append(page.evaluate("document.activeElement.tagName") == "IFRAME")
        if True in inside and not inside[-1]:
            return
    raise AssertionError(f"no way out of the frame; {sum(inside)} of {len(inside)} inside")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_stands_out_from_its_ground_in_light_and_dark(seen: Seen, theme: str) -> None:
    page = seen.browser("dpo", color_scheme=theme)
    poor = {}
    for summary in (NOT_KEPT, KEPT):
        seen.tell(summary)
        for path in (*PAGES, seen.set_path.removeprefix("/lethe")):
            page.goto(f"{seen.address}/lethe{path}")
            poor |= {f"{path} {words}": ratio for words, ratio in poor_contrasts(page)}
    assert not poor


def test_a_link_in_a_mail_leads_through_the_sign_in_to_its_page(seen: Seen) -> None:
    page = seen.browser(None)
    # As a mail writes it: the address of the page in Airflow, and the link of the decision.
    page.goto(f"{seen.address}/plugin/lethe{seen.set_path}")
    page.locator("input[name=username]").fill("dpo")
    page.locator("input[name=password]").fill(seen.platform.ground.credentials.ui["dpo"])
    page.locator("button[type=submit]").click()
    frame = framed(page)
    frame.get_by_role("heading", name="reader-left: erase 120 subjects?").wait_for()
    assert frame.get_by_role("button", name="Approve the erasure").is_visible()


def test_french_is_chosen_once_and_everywhere(seen: Seen) -> None:
    page = seen.browser("viewer", locale="fr-LU")
    page.goto(f"{seen.address}/lethe/")
    page.get_by_role("heading", name="Rien n’est à regarder.").wait_for()
    page.get_by_role("link", name="EN", exact=True).click()
    page.get_by_role("heading", name="Nothing needs a look.").wait_for()
    page.get_by_role("link", name="FR", exact=True).click()
    page.get_by_role("link", name="Règles", exact=True).click()
    page.get_by_role("heading", name="Règles d’effacement").wait_for()
    assert page.evaluate("document.documentElement.lang") == "fr"


def ground_of(frame_or_page: Any) -> str:
    found = frame_or_page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    return str(found)


def test_it_is_light_and_dark_as_airflow_is_and_turns_with_it(seen: Seen) -> None:
    page = seen.browser("viewer", color_scheme="dark")
    page.goto(f"{seen.address}/plugin/lethe/lethe/")
    frame = framed(page)
    frame.get_by_role("heading", name="Health").wait_for()
    page.evaluate("document.documentElement.className = 'dark'")
    page.wait_for_timeout(200)
    assert ground_of(frame) == "rgb(22, 29, 45)"
    page.evaluate("document.documentElement.className = 'light'")
    page.wait_for_timeout(200)
    assert ground_of(frame) == "rgb(255, 255, 255)", "Airflow's choice, not the browser's"
    alone = seen.browser("viewer", color_scheme="dark", java_script_enabled=True)
    alone.goto(f"{seen.address}/lethe/")
    assert ground_of(alone) == "rgb(22, 29, 45)"


@pytest.mark.parametrize("width", [360, 1600])
def test_nothing_stands_out_of_a_narrow_or_a_wide_window(seen: Seen, width: int) -> None:
    page = seen.browser("viewer", viewport={"width": width, "height": 800})
    for path in ("/", "/clauses", "/waiting", "/rules", "/runs", "/evidence", "/quality"):
        page.goto(f"{seen.address}/lethe{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_it_works_without_scripts(seen: Seen) -> None:
    signed_in = seen.browser("viewer")
    page = seen.browser(None, java_script_enabled=False)
    page.context.add_cookies(signed_in.context.cookies())
    page.goto(f"{seen.address}{seen.set_path}")
    page.get_by_role("button", name="Token").click()
    page.get_by_role("button", name="Show").click()
    assert "sort=token" in page.url
    page.get_by_role("link", name="Next").click()
    page.get_by_text("Page 2 of 3").wait_for()


def test_a_task_and_a_run_lead_to_the_page_of_what_they_did(seen: Seen) -> None:
    api = seen.platform.api("viewer")
    (run,) = api.get("/dags/retention_sweep/dagRuns")["dag_runs"][-1:]
    links = api.get(
        f"/dags/retention_sweep/dagRuns/{run['dag_run_id']}/taskInstances/verify_sweep/links"
    )["extra_links"]
    page = seen.browser("viewer")
    page.goto(f"{seen.address}{links['Lethe']}")
    framed(page).get_by_role("heading", name="Sweep,").wait_for()
    assert framed(page).get_by_role("row", name=re.compile("visitor-gone")).is_visible()
    page.goto(f"{seen.address}/dags/retention_sweep/runs/{run['dag_run_id']}/plugin/lethe-run")
    framed(page).get_by_role("heading", name="Sweep,").wait_for()
    foreign = api.get("/dags/ask/details")
    assert foreign["dag_id"] == "ask"


def test_the_approver_approves_inside_airflow_and_everything_follows(seen: Seen) -> None:
    path = seen.set_path
    page = seen.browser("dpo")
    page.goto(f"{seen.address}/plugin/lethe{path}")
    frame = framed(page)
    frame.get_by_role("heading", name="reader-left: erase 120 subjects?").wait_for()
    frame.get_by_label("Reason").fill("Looked at the list with the owner of the newsletter")
    frame.get_by_role("button", name="Approve the erasure").click()
    frame.get_by_role("heading", name="Tick the box to approve.").wait_for()
    page.goto(f"{seen.address}/plugin/lethe{path}")
    frame = framed(page)
    frame.get_by_label("Reason").fill("Looked at the list with the owner of the newsletter")
    frame.get_by_label("I have looked at the list.").check()
    frame.get_by_role("button", name="Approve the erasure").click()
    frame.get_by_text("Approved and recorded under the approver’s role.").wait_for()
    frame.get_by_text("The Required Action in Airflow is answered too.").wait_for()
    ((decision, by, role, same),) = seen.sql(
        "SELECT a.decision, a.decided_by, a.decided_role, a.digest = p.digest"
        " FROM lethe.approval AS a JOIN lethe.plan_rule AS p USING (run_id, rule)"
        " WHERE a.kind = 'plan' AND a.rule = 'reader-left'"
    )
    assert (decision, by, role, same) == ("approve", "dpo", "lethe_approver", True)
    (action,) = seen.actions()
    assert action["responded_by_user"]["id"] == "dpo"
    assert action["chosen_options"] == ["Approve"]
    api = seen.platform.api("engineer")

    def over() -> list[Any]:
        runs = api.get("/dags/sweep_approval/dagRuns")["dag_runs"]
        return [run for run in runs if run["state"] in ("success", "failed")]

    (run,) = wait_for(over, "the end of the approval")
    assert run["state"] == "success", "the answer that the page recorded is taken as given"
    assert seen.sql("SELECT count(*) FROM lethe.approval WHERE rule = 'reader-left'") == [(1,)]
    assert seen.sql("SELECT count(*) FROM public.reader") == [(115,)], "at most the cap a night"


# After the night is over: an edition that is approved rules from then on.
@pytest.fixture(scope="module")
def asked(seen: Seen) -> dict[str, str]:
    """What else an approver is asked, each with the path of its page."""
    site = Site(seen.platform.ground.server.dsn(WAREHOUSE), small_policy(POLICY + LOGS))
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        edition = see_edition(connection, small_policy(LONGER)).digest.hex()
        connection.commit()
        for month in ("2024-03", "2024-04"):
            seen.sql(
                "INSERT INTO lethe.key (key_id, purpose, period, wrapped, nonce, kek_id)"
                f" VALUES (gen_random_uuid(), 'log', '{month}', '\\x00',"
                " decode(repeat('00', 12), 'hex'), 'none')"
            )
        ((run, key),) = seen.sql(
            "SELECT r.run_id::text, k.key_id::text FROM lethe.run AS r, lethe.key AS k"
            " WHERE r.kind = 'sweep' AND k.period = '2024-03' LIMIT 1"
        )
        found = [Found(sort, "reader", b"t" * 16, UUID(key)) for sort in SORTS]
        acting_as(connection, "runner")
        note_findings(connection, "small", UUID(run), found, None)
    ((expiry,),) = seen.sql(
        "WITH a AS (INSERT INTO lethe.run (kind, policy_name, policy_version, policy_digest, as_of,"
        " state) SELECT 'archive', policy_name, policy_version, policy_digest, as_of, 'waiting'"
        f" FROM lethe.run WHERE run_id = '{run}' RETURNING run_id)"
        " INSERT INTO lethe.plan_rule (run_id, rule, subject_kind, state, planned, digest)"
        " SELECT run_id, 'archive:reader', 'reader', 'waiting', 3, sha256('three') FROM a"
        " RETURNING run_id::text"
    )
    return {
        "edition": f"/waiting/edition/{edition}",
        "keys": "/waiting/keys",
        "returned": "/waiting/returned",
        "expiry": f"/waiting/{expiry}/archive:reader",
    }


@pytest.mark.parametrize(
    ("what", "sure", "button", "kept"),
    [
        ("edition", "I have read every change.", "Approve the edition", "kind = 'policy'"),
        ("keys", "I have looked at the list.", "Approve the end of these keys",
         "rule = 'logs:keys'"),
        ("expiry", "I have looked at the figures.", "Approve the destruction",
         "rule = 'archive:reader'"),
        ("returned", "I have asked about all 2", "Seen, they may stay", ""),
    ],
)  # fmt: skip
def test_every_other_question_is_answered_by_a_click_too(
    seen: Seen, asked: dict[str, str], what: str, sure: str, button: str, kept: str
) -> None:
    said = f"SELECT decision, decided_by, decided_role, reason FROM lethe.approval WHERE {kept}"
    if not kept:
        said = (
            "SELECT DISTINCT 'approve', payload ->> 'by', 'lethe_approver', payload ->> 'reason'"
            " FROM lethe.ledger WHERE kind = 'return_seen'"
        )
    viewer = seen.browser("viewer")
    viewer.goto(f"{seen.address}/lethe{asked[what]}")
    viewer.get_by_text("Office of the officer").wait_for()
    assert viewer.get_by_role("button", name=button).count() == 0
    page = seen.browser("dpo")
    page.goto(f"{seen.address}/plugin/lethe/lethe{asked[what]}")
    frame = framed(page)
    frame.get_by_label("Reason").fill("Read it twice")
    frame.get_by_role("button", name=button).click()
    frame.get_by_role("heading", name="Tick the box to approve.").wait_for()
    assert seen.sql(said) == []
    page.goto(f"{seen.address}/plugin/lethe/lethe{asked[what]}")
    frame.get_by_label("Reason").fill("Read it twice")
    frame.get_by_label(sure).check()
    frame.get_by_role("button", name=button).click()
    frame.get_by_text("recorded under the approver’s role").wait_for()
    assert seen.sql(said) == [("approve", "dpo", "lethe_approver", "Read it twice")]
