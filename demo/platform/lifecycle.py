"""Bring the whole platform up, and down again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from demo.platform import airflow_services, credentials, mail_sink, postgres, processes
from demo.platform.databases import drop_warehouse, prepare_databases
from demo.platform.home import PROJECT, Home, write_private
from demo.platform.rest import Api

MAIL_SINK = "mail-sink"


@dataclass(frozen=True, slots=True)
class Ground:
    """What stands before Airflow starts: the server, its databases, the secrets, the mail sink."""

    home: Home
    port: int
    server: postgres.Server
    credentials: credentials.Credentials

    @property
    def address(self) -> str:
        return f"http://{airflow_services.HOST}:{self.port}"

    def loader_dsn(self, password: str | None = None) -> str:
        """Say how the demo warehouse is filled: as the owner of its database, its DBA."""
        return self.server.dsn(credentials.WAREHOUSE, credentials.LOADER, password)

    @property
    def loader_password(self) -> str:
        return self.credentials.roles[credentials.LOADER]

    def empty_warehouse(self) -> None:
        """Drop the demo warehouse and create it anew, empty."""
        superuser_dsn = self.server.dsn("postgres")
        drop_warehouse(superuser_dsn)
        prepare_databases(superuser_dsn, self.credentials.roles)

    def api(self) -> Api:
        """Sign in to Airflow as the engineer."""
        return Api(self.address, "engineer", self.credentials.ui["engineer"])


def lay_ground(home: Home) -> Ground:
    """Start PostgreSQL and the mail sink and make what they need; harmless when all is there.

    Raises  PortTaken before anything is started if the UI's port is not free
    """
    home.make()
    port = airflow_services.choose_port(home)
    secrets = credentials.load_or_make(home)
    server = postgres.start_server(home)
    prepare_databases(server.dsn("postgres"), secrets.roles)
    credentials.write_connections(home, server, secrets, _start_mail_sink(home))
    return Ground(home, port, server, secrets)


def start_airflow(ground: Ground) -> list[str]:
    """Start Airflow's services on the ground; returns the names of those that did not run yet."""
    home, server, secrets = ground.home, ground.server, ground.credentials
    if airflow_services.SERVICES.keys() <= processes.services(home):
        return []
    airflow_services.write_settings(home, server, secrets, ground.port)
    airflow_services.migrate(home, server, secrets)
    return airflow_services.start_services(home)


def bring_down(home: Home) -> list[str]:
    """End every process of this installation; returns the names of what ran."""
    # The triggerer takes 10 s to give up on its own child, and holds nothing of its own.
    ended = processes.stop(home, hurry={"triggerer", MAIL_SINK})
    if postgres.stop_server(home):
        ended.append("postgresql")
    return ended


def remaining(home: Home) -> list[str]:
    """Name what still runs."""
    left = sorted({process.service for process in processes.running(home)})
    return left + (["postgresql"] if postgres.is_running(home) else [])


def _start_mail_sink(home: Home) -> int:
    note = home.run / "mail-port"
    port = int(note.read_text()) if note.exists() else 0
    if MAIL_SINK in processes.services(home) and port:
        return port
    processes.stop(home, [MAIL_SINK], grace_s=5)
    if not port or mail_sink.is_listening(port):
        port = mail_sink.free_port()
    write_private(note, f"{port}\n")
    command = [_python(), "-m", "demo.platform.mail_sink", str(port), str(home.mail)]
    processes.start(home, MAIL_SINK, command, airflow_services.environment(home), PROJECT)
    return port


def _python() -> str:
    import sys

    return str(Path(sys.prefix) / "bin" / "python")
