"""What stands before Airflow starts: secrets, connections, settings, the mail sink."""

from __future__ import annotations

import base64
import json
import smtplib
import socket
import time
from email.message import EmailMessage
from pathlib import Path

import psycopg2
import pytest

from demo.platform import airflow_services, credentials, lifecycle, mail_sink, processes
from demo.platform.errors import PlatformError, PortTaken
from demo.platform.home import Home
from demo.platform.postgres import Server


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    port = mail_sink.free_port()
    monkeypatch.setenv("LETHE_PORT", str(port))
    return port


def test_every_connection_of_the_ground_opens_the_warehouse_under_its_own_role(home: Home) -> None:
    lifecycle.lay_ground(home)
    connections = json.loads((home.secrets / "connections.json").read_text())
    for conn_id, (login, group) in credentials.WAREHOUSE_CONNECTIONS.items():
        found = connections[conn_id]
        opened = psycopg2.connect(
            host=found["host"],
            port=found["port"],
            dbname=found["schema"],
            user=found["login"],
            password=found["password"],
        )
        with opened.cursor() as cursor:
            cursor.execute("SELECT current_user, pg_has_role(%s, 'MEMBER')", (group,))
            assert cursor.fetchone() == (login, True)
        opened.close()


def test_mail_that_is_sent_to_the_sink_lies_there_as_a_file(home: Home) -> None:
    lifecycle.lay_ground(home)
    port = json.loads((home.secrets / "connections.json").read_text())["lethe_smtp"]["port"]
    message = EmailMessage()
    message["Subject"] = "Rapport d'effacement"
    message["From"], message["To"] = "lethe@example.org", "dpo@example.org"
    message.set_content("Tout est effacé.")
    deadline = time.monotonic() + 10
    while not mail_sink.is_listening(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(message)
    (kept,) = home.mail.glob("*.eml")
    assert "X-Envelope-To: dpo@example.org" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_laying_the_ground_twice_changes_nothing(home: Home) -> None:
    first = lifecycle.lay_ground(home)
    secrets = {path.name: path.read_text() for path in home.secrets.iterdir()}
    assert lifecycle.lay_ground(home) == first
    assert {path.name: path.read_text() for path in home.secrets.iterdir()} == secrets
    assert len(processes.running(home)) == 1


def test_a_taken_port_stops_everything_before_anything_is_started(
    home: Home, free_port: int
) -> None:
    taken = socket.create_server(("127.0.0.1", free_port))
    with taken, pytest.raises(PortTaken, match="LETHE_PORT"):
        lifecycle.lay_ground(home)
    assert lifecycle.remaining(home) == []
    assert not home.postgres.exists()


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(
    home: Home, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.make()
    monkeypatch.setenv("LETHE_PORT", text)
    with pytest.raises(PlatformError, match="is no port"):
        airflow_services.choose_port(home)


def test_every_secret_is_readable_by_its_owner_only_and_differs_between_homes(home: Home) -> None:
    other = Home(home.root.parent / "other")
    made = [credentials.load_or_make(each) for each in (home, other)]
    for folder in (home.secrets, other.secrets):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    assert not set(made[0].roles.values()) & set(made[1].roles.values())
    assert not set(made[0].ui.values()) & set(made[1].ui.values())
    assert credentials.load_or_make(home) == made[0]


def test_a_connection_that_somebody_pointed_elsewhere_stays(home: Home) -> None:
    secrets = credentials.load_or_make(home)
    server = Server(Path("/nowhere"))
    credentials.write_connections(home, server, secrets, 2525)
    path = home.secrets / "connections.json"
    first = json.loads(path.read_text())
    mine = {"conn_type": "smtp", "host": "mail.example.org", "port": 587}
    path.write_text(json.dumps(first | {"lethe_smtp": mine}))
    credentials.write_connections(home, Server(Path("/elsewhere")), secrets, 2526)
    second = json.loads(path.read_text())
    assert second["lethe_smtp"] == mine
    assert second["lethe_warehouse"]["host"] == "/elsewhere"
    assert second["lethe_keys"] == first["lethe_keys"]
    assert len(base64.b64decode(second["lethe_keys"]["password"], validate=True)) == 32


def test_a_secrets_file_that_is_broken_is_named(home: Home) -> None:
    home.make()
    (home.secrets / "passwords.json").write_text("{")
    with pytest.raises(PlatformError, match=r"passwords\.json is not valid JSON"):
        credentials.load_or_make(home)


def test_settings_of_another_airflow_do_not_get_in(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = {
        "AIRFLOW_CONN_LETHE_WAREHOUSE": "postgres://somebody@production/crm",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW_HOME": "/somewhere",
        "PGHOST": "production",
        "PYTHONPATH": "/somewhere",
    }
    for name, value in stray.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("no_proxy", "intranet")
    found = airflow_services.environment(home)
    assert not set(stray.items()) & set(found.items())
    assert found["AIRFLOW_HOME"] == str(home.airflow)
    assert found["no_proxy"] == "intranet,127.0.0.1,localhost"


def test_every_setting_that_is_written_is_one_that_airflow_knows(home: Home) -> None:
    from configparser import ConfigParser

    from airflow.configuration import conf

    secrets = credentials.load_or_make(home)
    airflow_services.write_settings(home, Server(Path("/nowhere")), secrets, 8080)
    path = home.airflow / "airflow.cfg"
    assert path.stat().st_mode & 0o777 == 0o600
    written = ConfigParser(interpolation=None)
    written.read(path)
    for section in written.sections():
        known = conf.configuration_description.get(section, {}).get("options", {})
        assert section == "lethe" or set(written[section]) <= set(known), section
    assert written["api"]["host"] == "127.0.0.1"
    assert written["core"]["simple_auth_manager_all_admins"] == "False"
