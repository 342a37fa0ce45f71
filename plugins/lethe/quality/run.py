"""Run suites with Great Expectations, which is imported once a process.

Great Expectations asks PostgreSQL one query a scan, in which every expectation is a pair of
aggregates over a boolean column. It owns verdicts, validation results and Data Docs.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.quality.expectations import Derivation, Expectation, Scan
from lethe.quality.files import readable
from lethe.quality.gx import (
    DiscreetCursor,
    act_as_planner,
    for_sqlalchemy,
    import_quietly,
    make_context,
    make_expectation,
    quiet,
)
from lethe.quality.history import quality_folder
from lethe.quality.outcomes import Counts
from lethe.quality.pages import page_name

NIGHTS_OF_DOCS = 30
WORKERS = 2
"""Connections to the warehouse that ask at the same time."""

Tell = Callable[[str], None]
Connect = Callable[[], extensions.connection]


@dataclass(slots=True)
class Ran:
    """What a run of Great Expectations gave.

    counts   key of the expectation → what was counted
    seconds  where the time went
    """

    counts: dict[str, Counts] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def run_suites(
    connect: Connect,
    derivation: Derivation,
    *,
    name: str,
    with_docs: bool = True,
    tell: Tell = lambda _: None,
) -> Ran:
    """Run every suite in this process, two tables at a time.

    connect  opens the warehouse
    name     of this run, in the order of time: 20260301T031500…
    """
    ran = Ran()
    with _clocked(ran, "import"):
        tell("Importing Great Expectations")
        import_quietly()
    with quiet(), _clocked(ran, "run"):
        session = _Session(connect, name)
        try:
            order = {suite: number for number, suite in enumerate(derivation.suites)}
            scans = sorted(derivation.scans, key=lambda scan: order[scan.suite])
            ran.counts = session.run(scans, tell)
        finally:
            session.close()
    if with_docs:
        with quiet(), _clocked(ran, "docs"):
            tell("Building Data Docs")
            session.build_docs()
    return ran


@contextmanager
def _clocked(ran: Ran, what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    ran.seconds[what] = time.monotonic() - started


class _Session:
    """A context in memory whose results and Data Docs are files.

    Every worker has a source, and with it a connection, of its own: Great Expectations keeps the
    batch that it works on in the source's engine.
    """

    def __init__(self, connect: Connect, name: str) -> None:
        self._gx = import_quietly()
        self._name = name
        self._folder = quality_folder()
        self._connect = connect
        self._plain = connect()
        acting_as(self._plain, "planner")
        self._context = make_context(self._gx, self._folder)
        self._sources = [self._add_source(number) for number in range(1, WORKERS + 1)]
        self._number = 0

    def _add_source(self, number: int) -> Any:
        source = self._context.data_sources.add_postgres(
            f"warehouse-{number}",
            # No secret is told to Great Expectations: connections are made here.
            connection_string="postgresql+psycopg2://lethe@warehouse/warehouse",
            kwargs={"creator": self._open},
        )
        act_as_planner(source.get_execution_engine().engine)
        return source

    def _open(self) -> extensions.connection:
        connection = self._connect()
        connection.cursor_factory = DiscreetCursor
        return connection

    def close(self) -> None:
        """Let the warehouse go."""
        self._plain.close()
        for source in self._sources:
            source.get_execution_engine().engine.dispose()

    def run(self, scans: Sequence[Scan], tell: Tell) -> dict[str, Counts]:
        """Ask all scans, the largest tables first; one that fails is asked one by one."""
        order = {id(scan): number for number, scan in enumerate(scans, start=1)}
        todo: SimpleQueue[Scan] = SimpleQueue()
        for scan in sorted(scans, key=lambda each: -each.weight):
            todo.put(scan)
        making = Lock()

        def work(source: Any) -> dict[str, Counts]:
            found: dict[str, Counts] = {}
            while True:
                try:
                    scan = todo.get_nowait()
                except Empty:
                    return found
                with making:
                    validation = self._validation(source, scan, order[id(scan)])
                found |= _counts_of(self._validate(validation), scan)
                tell(f"Asked {scan.suite} · {scan.name}")

        counts: dict[str, Counts] = {}
        with ThreadPoolExecutor(WORKERS) as pool:
            for found in pool.map(work, self._sources):
                counts |= found
        for scan in scans:
            lost = any(counts[each.key].because is not None for each in scan.expectations)
            if lost and len(scan.expectations) > 1:
                counts |= self._one_by_one(scan, order[id(scan)])
        return counts

    def _one_by_one(self, scan: Scan, number: int) -> dict[str, Counts]:
        found: dict[str, Counts] = {}
        for each in scan.expectations:
            alone = scan.only([each])
            validation = self._validation(self._sources[0], alone, number, each)
            found |= _counts_of(self._validate(validation), alone)
        return found

    def _validation(
        self, source: Any, scan: Scan, number: int, alone: Expectation | None = None
    ) -> Any:
        name = page_name(scan, alone)
        query = for_sqlalchemy(readable(self._plain, scan.query(), dict(scan.values)))
        asset = source.add_query_asset(f"{number:03} {name}", query=query)
        made = self._gx.ExpectationSuite(name=name)
        flags = {each.key: flag for flag, each in scan.flags}
        for each in scan.expectations:
            made.add_expectation(make_expectation(each, flags.get(each.key)))
        validation = self._gx.ValidationDefinition(
            name=name,
            data=asset.add_batch_definition_whole_table("all"),
            suite=self._context.suites.add_or_update(made),
        )
        return self._context.validation_definitions.add_or_update(validation)

    def _validate(self, validation: Any) -> Any:
        return validation.run(
            run_id=self._gx.RunIdentifier(run_name=self._name),
            # Our expectation tells counts whatever the format; BOOLEAN_ONLY would drop them.
            result_format={"result_format": "BASIC", "include_unexpected_rows": False},
        )

    def build_docs(self) -> None:
        """Build the pages of this run, and drop those of long ago."""
        _forget_old(self._folder)
        keys = self._context.validation_results_store.list_keys()
        new = [key for key in keys if key.run_id.run_name == self._name]
        suites = [key.expectation_suite_identifier for key in new]
        for some in (new, suites):
            self._context.build_data_docs(resource_identifiers=some, build_index=False)


def _counts_of(result: Any, scan: Scan) -> dict[str, Counts]:
    found = {each.key: Counts(because="it was not answered") for each in scan.expectations}
    for each in result.results:
        key = each.expectation_config.meta["lethe"]["expectation"]
        told: Mapping[str, Any] = each.result or {}
        if "element_count" in told:
            found[key] = Counts(told["rows"], told["element_count"], told["unexpected_count"])
        else:
            found[key] = Counts(because=_reason(each.exception_info))
    return found


def _reason(information: Any) -> str:
    """Why it was not answered: what our own cursor said, and nothing else."""
    text = str(information)
    start = text.find("SQLSTATE ")
    if start < 0:
        return "Great Expectations could not ask it"
    ends = [at for mark in ("\\n", "\n", '"', "'") if (at := text.find(mark, start)) > 0]
    return text[start : min(ends, default=len(text))].rstrip(" .)")


def _forget_old(folder: Path) -> None:
    """Keep the results of the last nights; the reports with their counts stay much longer."""
    runs = sorted({path.name for path in (folder / "results").glob("*/*") if path.is_dir()})
    for old in runs[:-NIGHTS_OF_DOCS]:
        for root in ("results", "docs/validations"):
            for path in (folder / root).glob(f"*/{old}"):
                shutil.rmtree(path, ignore_errors=True)
