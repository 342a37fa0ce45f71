"""How well people could be told apart by what pseudonymised logs still say."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lethe.errors import UsageError
from lethe.policy.model.logs import Field_, Logs

if TYPE_CHECKING:
    import pyarrow as pa

_PERSON: Final = "ip"
_BUCKETS: Final = 16
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_BATCH_ROWS: Final = 131_072


@dataclass(frozen=True, slots=True)
class Linkability:
    """The score of some rows.

    columns              the quasi-identifiers: what remains beside the pseudonyms
    unique_share         share of the rows whose combination of columns no other row has
    smallest_group       rows of the rarest combination: k of k-anonymity
    single_client_share  share of the rows whose combination only one client has; None without
                         a column `ip`
    """

    columns: tuple[str, ...]
    rows: int
    combinations: int
    unique_share: float
    smallest_group: int
    single_client_share: float | None

    def exceeds(
        self,
        *,
        unique_share: float | None = None,
        smallest_group: int = 0,
        judged_from: int = 1,
    ) -> list[str]:
        """Name the limits that are not kept; of fewer rows than `judged_from` the share is none."""
        found = []
        judged = unique_share is not None and self.rows >= judged_from
        if judged and unique_share is not None and self.unique_share > unique_share:
            found.append(
                f"{self.unique_share:.2%} of {self.rows} rows are unique by"
                f" {', '.join(self.columns)}; the limit is {unique_share:.2%}"
            )
        if self.combinations and self.smallest_group < smallest_group:
            found.append(
                f"the smallest group has {self.smallest_group} rows; the limit is {smallest_group}"
            )
        return found


def quasi_identifiers(
    there: Sequence[str], fields: Mapping[str, Field_], chosen: Collection[str] = ()
) -> tuple[str, ...]:
    """Name the columns of an output by which rows could be told apart.

    there   columns of the output
    fields  of the policy: pseudonyms and masks are left out, for they are what is asked about
    chosen  of the policy; none: every column that remains
    Raises  UsageError where none of the chosen ones could be there, whatever the format
    """
    if chosen:
        named = tuple(name for name in there if name in chosen)
        if not named and not set(chosen) & possible_columns(fields):
            # A score over nothing would keep every limit.
            raise UsageError(
                f"quasi_identifiers: none of {', '.join(sorted(chosen))} is a column of the output;"
                f" there are {', '.join(there)}"
            )
        return named
    replaced = {
        name
        for name, field in fields.items()
        if field.method.startswith("ipcrypt") or field.method in ("token", "mask")
    }
    return tuple(name for name in there if name != "line" and name not in replaced)


def possible_columns(fields: Mapping[str, Field_]) -> set[str]:
    """Name the columns that the fields of a policy can become in an output of any format."""
    possible = set(fields)
    for name, field in fields.items():
        if field.method == "user-agent":
            ends = ("os_family", "device", "bot")
            possible |= {f"{name}_family", f"{name}_major", *ends, *(f"{name}_{e}" for e in ends)}
        elif field.method == "url":
            possible |= {"path", "query"}
    return possible


def over_limits(score: Linkability, logs: Logs) -> tuple[str, ...]:
    """Name the limits of a policy that a score does not keep."""
    return tuple(
        score.exceeds(
            unique_share=logs.unique_share,
            smallest_group=logs.smallest_group,
            judged_from=logs.judged_from,
        )
    )


class Groups:
    """Counts the combinations of some columns, in memory that does not grow with the rows.

    Hashes of eight bytes go to sixteen files without a name, by their first bits.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self.rows = 0
        self._person = True
        self._files: list[IO[bytes]] = [
            tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
            for _ in range(_BUCKETS if columns else 0)
        ]

    def add(self, rows: pa.Table) -> None:
        """Add rows that have these columns."""
        self.rows += rows.num_rows
        if not self.columns or not rows.num_rows:
            return
        combined = np.zeros(rows.num_rows, dtype=np.uint64)
        with np.errstate(over="ignore"):
            for name in self.columns:
                combined = (combined ^ _hashed(rows[name])) * _MIX
        self._person = self._person and _PERSON in rows.column_names
        clients = _hashed(rows[_PERSON]) if self._person else np.zeros_like(combined)
        pairs = np.stack([combined, clients], axis=1)
        order = np.argsort(combined >> np.uint64(60), kind="stable")
        pairs = pairs[order]
        cuts = np.searchsorted(pairs[:, 0] >> np.uint64(60), np.arange(1, _BUCKETS))
        for file, part in zip(self._files, np.split(pairs, cuts), strict=True):
            file.write(part.tobytes())

    def score(self) -> Linkability:
        """Score what was added so far."""
        unique, groups, alone, smallest = 0, 0, 0, self.rows
        for file in self._files:
            file.seek(0)
            pairs = np.frombuffer(file.read(), dtype=np.uint64).reshape(-1, 2)
            if not len(pairs):
                continue
            pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
            starts = _starts(pairs[:, 0])
            counts = np.diff(np.append(starts, len(pairs)))
            first, last = pairs[starts, 1], pairs[starts + counts - 1, 1]
            groups += len(counts)
            unique += int((counts == 1).sum())
            alone += int(counts[first == last].sum())
            smallest = min(smallest, int(counts.min()))
        rows = self.rows or 1
        return Linkability(
            columns=self.columns,
            rows=self.rows,
            combinations=groups,
            unique_share=unique / rows,
            smallest_group=smallest if groups else 0,
            single_client_share=alone / rows if self._person and groups else None,
        )

    def close(self) -> None:
        """Give the files back."""
        for file in self._files:
            file.close()


def score_files(files: Sequence[Path], columns: Sequence[str] | None = None) -> Linkability:
    """Score the rows of Parquet files together.

    columns   which of them to combine; by default every one but the number of the line and the
              pseudonym of the client
    Raises    UsageError for a column that is not there
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not files:
        return Groups(columns or ()).score()
    there = pq.read_schema(files[0]).names
    if columns is None:
        columns = [name for name in there if name not in ("line", _PERSON)]
    if missing := [name for name in columns if name not in there]:
        raise UsageError(
            f"linkability: no column {', '.join(missing)}; there are {', '.join(there)}"
        )
    wanted = [*columns, *([_PERSON] if _PERSON in there and _PERSON not in columns else [])]
    groups = Groups(columns)
    try:
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
                    groups.add(pa.Table.from_batches([batch]))
        return groups.score()
    finally:
        groups.close()


def _hashed(values: Any) -> NDArray[np.uint64]:
    """Hash each value of a column; of a dictionary each value once."""
    import polars as pl
    import pyarrow as pa

    parts = []
    for chunk in values.chunks:
        if pa.types.is_dictionary(chunk.type):
            hashes = pl.Series(pl.from_arrow(chunk.dictionary)).cast(pl.String).hash().to_numpy()
            hashes = np.append(hashes, np.uint64(0))
            places = chunk.indices.fill_null(len(hashes) - 1).to_numpy(zero_copy_only=False)
            parts.append(hashes[places])
        else:
            parts.append(pl.Series(pl.from_arrow(chunk)).cast(pl.String).hash().to_numpy())
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)


def _starts(ordered: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.append(0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
