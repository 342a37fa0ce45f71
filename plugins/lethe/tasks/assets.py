"""What one DAG tells the others."""

from __future__ import annotations

from airflow.sdk import Asset

SWEPT = Asset("lethe://sweep/closed")
"""A night of the sweep was closed and sealed."""


WAITING = Asset("lethe://sweep/waiting")
"""Something is over a limit and waits for a person."""


ARCHIVED = Asset("lethe://archive/closed")
"""A night of the archive was closed and sealed: the sweep and the report may go on."""


LOGS_DONE = Asset("lethe://logs/done")
"""A night of logs was closed and sealed: quality and report may look at it."""


CHECKED = Asset("lethe://quality/checked")
"""The checks of a night and the scan of our own outputs are done: the report may go out."""
