"""What a night does with logs: finds files, pseudonymises each, proves it, destroys the raw."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from lethe.errors import LetheError, UsageError, VerificationError
from lethe.evidence.ledger import LedgerRow
from lethe.include import home_folder
from lethe.keys import month_of
from lethe.policy.model.logs import LogSource
from lethe.pseudonymisation.engine import pseudonymise_file, unchanged
from lethe.pseudonymisation.filerows import (
    is_recorded,
    record_files,
    run_name,
    told_files,
    unread_share,
)
from lethe.pseudonymisation.formats import detect_format
from lethe.pseudonymisation.key_life import LogKeys, LogRoom
from lethe.pseudonymisation.leakscan import ADDRESS_COLUMNS, find_lines_of_files
from lethe.pseudonymisation.life import destroy_files
from lethe.pseudonymisation.linkability import (
    Linkability,
    over_limits,
    quasi_identifiers,
    score_files,
)
from lethe.pseudonymisation.logplan import LogPlan
from lethe.pseudonymisation.plan import plan_source
from lethe.pseudonymisation.rawfiles import FileOutcome, RawFile, is_written_elsewhere
from lethe.pseudonymisation.recognise import followed_runs
from lethe.pseudonymisation.runs import RunReport
from lethe.pseudonymisation.sources import Source

_SAMPLE_OCTETS: Final = 256 << 10


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
        # What stands in front in the same file was written on an earlier night.
        runs = [*reversed([*followed_runs(output, report)]), report]
        parts = [path for run in runs for path in _parts(output, run)]
        score = _score(room, source, parts)
        if parts and score.rows < room.logs.judged_from:
            # Of few lines most stand alone; many small files are judged together.
            parts += _beside(parts, room.logs.judged_from - score.rows)
            score = _score(room, source, parts)
        over = over_limits(score, room.logs)
        if unread := unread_share(room, runs):
            over += (unread,)
        outcome = replace(outcome, linkability=score, over_limit=over)
        for run in runs:
            _record_written(room, file, run, score, output)
        if destroy and not over:
            room.require_destruction_allowed()
            _drop_replaced(room, file, report, output)
            _destroy_raw(room, file, report)
            outcome = replace(outcome, destroyed=True)
    except LetheError as fault:
        outcome = replace(outcome, fault=fault)
    return outcome


def _parts(output: Path, run: RunReport) -> list[Path]:
    """Name the Parquet files of a run whose life has not ended."""
    parts = (output / part.name for part in run.files if part.rows)
    return [path for path in parts if path.exists()]


def _beside(parts: list[Path], wanted: int) -> list[Path]:
    """Name the newest other files of the same days, until they have so many rows."""
    import pyarrow.parquet as pq

    days = {path.parent for path in parts}
    others = [path for day in days for path in day.glob("*.parquet") if path not in parts]
    found = []
    for path in sorted(others, key=lambda each: each.stat().st_mtime_ns, reverse=True):
        if wanted <= 0:
            break
        found.append(path)
        wanted -= pq.read_metadata(path).num_rows
    return found


def _score(room: LogRoom, source: LogSource, parts: list[Path]) -> Linkability:
    if not parts:
        return score_files([])
    import pyarrow.parquet as pq

    # Between two nights the policy may have been changed.
    schemas = [pq.read_schema(path).names for path in parts]
    names = [name for name in schemas[0] if all(name in schema for schema in schemas)]
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
        plan = plan_source(
            source,
            _detect(path, plan),
            undated_period=period,
            undated_secret=secret,
            quarantine_key=plan.quarantine_key,
        )
    report = pseudonymise_file(
        path,
        plan,
        output,
        missing_key=keys.secret,
        inspect=partial(find_leaks, source),
        workers=workers,
    )
    if report.written and chosen_format not in (None, "detect", report.format):
        raise UsageError(
            f"{path.name}: these lines were written before, read as {report.format}; to read them"
            f" as {chosen_format} give an --output of their own"
        )
    return report


def find_leaks(source: LogSource, files: list[Path]) -> frozenset[int]:
    """Name the lines in which something personal is found by patterns of another hand.

    Raises  VerificationError where they are so many that no single line is at fault
    """
    pseudonyms = {name for name, f in source.fields.items() if f.method.startswith("ipcrypt")}
    found = find_lines_of_files(files, ADDRESS_COLUMNS | pseudonyms)
    if found.too_many:
        raise VerificationError(str(found))
    return found.numbers


def _detect(path: Path, plan: LogPlan) -> str:
    """Name the format of a file; a file without a line that has something in it has none."""
    sample = _sample(path)
    if not sample:
        return "none"
    detected = detect_format(sample, plan)
    if detected.chosen is None:
        raise UsageError(f"{path.name}: no format fits: {detected}; name one in the policy")
    return detected.chosen


def _sample(path: Path) -> bytes:
    """Read the first lines that are not empty, whatever the compression."""
    memory = memoryview(bytearray(_SAMPLE_OCTETS))
    for cut in Source(path).cuts(lambda: memory):
        if (sample := bytes(memory[: cut.octets])).strip(b"\r\n"):
            return sample
    return b""


def _record_written(
    room: LogRoom,
    file: RawFile,
    report: RunReport,
    score: Linkability,
    output: Path,
) -> None:
    """Put a run on the ledger, and its rows into the table of the policy if there is one.

    Both in one transaction: rows are there exactly once, however often this is tried.
    """
    run = run_name(file, report, output)
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
        "files": told_files(report),
        "content_sha256": report.content,
        "follows": report.follows,
        "table": str(table) if table else None,
        "unique_share": round(score.unique_share, 6),
        "smallest_group": score.smallest_group,
        "within": not over_limits(score, room.logs),
    }
    record_files(room, file, LedgerRow("log_written", told), table, _parts(output, report))


def _drop_replaced(room: LogRoom, file: RawFile, report: RunReport, output: Path) -> None:
    """Destroy what was sealed of the same lines before their format was known."""
    folder = output / "_quarantine"
    left = [path for name in report.replaces for path in sorted(folder.glob(f"{name}-*.lq"))]
    if file.own and left:
        destroy_files(room, room.logs.sources[file.source].output, left)
    for path in left:
        path.unlink(missing_ok=True)


def _destroy_raw(room: LogRoom, file: RawFile, report: RunReport) -> None:
    """Destroy the raw file that was read, and no other that took its name.

    Raises  VerificationError where it is another one by now
    """
    if file.path.is_symlink():
        raise VerificationError(
            f"{file.path.name} is a link: it was pseudonymised, and the file to which it leads"
            " stays; name that one in the policy"
        )
    if file.path.stat().st_nlink > 1:
        raise VerificationError(
            f"{file.path.name} has another name on the disk (a hard link), under which its lines"
            " would stay; it was pseudonymised, and is destroyed once it has only one"
        )
    if is_written_elsewhere(file.path):
        raise VerificationError(
            f"{file.path.name} is still open for writing in another process; it was pseudonymised,"
            " and is destroyed once that closes it (tell it to reopen its log when you rotate)"
        )
    if not unchanged(file.path, report.raw):
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
    told = {"run": report.source, "source": file.source, "raw_sha256": report.raw.digest}
    room.record(LedgerRow("log_raw_destroyed", told))


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
