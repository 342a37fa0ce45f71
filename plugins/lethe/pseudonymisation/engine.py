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

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lethe.errors import ActError, UsageError, VerificationError
from lethe.pseudonymisation.batch import KeySource
from lethe.pseudonymisation.logplan import LogPlan
from lethe.pseudonymisation.parts import PartFile
from lethe.pseudonymisation.pool import Crew
from lethe.pseudonymisation.runs import (
    Checkpoint,
    RunReport,
    clear_unfinished,
    commit_run,
    committed_run,
    work_room,
)
from lethe.pseudonymisation.sources import Fingerprint, Source, fingerprint
from lethe.pseudonymisation.worker import Tally

STRETCH_OCTETS: Final = 12 << 20
# Looks at finished files; gives the numbers of the lines that must not be in them.
Inspect = Callable[[list[Path]], frozenset[int]]


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
