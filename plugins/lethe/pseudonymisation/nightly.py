"""What a night does with logs: finds files, pseudonymises each, proves it, destroys the raw."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg2

from lethe.connections import acting_as
from lethe.errors import (
    AnswerIsNo,
    LetheError,
    UsageError,
    VerificationError,
    WarehouseRefused,
    describe_database_error,
)
from lethe.evidence.ledger import LedgerRow
from lethe.include import home_folder, statement
from lethe.keys import month_of
from lethe.policy.model.logs import LogSource
from lethe.pseudonymisation.engine import RunReport, pseudonymise_file, unchanged
from lethe.pseudonymisation.formats import detect_format
from lethe.pseudonymisation.key_life import LogKeys, LogRoom
from lethe.pseudonymisation.leakscan import ADDRESS_COLUMNS, find_lines_of_files
from lethe.pseudonymisation.linkability import (
    Linkability,
    over_limits,
    quasi_identifiers,
    score_files,
)
from lethe.pseudonymisation.plan import plan_source
from lethe.pseudonymisation.sinks import write_files
from lethe.pseudonymisation.sources import Source, fingerprint

_SAMPLE_OCTETS: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class RawFile:
    """A raw log that lies there, and the source of the policy that it belongs to.

    own  one of the policy's own files; another only borrows its methods, and stays out of its table
    """

    source: str
    path: Path
    own: bool = True

    @property
    def title(self) -> str:
        """A name for people: of the source and of the file."""
        return f"{self.source}: {self.path.name}"


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one raw file.

    destroyed   whether the raw file is gone
    over_limit  limits of the policy that the output does not keep
    fault       why nothing was written, or why the raw file was not destroyed
    """

    file: RawFile
    report: RunReport | None
    linkability: Linkability | None = None
    destroyed: bool = False
    over_limit: tuple[str, ...] = ()
    fault: LetheError | None = None

    @property
    def exit_code(self) -> int:
        """0 done, 1 a limit is not kept, else the code of the fault."""
        if self.fault is not None:
            return self.fault.exit_code
        return AnswerIsNo.exit_code if self.over_limit else 0

    def as_data(self) -> dict[str, Any]:
        """The outcome as plain data, without a path or a value of a line."""
        report = self.report
        return {
            "source": self.file.source,
            "file": self.file.path.name,
            "format": report.format if report else None,
            "read": report.read if report else 0,
            "written": report.written if report else 0,
            "quarantined": dict(report.quarantined) if report else {},
            "bytes_read": report.read_octets if report else 0,
            "bytes_written": report.written_octets if report else 0,
            "bytes_quarantined": dict(report.quarantined_octets) if report else {},
            "repeated": bool(report and report.repeated),
            "raw_destroyed": self.destroyed,
            "linkability": asdict(self.linkability) if self.linkability else None,
            "over_limit": list(self.over_limit),
            "fault": str(self.fault) if self.fault else None,
        }


def find_files(room: LogRoom, only: Callable[[str], bool] = lambda _: True) -> list[RawFile]:
    """Name the raw files of the policy's sources, in the order of their names."""
    found = []
    for name, source in room.logs.sources.items():
        if source.files is not None and only(name):
            found += [RawFile(name, path) for path in _matches(source.files)]
    return found


def find_inputs(room: LogRoom, pattern: str) -> list[RawFile]:
    """Name the files that a pattern names, for the first source of files of the policy.

    Raises  UsageError where there are none
    """
    sources = [name for name, source in room.logs.sources.items() if source.files is not None]
    if not sources:
        raise UsageError("the policy has no log source of files, whose field methods could be used")
    paths = _matches(str(Path.cwd() / pattern))
    if not paths:
        raise UsageError(f"no file matches {pattern}")
    return [RawFile(sources[0], path, own=False) for path in paths]


def _matches(pattern: str) -> list[Path]:
    whole = str(home_folder() / pattern) if not Path(pattern).is_absolute() else pattern
    named = sorted(Path(name) for name in glob.glob(whole, recursive=True))  # noqa: PTH207
    return [path for path in named if path.is_file()]


def work_file(
    room: LogRoom,
    file: RawFile,
    *,
    output: Path | None = None,
    chosen_format: str | None = None,
    destroy: bool = True,
    workers: int = 2,
) -> FileOutcome:
    """Pseudonymise one file, put it on the ledger, destroy the raw; a fault is an outcome.

    The raw file stays where the output is over a limit of the policy: what can be told apart
    again must not become all that is left before somebody has decided.
    """
    source = room.logs.sources[file.source]
    output = output or home_folder() / source.output
    outcome = FileOutcome(file, None)
    try:
        report = _write(room, file.path, source, output, chosen_format, workers)
        outcome = replace(outcome, report=report)
        parts = [path for part in report.files if part.rows and (path := output / part.name)]
        score = _score(room, source, [path for path in parts if path.exists()])
        over = over_limits(score, room.logs)
        outcome = replace(outcome, linkability=score, over_limit=over)
        _record_written(room, file, report, score, parts, output)
        if destroy and not over:
            room.require_destruction_allowed()
            _destroy_raw(room, file, report)
            outcome = replace(outcome, destroyed=True)
    except LetheError as fault:
        outcome = replace(outcome, fault=fault)
    return outcome


def _score(room: LogRoom, source: LogSource, parts: list[Path]) -> Linkability:
    if not parts:
        return score_files([])
    import pyarrow.parquet as pq

    names = pq.read_schema(parts[0]).names
    chosen = quasi_identifiers(names, source.fields, room.logs.quasi_identifiers)
    return score_files(parts, chosen)


def _write(
    room: LogRoom,
    path: Path,
    source: LogSource,
    output: Path,
    chosen_format: str | None,
    workers: int,
) -> RunReport:
    keys = LogKeys(room)
    period = month_of(room.as_of)
    secret = keys.secret(period)
    if isinstance(secret, str):
        raise UsageError(f"lines without a time have no key: {period} is {secret}")
    name = chosen_format or source.format
    plan = plan_source(
        source,
        "syslog" if name == "detect" else name,
        undated_period=period,
        undated_secret=secret,
        quarantine_key=keys.quarantine_key(),
    )
    if name == "detect":
        detected = detect_format(_sample(path), plan)
        if detected.chosen is None:
            raise UsageError(f"{path.name}: no format fits: {detected}; name one in the policy")
        plan = plan_source(
            source,
            detected.chosen,
            undated_period=period,
            undated_secret=secret,
            quarantine_key=plan.quarantine_key,
        )
    return pseudonymise_file(
        path,
        plan,
        output,
        missing_key=keys.secret,
        inspect=partial(find_leaks, source),
        workers=workers,
    )


def find_leaks(source: LogSource, files: list[Path]) -> frozenset[int]:
    """Name the lines in which something personal is found by patterns of another hand.

    Raises  VerificationError where they are so many that no single line is at fault
    """
    pseudonyms = {name for name, f in source.fields.items() if f.method.startswith("ipcrypt")}
    found = find_lines_of_files(files, ADDRESS_COLUMNS | pseudonyms)
    if found.too_many:
        raise VerificationError(str(found))
    return found.numbers


def _sample(path: Path) -> bytes:
    """Read the first lines of a file, whatever its compression."""
    memory = memoryview(bytearray(_SAMPLE_OCTETS))
    for cut in Source(path).cuts(lambda: memory):
        return bytes(memory[: cut.octets])
    return b""


def _record_written(
    room: LogRoom,
    file: RawFile,
    report: RunReport,
    score: Linkability,
    parts: list[Path],
    output: Path,
) -> None:
    """Put a run on the ledger, and its rows into the table of the policy if there is one.

    Both in one transaction: rows are there exactly once, however often this is tried.
    """
    run = report.source if file.own else f"{report.source}/{_named(output)}"
    if is_recorded(room, "log_written", run):
        return
    table = room.logs.sources[file.source].output_table if file.own else None
    told: dict[str, Any] = {
        "run": run,
        "source": file.source,
        "raw_sha256": report.raw.digest,
        "raw_bytes": report.raw.size,
        "format": report.format,
        "read": report.read,
        "written": report.written,
        "quarantined": dict(report.quarantined),
        "read_bytes": report.read_octets,
        "written_bytes": report.written_octets,
        "quarantined_bytes": dict(report.quarantined_octets),
        "files": [
            {"name": part.name, "rows": part.rows, "bytes": part.octets, "sha256": part.digest}
            for part in report.files
        ],
        "table": str(table) if table else None,
        "unique_share": round(score.unique_share, 6),
        "smallest_group": score.smallest_group,
        "within": not over_limits(score, room.logs),
    }
    acting_as(room.connection, "runner")
    try:
        if table is not None:
            write_files(room.connection, table, parts)
        room.add(LedgerRow("log_written", told))
    except psycopg2.Error as error:
        room.connection.rollback()
        raise WarehouseRefused(
            f"{file.title}: the rows could not be written to the warehouse:"
            f" {describe_database_error(error)}",
            error.pgcode,
        ) from None


def _named(output: Path) -> str:
    """Tell one folder from another without saying where it is."""
    return hashlib.sha256(str(output.resolve()).encode()).hexdigest()[:8]


def _destroy_raw(room: LogRoom, file: RawFile, report: RunReport) -> None:
    """Destroy the raw file that was read, and no other that took its name.

    Raises  VerificationError where it is another one by now
    """
    same = unchanged(file.path, report.raw)
    if report.repeated:
        # A copy under another name, of what was committed before.
        same = fingerprint(file.path).digest == report.raw.digest
    if not same:
        raise VerificationError(
            f"{file.path.name} is not the file any more that was read; it stays for the next night"
        )
    if not is_recorded(room, "log_raw_intended", report.source):
        told = {"run": report.source, "source": file.source, "raw_sha256": report.raw.digest}
        room.record(LedgerRow("log_raw_intended", told))
    try:
        file.path.unlink()
        descriptor = os.open(file.path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise VerificationError(
            f"{file.path.name} was pseudonymised and cannot be destroyed: {error.strerror}"
        ) from None
    told = {"run": report.source, "source": file.source}
    room.record(LedgerRow("log_raw_destroyed", told))


def is_recorded(room: LogRoom, kind: str, run: str) -> bool:
    """Say whether the ledger has a row of a kind about a run."""
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/find_ledger_rows"), {"kind": kind, "run": run})
        found = cursor.fetchone() is not None
    room.connection.rollback()
    return found


def work_night(
    room: LogRoom,
    files: list[RawFile],
    tell: Callable[[str], None] = lambda _: None,
    **how: Any,
) -> Iterator[FileOutcome]:
    """Work on files one after the other; one that fails stops no other."""
    for file in files:
        tell(f"Pseudonymising {file.title}")
        yield work_file(room, file, **how)
