"""Reports go through a real mail server: with TLS, sign-in, refusals, slowness and sudden death."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from lethe.archive.old_mails import parse_heads
from lethe.errors import ActError, ConfigurationError
from lethe.reporting.files import Report
from lethe.reporting.mail.outbox import claim, content_of
from lethe.reporting.mail.sending import send_report

from tests.kit import Kit, MakeKit
from tests.reporting.examples import KEPT, MONTH, NEEDS_YOU, NOT_KEPT
from tests.reporting.test_build import DDL, POLICY

RECIPIENTS = """
mail:
  sender: lethe@example.org
  max_bytes: 400000
  recipients:
    - {email: dpo@example.org, language: fr}
    - {email: boss@example.org, language: en, reports: [month]}
    - {email: ops@example.org, language: en, reports: [alarm]}
"""


@dataclass
class Server:
    """A mail server and what it took; `answer` may refuse, delay or break the connection."""

    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    answer: Callable[[int], str | None] = lambda _number: None
    attempts: int = 0

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.attempts += 1
        said = self.answer(self.attempts)
        if said == "die before":
            server.transport.abort()
            return "421 gone"
        if said and said.startswith(("4", "5")):
            return said
        parsed = message_from_bytes(envelope.original_content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        self.recipients += envelope.rcpt_tos
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        if said == "die after":
            server.transport.abort()
        if said == "slow":
            import asyncio

            await asyncio.sleep(3)
        return "250 Kept"

    def check(self, *asked: Any) -> AuthResult:
        data = asked[-1]
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == b"right", handled=False)

    def by(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages if message["To"] == address]


MakeServer = Callable[..., Server]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def make_server(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> Iterator[MakeServer]:
    """A maker of mail servers; the connection `lethe_smtp` leads to the newest."""
    running: list[Controller] = []

    def make(kind: str = "plain", login: tuple[str, str] | None = None, **extra: Any) -> Server:
        server = Server()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        options: dict[str, Any] = {"hostname": "localhost", "port": 0}
        if kind == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if login:
            options |= {
                "authenticator": server.check,
                "auth_required": True,
                "auth_require_tls": kind == "starttls",
            }
        controller = _controller(server, options, context if kind == "tls" else None)
        running.append(controller)
        flags = {
            "plain": {"disable_ssl": True, "disable_tls": True},
            "starttls": {"disable_ssl": True},
            "tls": {},
        }[kind]
        connection = {
            "conn_type": "smtp",
            "host": "localhost",
            "port": controller.server.sockets[0].getsockname()[1],
            "login": login[0] if login else None,
            "password": login[1] if login else None,
            "extra": flags | extra,
        }
        monkeypatch.setenv("AIRFLOW_CONN_LETHE_SMTP", json.dumps(connection))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        return server

    yield make
    for controller in running:
        controller.stop()


def _controller(
    server: Server, options: dict[str, Any], context: ssl.SSLContext | None
) -> Controller:
    class AnyPort(Controller):
        def _trigger_server(self) -> None:
            # The controller asks itself whether it is there; the port is known only now.
            self.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

        def factory(self) -> SMTP:
            kwargs = {k: v for k, v in self.SMTP_kwargs.items() if k != "data_size_limit"}
            return SMTP(self.handler, data_size_limit=2**25, **kwargs)

    controller = AnyPort(server, ssl_context=context, **options)
    controller.start()
    return controller


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY.partition("\nmail:")[0] + RECIPIENTS)


def report_of(summary: Any, folder: Path, files: tuple[Path, ...] = ()) -> Report:
    return Report(summary, folder, files, ("lethe-evidence-pack 1 x day 2026 2026 ff",))


def send(kit: Kit, summary: Any = KEPT, files: tuple[Path, ...] = (), **more: Any) -> Any:
    return send_report(
        kit.site,
        report_of(summary, kit.home, files),
        pause=lambda _seconds: None,
        **more,
    )


def states(kit: Kit) -> list[tuple[Any, ...]]:
    return kit.execute(
        "SELECT state, correction, attempts, last_error FROM lethe.report_mail ORDER BY claimed_at"
    )


@pytest.mark.parametrize("kind", ["plain", "starttls", "tls"])
def test_a_report_arrives_whole_over_every_kind_of_connection(
    kit: Kit, make_server: MakeServer, kind: str
) -> None:
    server = make_server(kind, ("lethe", "right") if kind != "plain" else None)
    assert send(kit).outcomes == {"sent": 1}
    (message,) = server.messages
    assert server.recipients == ["dpo@example.org"]
    assert server.encrypted == [kind != "plain"]
    assert message["Content-Language"] == "fr"
    assert message["Subject"].startswith("Rien n’est à regarder\u00a0; 6 promesses sur 8")
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    assert text.startswith("Rien n’est à regarder. 6 promesses sur 8 prouvées tenues")
    assert "Rien n’est à regarder." in html
    assert states(kit) == [("sent", 0, 1, None)]


def test_the_heads_in_a_mail_are_found_again_by_the_check_of_the_archive(
    kit: Kit, make_server: MakeServer
) -> None:
    server = make_server()
    line = KEPT.archive.line.replace("A" * 86, "Ab+/" * 21 + "Aw")
    summary = replace(KEPT, archive=replace(KEPT.archive, line=line))
    send(kit, summary)
    raw = server.messages[0].as_bytes().decode()
    heads = list(parse_heads([raw]))
    assert {head.head_no for head in heads} == {88}
    assert {head.root.hex() for head in heads} == {"5ac0" * 16}
    message = server.messages[0]
    assert message["X-Lethe-Archive-Head"].strip() == line
    assert message["X-Lethe-Signer"].strip() == KEPT.signer
    assert message["X-Lethe-Evidence-Pack"].endswith(" ff")


def test_charts_are_attached_with_words_for_those_who_do_not_see_them(
    kit: Kit, make_server: MakeServer
) -> None:
    server = make_server()
    send(kit, NOT_KEPT)
    html = server.messages[0].get_body(("html",)).get_content()
    images = [p for p in server.messages[0].walk() if p.get_content_type() == "image/png"]
    assert {image.get_filename() for image in images} == {"backlog.png", "due.png"}
    for image in images:
        assert f'src="cid:{image["Content-ID"].strip("<>")}"' in html
        assert image.get_content()[:4] == b"\x89PNG"
    assert html.count('alt="') == len(images)
    assert "http" not in html.replace("https://mentorsig.com", "")


def test_the_same_report_is_sent_once_however_often_it_is_asked_for(
    kit: Kit, make_server: MakeServer
) -> None:
    server = make_server()
    send(kit)
    later = replace(KEPT, made_at=datetime(2026, 6, 1, 9, tzinfo=UTC), changes=())
    assert send(kit, later).outcomes == {"already_sent": 1}
    assert len(server.messages) == 1


def test_a_report_that_says_something_else_is_corrected_in_reply_to_the_first(
    kit: Kit, make_server: MakeServer
) -> None:
    server = make_server()
    send(kit)
    send(kit, NEEDS_YOU)
    send(kit, NOT_KEPT)
    first, second, third = server.messages
    assert second["Subject"].startswith("Correction n° 1\u00a0: 1 point est à regarder")
    assert third["Subject"].startswith("Correction n° 2\u00a0: ")
    assert first["In-Reply-To"] is None
    assert second["In-Reply-To"] == third["In-Reply-To"] == first["Message-ID"]
    assert len({message["Message-ID"] for message in server.messages}) == 3
    assert "correction n° 1" in second.get_body(("plain",)).get_content()


def test_a_run_that_must_not_correct_leaves_what_was_sent(
    kit: Kit, make_server: MakeServer
) -> None:
    server = make_server()
    send(kit)
    assert send(kit, NOT_KEPT, may_correct=False).outcomes == {"already_sent": 1}
    assert len(server.messages) == 1


def test_a_server_that_has_no_time_now_is_asked_again(kit: Kit, make_server: MakeServer) -> None:
    server = make_server()
    server.answer = lambda number: "451 later" if number < 3 else None
    assert send(kit).outcomes == {"sent": 1}
    assert server.attempts == 3
    assert states(kit) == [("sent", 0, 3, None)]


def test_a_refusal_is_not_repeated_and_rings_at_those_who_can_be_reached(
    kit: Kit, make_server: MakeServer
) -> None:
    server = make_server()
    server.answer = lambda number: "550 no such user anna.schmit" if number == 1 else None
    with pytest.raises(ActError) as failed:
        send(kit)
    assert "550" in str(failed.value) and "anna" not in str(failed.value)
    assert states(kit)[0][0] == "failed" and "anna" not in states(kit)[0][3]
    # Recipients without a list of reports get alarms too.
    assert server.recipients == ["dpo@example.org", "ops@example.org"]
    assert "could not be sent" in server.by("ops@example.org")[0]["Subject"]


def test_what_failed_is_sent_later_under_the_same_name(kit: Kit, make_server: MakeServer) -> None:
    server = make_server()
    server.answer = lambda _number: "550 no"
    with pytest.raises(ActError):
        send(kit)
    server.answer = lambda _number: None
    assert send(kit).outcomes == {"sent": 1}
    assert states(kit) == [("sent", 0, 2, None)]


def test_a_server_that_dies_before_it_answers_gets_the_mail_again_under_the_same_name(
    kit: Kit, make_server: MakeServer
) -> None:
    server = make_server()
    server.answer = lambda number: {1: "die before", 2: "die after"}.get(number)
    assert send(kit).outcomes == {"sent": 1}
    # The second attempt was kept and never confirmed: the copy bears the same name.
    assert len(server.messages) == 2
    assert len({message["Message-ID"] for message in server.messages}) == 1


def test_a_slow_server_is_not_waited_for_for_ever(kit: Kit, make_server: MakeServer) -> None:
    server = make_server(timeout=0.5)
    server.answer = lambda number: "slow" if number == 1 else None
    began = time.monotonic()
    assert send(kit).outcomes == {"sent": 1}
    assert time.monotonic() - began < 10
    assert len({message["Message-ID"] for message in server.messages}) == 1


def test_a_wrong_password_is_not_tried_again(kit: Kit, make_server: MakeServer) -> None:
    server = make_server("starttls", ("lethe", "wrong"))
    with pytest.raises(ActError, match="SMTPAuthenticationError 535"):
        send(kit)
    assert states(kit)[0][2] == 1
    assert set(server.users) == {"lethe"} and server.messages == []


def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    kit: Kit, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server("tls", ("lethe", "right"))
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ActError, match="CERTIFICATE_VERIFY_FAILED"):
        send(kit)
    assert server.messages == [] and server.users == []


def test_a_server_without_starttls_gets_nothing_in_the_clear(
    kit: Kit, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server("plain", disable_tls=False)
    with pytest.raises(ActError, match="STARTTLS"):
        send(kit)
    assert server.messages == []


def test_a_crash_between_handing_over_and_marking_sends_a_copy_with_the_same_name(
    kit: Kit, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server()

    class Killed(BaseException):
        pass

    from lethe.reporting.mail import sending

    def crash(settings: Any, message: Any) -> None:
        original(settings, message)
        raise Killed

    original = sending.hand_over
    monkeypatch.setattr(sending, "hand_over", crash)
    with pytest.raises(Killed):
        send(kit)
    assert states(kit) == [("claimed", 0, 1, None)]
    monkeypatch.setattr(sending, "hand_over", original)
    assert send(kit).outcomes == {"sent_again": 1}
    first, copy = server.messages
    assert first["Message-ID"] == copy["Message-ID"]
    assert first["X-Lethe-Sent-Again"] is None
    assert "same Message-ID" in copy["X-Lethe-Sent-Again"]
    assert send(kit).outcomes == {"already_sent": 1}


def test_two_processes_send_one_mail(kit: Kit, make_server: MakeServer) -> None:
    server = make_server()
    server.answer = lambda _number: "slow"
    outcomes: list[Any] = []
    workers = [
        threading.Thread(target=lambda: outcomes.append(send(kit).outcomes)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(server.messages) == 1
    # Whoever takes up the claim of another cannot know that the other is still alive.
    sent = [each.get("sent", 0) + each.get("sent_again", 0) for each in outcomes]
    assert sum(sent) == 1
    assert all("failed" not in each for each in outcomes)


def test_what_does_not_fit_is_named_and_left_out(
    kit: Kit, make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server()
    small, large = tmp_path / "figures.csv", tmp_path / "lethe-evidence-small-2026-05.zip"
    small.write_text("first,last\r\n")
    large.write_bytes(b"\0" * 600_000)
    report = Report(MONTH, tmp_path, (small, large), pack=large)
    done = send_report(kit.site, report, pause=lambda _seconds: None)
    assert done.outcomes == {"sent": 2}
    for message in server.messages:
        assert len(message.as_bytes()) < 400_000
        names = [part.get_filename() for part in message.iter_attachments()]
        assert names == ["figures.csv"]
        text = message.get_body(("plain",)).get_content()
        assert "lethe-evidence-small-2026-05.zip" in text
    english = server.by("boss@example.org")[0].get_body(("plain",)).get_content()
    assert "too large for this mail" in english


def test_without_the_connection_nothing_is_claimed(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_LETHE_SMTP", raising=False)
    with pytest.raises(ConfigurationError, match="lethe_smtp"):
        send(kit)
    assert states(kit) == []


def test_the_outbox_holds_no_address(kit: Kit, make_server: MakeServer) -> None:
    make_server()
    send(kit)
    rows = kit.execute("SELECT m::text FROM lethe.report_mail AS m")
    assert "example.org" not in rows[0][0].replace("@example.org>", "")
    assert "dpo" not in rows[0][0]


def test_what_is_left_claimed_by_nobody_is_no_double(kit: Kit, make_server: MakeServer) -> None:
    make_server()
    with kit.site.connected("runner") as connection:
        slot = claim(
            connection, KEPT, "dpo@example.org", "fr", lambda number: f"<{number}@x>",
            may_correct=True,
        )  # fmt: skip
        assert slot is not None and slot.correction == 0
    assert len(content_of(KEPT)) == 64
    assert content_of(KEPT) != content_of(NEEDS_YOU)
    assert content_of(KEPT) == content_of(replace(KEPT, changes=(), seal=None))


@dataclass
class _Task:
    task_id: str = "erase_due"
    dag_id: str = "retention_sweep"
    run_id: str = "scheduled__1"
    log_url: str = "https://airflow.example.org/log"


def test_a_failed_task_is_told_to_those_who_take_failures_without_the_words_of_a_library(
    kit: Kit, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lethe.errors import WarehouseRefused
    from lethe.tasks import alarms

    server = make_server()
    monkeypatch.setattr(alarms, "the_site", lambda: kit.site)
    refused = WarehouseRefused("SQLSTATE 55P03 on crm.account")
    alarms.tell_failure({"ti": _Task(), "exception": refused, "rule": "account-inactive"})
    # Nobody takes failures here: whoever gets alarms does.
    assert server.recipients == ["dpo@example.org", "ops@example.org"]
    french, english = (message.get_content() for message in server.messages)
    assert "Une étape de «\u00a0Effacement nocturne\u00a0» a échoué" in french
    assert "tâche erase_due [account-inactive] de retention_sweep" in french
    assert "SQLSTATE 55P03 on crm.account" in english
    assert "https://airflow.example.org/log" in english

    policy_text = (POLICY.partition("\nmail:")[0] + RECIPIENTS).replace("[alarm]", "[failure]")
    monkeypatch.setattr(alarms, "the_site", lambda: kit.under(policy_text).site)
    alarms.tell_failure({"ti": _Task(), "exception": ValueError("anna.schmit@example.org")})
    assert server.recipients[2:] == ["ops@example.org"]
    assert "anna" not in server.messages[-1].get_content()
    assert "ValueError" in server.messages[-1].get_content()
