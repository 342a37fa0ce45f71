"""Count in plain SQL, one pass a scan: what the sweep asks before its guard, and the yardstick."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.probes import attempt, reading
from lethe.errors import describe_database_error
from lethe.include import statement
from lethe.quality.expectations import Scan
from lethe.quality.outcomes import Counts


def measure(connection: extensions.connection, scans: Iterable[Scan]) -> dict[str, Counts]:
    """Count every expectation; a scan that fails is asked expectation by expectation.

    Returns  key of the expectation → counts
    """
    found: dict[str, Counts] = {}
    with reading(connection) as cursor:
        cursor.execute(statement("erasure/set_planning"))
        for scan in scans:
            found |= _of_scan(cursor, scan)
    return found


def _of_scan(cursor: extensions.cursor, scan: Scan) -> dict[str, Counts]:
    try:
        with attempt(cursor):
            cursor.execute(scan.counts(), dict(scan.values))
            row = cursor.fetchone()
    except psycopg2.Error as error:
        if cursor.connection.closed:
            raise
        if len(scan.expectations) == 1:
            because = describe_database_error(error)
            return {scan.expectations[0].key: Counts(because=because)}
        found: dict[str, Counts] = {}
        for each in scan.expectations:
            found |= _of_scan(cursor, scan.only([each]))
        return found
    return _counted(scan, row or ())


def _counted(scan: Scan, row: tuple[int, ...]) -> dict[str, Counts]:
    rows = int(row[0])
    found = {each.key: Counts(rows) for each in scan.expectations}
    for number, (_, each) in enumerate(scan.flags):
        concerned, failing = int(row[1 + 2 * number]), int(row[2 + 2 * number])
        found[each.key] = Counts(rows, concerned, failing)
    return found
