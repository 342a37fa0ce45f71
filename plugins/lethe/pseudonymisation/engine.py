"""The local engine: one file in, Parquet by day and a sealed quarantine out, nothing in between.

Order of a run, so that a crash at any point neither loses nor doubles a line:

1. The file's digest is taken. Content that has been committed is a repetition: nothing is done;
   a file that begins with such content is read from its end on (`recognise`).
2. What earlier, unfinished runs left is removed.
3. Workers write under `_work/<source>`, make it durable and read it back.
4. The file is looked at again: a change under us ends the run without output.
5. The list of the files is made durable as `_runs/<source>.pending`.
6. The files are moved in, their directories made durable, and the list becomes
   `_runs/<source>.json`: the run is committed.

The raw file is never touched. Whoever destroys it asks `unchanged` first.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lethe.errors import ActError, UsageError, VerificationError
from lethe.pseudonymisation.batch import KeySource
from lethe.pseudonymisation.formats import make_format
from lethe.pseudonymisation.logplan import LogPlan
from lethe.pseudonymisation.parts import PartFile
from lethe.pseudonymisation.pool import Crew
from lethe.pseudonymisation.recognise import Known, head_name, recognise, runs_alike
from lethe.pseudonymisation.runs import (
    Checkpoint,
    RunReport,
    clear_unfinished,
    commit_run,
    committed_run,
    one_commit,
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
    if plan.format == "columns":
        raise UsageError("the format 'columns' is for tables, not for files")
    make_format(plan)
    raw = fingerprint(path)
    if plan.read_on is None:
        written = datetime.fromtimestamp(raw.modified_ns / 1e9, UTC).date()
        plan = replace(plan, read_on=written)
    while True:
        known = recognise(path, raw, output, plan.format)
        if known.whole and known.run is not None:
            return replace(known.run, raw=raw, repeated=True)
        source = _name_of(raw, known, plan)
        if (committed := committed_run(output, source)) is not None:
            return committed
        job = _Job(path, raw, known, source, output, missing_key, workers, checkpoint)
        try:
            report = _run(job, plan, inspect)
        except OSError as error:
            raise ActError(
                f"{path.name}: {error.strerror or type(error).__name__}; nothing of it was"
                " committed, and the raw file is as it was"
            ) from None
        if report is not None:
            checkpoint("committed")
            return report


@dataclass(frozen=True, slots=True)
class _Job:
    """One file, and what is known of it."""

    path: Path
    raw: Fingerprint
    known: Known
    source: str
    output: Path
    missing_key: KeySource | None
    workers: int
    checkpoint: Checkpoint


def _name_of(raw: Fingerprint, known: Known, plan: LogPlan) -> str:
    """Name a run by the file's digest; one that reads it once more by the format too."""
    name = raw.digest[:16]
    if any(run.source == name for run in known.in_vain):
        name = hashlib.sha256(f"{raw.digest}:{plan.format}".encode()).hexdigest()[:16]
    return name


def _run(job: _Job, plan: LogPlan, inspect: Inspect) -> RunReport | None:
    """Work on the file and commit; None where another run wrote something of it meanwhile."""
    with work_room(job.output, job.source) as work:
        clear_unfinished(job.output)
        job.checkpoint("started")
        worked = _work(job, plan, work)
        while found := inspect([work / part.name for part in worked.files if part.rows]):
            if found <= plan.set_aside:
                raise VerificationError(f"{job.path.name}: lines that were set aside were written")
            # Few files hold such a line: to read one once more is cheaper than to scan all.
            plan = replace(plan, set_aside=plan.set_aside | found)
            for left in work.iterdir():
                shutil.rmtree(left)
            worked = _work(job, plan, work)
        moved = _look_again(job.path, job.raw)
        report = _report(job, plan, worked, moved=moved)
        with one_commit(job.output):
            if runs_alike(job.output, job.known.head) != job.known.alike:
                if moved:
                    raise ActError(f"{job.path.name} was moved while another run wrote it")
                return None
            entry = head_name(job.known.head, job.source)
            commit_run(job.output, work, report, job.checkpoint, entry)
    return report


@dataclass(frozen=True, slots=True)
class _Worked:
    """What came of reading a file.

    content, octets  digest and length of all of it, without its compression
    resume_at        where the next lines begin, should it grow
    """

    tally: Tally
    files: list[PartFile]
    content: str
    octets: int
    resume_at: int


def _work(job: _Job, plan: LogPlan, work: Path) -> _Worked:
    """Read the file and have every stretch of it worked on."""
    reader, begin = Source(job.path), job.known.begin
    workers = job.workers if job.raw.size >= STRETCH_OCTETS // 8 else 0
    with Crew(plan, work, job.source, workers, STRETCH_OCTETS, job.missing_key) as crew:
        offset = 0
        for cut in reader.cuts(crew.room, begin):
            if cut.offset != offset:
                raise AssertionError(f"bytes {offset} to {cut.offset} were skipped")
            offset += cut.octets
            if offset <= begin:
                crew.pass_over(cut)
                continue
            crew.give(cut)
            job.checkpoint("read")
        tally, files = crew.finish()
        job.checkpoint("worked")
    if reader.digest != job.raw.digest:
        raise ActError(f"{job.path.name} changed while it was read; nothing of it was written")
    lines = crew.lines - crew.passed_lines
    if (tally.octets, tally.lines) != (offset - begin, lines):
        raise VerificationError(
            f"{lines} lines of {offset - begin} bytes were read, {tally.lines} of {tally.octets}"
            " worked on"
        )
    if sum(part.rows for part in files) != tally.rows:
        raise VerificationError(f"{tally.rows} rows were made, and others were read back")
    for sealed in sorted((work / "_quarantine").glob("*.lq")):
        files.append(PartFile(f"_quarantine/{sealed.name}", 0, sealed.stat().st_size, ""))
    # A last line without an end that could not be read may be one that is still being written.
    number, place = tally.last_aside
    whole = reader.ended or number != crew.lines
    return _Worked(tally, files, reader.content, offset, offset if whole else -place)


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


def _report(job: _Job, plan: LogPlan, worked: _Worked, *, moved: bool) -> RunReport:
    tally, known = worked.tally, job.known
    return RunReport(
        source=job.source,
        raw=job.raw,
        format=plan.format,
        read=tally.lines,
        written=tally.rows,
        quarantined=dict(sorted(tally.reasons.items())),
        read_octets=tally.octets,
        written_octets=tally.row_octets,
        quarantined_octets=dict(sorted(tally.reason_octets.items())),
        files=tuple(worked.files),
        moved=moved,
        content=worked.content,
        content_octets=worked.octets,
        resume_at=worked.resume_at,
        follows=known.run.source if known.run else None,
        replaces=tuple(run.source for run in known.in_vain),
    )
