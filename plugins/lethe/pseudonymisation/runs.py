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
    stored = json.loads(path.read_text())
    files = tuple(PartFile(**part) for part in stored.pop("files"))
    for part in files:
        there = output / part.name
        if there.exists() and there.stat().st_size != part.octets:
            raise VerificationError(f"{part.name} has another size than when it was written")
    raw = Fingerprint(**stored.pop("raw"))
    return RunReport(**{**stored, "files": files, "raw": raw, "repeated": True, "faults": ()})


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
