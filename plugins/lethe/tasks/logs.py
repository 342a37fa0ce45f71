"""Tasks of the pseudonymisation of logs."""

from __future__ import annotations

import logging
import os
from typing import Any

from airflow.sdk import get_current_context, task

from lethe.tasks.assets import LOGS_DONE
from lethe.tasks.ground import begin_run, the_site, told

log = logging.getLogger(__name__)

LOGS_POOL = os.environ.get("LETHE_LOGS_POOL", "default_pool")
"""The pool in which raw logs are worked on; name one of your own to hold them back."""


@task
def begin_logs() -> str:
    """Begin a night of logs: open the keys, compare with the witness, make this month's key.

    Returns  the id of the run
    """
    from lethe.pseudonymisation.night import begin_night

    return begin_run(begin_night)


@task
def list_logs(night: str) -> list[dict[str, Any]]:
    """Name tonight's pieces: raw files, months of raw tables, tables in place."""
    from dataclasses import asdict
    from uuid import UUID

    from lethe.pseudonymisation.night import list_pieces

    with told():
        pieces = list_pieces(the_site(), UUID(night))
    log.info("%s pieces are to be worked on", len(pieces))
    return [asdict(piece) for piece in pieces]


@task(map_index_template="{{ piece_title }}", pool=LOGS_POOL, max_active_tis_per_dagrun=2)
def pseudonymise_log(night: str, piece: dict[str, Any]) -> dict[str, Any]:
    """Pseudonymise one piece, prove it, destroy its raw lines.

    Returns  counts: read, written, quarantined by reason
    """
    from uuid import UUID

    from lethe.pseudonymisation.night import Piece, work_piece

    get_current_context()["piece_title"] = piece["title"]  # type: ignore[typeddict-unknown-key]
    with told():
        done = work_piece(the_site(), UUID(night), Piece(**piece))
    log.info(
        "%s: read %s = written %s + set aside %s",
        piece["title"],
        done["read"],
        done["written"],
        done["quarantined"],
    )
    return done


@task(trigger_rule="all_done", outlets=[LOGS_DONE])
def close_logs(night: str | None, pieces: list[dict[str, Any]] | None, done: Any) -> dict[str, Any]:
    """Destroy keys and files whose time has ended, add up; fails if a piece failed.

    Returns  the summary of the night, counts only
    """
    from uuid import UUID

    from lethe.errors import UsageError
    from lethe.pseudonymisation.night import close_night

    outcomes = [each for each in done or [] if each]
    with told():
        if night is None or pieces is None:
            raise UsageError("the night was not begun; the log of begin_logs or list_logs says why")
        run = close_night(the_site(), UUID(night), outcomes, len(pieces))
    return dict(run.summary)
