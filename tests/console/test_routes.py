"""Laws of the page's routes: a new route is judged by arriving."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from fastapi.routing import APIRoute
from lethe.catalogue.site import Site
from lethe.console.app import make_app
from lethe.include import include_folder
from lethe.policy.load import load_policy
from lethe.reporting.words import LANGUAGES, wording
from psycopg2 import extensions

from tests.console.conftest import World
from tests.reporting.examples import FIRST, HUGE, KEPT, MONTH, NEEDS_YOU, NOT_KEPT, SILENT

PROJECT = Path(__file__).resolve().parents[2]
PAGES = (
    "/", "/clauses", "/waiting", "/rules", "/runs", "/holds", "/evidence", "/quality", "/unknowns",
)  # fmt: skip


def routes(app: Any) -> list[APIRoute]:
    return [route for route in app.routes if isinstance(route, APIRoute)]


def dependencies(route: APIRoute) -> set[Any]:
    return {each.call for each in route.dependant.dependencies}


def test_every_route_asks_airflow_for_a_right_and_every_act_for_the_right_to_decide(
    world: World,
) -> None:
    from lethe.console.access import may_decide, may_look

    assert len(routes(world.app)) == len(world.app.routes), "a mount or a plain route has no guard"
    for route in routes(world.app):
        assert may_look in dependencies(route), route.path
        if route.methods - {"GET", "HEAD"}:
            assert may_decide in dependencies(route), route.path


def test_nobody_who_is_not_signed_in_sees_anything(world: World) -> None:
    client = world.client()
    run, _ = world.waiting
    given = {"run_id": run, "rule": "reader-left", "name": "console.css", "path": "index.html"}
    given["digest"] = "0" * 64
    for route in routes(world.app):
        path = route.path.replace(":path", "").format(**given)
        for method in route.methods:
            answer = client.request(method, f"/lethe{path}")
            assert answer.status_code == 401, (method, path)
            assert "/lethe/" not in answer.text.replace("%2Flethe", "")
            assert "subjects" not in answer.text
    for path in ("/static/console.js", "/quality/docs/index.html", "/nothing/here"):
        assert client.get(f"/lethe{path}").status_code == 401
    forged = world.client()
    forged.cookies.set("_token", world.token("dpo")[:-4] + "AAAA")
    assert forged.get("/lethe/").status_code in (401, 403)


def test_a_page_that_nobody_is_signed_in_for_leads_to_the_sign_in(world: World) -> None:
    answer = world.client().get("/lethe/clauses")
    assert answer.status_code == 401
    assert "/auth/login?next=%2Flethe%2Fclauses" in answer.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "summary",
    [KEPT, NEEDS_YOU, NOT_KEPT, SILENT, FIRST, MONTH, HUGE],
    ids=["kept", "needs_you", "not_kept", "silent", "first", "month", "huge"],
)
def test_every_page_opens_for_a_viewer_whatever_the_night_was_like(
    world: World, summary: Any, language: str
) -> None:
    world.tell(replace(summary, period="day"))
    client = world.client("viewer", **{"Accept-Language": language})
    for path in PAGES:
        answer = client.get(f"/lethe{path}")
        assert answer.status_code == 200, path
        assert f'<html lang="{language}"' in answer.text


def test_a_page_holds_nothing_inline_and_nothing_from_elsewhere(world: World) -> None:
    client = world.client("dpo")
    for path in (*PAGES, world.set_path.removeprefix("/lethe")):
        answer = client.get(f"/lethe{path}")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", answer.text)
        linked = re.findall(r'(?:src|href|action)="([^"]*)"', answer.text)
        assert linked
        assert not [each for each in linked if "//" in each], "remote content"


def test_what_people_wrote_is_shown_and_never_run(world: World) -> None:
    evil = "<img src=x onerror=alert(1)>{{ 7 * 7 }}"
    clause = replace(KEPT.clauses[0], promise={"en": evil}, clause=evil, reason={"en": evil})
    world.tell(replace(KEPT, clauses=(clause,), edition=replace(KEPT.edition, title={"en": evil})))
    for path in ("/", "/clauses", "/clauses?find=%3Cscript%3E&sort=%22%3E&only=%22"):
        text = world.client("viewer").get(f"/lethe{path}").text
        assert "<img" not in text
        assert "<script>" not in text
        assert "{{ 7 * 7 }}" in text or path.endswith("%22")


def test_no_value_of_a_row_and_no_key_of_a_subject_is_on_any_page(world: World) -> None:
    client = world.client("dpo")
    for path in (*PAGES, world.set_path.removeprefix("/lethe")):
        assert "example.invalid" not in client.get(f"/lethe{path}").text
    listed = client.get(f"{world.set_path}/list.csv").text
    assert "example.invalid" not in listed
    assert all(len(line.split(",")[0]) == 64 for line in listed.splitlines()[1:])


def test_a_language_is_chosen_and_kept_and_leads_nowhere_else(world: World) -> None:
    client = world.client("viewer")
    answer = client.get("/lethe/language?to=fr&back=/clauses")
    assert (answer.status_code, answer.headers["location"]) == (303, "/lethe/clauses")
    assert '<html lang="fr"' in client.get("/lethe/clauses").text
    for back in ("//evil.example", "https://evil.example", "/\\evil.example"):
        there = client.get("/lethe/language", params={"to": "fr", "back": back})
        assert there.headers["location"] == "/lethe/"


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("fr", "fr"),
        ("fr-LU, en;q=0.5", "fr"),
        ("de, en;q=0.4, fr;q=0.8", "fr"),
        ("lb", "en"),
        ("", "en"),
        ("fr;q=x", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_asks_for(
    world: World, asked: str, language: str
) -> None:
    text = world.client("viewer", **{"Accept-Language": asked}).get("/lethe/").text
    assert f'<html lang="{language}"' in text


def test_every_word_of_the_page_is_there_in_both_languages() -> None:
    folder = include_folder() / "templates" / "console"
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for file in [*folder.glob("*.html"), *(PROJECT / "plugins/lethe/console").glob("*.py")]
    )
    used = set(re.findall(r"(?:say|count)\(\s*['\"]([\w.]+)['\"]\s*[,)]", code))
    keys = {
        language: set(
            re.findall(
                r'^msgid "(.+)"$',
                (include_folder() / f"locale/{language}/LC_MESSAGES/console.po").read_text("utf-8"),
                re.MULTILINE,
            )
        )
        for language in LANGUAGES
    }
    assert keys["en"] == keys["fr"]
    assert not used - keys["en"]
    for language in LANGUAGES:
        for key in used:
            assert wording(language, "console").has(key)


def test_data_docs_are_shown_in_a_sandbox_without_scripts_and_nothing_else_is(
    world: World,
) -> None:
    docs = world.kit.home / "quality" / "docs"
    docs.mkdir(parents=True)
    (docs / "index.html").write_text(
        '<head><link rel="stylesheet" href="https://cdn.example/x.css"></head>'
        '<script>alert(1)</script><script src="https://cdn.example/x.js"></script><p>Suite'
    )
    (docs / "notes.txt").write_text("not a document")
    (world.kit.home / "secret.html").write_text("secret")
    (docs / "out.html").symlink_to(world.kit.home / "secret.html")
    client = world.client("viewer")
    answer = client.get("/lethe/quality/docs/index.html")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("sandbox allow-same-origin;")
    assert "script" not in answer.headers["content-security-policy"]
    assert "alert" not in answer.text
    assert "cdn.example" not in answer.text
    assert "/lethe/static/data-docs.css" in answer.text
    for path in (
        "../../secret.html", "%2e%2e/%2e%2e/secret.html", "..%2f..%2fsecret.html", "out.html",
        "//etc/passwd", "%00", "notes.txt", "", "..\\..\\secret.html",
    ):  # fmt: skip
        found = client.get(f"/lethe/quality/docs/{path}")
        assert found.status_code == 404, path
        assert "secret</" not in found.text
    assert client.get("/lethe/static/..%2f..%2fbase.html").status_code == 404
    assert client.get("/lethe/static/console.css").headers["content-type"].startswith("text/css")


def test_no_summary_yet_is_a_page_that_says_how_to_get_one(world: World) -> None:
    world.kit.execute("DELETE FROM lethe.summary")
    client = world.client("viewer")
    assert "No report has been made yet." in client.get("/lethe/").text
    for path in ("/clauses", "/rules", "/evidence", "/quality"):
        answer = client.get(f"/lethe{path}")
        assert answer.status_code == 200
        assert "compliance_report" in answer.text


def test_a_summary_that_is_overdue_is_called_silence_whatever_it_says(world: World) -> None:
    world.tell(replace(KEPT, next_due=datetime.now(UTC) - timedelta(minutes=1)))
    text = world.client("viewer").get("/lethe/").text
    assert "Silence: a report was due" in text
    assert "Nothing needs a look" not in text


def test_a_warehouse_that_is_away_or_empty_is_a_page_with_the_way_out(
    world: World, postgres: str, new_database: Any
) -> None:
    loaded = world.kit.loaded
    nowhere = extensions.make_dsn(postgres, host="/nowhere", dbname="x")
    for dsn, words in (
        (nowhere, "The warehouse does not answer."),
        (new_database(), "The warehouse is not ready for Lethe."),
    ):
        site = Site(dsn, loaded)
        there = World(world.kit, world.token, make_app(lambda site=site: site))
        for path in (*PAGES, "/waiting/00000000-0000-4000-8000-000000000000/x"):
            answer = there.client("viewer").get(f"/lethe{path}")
            assert answer.status_code == 503, path
            assert words in answer.text
            assert "Traceback" not in answer.text


def test_a_fault_of_the_policy_is_a_page_that_names_its_line(world: World, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("policy: {name: x}\n")
    there = World(world.kit, world.token, make_app(lambda: Site(None, load_policy(str(file)))))
    answer = there.client("viewer").get("/lethe/")
    assert answer.status_code == 503
    assert "policy.yaml:1" in answer.text
    assert str(tmp_path) not in answer.text, "where it lies is nobody's business"


def test_what_fails_unexpectedly_says_nothing_of_what_it_held(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lethe.console.views import overview

    def broken(*_: Any) -> None:
        raise RuntimeError("r1@example.invalid")

    monkeypatch.setattr(overview, "read_nights", broken)
    client = world.client("viewer")
    client._transport.raise_server_exceptions = False
    answer = client.get("/lethe/")
    assert answer.status_code == 500
    assert "The page failed." in answer.text
    assert "example.invalid" not in answer.text


def test_the_page_reads_as_the_reader_and_can_write_nothing(world: World) -> None:
    from lethe.console.warehouse import STATEMENT_TIMEOUT_MS, reading

    with reading(world.kit.site) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('statement_timeout')")
        assert cursor.fetchone() == ("lethe_reader", f"{STATEMENT_TIMEOUT_MS // 1000}s")
        with pytest.raises(psycopg2.Error):
            cursor.execute("DELETE FROM lethe.summary")


def test_the_plugin_file_loads_nothing_heavy_in_a_task(tmp_path: Path) -> None:
    program = (
        "import sys, airflow.sdk, airflow.plugins_manager\nbefore = set(sys.modules)\n"
        "import lethe_ui\nprint(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            "PATH": "/usr/bin:/bin",
            "AIRFLOW_HOME": str(tmp_path),
            "PYTHONPATH": str(PROJECT / "plugins"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1:] == ["lethe_ui"]
    assert len(done.stdout.split()) < 5
