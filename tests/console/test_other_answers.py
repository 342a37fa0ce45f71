"""Editions, the end of keys and expiries of the archive, answered on the page as sets are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from lethe.archive.approvals import work_off
from lethe.archive.night import run_archive
from lethe.connections import acting_as
from lethe.console.app import make_app
from lethe.errors import GuardStop
from lethe.guards.editions import see_edition
from lethe.guards.findings import SORTS, Found, note_findings
from lethe.pseudonymisation.key_end import destroy_due
from lethe.pseudonymisation.key_life import log_room
from lethe.pseudonymisation.nightly import work_night
from lethe.pseudonymisation.rawfiles import find_files
from lethe.reporting.decisions import decisions
from lethe.reporting.facts import gather_facts
from lethe.retention.plan import read_plan

from tests.archive.shop import DDL as SHOP
from tests.archive.shop import POLICY as SHOP_POLICY
from tests.console.conftest import POLICY, World
from tests.kit import TODAY, Kit, MakeKit
from tests.pseudonymisation.kit import combined_line
from tests.pseudonymisation.test_nightly import POLICY as LOGS_POLICY

APPROVERS = "approvers: [{user: dpo, name: Office of the officer}]"
LONGER = POLICY.replace("{latest: [{column: left_on}]}}", "{latest: [{column: left_on}]}, "
                        "period: P5Y}")  # fmt: skip


def fields_of(text: str) -> dict[str, str]:
    """The hidden fields of the form on a page."""
    form = text[text.index('<form method="post"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', form))


def answer(client: Any, path: str, **fields: str) -> Any:
    """Open a page, and answer by its form."""
    given = {"decision": "approve", "reason": "read it", "sure": "yes"}
    form = fields_of(client.get(path).text)
    return client.post(f"{path}/decision", data={**form, **given, **fields})


def approvals(kit: Kit) -> list[tuple[Any, ...]]:
    return kit.execute(
        "SELECT kind, coalesce(rule, ''), decision, decided_by, decided_role, reason"
        " FROM lethe.approval ORDER BY decided_at"
    )


@pytest.fixture
def edited(world: World) -> tuple[World, str]:
    """A world in whose warehouse another edition was seen; gives the path of its page."""
    other = world.kit.under(LONGER)
    with other.site.connected("runner") as connection:
        acting_as(connection, "runner")
        seen = see_edition(connection, other.loaded)
        connection.commit()
    return world, f"/lethe/waiting/edition/{seen.digest.hex()}"


def test_an_edition_shows_what_it_changes_and_is_approved_by_a_named_approver(
    edited: tuple[World, str],
) -> None:
    world, path = edited
    client = world.client("dpo")
    assert path in client.get("/lethe/waiting").text
    assert path in client.get("/lethe/").text
    text = client.get(path).text
    assert "five years" in text or "P5Y" in text
    assert "The rows were not counted yet." in text
    done = answer(client, path)
    assert done.status_code == 303
    assert approvals(world.kit) == [("policy", "", "approve", "dpo", "lethe_approver", "read it")]
    assert "Approved and recorded" in client.get(done.headers["location"]).text
    assert client.get(path).status_code == 404, "what is decided waits no more"
    ((payload,),) = world.kit.execute(
        "SELECT payload FROM lethe.ledger WHERE kind = 'edition_approve'"
    )
    assert payload["by"] == "dpo"


def test_every_decision_of_a_report_leads_to_a_page_that_is_there(
    edited: tuple[World, str],
) -> None:
    world, path = edited
    now = datetime.now(UTC)
    facts = gather_facts(world.kit.site, "day", world.kit.site.today(), now)
    links = {each.kind: each.link for each in decisions(facts)}
    assert links["edition"] == path
    client = world.client("viewer")
    for kind, link in links.items():
        assert link is not None, kind
        assert client.get(link).status_code == 200, link


def test_what_an_edition_changes_in_rows_is_shown_where_it_was_counted(
    edited: tuple[World, str],
) -> None:
    world, path = edited
    digest = fields_of(world.client("dpo").get(path).text)["digest"]
    rows = [
        {"cluster": "reader", "rule": None, "days": 0, "more_erased": 0, "kept_longer": 86,
         "due_by_both": 3},
        {"cluster": "visitor", "rule": None, "days": 0, "more_erased": 0, "kept_longer": 0,
         "due_by_both": 7},
    ]  # fmt: skip
    for counted, words in ((rows, "86"), ([], "Nobody is erased in addition")):
        told = json.dumps({"digest": digest, "rows": counted})
        world.kit.execute(f"UPDATE lethe.policy_version SET diff = '{told}' WHERE diff IS NOT NULL")
        text = world.client("viewer").get(path).text
        assert words in text
        assert "visitor" not in text[text.index('id="rows"') :]


def test_an_edition_is_rejected_and_its_diff_must_be_the_one_that_was_read(
    edited: tuple[World, str],
) -> None:
    world, path = edited
    client = world.client("dpo")
    assert answer(client, path, digest="00" * 32).status_code == 400
    assert answer(client, path, sure="").status_code == 400
    assert answer(client, path, form="0" * 64).status_code == 403
    assert approvals(world.kit) == []
    assert answer(client, path, decision="reject", sure="").status_code == 303
    assert [row[2] for row in approvals(world.kit)] == ["reject"]


def test_nobody_else_decides_about_an_edition(
    edited: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, path = edited
    form = fields_of(world.client("dpo").get(path).text)
    said = {**form, "decision": "approve", "reason": "x", "sure": "yes"}
    for user in ("viewer", "engineer"):
        client = world.client(user)
        assert '<form method="post"' not in client.get(path).text
        assert client.post(f"{path}/decision", data=said).status_code == 403
    monkeypatch.setenv("AIRFLOW__LETHE__APPROVERS", "dpo,viewer")
    client = world.client("viewer")
    assert "the policy does not name you" in client.get(path).text
    from lethe.console.forms import _token

    client.cookies.set("lethe_form", "c" * 43)
    token = {"form": _token("c" * 43, "viewer")}
    assert client.post(f"{path}/decision", data={**said, **token}).status_code == 409
    assert approvals(world.kit) == []


@pytest.fixture
def keyed(make_kit: MakeKit, sign_in: Callable[[str], str]) -> World:
    """Three keys of logs whose window has ended, where a night may destroy one."""
    policy = LOGS_POLICY.replace("key_window: P12M", "key_window: P12M\n  keys_a_night: 1")
    kit = make_kit(
        "CREATE TABLE person (id bigint PRIMARY KEY)", f"{policy}guards: {{{APPROVERS}}}\n"
    )
    (kit.home / "raw").mkdir()
    lines = (
        combined_line(time=f"01/{month}/2024:10:00:00 +0000") for month in ("Mar", "Apr", "May")
    )
    (kit.home / "raw" / "a.log").write_text("".join(lines))
    with log_room(kit.site, kit.site.today()) as room:
        assert all(o.destroyed for o in work_night(room, find_files(room), workers=0))
    return World(kit, sign_in, make_app(lambda: kit.site))


def test_the_end_of_keys_is_approved_for_exactly_those_on_the_page(keyed: World) -> None:
    kit, path = keyed.kit, "/lethe/waiting/keys"
    client = keyed.client("dpo")
    text = client.get(path).text
    assert "Destroy 3 keys?" in text
    assert "logs 2024-03" in text
    assert answer(client, path, digest="00" * 32).status_code == 400
    with log_room(kit.site, kit.site.today()) as room, pytest.raises(GuardStop):
        destroy_due(room)
    assert answer(client, path).status_code == 303
    assert approvals(kit) == [("plan", "logs:keys", "approve", "dpo", "lethe_approver", "read it")]
    assert '<form method="post"' not in client.get(path).text, "it has its answer"
    with log_room(kit.site, kit.site.today()) as room:
        assert len(destroy_due(room).destroyed) == 3
    assert "No keys wait for an approval." in client.get(path).text
    assert keyed.client("viewer").post(f"{path}/decision", data={}).status_code == 403


def test_whom_the_policy_does_not_name_ends_no_keys(
    keyed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lethe.console.forms import _token

    said = fields_of(keyed.client("dpo").get("/lethe/waiting/keys").text)
    monkeypatch.setenv("AIRFLOW__LETHE__APPROVERS", "dpo,viewer")
    client = keyed.client("viewer")
    assert "the policy does not name you" in client.get("/lethe/waiting/keys").text
    client.cookies.set("lethe_form", "c" * 43)
    said |= {
        "form": _token("c" * 43, "viewer"),
        "decision": "approve",
        "reason": "x",
        "sure": "yes",
    }
    assert client.post("/lethe/waiting/keys/decision", data=said).status_code == 409
    assert approvals(keyed.kit) == []


def test_an_open_case_takes_its_key_out_of_what_is_asked(keyed: World) -> None:
    client = keyed.client("dpo")
    form = fields_of(client.get("/lethe/waiting/keys").text)
    keyed.kit.execute(
        "INSERT INTO lethe.reveal_case (case_number, purpose, source, field, period, pseudonyms,"
        " digest, policy_digest, asked_by)"
        " VALUES ('FR-1', 'fraud', 'web', 'ip', '2024-03', 1, sha256('c'), sha256('p'), 'ann')"
    )
    said = {**form, "decision": "approve", "reason": "x", "sure": "yes"}
    assert client.post("/lethe/waiting/keys/decision", data=said).status_code == 400
    assert "Destroy 2 keys?" in client.get("/lethe/waiting/keys").text
    assert approvals(keyed.kit) == []


@pytest.fixture
def expiring(make_kit: MakeKit, sign_in: Callable[[str], str]) -> World:
    """Documents of the archive over the cap, asked about by somebody else."""
    policy = SHOP_POLICY.replace("cap: {subjects: 50}", "cap: {subjects: 2}").replace(
        "approvers: [{user: vera, name: Vera}]", APPROVERS
    )
    kit = make_kit(SHOP.replace("'2020-06-30')", "'2009-06-30')").replace("201", "200"), policy)
    run_archive(kit.site, TODAY, requested_by="otto")
    run = run_archive(kit.site, kit.site.today(), requested_by="otto")
    assert run.state == "waiting"
    return World(kit, sign_in, make_app(lambda: kit.site))


def documents(world: World) -> int:
    ((left,),) = world.kit.execute(
        "SELECT count(*) FROM lethe.archive_record WHERE kind = 'document'"
    )
    return int(left)


def test_an_expiry_of_the_archive_is_answered_on_the_page_and_worked_off(expiring: World) -> None:
    client = expiring.client("dpo")
    listed = client.get("/lethe/waiting").text
    path = re.findall(r'href="(/lethe/waiting/[0-9a-f-]{36}/archive:\w+)"', listed)[0]
    text = client.get(path).text
    assert "Destroy 3 archived documents?" in text
    assert "list.csv" not in text
    before = documents(expiring)
    done = answer(client, path)
    assert done.status_code == 303
    assert approvals(expiring.kit) == [
        ("plan", "archive:account", "approve", "dpo", "lethe_approver", "read it")
    ]
    work_off(expiring.kit.site)
    assert documents(expiring) == before - 2, "at most the cap a night"


def test_an_expiry_is_not_approved_by_whoever_asked_for_the_run(expiring: World) -> None:
    expiring.kit.execute("UPDATE lethe.run SET requested_by = 'dpo' WHERE state = 'waiting'")
    client = expiring.client("dpo")
    listed = client.get("/lethe/waiting").text
    path = re.findall(r'href="(/lethe/waiting/[0-9a-f-]{36}/archive:\w+)"', listed)[0]
    assert "another approver decides" in client.get(path).text
    assert approvals(expiring.kit) == []


@pytest.fixture
def returned(world: World) -> World:
    """A world in which two of the erased are there again."""
    kit = world.kit
    digest = read_plan(kit.site, TODAY).digest.hex()
    kit.sweep(TODAY, approve=digest, approved_by="dpo")
    token, key_id = kit.execute("SELECT token, key_id FROM lethe.tombstone LIMIT 1")[0]
    ((run,),) = kit.execute("SELECT run_id FROM lethe.run WHERE kind = 'sweep' LIMIT 1")
    with kit.site.connected("runner") as connection:
        acting_as(connection, "runner")
        found = [Found(sort, "reader", bytes(token), UUID(str(key_id))) for sort in SORTS]
        note_findings(connection, "small", UUID(str(run)), found, None)
    return world


def test_who_came_back_is_marked_as_seen_by_a_named_approver_and_by_token(
    returned: World,
) -> None:
    path = "/lethe/waiting/returned"
    client = returned.client("dpo")
    for page in ("/lethe/", "/lethe/waiting"):
        assert f'href="{path}"' in client.get(page).text
    text = client.get(path).text
    assert "2 who were erased are there again" in text
    assert 'value="reject"' not in text
    assert answer(client, path, digest="00" * 32).status_code == 400
    assert answer(client, path, reason="").status_code == 400
    assert answer(client, path, sure="").status_code == 400
    assert answer(client, path, decision="reject").status_code == 400
    assert answer(client, path, form="0" * 64).status_code == 403
    for user in ("viewer", "engineer"):
        other = returned.client(user)
        assert '<form method="post"' not in other.get(path).text
        assert other.post(f"{path}/decision", data={}).status_code == 403
    assert returned.client().get(path).status_code == 401
    said = (
        "SELECT payload ->> 'by', payload ->> 'reason' FROM lethe.ledger WHERE kind = 'return_seen'"
    )
    assert returned.kit.execute(said) == []
    assert answer(client, path).status_code == 303
    assert returned.kit.execute(said) == [("dpo", "read it")] * 2
    assert "Nobody who came back waits" in client.get(path).text
    assert path not in client.get("/lethe/").text
