"""The verdict as a note on the run: what a task of Lethe says under the key `lethe_note`.

Runs in the scheduler when a run ends; whatever goes wrong here must not disturb it.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

log = logging.getLogger(__name__)


class NoteVerdict:
    """Listens to runs that end."""

    @hookimpl
    def on_dag_run_success(self, dag_run: Any) -> None:
        """Note what the tasks of a run said."""
        _note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any) -> None:
        """Note it of a run that failed as well: some of its tasks may have ended well."""
        _note(dag_run)


def _note(dag_run: Any) -> None:
    try:
        from airflow.models.xcom import XComModel
        from sqlalchemy import select
        from sqlalchemy.orm import object_session

        session = object_session(dag_run)
        if session is None or dag_run.note:
            return
        asked = select(XComModel).where(
            XComModel.dag_id == dag_run.dag_id,
            XComModel.run_id == dag_run.run_id,
            XComModel.key == "lethe_note",
        )
        found = session.scalars(asked.order_by(XComModel.task_id, XComModel.map_index)).all()
        said = [str(XComModel.deserialize_value(each)) for each in found]
        if said:
            dag_run.note = "\n".join(dict.fromkeys(said))[:1000]
    except Exception as error:
        log.warning("The verdict could not be noted (%s)", type(error).__name__)


class LetheNotes(AirflowPlugin):
    """What Airflow is told."""

    name = "lethe_notes"
    listeners = [NoteVerdict()]  # noqa: RUF012
