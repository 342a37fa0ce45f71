"""Rows of a raw table: nothing is read out of lines, the columns come as they are."""

from __future__ import annotations

from lethe.errors import UsageError
from lethe.pseudonymisation.formats.parsed import Parsed, Stateless
from lethe.pseudonymisation.lines import Lines


class Columns(Stateless):
    """The fields that the policy names for a table."""

    name = "columns"

    def __init__(self, fields: tuple[str, ...]) -> None:
        self.fields = fields

    def read(self, lines: Lines) -> list[Parsed]:
        """Refuse: a file has no columns."""
        raise UsageError(
            f"the format 'columns' is for tables, not for a file of {len(lines)} lines"
        )
