"""What every task stands on: the site, its day, and how faults are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from lethe.catalogue.site import Site


@contextmanager
def told() -> Iterator[None]:
    """End a task at once where trying again cannot help: a fault of policy, set-up or a guard.

    What the warehouse refused, or could not be reached for, is tried again by Airflow.
    """
    from airflow.sdk.exceptions import AirflowFailException

    from lethe.errors import AnswerIsNo, UsageError

    try:
        yield
    except (AnswerIsNo, UsageError) as error:
        raise AirflowFailException(str(error)) from None


def the_site() -> Site:
    """The site of this installation; `LETHE_POLICY` names another policy file."""
    import os

    from lethe.catalogue.site import Site
    from lethe.include import include_folder

    default = include_folder() / "policy" / "mentorsig.yaml"
    return Site.at(None, os.environ.get("LETHE_POLICY") or str(default))


def day_of_run(site: Site) -> date:
    """The day of the run: what the form says, else the day on which the run was due."""
    from datetime import date
    from zoneinfo import ZoneInfo

    context = get_current_context()
    asked = context["params"].get("as_of")
    if asked:
        return date.fromisoformat(asked)
    zone = ZoneInfo(site.loaded.policy.policy.time_zone)
    return context["dag_run"].run_after.astimezone(zone).date()


def begin_run(begin: Callable[..., UUID]) -> str:
    """Begin a night of a wing for this DAG run; a cleared task finds the same one again.

    Returns  the id of Lethe's own run
    """
    with told():
        site = the_site()
        dag_run = get_current_context()["dag_run"]
        run_id = begin(
            site,
            day_of_run(site),
            name=dag_run.run_id,
            requested_by=getattr(dag_run, "triggering_user_name", None),
        )
    return str(run_id)


@contextmanager
def on_record(site: Site, kind: str, as_of: date, part: str = "") -> Iterator[None]:
    """Let a run that only reads stand on the page among the others, under this DAG run's name.

    part  tells several runs of one DAG run apart
    """
    from lethe.evidence.recording import recorded

    dag_run = get_current_context()["dag_run"]
    name = f"{dag_run.run_id} {part}".strip()
    by = getattr(dag_run, "triggering_user_name", None)
    with recorded(site, kind, as_of, name, by):
        yield


def kind_of_run(run_type: Any) -> str:
    """Say 'manual', 'scheduled', 'asset_triggered', …

    A task gets an enumeration whose text is 'DagRunType.MANUAL' (Airflow 3.3); elsewhere it is
    plain text, or an enumeration whose text is its value.
    """
    return str(getattr(run_type, "value", run_type))


def is_dry() -> bool:
    """A run by hand is dry unless its form says otherwise; a scheduled one is in earnest."""
    context = get_current_context()
    by_hand = kind_of_run(context["dag_run"].run_type) == "manual"
    return by_hand and bool(context["params"].get("dry_run", True))


def plain(counts: Any) -> dict[str, Any]:
    """A frozen record of counts as a dictionary; `asdict` would count the pairs of a Counter."""
    from collections import Counter
    from dataclasses import fields

    values = {each.name: getattr(counts, each.name) for each in fields(counts)}
    return {name: dict(v) if isinstance(v, Counter) else v for name, v in values.items()}


def note(text: str) -> None:
    """Say something for the note on this run: counts and names of rules, as in a log line."""
    get_current_context()["ti"].xcom_push(key="lethe_note", value=text)
