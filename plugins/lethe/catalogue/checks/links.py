"""Keys and links: whether they name what they should."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.catalogue.checks.found import Checked, Found
from lethe.catalogue.model import Column


def check_links(checked: Checked) -> Iterator[Found]:
    """Subject keys that may be NULL, and kinds of subject that nothing belongs to."""
    used = {cluster.subject for cluster in checked.policy.clusters.values()}
    for name, kind in checked.graph.kinds.items():
        if kind.table is None:
            continue
        columns = checked.catalogue.tables[kind.table].columns
        odd = [key for key in kind.key if not _is_compared(columns[key])]
        if odd:
            yield Found(
                "fault",
                "odd-key",
                ("subjects", name, "key"),
                f"{', '.join(odd)} of {kind.table} is of a type of which the server cannot say "
                "whether two values are the same; take another key",
            )
        loose = [key for key in kind.key if columns[key].nullable]
        if loose:
            yield Found(
                "advice",
                "nullable-key",
                ("subjects", name, "key"),
                f"{', '.join(loose)} of {kind.table} may be NULL, and such rows are nobody's: no "
                "rule reaches them",
            )
        if not kind.unique:
            yield Found(
                "advice",
                "shared-key",
                ("subjects", name, "key"),
                f"no unique key covers ({', '.join(kind.key)}) of {kind.table}: all rows with the "
                "same key are one subject",
            )
        if name not in used:
            yield Found(
                "advice", "idle-subject", ("subjects", name), "no cluster hangs on this subject"
            )


_NOT_COMPARED = frozenset(
    {"json", "jsonpath", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle"}
)
"""Without `=`, or with one that compares areas."""


def _is_compared(column: Column) -> bool:
    return not {column.base_type, column.element_type} & _NOT_COMPARED
