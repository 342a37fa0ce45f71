"""A run that only reads, put on record: it began, and how it ended, for the page and for packs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from uuid import UUID

from lethe.catalogue.site import Site
from lethe.errors import LetheError, UsageError
from lethe.evidence.acting import acting
from lethe.evidence.runs import State, begin_run, set_state

log = logging.getLogger(__name__)


@contextmanager
def recorded(
    site: Site, kind: str, as_of: date, name: str, requested_by: str | None = None
) -> Iterator[None]:
    """Let what happens inside stand among the runs; run again under its name, it is the same run.

    A record that cannot be written is told in the log and never in the way of the act.

    kind  word for the duty, such as 'quality'
    """
    run_id = _begin(site, kind, as_of, name, requested_by)
    try:
        yield
    except LetheError as error:
        _end(site, run_id, "failed", str(error))
        raise
    except BaseException as error:
        # Of what nobody foresaw only its kind: its text could hold a value.
        _end(site, run_id, "failed", type(error).__name__)
        raise
    _end(site, run_id, "done")


def _begin(site: Site, kind: str, as_of: date, name: str, requested_by: str | None) -> UUID | None:
    try:
        with acting(site, f"recording the run '{name}'") as connection:
            begin = partial(
                begin_run,
                connection,
                kind=kind,
                policy=site.edition,
                as_of=as_of,
                requested_by=requested_by,
            )
            try:
                run = begin(name=name)
            except UsageError:  # made again under another edition: a run of its own
                run = begin(name=None)
            set_state(connection, run.run_id, "running")
            connection.commit()
            return run.run_id
    except LetheError as error:
        log.warning("The run is not on record: %s", error)
        return None


def _end(site: Site, run_id: UUID | None, state: State, reason: str | None = None) -> None:
    if run_id is None:
        return
    try:
        with acting(site, "recording the end of a run") as connection:
            set_state(connection, run_id, state, reason=reason, finished=True)
            connection.commit()
    except LetheError as error:
        log.warning("The end of the run is not on record: %s", error)
