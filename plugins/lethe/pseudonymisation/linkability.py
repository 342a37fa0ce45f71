"""How well people could be told apart by what pseudonymised logs still say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lethe.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

# Columns that describe the visitor in every line alike: by these the limits are judged.
DESCRIBING: Final = ("vhost", "agent_family", "agent_major", "os_family", "device", "protocol")
# Those that say what one line is about; with them nearly every line of a site is unique.
_OF_THE_LINE: Final = ("method", "path", "query", "referrer", "status")
_PERSON: Final = "ip"


@dataclass(frozen=True, slots=True)
class Linkability:
    """The score of some rows.

    unique_share         share of the rows whose combination of columns no other row has
    smallest_group       rows of the rarest combination: k of k-anonymity
    unique_lines         the same share with path, query and referrer among the columns
    single_client_share  share of the rows whose combination only one client has; None without
                         a column `ip`
    """

    columns: tuple[str, ...]
    rows: int
    combinations: int
    unique_share: float
    smallest_group: int
    unique_lines: float
    single_client_share: float | None

    def exceeds(self, *, unique_share: float | None = None, smallest_group: int = 0) -> list[str]:
        """Name the limits that are not kept."""
        found = []
        if unique_share is not None and self.unique_share > unique_share:
            found.append(
                f"{self.unique_share:.2%} of {self.rows} rows are unique by"
                f" {', '.join(self.columns)}; the limit is {unique_share:.2%}"
            )
        if self.rows and self.smallest_group < smallest_group:
            found.append(
                f"the smallest group has {self.smallest_group} rows; the limit is {smallest_group}"
            )
        return found


def score_files(files: Sequence[Path], columns: Sequence[str] | None = None) -> Linkability:
    """Score the rows of Parquet files together.

    columns   which of them to combine; by default those of `DESCRIBING` that are there
    Raises    UsageError for a column that is not there
    """
    import polars as pl

    if not files:
        return Linkability(tuple(columns or ()), 0, 0, 0.0, 0, 0.0, None)
    return score_rows(pl.scan_parquet(list(files), hive_partitioning=False), columns)


def score_rows(rows: pl.LazyFrame, columns: Sequence[str] | None = None) -> Linkability:
    """Score rows; see `score_files`."""
    import polars as pl

    there = rows.collect_schema().names()
    chosen = (
        list(columns) if columns is not None else [name for name in DESCRIBING if name in there]
    )
    if missing := [name for name in chosen if name not in there]:
        raise UsageError(
            f"linkability: no column {', '.join(missing)}; there are {', '.join(there)}"
        )
    if not chosen:
        raise UsageError("linkability: there is no column to combine")
    counted = [pl.len().alias("_rows")]
    if _PERSON in there:
        counted.append(pl.col(_PERSON).n_unique().alias("_clients"))
    hashed = pl.struct(pl.col(name).cast(pl.String) for name in chosen).hash().alias("_group")
    person = [pl.col(_PERSON).cast(pl.String)] if _PERSON in there else []
    groups = (
        rows.select(hashed, *person).group_by("_group").agg(counted).collect(engine="streaming")
    )
    total = int(groups["_rows"].sum())
    if not total:
        return Linkability(tuple(chosen), 0, 0, 0.0, 0, 0.0, None)
    single = groups.filter(pl.col("_clients") == 1)["_rows"].sum() if person else None
    return Linkability(
        columns=tuple(chosen),
        rows=total,
        combinations=len(groups),
        unique_share=int((groups["_rows"] == 1).sum()) / total,
        smallest_group=int(groups["_rows"].to_numpy().min()),
        unique_lines=_unique_share(rows, [*chosen, *(n for n in _OF_THE_LINE if n in there)]),
        single_client_share=None if single is None else int(single) / total,
    )


def _unique_share(rows: pl.LazyFrame, columns: Sequence[str]) -> float:
    import polars as pl

    hashed = pl.struct(pl.col(name).cast(pl.String) for name in columns).hash().alias("_group")
    counts = rows.select(hashed).group_by("_group").agg(pl.len()).collect(engine="streaming")["len"]
    return int((counts == 1).sum()) / int(counts.sum())
