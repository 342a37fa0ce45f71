"""The archive beside plain PostgreSQL, on the same records, in one run.

    capture  a whole night that archives everything, beside INSERT … SELECT of the same JSON
    verify   everything on two processes, beside COPY out of the same rows
    growth   adding 1,000 records to an archive of 1,000 and to the large one
    proof    an inclusion proof in the large one

The size is records: nine tenths are documents, one tenth party data of their accounts.
"""

from __future__ import annotations

import io
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from lethe.archive.appending import ArchiveKeys, Place, read_keys
from lethe.archive.capture import Capture
from lethe.archive.check import verify_archive
from lethe.archive.heads import last_head
from lethe.archive.making import Batch
from lethe.archive.night import (
    begin_night,
    capture_documents,
    close_night,
    expire_records,
    run_archive,
    try_sample,
)
from lethe.archive.reading import read_records
from lethe.archive.tiles import open_tree
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.evidence.copying import write_field
from lethe.evidence.merkle import verify_inclusion
from lethe.keys import KeyRing

from benchmarks.archive_shop import AS_OF, COMPOSE, POLICY, add_records, make_shop
from benchmarks.contenders import set_up_lethe
from benchmarks.options import Options, machine
from benchmarks.report import Figure, Report, at_least, at_most
from benchmarks.server import SETTINGS, Server, private_server, server_cpu

RECORDS = 1_000_000
SMALL = ADDED = 1_000
PROOFS = 200


class Took:
    """Seconds by the clock, and of processor, client and server together."""

    clock = 0.0
    cpu = 0.0


@contextmanager
def timing() -> Iterator[Took]:
    """Measure what stands inside."""
    took = Took()
    started, cpu = time.perf_counter(), _cpu()
    try:
        yield took
    finally:
        took.clock, took.cpu = time.perf_counter() - started, _cpu() - cpu


def _cpu() -> float:
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system + server_cpu()


def measure(options: Options) -> Report:
    """Measure everything, or the parts asked for."""
    records = options.size or RECORDS
    report = Report("archive", {"records": records, **machine(), **SETTINGS})
    with (
        tempfile.TemporaryDirectory(prefix="lethe-bench-home-") as home,
        private_server() as server,
    ):
        report.about["server"] = server.show("server_version")
        bench = _Archive(server, Path(home), options, records, report)
        if options.wants("growth"):
            bench.small()
        bench.capture()
        if options.wants("verify"):
            bench.verify()
        if options.wants("proof"):
            bench.proof()
        if options.wants("growth"):
            bench.growth()
    report.about["load_after"] = machine()["load_before"]
    return report


class _Archive:
    def __init__(
        self, server: Server, home: Path, options: Options, records: int, report: Report
    ) -> None:
        self._server = server
        self._home = home
        self._options = options
        self._records = records
        self._report = report
        self._rows: list[dict[str, str | int | float]] = []
        self._added: dict[int, list[float]] = {}

    def _shop(self, name: str, records: int) -> str:
        dsn = self._server.create(name)
        self._options.tell(f"Filling a shop for {records:,} records")
        make_shop(dsn, records)
        return dsn

    # capture and verification ------------------------------------------------------------------

    def capture(self) -> None:
        """Archive everything in one night, and insert the same JSON into a plain table."""
        self._dsn = self._shop("large", self._records)
        self.site = set_up_lethe(self._dsn, self._home / "large", POLICY)
        self._server.checkpoint()
        self._options.tell("Archiving")
        with timing() as night:
            run_id = begin_night(self.site, AS_OF)
            with timing() as took:
                captured = [capture_documents(self.site, run_id, "invoice")]
            ended = expire_records(self.site, run_id)
            close_night(self.site, run_id, captured, ended, try_sample(self.site))
        self._row("Lethe: capture", took)
        self._row("Lethe: the whole night, read back included", night)
        size = self._about_records()
        self._options.tell("Composing the same JSON into a plain table")
        composed = self._composed()
        self._options.tell("Inserting the same JSON into a plain table")
        plain = self._plain()
        self._report.about["mean_record_bytes"] = size
        self._report.tables["Records a second"] = self._rows
        self._report.figures += [
            at_least(
                "capture / INSERT … SELECT of JSON that is there", plain.clock / took.clock, 0.35
            ),
            Figure("… in processor time", plain.cpu / took.cpu),
            Figure("capture / INSERT … SELECT that composes it", composed.clock / took.clock),
            Figure("… in processor time", composed.cpu / took.cpu),
        ]

    def _about_records(self) -> int:
        with closing(psycopg2.connect(self._dsn)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM lethe.archive_record")
            self._records = int((cursor.fetchone() or (0,))[0])
            keys = read_keys(KeyRing.open(connection))
            leaves = random.Random(1).sample(range(self._records), min(1000, self._records))
            sizes = [len(each.data) for each in read_records(connection, keys, leaves=leaves)]
        return round(statistics.mean(sizes))

    def _composed(self) -> Took:
        """What a team writes without Lethe: the JSON of each row, from the same tables."""
        self._execute(
            "CREATE TABLE plain (kind text, id bigint, record json, PRIMARY KEY (kind, id))"
        )
        self._server.checkpoint()
        with timing() as took:
            for statement in COMPOSE:
                self._execute(statement)
        self._row("INSERT … SELECT that composes the same JSON", took)
        self._execute("DROP TABLE plain")
        return took

    def _plain(self) -> Took:
        """The canonical records, opened before, from one plain table into another."""
        self._execute("CREATE TABLE opened (record_id bigint, record json)")
        with closing(psycopg2.connect(self._dsn)) as connection:
            keys = read_keys(KeyRing.open(connection))
            for first in range(0, self._records, 5_000):
                _copy_opened(connection, keys, range(first, min(first + 5_000, self._records)))
            connection.commit()
        self._execute("VACUUM ANALYZE opened")
        self._execute("CREATE TABLE plain (record_id bigint PRIMARY KEY, record json NOT NULL)")
        self._server.checkpoint()
        with timing() as took:
            self._execute("INSERT INTO plain SELECT record_id, record FROM opened")
        self._row("INSERT … SELECT of the same JSON", took)
        self._execute("DROP TABLE plain, opened")
        return took

    def verify(self) -> None:
        """Verify everything on two processes, and copy the same rows out."""
        self._options.tell("Verifying")
        self._execute("VACUUM ANALYZE")
        copied = min((self._copy() for _ in range(2)), key=lambda took: took.clock)
        found = None
        with timing() as took:
            found = verify_archive(self.site, processes=2)
        if found.faults or found.records != self._records:
            raise AssertionError(f"{found.records} records, {found.faults[:3]}")
        self._row("COPY of the same rows", copied)
        self._row("Lethe: verification of everything, two processes", took)
        self._report.figures += [
            at_least("verification / COPY", copied.clock / took.clock, 0.45),
            Figure("… in processor time", copied.cpu / took.cpu),
        ]

    def _copy(self) -> Took:
        with (
            closing(psycopg2.connect(self._dsn)) as connection,
            connection.cursor() as cursor,
            Path(os.devnull).open("wb") as nowhere,
            timing() as took,
        ):
            cursor.copy_expert("COPY lethe.archive_record TO STDOUT", nowhere, 1 << 20)
        return took

    # growth and proof --------------------------------------------------------------------------

    def small(self) -> None:
        """Add records to a small archive."""
        dsn = self._shop("small", SMALL)
        site = set_up_lethe(dsn, self._home / "small", POLICY)
        run_archive(site, AS_OF)
        self._add(site, dsn, SMALL)

    def growth(self) -> None:
        """Add records to the large archive; compare."""
        os.environ["LETHE_HOME"] = str(self._home / "large")
        self._add(self.site, self._dsn, self._records)
        (small, large) = (min(times) for times in self._added.values())
        self._report.figures += [
            at_most(f"adding {ADDED:,}: large archive / small", large / small, 1.5),
        ]

    def _add(self, site: Site, dsn: str, size: int) -> None:
        self._options.tell(f"Adding {ADDED:,} records to {size:,}, three times")
        times, nights = [], []
        for turn in range(3):
            add_records(dsn, size + turn * ADDED, ADDED)
            self._server.checkpoint()
            with _appends() as appends, timing() as night:
                run_archive(site, AS_OF)
            times.append(sum(appends))
            nights.append(night.clock)
        self._added[size] = times
        table = self._report.tables.setdefault(f"Adding {ADDED:,} records", [])
        row = {"archive of": f"{size:,}", "appending s": min(times), "whole night s": min(nights)}
        self._report.tables[f"Adding {ADDED:,} records"] = [*table, row]

    def proof(self) -> None:
        """Prove random leaves, each from nothing: head, tiles, path."""
        times = []
        draw = random.Random(2)
        with closing(psycopg2.connect(self._dsn)) as connection:
            acting_as(connection, "runner")
            for _ in range(PROOFS):
                number = draw.randrange(self._records)
                started = time.perf_counter()
                head = last_head(connection)
                assert head is not None
                tree = open_tree(connection, head.tree_size)
                leaf, path = tree.leaf(number), tree.prove_inclusion(number)
                times.append(time.perf_counter() - started)
                if not verify_inclusion(leaf, number, head.tree_size, path, head.root):
                    raise AssertionError(f"the proof of leaf {number} does not hold")
        name = f"inclusion proof in {self._records:,}, median of {PROOFS}"
        self._report.figures += [
            at_most(name, statistics.median(times) * 1000, 5, "ms"),
            Figure("… the slowest", max(times) * 1000, "ms"),
        ]

    # ground ------------------------------------------------------------------------------------

    def _row(self, name: str, took: Took) -> None:
        self._rows.append(
            {
                "what": name,
                "records/s": self._records / took.clock,
                "s": took.clock,
                "processor s": took.cpu,
            }
        )

    def _execute(self, text: str) -> None:
        connection = psycopg2.connect(self._dsn)
        connection.autocommit = True
        with closing(connection), connection.cursor() as cursor:
            cursor.execute(text)


@contextmanager
def _appends() -> Iterator[list[float]]:
    """Note how long each append took: from its lock to its commit, sealing included."""
    inner = Capture._archive
    durations: list[float] = []

    def timed(self: Capture, batch: Batch) -> Place | None:
        started = time.perf_counter()
        end = inner(self, batch)
        durations.append(time.perf_counter() - started)
        return end

    Capture._archive = timed  # type: ignore[method-assign]
    try:
        yield durations
    finally:
        Capture._archive = inner  # type: ignore[method-assign]


def _copy_opened(
    connection: psycopg2.extensions.connection, keys: ArchiveKeys, leaves: range
) -> None:
    lines = "".join(
        f"{each.leaf_no}\t{write_field(each.data.decode())}\n"
        for each in read_records(connection, keys, leaves=leaves)
    )
    with connection.cursor() as cursor:
        cursor.copy_expert("COPY opened FROM STDIN", io.StringIO(lines))
