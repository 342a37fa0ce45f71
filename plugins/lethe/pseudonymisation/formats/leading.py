"""The time of a line of free text: as daemons write it at the beginning, or soon behind it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from lethe.pseudonymisation.formats.times import read_times

if TYPE_CHECKING:
    import polars as pl

_CLOCK: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_ZONE: Final = r"(?: ?(?:Z|[+-][0-9]{2}:?[0-9]{2})\b)?"
# A zone in letters is read as UTC, as a time without any.
_AFTER: Final = r"(?: (?:[A-Z]{3,4}|[A-Z][a-z]+/[A-Z][A-Za-z_]+))?(?:,\s+[0-9]+)?\]?:?(?:\s|$)"
# What is read, and whether it is cut from the text: it stands in a column of its own then.
_DATE: Final = r"[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}"
_FRONT: Final = (
    # 2026-11-22T17:30:01.123Z, [2026/11/22 17:30:01.123456,  2], 2026-11-22.17:30:01
    rf"^\[?(?P<iso>{_DATE}[T .]{_CLOCK}(?:[.,][0-9]{{1,9}})?{_ZONE}){_AFTER}",
    # [Sun Nov 22 17:10:01.123456 2026], Sun Nov 22 17:10:01 2026
    rf"^\[?[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) +(?P<day>[0-9]{{1,2}}) (?P<clock>{_CLOCK})"
    rf"(?:\.[0-9]+)? (?P<year>[0-9]{{4}}){_AFTER}",
    # [22-Nov-2026 16:20:01 UTC], 22-Nov-2026 16:20:01.123, 1406:M 22 Nov 2026 16:00:07.123
    rf"^(?:[0-9]+:[A-Z] )?\[?(?P<day>[0-9]{{1,2}})[- /](?P<month>[A-Z][a-z]{{2}})[- /]"
    rf"(?P<year>[0-9]{{4}})[ :](?P<clock>{_CLOCK})(?:[.,][0-9]+)?(?: [+-][0-9]{{4}})?{_AFTER}",
    # 1795345201.123, [1714559641]
    r"^\[?(?P<iso>[0-9]{10}(?:\.[0-9]{1,9})?)\]?\s",
    # [Nov 22 16:00:07]
    rf"^\[(?P<iso>[A-Z][a-z]{{2}} [ 0-9][0-9] {_CLOCK})\]\s",
)
_NEAR: Final = (
    rf"^.{{0,90}}?\[(?P<iso>[0-9]{{2}}/[A-Z][a-z]{{2}}/[0-9]{{4}}:{_CLOCK}(?: [+-][0-9]{{4}})?)\]",
    rf"^.{{0,60}}?\b(?P<iso>{_DATE}[T ]{_CLOCK}(?:[.,][0-9]{{1,9}})?{_ZONE})",
    r"^.{0,60}?\baudit\((?P<iso>[0-9]{10}(?:\.[0-9]{1,9})?)",
)


def find_times(texts: pl.Series, read_on: date | None) -> tuple[pl.Series, pl.Series]:
    """Find the time of each text, and give the texts without those at their beginning.

    A time that lies in the future is none of the line's: an expiry, a plan.
    """
    import polars as pl

    nothing = pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, len(texts))
    times, rests = nothing, texts
    for pattern in (*_FRONT, *_NEAR):
        rows = times.is_null().arg_true()
        if not len(rows):
            break
        hit = rows.filter(texts.gather(rows).str.contains(pattern).fill_null(value=False))
        if not len(hit):
            continue
        chosen = texts.gather(hit)
        found = _believable(
            read_times(_written(chosen.str.extract_groups(pattern)), read_on), read_on
        )
        times = times.scatter(hit, found)
        if pattern in _FRONT:
            cut = chosen.str.replace(pattern, "")
            rests = rests.clone().scatter(hit, cut.zip_with(found.is_not_null(), chosen))
    return times, rests


def _written(groups: pl.Series) -> pl.Series:
    """Write what a pattern found as ISO 8601, or leave it as it is where it needs no change."""
    import polars as pl

    parts = groups.struct.unnest()
    if "iso" in parts.columns:
        text = pl.col("iso").str.replace(r"^([0-9]{4})[/.]([0-9]{2})[/.]([0-9]{2})", "$1-$2-$3")
        text = text.str.replace(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[. ]", "${1}T").str.replace(
            r" ([+-Z])", "$1"
        )
        classic = pl.col("iso").str.contains("^(?:[A-Z][a-z]{2} |[0-9]{2}/)")
        return parts.select(pl.when(classic).then(pl.col("iso")).otherwise(text)).to_series()
    numbers = {
        name: f"{number:02d}"
        for number, name in enumerate(
            ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
        )
    }
    month = pl.col("month").replace_strict(numbers, default=None, return_dtype=pl.String)
    day = pl.col("day").str.zfill(2)
    return parts.select(
        pl.col("year") + "-" + month + "-" + day + "T" + pl.col("clock")
    ).to_series()


def _believable(times: pl.Series, read_on: date | None) -> pl.Series:
    import polars as pl

    if read_on is None:
        return times
    latest = datetime(read_on.year, read_on.month, read_on.day, tzinfo=UTC)
    kept = pl.col("t").is_between(
        pl.lit(datetime(1995, 1, 1, tzinfo=UTC)), pl.lit(latest) + pl.duration(days=2)
    )
    return pl.DataFrame({"t": times}).select(pl.when(kept).then(pl.col("t"))).to_series()
