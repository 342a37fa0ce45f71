"""Raw log files: which there are, and what became of one."""

from __future__ import annotations

import glob
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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
    files = [path for path in named if path.is_file()]
    # `current.log` beside its target is that file once more: it is read under its own name.
    real = {path.resolve() for path in files if not path.is_symlink()}
    return [path for path in files if not (path.is_symlink() and path.resolve() in real)]
