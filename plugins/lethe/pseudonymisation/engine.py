"""The local engine: one file in, Parquet by day and a sealed quarantine out, nothing in between.

Order of a run, so that a crash at any point neither loses nor doubles a line:

1. The file's digest is taken. A digest that has been committed is a repetition: nothing is done.
2. What an earlier, unfinished run of the same digest left is removed.
3. Workers write under `_work/<source>`, make it durable and read it back.
4. The file is looked at again: a change under us ends the run without output.
5. The list of the files is made durable as `_runs/<source>.pending`.
6. The files are moved in, their directories made durable, and the list becomes
   `_runs/<source>.json`: the run is committed.

The raw file is never touched. Whoever destroys it asks `unchanged` first.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lethe.errors import ActError, UsageError, VerificationError
from lethe.pseudonymisation.batch import KeySource
from lethe.pseudonymisation.logplan import LogPlan
from lethe.pseudonymisation.parts import PartFile
from lethe.pseudonymisation.pool import Crew
from lethe.pseudonymisation.sources import Fingerprint, Source, fingerprint
from lethe.pseudonymisation.worker import Tally

STRETCH_OCTETS: Final = 12 << 20
Checkpoint = Callable[[str], None]
# Looks at finished files; gives the numbers of the lines that must not be in them.
Inspect = Callable[[list[Path]], frozenset[int]]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of one file: `read = written + sum(quarantined)`, by lines and by bytes.

    source        name of the run: the front of the file's digest
    repeated      the same content was committed before; nothing was done
    moved         the file was renamed under us, which rotation does; its content was whole
    quarantined   reason → lines; those of `batch.NOT_KEPT` are counted and not kept
    files         Parquet files, and under `_quarantine` the sealed lines
    """

    source: str
    raw: Fingerprint
    format: str
    read: int
    written: int
    quarantined: dict[str, int]
    read_octets: int
    written_octets: int
    quarantined_octets: dict[str, int]
    files: tuple[PartFile, ...]
    repeated: bool = False
    moved: bool = False
    faults: tuple[str, ...] = field(default=())


def pseudonymise_file(
    path: Path,
    plan: LogPlan,
    output: Path,
    *,
    missing_key: KeySource | None = None,
    inspect: Inspect = lambda _: frozenset(),
    workers: int = 2,
    checkpoint: Checkpoint = lambda _: None,
) -> RunReport:
    """Pseudonymise one file.

    missing_key  asked for the secret of a period that the plan does not hold
    inspect      looks at the finished files before they are committed: the lines that it names
                 are set aside, what it raises stops that
    workers      processes beside this one; 0 works in this one
    checkpoint   called with the name of each step that is reached

    Raises  UsageError for a plan or a file that cannot be read, before anything is written
            ActError where reading or writing fails; nothing is committed then
    """
    if faults := plan.faults():
        raise UsageError("; ".join(faults))
    raw = fingerprint(path)
    source = raw.digest[:16]
    if (committed := committed_run(output, source)) is not None:
        return committed
    if plan.read_on is None:
        written = datetime.fromtimestamp(raw.modified_ns / 1e9, UTC).date()
        plan = replace(plan, read_on=written)
    try:
        with work_room(output, source) as work:
            clear_unfinished(output, source)
            checkpoint("started")
            tally, files = _work(path, raw, plan, work, source, missing_key, workers, checkpoint)
            while found := inspect([work / part.name for part in files if part.rows]):
                if found <= plan.set_aside:
                    raise VerificationError(f"{path.name}: lines that were set aside were written")
                # Few files hold such a line: to read one once more is cheaper than to scan all.
                plan = replace(plan, set_aside=plan.set_aside | found)
                for left in work.iterdir():
                    shutil.rmtree(left)
                tally, files = _work(
                    path, raw, plan, work, source, missing_key, workers, checkpoint
                )
            moved = _look_again(path, raw)
            report = _report(source, raw, plan, tally, files, moved=moved)
            commit_run(output, work, report, checkpoint)
    except OSError as error:
        raise ActError(
            f"{path.name}: {error.strerror or type(error).__name__}; nothing of it was committed,"
            " and the raw file is as it was"
        ) from None
    checkpoint("committed")
    return report


@contextmanager
def work_room(output: Path, source: str) -> Iterator[Path]:
    """Give an empty directory that no other run uses, and remove it however the run ends.

    A process that is killed leaves its directory behind, without the lock: the next run of any
    source removes it.
    """
    rooms = output / "_work"
    rooms.mkdir(parents=True, exist_ok=True)
    for room in (*rooms.iterdir(), rooms / source):
        room.mkdir(exist_ok=True)
        descriptor = os.open(room, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if room.name == source:
                raise ActError(f"another run is working on the same content ({source})") from None
            continue
        for inner in room.iterdir():
            shutil.rmtree(inner)
        if room.name == source:
            break
        room.rmdir()
        os.close(descriptor)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        os.close(descriptor)


def _work(
    path: Path,
    raw: Fingerprint,
    plan: LogPlan,
    work: Path,
    source: str,
    missing_key: KeySource | None,
    workers: int,
    checkpoint: Checkpoint,
) -> tuple[Tally, list[PartFile]]:
    """Read the file and have every stretch of it worked on."""
    reader = Source(path)
    if raw.size < STRETCH_OCTETS // 8:
        workers = 0
    with Crew(plan, work, source, workers, STRETCH_OCTETS, missing_key) as crew:
        offset = 0
        for cut in reader.cuts(crew.room):
            if cut.offset != offset:
                raise AssertionError(f"bytes {offset} to {cut.offset} were skipped")
            offset += cut.octets
            crew.give(cut)
            checkpoint("read")
        tally, files = crew.finish()
        checkpoint("worked")
    if reader.digest != raw.digest:
        raise ActError(f"{path.name} changed while it was read; nothing of it was written")
    if tally.octets != offset or tally.lines != crew.lines:
        raise VerificationError(
            f"{crew.lines} lines of {offset} bytes were read, {tally.lines} of {tally.octets}"
            " worked on"
        )
    if sum(part.rows for part in files) != tally.rows:
        raise VerificationError(f"{tally.rows} rows were made, and others were read back")
    quarantine = work / "_quarantine"
    for sealed in sorted(quarantine.glob("*.lq")):
        size = sealed.stat().st_size
        files.append(PartFile(f"_quarantine/{sealed.name}", 0, size, ""))
    return tally, files


def _look_again(path: Path, raw: Fingerprint) -> bool:
    """Tell whether the file was moved; refuse one that changed.

    Raises  ActError where it has another size or time than when it was read
    """
    try:
        now = path.stat()
    except FileNotFoundError:
        return True
    if (now.st_dev, now.st_ino) != (raw.device, raw.inode):
        return True
    if (now.st_size, now.st_mtime_ns) != (raw.size, raw.modified_ns):
        raise ActError(f"{path.name} changed while it was read; rotate it first")
    return False


def unchanged(path: Path, raw: Fingerprint) -> bool:
    """Tell whether the file is still the very one that was read: the question before destroying.

    Raises  UsageError where it cannot be read
    """
    now = fingerprint(path)
    return (now.device, now.inode, now.digest) == (raw.device, raw.inode, raw.digest)


def committed_run(output: Path, source: str) -> RunReport | None:
    """Give the report of a run that was committed, marked as a repetition; else None.

    Raises  VerificationError where the list of the run, or a file that has not reached the end
            of its life, is damaged
    """
    path = output / "_runs" / f"{source}.json"
    if not path.exists():
        return None
    stored = json.loads(path.read_text())
    files = tuple(PartFile(**part) for part in stored.pop("files"))
    for part in files:
        there = output / part.name
        if there.exists() and there.stat().st_size != part.octets:
            raise VerificationError(f"{part.name} has another size than when it was written")
    raw = Fingerprint(**stored.pop("raw"))
    return RunReport(**{**stored, "files": files, "raw": raw, "repeated": True, "faults": ()})


def _report(
    source: str,
    raw: Fingerprint,
    plan: LogPlan,
    tally: Tally,
    files: list[PartFile],
    *,
    moved: bool,
) -> RunReport:
    return RunReport(
        source=source,
        raw=raw,
        format=plan.format,
        read=tally.lines,
        written=tally.rows,
        quarantined=dict(sorted(tally.reasons.items())),
        read_octets=tally.octets,
        written_octets=tally.row_octets,
        quarantined_octets=dict(sorted(tally.reason_octets.items())),
        files=tuple(files),
        moved=moved,
    )


def commit_run(output: Path, work: Path, report: RunReport, checkpoint: Checkpoint) -> None:
    """Move the files of a run in; it counts from the moment in which its list has its name."""
    runs = output / "_runs"
    runs.mkdir(exist_ok=True)
    pending = runs / f"{report.source}.pending"
    _write_durably(pending, json.dumps(asdict(report), indent=1, sort_keys=True))
    _sync(runs)
    checkpoint("listed")
    touched: set[Path] = set()
    for part in report.files:
        target = output / part.name
        target.parent.mkdir(parents=True, exist_ok=True)
        (work / part.name).rename(target)
        touched.add(target.parent)
        checkpoint("moved")
    for directory in (*sorted(touched), output):
        _sync(directory)
    checkpoint("synced")
    pending.rename(runs / f"{report.source}.json")
    _sync(runs)


def clear_unfinished(output: Path, source: str) -> None:
    """Remove what an unfinished run of the same source left."""
    pending = output / "_runs" / f"{source}.pending"
    if pending.exists():
        try:
            listed: list[dict[str, Any]] = json.loads(pending.read_text())["files"]
        except (ValueError, KeyError):
            # The list was not yet whole, so nothing had been moved.
            listed = []
        for part in listed:
            (output / part["name"]).unlink(missing_ok=True)
        pending.unlink()


def _write_durably(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
