"""The months of a raw table, which are worked on side by side."""

from __future__ import annotations

from lethe.connections import acting_as
from lethe.pseudonymisation.key_life import LogRoom
from lethe.pseudonymisation.statements import Range, RawTable


def find_months(room: LogRoom, name: str) -> list[Range]:
    """Divide a raw table into months, so that they can be worked on side by side.

    Returns  nothing for an empty table; the first part is open to the past, the last one to the
             future
    """
    source = room.logs.sources[name]
    with room.site.connected("runner") as connection:
        acting_as(connection, "runner")
        raw = RawTable(room.site.graph(connection), name, source, room.as_of)
        raw.check()
        if source.time is None:
            return [Range()]
        with connection.cursor() as cursor:
            cursor.execute(raw.find_months(), {})
            oldest, newest, dated, any_row = cursor.fetchone() or (None, None, False, False)
        connection.rollback()
    if not any_row:
        return []
    if not dated:
        return [Range()]
    # A clock that was not set must not make a thousand parts.
    last = min(newest, room.as_of.replace(day=1))
    first = max(oldest, last.replace(year=max(last.year - 3, 1)))
    starts = [first]
    while starts[-1] < last:
        year, month = divmod(starts[-1].year * 12 + starts[-1].month, 12)
        starts.append(starts[-1].replace(year=year, month=month + 1))
    inner = [day.isoformat() for day in starts[1:]]
    return [
        Range(since, until) for since, until in zip([None, *inner], [*inner, None], strict=True)
    ]
