"""Names of tables as people write them in a policy file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from psycopg2 import sql

_PART = r'(?:"(?:[^"]|"")+"|[^".]+)'
_TABLE = re.compile(rf"^(?P<schema>{_PART})\.(?P<name>{_PART})$")


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table by schema and name, exactly as the catalogue spells them."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{_written(self.schema)}.{_written(self.name)}"

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted identifier of this table."""
        return quoted(self.schema, self.name)


def quoted(*names: str) -> sql.Identifier:
    """Quote a name, or a name of several parts, for a statement that is executed with values.

    psycopg2 reads a percent sign as the start of a placeholder, in a name too: it is doubled.
    """
    return sql.Identifier(*(name.replace("%", "%%") for name in names))


def parse_table(text: str) -> TableName:
    """Read `schema.table`; a part that holds a dot or a quote stands in double quotes.

    Raises  ValueError if the text is not of that form
    """
    match = _TABLE.match(text)
    if match is None:
        raise ValueError(
            f"'{text}' is not schema.table (quote a part that holds a dot or a quote: "
            '"odd.schema".table)'
        )
    return TableName(_plain(match["schema"]), _plain(match["name"]))


def _plain(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def _written(part: str) -> str:
    return '"' + part.replace('"', '""') + '"' if "." in part or '"' in part else part
