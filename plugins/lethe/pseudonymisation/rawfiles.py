"""Raw log files: which there are, and what became of one."""

from __future__ import annotations

import fcntl
import glob
import logging
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from lethe.errors import (
    AnswerIsNo,
    LetheError,
    UsageError,
)
from lethe.include import home_folder
from lethe.pseudonymisation.key_life import LogRoom
from lethe.pseudonymisation.linkability import (
    Linkability,
)
from lethe.pseudonymisation.runs import RunReport

log = logging.getLogger(__name__)


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
            found += [RawFile(name, path) for path in _matches(room, source.files)]
    return found


def find_inputs(room: LogRoom, pattern: str) -> list[RawFile]:
    """Name the files that a pattern names, for the first source of files of the policy.

    Raises  UsageError where there are none
    """
    sources = [name for name, source in room.logs.sources.items() if source.files is not None]
    if not sources:
        raise UsageError("the policy has no log source of files, whose field methods could be used")
    paths = _matches(room, str(Path.cwd() / pattern))
    if not paths:
        raise UsageError(f"no file matches {pattern}")
    return [RawFile(sources[0], path, own=False) for path in paths]


# Under Lethe's home: never raw, whatever a pattern says.
_OWN_FOLDERS: Final = ("secrets", "witness", "reports")


def _is_ours(room: LogRoom, path: Path) -> bool:
    """Whether Lethe wrote a file; raw logs may lie beside what an output folder holds of ours."""
    if any(path.is_relative_to((home_folder() / name).resolve()) for name in _OWN_FOLDERS):
        return True
    outputs = ((home_folder() / each.output).resolve() for each in room.logs.sources.values())
    inside = (path.relative_to(each).parts for each in outputs if path.is_relative_to(each))
    return any(parts[0].startswith(("day=", "_")) for parts in inside if parts)


def _matches(room: LogRoom, pattern: str) -> list[Path]:
    whole = str(home_folder() / pattern) if not Path(pattern).is_absolute() else pattern
    named = sorted(Path(name) for name in glob.glob(whole, recursive=True))  # noqa: PTH207
    own = {path for path in named if _is_ours(room, path.resolve())}
    files = [path for path in named if path not in own and path.is_file()]
    if own:
        log.warning(
            "%s names %d files of Lethe's own (secrets, witness, reports or an output): they are"
            " no raw logs",
            pattern,
            len(own),
        )
    # `current.log` beside its target is that file once more: it is read under its own name.
    real = {path.resolve() for path in files if not path.is_symlink()}
    return [path for path in files if not (path.is_symlink() and path.resolve() in real)]


def is_written_elsewhere(path: Path) -> bool:
    """Tell whether some process holds a file open for writing, as far as the system tells.

    Whoever rotates by renaming lets the daemon write to the old file until it is told to open the
    new one; what comes after a file was destroyed would be lost with it. Linux knows: it gives no
    lease on a file that somebody writes to. Where it gives none at all (another's file, a file
    system of the network) this is false.
    """
    return not _is_leased(path) and _gives_leases(path.parent)


def _is_leased(path: Path) -> bool:
    """Take a lease on a file for a moment; false where it is refused for somebody's writing."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # Who comes while it is held makes the system send a signal, by default one that kills.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return True


def _gives_leases(folder: Path) -> bool:
    """Tell whether a file that nobody has open is leased: some file systems refuse all."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=".lethe-", dir=folder)
    except OSError:
        return False
    try:
        os.close(descriptor)
        return _is_leased(Path(name))
    finally:
        os.unlink(name)  # noqa: PTH108
