"""What of a file was written before: known again by its content, whatever its name or compression.

A file that lies there for more than one night comes again: as it was, compressed, copied, or grown.
Each run tells the digest of all bytes from the file's beginning to its own end. A file that begins
with them is read from there on. One whose earlier part changed is another file, and read whole:
rather twice than never.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lethe.pseudonymisation.outcome import NOT_KEPT
from lethe.pseudonymisation.runs import RunReport, committed_run
from lethe.pseudonymisation.sources import Fingerprint, Source

_HEAD_OCTETS: Final = 4096
# So long a beginning is no chance; a shorter one counts where it is the very same file.
_ENOUGH_OCTETS: Final = 256


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a file before it is read.

    run      the run that wrote the longest beginning of it; None where there is none
    whole    whether nothing stands behind that
    in_vain  runs over a beginning of it that wrote nothing, because they took another format
    head     the first bytes
    alike    runs over files that begin with the same ones
    """

    run: RunReport | None = None
    whole: bool = False
    in_vain: tuple[RunReport, ...] = ()
    head: bytes = b""
    alike: frozenset[str] = frozenset()

    @property
    def begin(self) -> int:
        """From where on the file is to be read."""
        return self.run.resume_at if self.run else 0


def recognise(path: Path, raw: Fingerprint, output: Path, log_format: str) -> Known:
    """Tell what of a file was written before.

    Raises  UsageError, ActError where it cannot be read; VerificationError for a damaged list
    """
    same = committed_run(output, raw.digest[:16])
    head = _head_of(path)
    alike = runs_alike(output, head)
    runs = [run for name in sorted(alike) if (run := committed_run(output, name))]
    replaced = {name: run for run in runs for name in run.replaces}
    if same and same.source not in replaced and not in_vain(same, log_format):
        return Known(same, whole=True, head=head, alike=alike)
    wholly, partly = _begun_with(path, runs)
    for each in wholly:
        last = each
        while last.source in replaced:
            last = replaced[last.source]
        if last is not each and not in_vain(last, log_format):
            # Its lines are among those of the run that took its place.
            return Known(last, whole=True, head=head, alike=alike)
    partly = [run for run in partly if run.source not in replaced]
    partly = [
        run
        for run in partly
        if run.content_octets >= _ENOUGH_OCTETS
        or (run.raw.device, run.raw.inode) == (raw.device, raw.inode)
    ]
    written = [run for run in (*wholly, *partly) if not in_vain(run, log_format)]
    run = max(written, key=lambda run: run.content_octets, default=None)
    begin = run.resume_at if run else 0
    lost = [each for each in (*wholly, *partly) if in_vain(each, log_format)]
    return Known(
        run,
        whole=run in wholly,
        in_vain=tuple(each for each in lost if each.content_octets > begin),
        head=head,
        alike=alike,
    )


def in_vain(run: RunReport, log_format: str) -> bool:
    """Tell whether a run could read no line at all, and took another format."""
    kept = sum(count for reason, count in run.quarantined.items() if reason not in NOT_KEPT)
    return run.format != log_format and not run.written and kept > 0


def runs_alike(output: Path, head: bytes) -> frozenset[str]:
    """Name the runs whose files begin with the same bytes."""
    digests: dict[int, str] = {}
    found = set()
    for length, digest, source in _entries(output):
        if length <= len(head):
            if length not in digests:
                digests[length] = _digest(head[:length])
            if digests[length] == digest:
                found.add(source)
    return frozenset(found)


def _entries(output: Path) -> Iterator[tuple[int, str, str]]:
    """Give how many first bytes of a file have which digest, and the run that read it."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for entry in (output / "_runs").iterdir():
            if entry.suffix == ".head":
                length, digest, source = entry.stem.split("-")
                yield int(length), digest, source


def head_name(head: bytes, source: str) -> str | None:
    """Name the entry by which a run is found again by the first bytes of its file."""
    return f"{len(head)}-{_digest(head)}-{source}.head" if head else None


def is_replaced(output: Path, source: str) -> bool:
    """Tell whether a later run read the same file again, in another format."""
    entries = list(_entries(output))
    heads = {entry[:2] for entry in entries if entry[2] == source}
    runs = (committed_run(output, name) for *head, name in entries if tuple(head) in heads)
    return any(run is not None and source in run.replaces for run in runs)


def followed_runs(output: Path, run: RunReport) -> Iterator[RunReport]:
    """Give the runs that wrote what stands in the same file in front of a run's lines."""
    while run.follows and (before := committed_run(output, run.follows)):
        yield before
        run = before


def _head_of(path: Path) -> bytes:
    head = b""
    for block in Source(path).octets():
        head += bytes(block[: _HEAD_OCTETS - len(head)])
        if len(head) == _HEAD_OCTETS:
            break
    return head


def _begun_with(path: Path, runs: Iterable[RunReport]) -> tuple[list[RunReport], list[RunReport]]:
    """Find the runs whose content is the whole of a file, and those whose is its beginning."""
    waiting = sorted((r for r in runs if r.content_octets), key=lambda r: r.content_octets)
    found: list[RunReport] = []
    digest, offset, longest = hashlib.sha256(), 0, waiting[-1].content_octets if waiting else 0
    for block in Source(path).octets() if waiting else ():
        octets = memoryview(block)
        while waiting and waiting[0].content_octets <= offset + len(octets):
            run = waiting.pop(0)
            taken = run.content_octets - offset
            digest.update(octets[:taken])
            octets, offset = octets[taken:], run.content_octets
            if digest.hexdigest() == run.content:
                found.append(run)
        digest.update(octets)
        offset += len(octets)
        if offset > longest:
            break
    wholly = [run for run in found if run.content_octets == offset]
    return wholly, [run for run in found if run.content_octets < offset]


def _digest(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()[:16]
