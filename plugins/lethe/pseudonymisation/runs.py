"""Runs of the engine in its output: begun in a room of their own, committed as a whole."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lethe.errors import ActError, UsageError, VerificationError
from lethe.pseudonymisation.parts import PartFile
from lethe.pseudonymisation.sources import Fingerprint

Checkpoint = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of one file: `read = written + sum(quarantined)`, by lines and by bytes.

    source        name of the run: the front of the file's digest
    repeated      the same content was committed before; nothing was done
    moved         the file was renamed under us, which rotation does; its content was whole
    quarantined   reason → lines; those of `batch.NOT_KEPT` are counted and not kept
    files         Parquet files, and under `_quarantine` the sealed lines
    content       SHA-256 of all bytes of the file without its compression, `content_octets` long
    resume_at     where the next lines begin, should the file grow: its end, or the beginning of a
                  line that was not whole
    follows       the run that wrote what stands in front of these lines in the file
    replaces      runs over the same lines that could read none of them in another format
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
    content: str = ""
    content_octets: int = 0
    resume_at: int = 0
    follows: str | None = None
    replaces: tuple[str, ...] = ()


@contextmanager
def work_room(output: Path, source: str) -> Iterator[Path]:
    """Give an empty directory that no other run uses, and remove it however the run ends.

    A process that is killed leaves its directory behind, without the lock: the next run of any
    source removes it.
    """
    rooms = output / "_work"
    try:
        rooms.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the output folder {output.name} cannot be made or written to: {error.strerror}"
        ) from None
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


def committed_run(output: Path, source: str) -> RunReport | None:
    """Give the report of a run that was committed, marked as a repetition; else None.

    Raises  VerificationError where the list of the run, or a file that has not reached the end
            of its life, is damaged
    """
    path = output / "_runs" / f"{source}.json"
    if not path.exists():
        return None
    try:
        stored = json.loads(path.read_text())
        files = tuple(PartFile(**part) for part in stored.pop("files"))
        raw = Fingerprint(**stored.pop("raw"))
        stored["replaces"] = tuple(stored.get("replaces", ()))
        run = RunReport(**{**stored, "files": files, "raw": raw, "repeated": True, "faults": ()})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VerificationError(
            f"the list of the run {source} in _runs is damaged: take it from a backup of the"
            " output; without one remove it and the files of that name, and the raw is read again"
        ) from None
    for part in files:
        there = output / part.name
        if there.exists() and there.stat().st_size != part.octets:
            raise VerificationError(f"{part.name} has another size than when it was written")
    return run


@contextmanager
def one_commit(output: Path) -> Iterator[None]:
    """Let no other run be committed to an output meanwhile; remove what one left that died so."""
    runs = output / "_runs"
    runs.mkdir(exist_ok=True)
    descriptor = os.open(runs, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for pending in runs.glob("*.pending"):
            _take_back(output, pending)
        yield
    finally:
        os.close(descriptor)


def commit_run(
    output: Path,
    work: Path,
    report: RunReport,
    checkpoint: Checkpoint,
    entry: str | None = None,
) -> None:
    """Move the files of a run in; it counts from the moment in which its list has its name.

    entry  a name under which its list is found by what it is about; without the list it is nothing
    """
    runs = output / "_runs"
    runs.mkdir(exist_ok=True)
    if entry is not None:
        (runs / entry).touch()
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


def clear_unfinished(output: Path) -> None:
    """Remove what runs that died left among the files of others."""
    if (output / "_runs").exists():
        with one_commit(output):
            pass


def _take_back(output: Path, pending: Path) -> None:
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
