"""What was set aside is read again, after a parser or the policy was mended.

What can be read now is written and counts once; what cannot stays sealed, with the day on which it
was first set aside. The old sealed file goes through the outbox once the new run is committed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from lethe.errors import (
    ActError,
    ConfigurationError,
    LetheError,
    UsageError,
    VerificationError,
)
from lethe.evidence.ledger import LedgerRow
from lethe.include import home_folder
from lethe.keys import KeyDestroyed
from lethe.pseudonymisation.batch import Batches
from lethe.pseudonymisation.filerows import is_recorded, record_files, run_name, told_files
from lethe.pseudonymisation.key_life import QUARANTINE, LogKeys, LogRoom
from lethe.pseudonymisation.life import destroy_files
from lethe.pseudonymisation.logplan import LogPlan
from lethe.pseudonymisation.nightly import find_leaks
from lethe.pseudonymisation.outcome import LEAK, Done, Quarantined, Stretch
from lethe.pseudonymisation.parts import PartFile, PartWriter
from lethe.pseudonymisation.plan import plan_source
from lethe.pseudonymisation.quarantine import QuarantineWriter, read_quarantine
from lethe.pseudonymisation.rawfiles import FileOutcome, RawFile
from lethe.pseudonymisation.recognise import is_replaced
from lethe.pseudonymisation.runs import (
    RunReport,
    clear_unfinished,
    commit_run,
    committed_run,
    one_commit,
    work_room,
)
from lethe.pseudonymisation.sources import fingerprint
from lethe.pseudonymisation.worker import Tally

_CHUNK_OCTETS: Final = 8 << 20
# Pieces of one line that is too long: no format reads them.
_NEVER_READ: Final = frozenset({"too-long"})


def find_aside(room: LogRoom, output: Path | None = None) -> list[RawFile]:
    """Name the sealed files of every source of files, or of another output.

    Raises  UsageError where that holds none
    """
    found = []
    if output is not None:
        sources = [name for name, each in room.logs.sources.items() if each.files is not None]
        sealed = sorted((output / "_quarantine").glob("*.lq"))
        if not sources or not sealed:
            raise UsageError(f"nothing that was set aside lies in {output.name}")
        return [RawFile(sources[0], path, own=False) for path in sealed]
    for name, source in room.logs.sources.items():
        if source.files is not None:
            folder = home_folder() / source.output / "_quarantine"
            found += [RawFile(name, path) for path in sorted(folder.glob("*.lq"))]
    return found


def reread_file(
    room: LogRoom,
    file: RawFile,
    *,
    chosen_format: str | None = None,
    output: Path | None = None,
) -> FileOutcome:
    """Read one sealed file again; a fault is an outcome.

    output  another than that of the policy
    """
    outcome = FileOutcome(file, None)
    folder = room.logs.sources[file.source].output
    try:
        report = _reread(room, file, chosen_format, output or home_folder() / folder)
        outcome = replace(outcome, report=report)
        if report.written:
            _record(room, file, report, output or home_folder() / folder)
            room.require_destruction_allowed()
            if file.own:
                destroy_files(room, folder, [file.path])
            else:
                file.path.unlink()
            outcome = replace(outcome, destroyed=True)
    except LetheError as fault:
        outcome = replace(outcome, fault=fault)
    return outcome


def _reread(room: LogRoom, file: RawFile, chosen_format: str | None, output: Path) -> RunReport:
    source = room.logs.sources[file.source]
    first = file.path.name.partition("-")[0]
    before = committed_run(output, first)
    if before is None:
        raise VerificationError(
            f"{file.path.name} belongs to no run that was committed; it stays until its end"
        )
    if is_replaced(output, first):
        raise VerificationError(
            f"{file.path.name}: its lines were read from the raw file in another format since; it"
            " is destroyed with that"
        )
    sealed = fingerprint(file.path)
    name = sealed.digest[:16]
    if (done := committed_run(output, name)) is not None:
        return done
    key = _key_of(room, file.path, first)
    plan = _plan(room, file, chosen_format or before.format, key)
    # A time without a year is read as it was in the first place.
    plan = replace(plan, read_on=datetime.fromtimestamp(before.raw.modified_ns / 1e9, UTC).date())
    try:
        with work_room(output, name) as work:
            clear_unfinished(output)
            keys, leaky = LogKeys(room), frozenset[int]()
            while True:
                lines = read_quarantine(file.path, key, first)
                tally, files = _work(keys, plan, lines, work, name, leaky)
                found = find_leaks(source, [work / part.name for part in files if part.rows])
                if not found:
                    break
                if found <= leaky:
                    raise VerificationError(f"{file.path.name}: lines set aside were written")
                leaky |= found
                for left in work.iterdir():
                    shutil.rmtree(left)
            report = RunReport(
                source=name,
                raw=sealed,
                format=plan.format,
                read=tally.lines,
                written=tally.rows,
                quarantined=dict(sorted(tally.reasons.items())),
                read_octets=tally.octets,
                written_octets=tally.row_octets,
                quarantined_octets=dict(sorted(tally.reason_octets.items())),
                files=tuple(files),
            )
            if not report.written:
                return replace(report, files=())
            _keep_day(file.path, work, files)
            with one_commit(output):
                commit_run(output, work, report, lambda _: None)
    except OSError as error:
        raise ActError(f"{file.path.name}: {error.strerror or type(error).__name__}") from None
    return report


def _keep_day(sealed: Path, work: Path, files: list[PartFile]) -> None:
    """What stays sealed keeps the day on which it was set aside: its life goes on."""
    then = sealed.stat()
    for part in files:
        if part.name.endswith(".lq"):
            os.utime(work / part.name, ns=(then.st_atime_ns, then.st_mtime_ns))


def _key_of(room: LogRoom, path: Path, source: str) -> bytes:
    """Find the quarantine key that opens a file, the newest first."""
    keys = LogKeys(room)
    months = [k.period for k in keys.every() if k.purpose == QUARANTINE and not k.destroyed_at]
    for month in sorted(months, reverse=True):
        try:
            key = keys.quarantine_key(month)
            next(read_quarantine(path, key, source), None)
        except (ConfigurationError, KeyDestroyed):
            room.connection.rollback()
            continue
        return key
    raise ConfigurationError(
        f"{path.name} opens under no quarantine key that is left: its key was destroyed, or it was"
        " sealed by another installation"
    )


def _plan(room: LogRoom, file: RawFile, name: str, key: bytes) -> LogPlan:
    from lethe.keys import month_of

    period = month_of(room.as_of)
    secret = LogKeys(room).secret(period)
    if isinstance(secret, str):
        raise ConfigurationError(f"lines without a time have no key: {period} is {secret}")
    return plan_source(
        room.logs.sources[file.source],
        name,
        undated_period=period,
        undated_secret=secret,
        quarantine_key=key,
    )


def _work(
    keys: LogKeys,
    plan: LogPlan,
    lines: Iterator[Quarantined],
    work: Path,
    name: str,
    leaky: frozenset[int],
) -> tuple[Tally, list[PartFile]]:
    batches = Batches(plan, keys.secret)
    parts = PartWriter(work, name, 0, batches.schema)
    path = work / "_quarantine" / f"{name}-0.lq"
    path.parent.mkdir()
    aside = QuarantineWriter(path, plan.quarantine_key, name)
    tally = Tally()
    for chunk in _chunks(lines):
        hopeless: list[Quarantined] = []
        rest: list[Quarantined] = []
        for line in chunk:
            if line.line in leaky:
                hopeless.append(replace(line, reason=LEAK))
            else:
                (hopeless if line.reason in _NEVER_READ else rest).append(line)
        if rest:
            done = batches.process(Stretch(b"".join(_ended(line.raw) for line in rest), 0))
            parts.write({day: _renumbered(table, rest) for day, table in done.days.items()})
            aside.write([_as_before(each, rest) for each in done.quarantined])
            _add(tally, done, rest)
        aside.write(hopeless)
        for line in hopeless:
            tally.lines += 1
            tally.octets += len(line.raw)
            tally.reasons[line.reason] = tally.reasons.get(line.reason, 0) + 1
            tally.reason_octets[line.reason] = tally.reason_octets.get(line.reason, 0) + len(
                line.raw
            )
    aside.close()
    files = parts.finish()
    if path.exists():
        files.append(PartFile(f"_quarantine/{path.name}", 0, path.stat().st_size, ""))
    return tally, files


def _add(tally: Tally, done: Done, lines: list[Quarantined]) -> None:
    if done.lines != len(lines):
        raise VerificationError(f"{len(lines)} lines were sealed, {done.lines} were read again")
    tally.add(done)


def _chunks(lines: Iterator[Quarantined]) -> Iterator[list[Quarantined]]:
    chunk: list[Quarantined] = []
    octets = 0
    for line in lines:
        chunk.append(line)
        octets += len(line.raw)
        if octets > _CHUNK_OCTETS:
            yield chunk
            chunk, octets = [], 0
    if chunk:
        yield chunk


def _ended(raw: bytes) -> bytes:
    return raw if raw.endswith(b"\n") else raw + b"\n"


def _renumbered(table: Any, lines: list[Quarantined]) -> Any:
    """Give rows the numbers that their lines had in the raw file."""
    import pyarrow as pa

    numbers = np.array([line.line for line in lines], dtype=np.int64)
    places = table["line"].to_numpy()
    return table.set_column(0, table.schema.field("line"), pa.array(numbers[places]))


def _as_before(again: Quarantined, lines: list[Quarantined]) -> Quarantined:
    first = lines[again.line]
    return Quarantined(first.line, first.offset, again.reason, first.raw)


def _record(room: LogRoom, file: RawFile, report: RunReport, output: Path) -> None:
    run = run_name(file, report, output)
    if is_recorded(room, "log_reread", run):
        return
    table = room.logs.sources[file.source].output_table if file.own else None
    told: dict[str, Any] = {
        "run": run,
        "of": file.path.name.partition("-")[0],
        "source": file.source,
        "format": report.format,
        "read": report.read,
        "written": report.written,
        "quarantined": dict(report.quarantined),
        "files": told_files(report),
    }
    parts = [output / part.name for part in report.files if part.rows]
    record_files(room, file, LedgerRow("log_reread", told), table, parts)
