"""Pseudonymised logs that are files: does a raw address stand in one?

Files are read a column at a time by Polars, each once: what was found is kept beside its size and
time of change. Only whether something was found leaves the reader.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from lethe.include import home_folder
from lethe.policy.model import Policy
from lethe.quality.history import quality_folder, write_document

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# No part of a version such as Chrome/120.0.0.0, but of a URL such as http://10.0.0.1/.
_IPV4 = rf"(?:^|[^0-9A-Za-z./]|://|@)(?:{_BYTE}\.){{3}}{_BYTE}(?:$|[^0-9A-Za-z.]|\.$|\.[^0-9])"
_LOOKED_AT = "logfiles.json"


def judge_log_files(policy: Policy) -> Mapping[str, tuple[bool, ...]]:
    """Say of every file of pseudonymised logs whether no raw address stands in it.

    Returns  folder of the output → one answer a file; a file that cannot be read counts as bad
    """
    place = quality_folder() / _LOOKED_AT
    known = _read(place)
    found: dict[str, tuple[bool, ...]] = {}
    kept: dict[str, Any] = {}
    for folder, skipped in _folders(policy).items():
        answers = []
        for path in sorted((home_folder() / folder).glob("day=*/*.parquet")):
            state = path.stat()
            mark = [state.st_size, state.st_mtime_ns, sorted(skipped)]
            before = known.get(str(path))
            clean = before[1] if before and before[0] == mark else _is_clean(path, skipped)
            kept[str(path)] = [mark, clean]
            answers.append(bool(clean))
        found[folder] = tuple(answers)
    if kept or known:
        write_document(place, kept)
    return found


def _folders(policy: Policy) -> dict[str, set[str]]:
    """Folder → columns whose pseudonyms keep the network, and with it the form of an address."""
    folders: dict[str, set[str]] = {}
    for source in policy.logs.sources.values() if policy.logs is not None else ():
        skipped = folders.setdefault(source.output, set())
        skipped |= {name for name, each in source.fields.items() if each.method == "ipcrypt-pfx"}
    return folders


def _is_clean(path: Path, skipped: Collection[str]) -> bool:
    import polars as pl

    try:
        lazy = pl.scan_parquet(path)
        texts = [
            name
            for name, kind in lazy.collect_schema().items()
            if kind in (pl.String, pl.Categorical) and name not in skipped
        ]
        if not texts:
            return True
        seen = lazy.select(
            pl.any_horizontal(
                pl.col(name).cast(pl.String).str.contains(_IPV4).any() for name in texts
            ).alias("seen")
        ).collect()
    except (pl.exceptions.PolarsError, OSError):
        return False
    return not seen["seen"][0]


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
