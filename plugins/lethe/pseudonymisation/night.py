"""One night of logs: keys made, every piece worked on by itself, what has ended destroyed, closed.

A piece is a raw file, a month of a raw table, or a table that is pseudonymised in place. Pieces
know nothing of each other and may be worked on at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

import psycopg2

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import ActError, AnswerIsNo, GuardStop, LetheError
from lethe.evidence.runs import Run, begin_run, read_run, set_state
from lethe.evidence.settle import require_in_step
from lethe.guards.editions import see_edition
from lethe.pseudonymisation.inplace import work_in_place
from lethe.pseudonymisation.key_end import KeysEnded, destroy_due
from lethe.pseudonymisation.key_life import LogKeys, LogRoom, ReportOnly, log_room
from lethe.pseudonymisation.life import Ended, end_lives
from lethe.pseudonymisation.months import find_months
from lethe.pseudonymisation.nightly import work_file
from lethe.pseudonymisation.rawfiles import FileOutcome, RawFile, find_files
from lethe.pseudonymisation.rowsets import RowsDone
from lethe.pseudonymisation.statements import Range
from lethe.pseudonymisation.tablerun import work_rows

log = logging.getLogger(__name__)
LOGS_RUN: Final = "logs"


@dataclass(frozen=True, slots=True)
class Piece:
    """What one mapped task works on.

    source        key of the policy, under `sources` or `in_place`
    path          of a raw file
    since, until  first days of months, between which the rows of a raw table lie; None: open
    title         a name for people
    """

    kind: Literal["file", "rows", "in-place"]
    source: str
    title: str
    path: str | None = None
    since: str | None = None
    until: str | None = None


def run_logs(
    site: Site, as_of: date, *, tell: Callable[[str], None] = lambda _: None, workers: int = 2
) -> Run:
    """A whole night in one call."""
    run_id = begin_night(site, as_of)
    told = []
    pieces = list_pieces(site, run_id)
    for piece in pieces:
        tell(f"Pseudonymising {piece.title}")
        told.append(work_piece(site, run_id, piece, workers=workers))
    tell("Destroying what has ended")
    return close_night(site, run_id, told, len(pieces))


def begin_night(
    site: Site, as_of: date, *, name: str | None = None, requested_by: str | None = None
) -> UUID:
    """Begin the run: keys can be opened, the warehouse is not behind its witness, a fresh key.

    Raises  ConfigurationError for a wrong or missing key-encryption key, before anything is read
    """
    with log_room(site, as_of) as room:
        require_in_step(room.connection, room.witness)
        acting_as(room.connection, "runner")
        see_edition(room.connection, site.loaded)
        run = begin_run(
            room.connection,
            kind=LOGS_RUN,
            name=name,
            policy=site.edition,
            as_of=as_of,
            requested_by=requested_by,
        )
        set_state(room.connection, run.run_id, "running")
        room.connection.commit()
        LogKeys(room).rotate()
        return run.run_id


def list_pieces(site: Site, run_id: UUID) -> list[Piece]:
    """Name tonight's work: files first, then months of raw tables, then tables in place."""
    with _room_of(site, run_id) as room:
        found = [Piece("file", f.source, f.title, path=str(f.path)) for f in find_files(room)]
        for name, source in room.logs.sources.items():
            if source.table is not None:
                found += [_rows_piece(name, part) for part in _parts(room, name)]
        for name, place in room.logs.in_place.items():
            found.append(Piece("in-place", name, f"{name}: {place.table}"))
        return found


def _parts(room: LogRoom, name: str) -> list[Range]:
    """Divide a raw table; one that cannot be looked at is a piece, which fails by itself."""
    try:
        return find_months(room, name)
    except (LetheError, psycopg2.Error) as fault:
        log.warning("%s cannot be divided by months (%s)", name, type(fault).__name__)
        return [Range()]


def _rows_piece(name: str, part: Range) -> Piece:
    if part.since is None:
        title = f"before {part.until}" if part.until else "all rows"
    else:
        title = part.since[:7]
    return Piece("rows", name, f"{name}: {title}", since=part.since, until=part.until)


def work_piece(site: Site, run_id: UUID, piece: Piece, *, workers: int = 2) -> dict[str, Any]:
    """Work on one piece.

    Returns  its outcome as plain data: counts, names of columns, whether the raw is gone
    Raises   the fault that stopped it; AnswerIsNo where a limit of the policy is not kept
    """
    with _room_of(site, run_id) as room:
        if piece.kind == "file":
            file = RawFile(piece.source, Path(piece.path or ""))
            return _of_file(work_file(room, file, workers=workers))
        try:
            if piece.kind == "in-place":
                return work_in_place(room, piece.source).as_data()
            part = Range(piece.since, piece.until)
            done = work_rows(room, piece.source, part, piece.title)
        except ReportOnly as stop:
            # Rows cannot be written without leaving the raw table.
            log.warning("%s is left as it is: %s", piece.title, stop)
            left = RowsDone(piece.source, piece.title).as_data()
            return left | {"raw_destroyed": False, "stopped": str(stop)}
        _require_within(piece.title, done.over_limit)
        return done.as_data()


def _of_file(outcome: FileOutcome) -> dict[str, Any]:
    if isinstance(outcome.fault, ReportOnly):
        log.warning(
            "%s was pseudonymised, and the raw stays: %s", outcome.file.title, outcome.fault
        )
        return outcome.as_data() | {"fault": None, "stopped": str(outcome.fault)}
    if outcome.fault is not None:
        raise outcome.fault
    _require_within(outcome.file.title, outcome.over_limit)
    return outcome.as_data()


def _require_within(title: str, over_limit: Sequence[str]) -> None:
    if over_limit:
        raise AnswerIsNo(
            f"{title}: {'; '.join(over_limit)}. The raw stays until the policy keeps less of a"
            " line, names another format, or its limit is another one"
        )


@contextmanager
def _room_of(site: Site, run_id: UUID) -> Iterator[LogRoom]:
    """The room of a run that was begun."""
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        run = read_run(connection, run_id)
    if run.policy_digest != site.digest:
        raise GuardStop("the policy changed since the run of the logs began; begin another one")
    with log_room(site, run.as_of, run_id) as room:
        yield room


def close_night(site: Site, run_id: UUID, told: Sequence[Mapping[str, Any]], pieces: int) -> Run:
    """Destroy keys and files whose time has ended, add up, close the run.

    told    outcomes of the pieces that came to an end
    pieces  how many there were
    Raises  ActError, at the very end, where a piece failed
    """
    with _room_of(site, run_id) as room:
        keys, files, stopped = KeysEnded(), Ended(), []
        try:
            room.require_destruction_allowed()
            files = end_lives(room)
            keys = destroy_due(room)
            for month, why in keys.held.items():
                log.warning("The key of %s stays past its window: %s stands on it", month, why)
        except GuardStop as stop:
            stopped.append(str(stop))
            log.warning("Not everything that has ended is destroyed tonight: %s", stop)
        # What was written on an earlier night and still lies there was counted then.
        new = [each for each in told if not each.get("repeated")]
        summary = {
            "pieces": pieces,
            "failed": pieces - len(told),
            "read": sum(each["read"] for each in new),
            "written": sum(each["written"] for each in new),
            "quarantined": _added(each["quarantined"] for each in new),
            "spared": sum(each.get("spared", 0) for each in told),
            "sources": sorted({each["source"] for each in told}),
            "keys_destroyed": [
                {"period": each.record.period, "final_at": each.final_at.isoformat()}
                for each in keys.destroyed
            ],
            "keys_held": keys.held,
            "files_destroyed": dict(files.files),
            "files_held": files.held,
            "rows_set_aside_destroyed": dict(files.rows),
            "stopped": stopped,
        }
        failed = pieces - len(told)
        acting_as(room.connection, "runner")
        state: Literal["done", "failed"] = "failed" if failed else "done"
        set_state(room.connection, run_id, state, finished=True, summary=summary)
        room.connection.commit()
        run = read_run(room.connection, run_id)
        room.connection.rollback()
    if failed:
        raise ActError(
            f"{failed} of {pieces} pieces failed, the others are done; the log of each failed task"
            " says why, and its raw lines are still there"
        )
    return run


def _added(counts: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for reason, number in each.items():
            total[reason] = total.get(reason, 0) + number
    return dict(sorted(total.items()))
