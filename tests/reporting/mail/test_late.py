"""A late night is told once, and once more when it is done: through a real mail server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lethe.reporting.mail.late import tell_done, tell_late
from lethe.retention.late import Delay
from lethe.tasks import alarms

from tests.kit import Kit, MakeKit
from tests.reporting.mail.test_sending import (  # noqa: F401
    RECIPIENTS,
    MakeServer,
    certificate,
    make_server,
)
from tests.reporting.test_build import DDL, POLICY

NIGHT = date(2026, 6, 1)
STARTED = datetime(2026, 6, 1, 3, 30, tzinfo=ZoneInfo("Europe/Luxembourg"))
LATE = Delay("scheduled__2026-06-01", STARTED, "06:00", STARTED.replace(hour=6))


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    made = make_kit(DDL, POLICY.partition("\nmail:")[0] + RECIPIENTS)
    made.execute("UPDATE lethe.warehouse SET rehearsal = false")
    return made


def finish(kit: Kit, at: str = "now() + interval '1 hour'", state: str = "done") -> None:
    kit.execute(
        "INSERT INTO lethe.run (kind, name, policy_name, policy_version, policy_digest, as_of,"
        " finished_at, state) VALUES ('sweep', %(name)s, 'p', '1', sha256('x'), %(night)s,"
        f" {at}, %(state)s)",
        {"name": f"run {state} {at}", "night": NIGHT, "state": state},
    )


def outbox(kit: Kit) -> list[tuple[Any, ...]]:
    return kit.execute(
        "SELECT correction, state FROM lethe.report_mail WHERE period = 'late'"
        " ORDER BY correction, language DESC"
    )


def test_a_late_night_is_told_once_in_each_language_and_with_the_engineers_words(
    kit: Kit,
    make_server: MakeServer,  # noqa: F811
) -> None:
    server = make_server()
    assert tell_late(kit.site, LATE) == 2
    assert tell_late(kit.site, LATE) == 0
    assert server.recipients == ["dpo@example.org", "ops@example.org"]
    french, english = server.messages
    assert (
        french["Subject"].strip()
        == "Lethe\u00a0: l’effacement de la nuit du 1er juin 2026 a du retard"
    )
    for message, words in ((french, "Pour l’ingénieur"), (english, "For the engineer")):
        text = message.get_content()
        assert words in text and "scheduled__2026-06-01" in text and "06:00" in text
        assert "2026-06-01" not in text.partition(words)[0], "a day is written out for people"
    assert french["Content-Language"] == "fr"


def test_the_all_clear_follows_once_the_night_is_done_as_a_reply_and_only_once(
    kit: Kit,
    make_server: MakeServer,  # noqa: F811
) -> None:
    server = make_server()
    tell_late(kit.site, LATE)
    assert tell_done(kit.site) == 0, "it is not done yet"
    finish(kit, state="failed")
    assert tell_done(kit.site) == 0, "a night that failed is not done"
    finish(kit, "'2026-12-01 05:12:00+00'")
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda _: tell_done(kit.site), range(3)))
    assert sum(told) == 2
    assert tell_done(kit.site) == 0
    alarm, _, *clears = server.messages
    # Several tell it at once, so the two recipients may hear it in either order.
    (clear,) = (each for each in clears if each["To"] == alarm["To"])
    assert clear["In-Reply-To"] == clear["References"] == alarm["Message-ID"]
    assert clear["Message-ID"] != alarm["Message-ID"]
    assert (
        clear["Subject"]
        == "Lethe\u00a0: l’effacement en retard de la nuit du 1er juin 2026 est terminé"
    )
    assert "le 1er décembre 2026 à 06:12" in clear.get_content()
    assert outbox(kit) == [(0, "sent"), (0, "sent"), (1, "sent"), (1, "sent")]


def test_who_heard_no_alarm_gets_no_all_clear(
    kit: Kit,
    make_server: MakeServer,  # noqa: F811
) -> None:
    server = make_server()
    finish(kit)
    assert tell_done(kit.site) == 0
    server.answer = lambda number: "550 no" if number == 1 else None
    assert tell_late(kit.site, LATE) == 1
    assert tell_done(kit.site) == 1
    assert server.recipients == ["ops@example.org", "ops@example.org"]


def test_an_all_clear_that_was_not_taken_goes_out_with_the_next_report(
    kit: Kit,
    make_server: MakeServer,  # noqa: F811
) -> None:
    server = make_server()
    tell_late(kit.site, LATE)
    finish(kit)
    server.answer = lambda _number: "451 later"
    assert tell_done(kit.site) == 0
    server.answer = lambda _number: None
    assert tell_done(kit.site) == 2
    assert len(server.messages) == 4


def test_an_alarm_goes_out_although_the_outbox_cannot_be_written(
    kit: Kit,
    make_server: MakeServer,  # noqa: F811
) -> None:
    server = make_server()
    kit.execute("ALTER TABLE lethe.report_mail RENAME TO elsewhere")
    assert tell_late(kit.site, LATE) == 2
    assert len(server.messages) == 2


def test_on_a_rehearsal_every_alarm_says_so_first(
    kit: Kit,
    make_server: MakeServer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = make_server()
    monkeypatch.setattr(alarms, "the_site", lambda: kit.site)
    kit.execute("UPDATE lethe.warehouse SET rehearsal = true")
    tell_late(kit.site, LATE)
    finish(kit)
    tell_done(kit.site)

    class Task:
        task_id, dag_id, run_id, log_url = "erase_due", "retention_sweep", "x", None

    alarms.tell_failure({"ti": Task(), "exception": ValueError("x")})
    assert len(server.messages) == 6
    for message in server.messages:
        word = "[Répétition] " if message["Content-Language"] == "fr" else "[Rehearsal] "
        assert message["Subject"].strip().startswith(word)
        assert message.get_content().startswith(("Ceci est une répétition", "This is a rehearsal"))
    kit.execute("UPDATE lethe.warehouse SET rehearsal = false")
    alarms.tell_failure({"ti": Task(), "exception": ValueError("x")})
    assert "[" not in server.messages[-1]["Subject"]


def test_what_a_night_closes_with_sounds_the_all_clear_and_never_fails_of_it(
    kit: Kit,
    make_server: MakeServer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = make_server()
    monkeypatch.setattr(alarms, "the_site", lambda: kit.site)
    tell_late(kit.site, LATE)
    finish(kit)
    alarms.sound_all_clear()
    assert len(server.messages) == 4
    kit.execute("ALTER TABLE lethe.report_mail RENAME TO elsewhere")
    alarms.sound_all_clear()
