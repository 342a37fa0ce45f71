"""What is looked for in our own outputs: the personal values that stand in the warehouse now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.bind import bind
from lethe.catalogue.probes import attempt, reading
from lethe.catalogue.site import Site
from lethe.policy.model import Policy
from lethe.quality.finding import EMAIL, SHORTEST, is_telling, normal

_CLASSES = frozenset({"name", "contact", "identifier", "credential", "payment", "critical"})
_MOST_VALUES = 20_000


@dataclass(frozen=True, slots=True)
class Sought:
    """Values of personal columns, which stay in this process.

    values   long enough to be told from common words
    in_part  columns that have more values than are looked for
    closed   columns that could not be read
    """

    values: frozenset[str]
    in_part: int = 0
    closed: int = 0


def read_values(connection: extensions.connection, site: Site) -> Sought:
    """Read the values to look for; of a column at most twenty thousand are taken."""
    bound = bind(connection, site.loaded)
    found: set[str] = set()
    in_part = closed = 0
    with reading(connection) as cursor:
        for name, entry in site.loaded.policy.tables.items():
            table = bound.graph.catalogue.tables.get(name)
            for column, spec in entry.columns.items() if table is not None else ():
                known = table.columns.get(column) if table is not None else None
                if known is None or not known.is_text or spec.class_ not in _CLASSES:
                    continue
                here = sql.Identifier(column.replace("%", "%%"))
                select = sql.SQL(
                    "SELECT DISTINCT {0}::text FROM {1}"
                    " WHERE length({0}::text) >= %(least)s LIMIT %(most)s"
                ).format(here, name.identifier)
                try:
                    with attempt(cursor):
                        cursor.execute(select, {"least": SHORTEST, "most": _MOST_VALUES + 1})
                        rows = cursor.fetchmany(_MOST_VALUES)
                        in_part += cursor.fetchone() is not None
                except psycopg2.Error:
                    closed += 1
                    continue
                found.update(normal(row[0]) for row in rows)
    return Sought(frozenset(each for each in found if is_telling(each)), in_part, closed)


def own_words(policy: Policy) -> frozenset[str]:
    """What may stand in a report: every text of the policy itself."""
    words: set[str] = set()

    def walk(part: Any) -> None:
        if isinstance(part, str):
            words.add(normal(part))
            words.update(match.lower() for match in EMAIL.findall(part))
        elif isinstance(part, dict):
            for key, value in part.items():
                walk(key)
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(policy.model_dump(mode="json", by_alias=True))
    return frozenset(words)
