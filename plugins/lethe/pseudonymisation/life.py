"""The end of pseudonymised files and of what was set aside, by the eraser's file connector.

An intent is committed before a file is touched, and its completion behind it, on the ledger.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from lethe.connections import acting_as
from lethe.erasure.connectors import fulfil_intents
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.include import home_folder, statement
from lethe.policy.model.logs import LogSource
from lethe.policy.model.places import Connector, System
from lethe.policy.periods import Period, end_of
from lethe.pseudonymisation.key_guards import held_now
from lethe.pseudonymisation.key_life import LogRoom

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Ended:
    """What came to its end in one night.

    files   outcome of the connector → files
    rows    source → rows of raw tables that had been set aside
    held    files that stay because a hold is on their month
    """

    files: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    held: int = 0


def end_lives(room: LogRoom) -> Ended:
    """Destroy every file and every row set aside whose time has ended."""
    ended = Ended()
    held = held_now(room)
    systems: dict[str, System] = {}
    for folder, sources in _folders(room).items():
        name = f"logs:{folder}"
        systems[name] = _system(folder)
        due = list(_due_files(home_folder() / folder, sources, room.as_of))
        free = [path for path, month in due if month not in held]
        ended.held += len(due) - len(free)
        _intend(room, name, home_folder() / folder, free)
    done = fulfil_intents(room.connection, systems, room.witness)
    for (_, outcome), count in done.files.items():
        ended.files[outcome] += count
    for folder in _folders(room):
        _remove_empty(home_folder() / folder)
    _end_aside(room, ended)
    return ended


def destroy_files(room: LogRoom, folder: str, paths: list[Path]) -> None:
    """Destroy files of an output folder whose work is done, through the same outbox."""
    name = f"logs:{folder}"
    _intend(room, name, home_folder() / folder, paths)
    fulfil_intents(room.connection, {name: _system(folder)}, room.witness)


def _folders(room: LogRoom) -> dict[str, list[LogSource]]:
    """The output folders; of sources that share one the longest life counts."""
    found: dict[str, list[LogSource]] = {}
    for source in room.logs.sources.values():
        found.setdefault(source.output, []).append(source)
    return found


def _system(folder: str) -> System:
    title = {"en": "Pseudonymised logs", "fr": "Journaux pseudonymisés"}
    connector = Connector(kind="folder", location=folder)
    return System(title=title, kind="file_store", owner="Lethe", connector=connector)


def _due_files(folder: Path, sources: list[LogSource], today: date) -> Iterator[tuple[Path, str]]:
    """Name the files whose life has ended, with the month that they are about."""
    for path in sorted(folder.glob("day=*/*.parquet")):
        day = _day_of(path)
        if _ended(day, (source.keep for source in sources), today):
            yield path, f"{day:%Y-%m}"
    for path in sorted(folder.glob("_quarantine/*.lq")):
        day = _written_on(path)
        if _ended(day, (source.quarantine for source in sources), today):
            yield path, f"{day:%Y-%m}"


def _day_of(path: Path) -> date:
    try:
        return date.fromisoformat(path.parent.name.removeprefix("day="))
    except ValueError:
        return _written_on(path)


def _written_on(path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def _ended(day: date, lives: Iterator[Period], today: date) -> bool:
    return max(end_of(day, life) for life in lives) < today


def _intend(room: LogRoom, system: str, folder: Path, paths: list[Path]) -> None:
    if not paths:
        return
    acting_as(room.connection, "runner")
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/list_intents"), {"system": system})
        known = {str(row[0]) for row in cursor.fetchall()}
        targets = [name for path in paths if (name := str(path.relative_to(folder))) not in known]
        if not targets:
            room.connection.rollback()
            return
        batch = EvidenceBatch(room.connection, room.run_id, room.witness, uuid4())
        cursor.execute(
            statement("erasure/add_intents"),
            {
                "run_id": str(room.run_id) if room.run_id else None,
                "batch": str(batch.batch),
                "systems": [system] * len(targets),
                "targets": targets,
            },
        )
    aside = sum(name.startswith("_quarantine/") for name in targets)
    told: dict[str, Any] = {
        "system": system,
        "files": len(targets) - aside,
        "quarantine_files": aside,
    }
    batch.add_rows([LedgerRow("log_files_intended", told)])
    batch.commit()


def _remove_empty(folder: Path) -> None:
    for inner in folder.glob("day=*"):
        try:
            inner.rmdir()
        except OSError:
            continue


def _end_aside(room: LogRoom, ended: Ended) -> None:
    acting_as(room.connection, "runner")
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/delete_aside"), {"today": room.as_of})
        for source, count in cursor.fetchall():
            ended.rows[str(source)] += int(count)
    if ended.rows:
        room.add(
            *(
                LedgerRow("log_aside_destroyed", {"source": source, "rows": count})
                for source, count in sorted(ended.rows.items())
            )
        )
    room.connection.rollback()
