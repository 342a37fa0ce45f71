"""Lists that a person sorts, filters and pages through with query parameters alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

Row = TypeVar("Row")
Key = Callable[[Row], Any]
PAGE = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query parameters ask for.

    sort   'column' or 'column:desc'; several: the last counts (a header's button stands last)
    find   text that a row must contain
    only   value of the filter; '' for all
    """

    sort: str = ""
    find: str = ""
    only: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Asked:
        """Read the query parameters of a request; nonsense is the first page."""
        page = query.get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 8 else 1
        return cls(
            query.get("sort", "")[:60],
            query.get("find", "").strip()[:80],
            query.get("only", "")[:60],
            max(number, 1),
        )

    @property
    def column(self) -> str:
        """The column to sort by."""
        return self.sort.partition(":")[0]

    @property
    def descends(self) -> bool:
        """Largest first."""
        return self.sort.endswith(":desc")

    def url(self, **changes: Any) -> str:
        """The same question with something changed, as a query string."""
        values = {"sort": self.sort, "find": self.find, "only": self.only, "page": self.page}
        kept = {name: value for name, value in (values | changes).items() if value not in ("", 1)}
        return "?" + urlencode(kept)


class Ordered:
    """What the headers of a list know of its order."""

    __slots__ = ()
    asked: Asked

    def order(self, column: str) -> str:
        """The value of aria-sort for a column."""
        if self.asked.column != column:
            return "none"
        return "descending" if self.asked.descends else "ascending"

    def turned(self, column: str) -> str:
        """What the header's button asks for: ascending, or the other way round."""
        return f"{column}:desc" if self.order(column) == "ascending" else column


@dataclass(frozen=True, slots=True)
class Listing(Ordered, Generic[Row]):
    """One page of a list.

    total  rows that match; all: rows there are
    """

    rows: Sequence[Row]
    total: int
    all: int
    page: int
    pages: int
    asked: Asked


def make_listing(
    rows: Iterable[Row],
    columns: Mapping[str, Key[Row]],
    asked: Asked,
    *,
    default: str,
    text: Callable[[Row], str] | None = None,
    only: Callable[[Row], str | Sequence[str]] | None = None,
    size: int = PAGE,
) -> Listing[Row]:
    """Sort, filter and cut a list.

    columns  name → what it is sorted by; what is None comes last either way
    default  order where the parameters ask for none, or for nonsense
    """
    every = list(rows)
    if asked.column not in columns:
        asked = Asked(default, asked.find, asked.only, asked.page)
    found = [row for row in every if _matches(row, asked, text, only)]
    key = columns[asked.column]
    there = [row for row in found if key(row) is not None]
    there.sort(key=key, reverse=asked.descends)
    found = there + [row for row in found if key(row) is None]
    pages = max(1, -(-len(found) // size))
    page = min(asked.page, pages)
    shown = found[(page - 1) * size : page * size]
    return Listing(shown, len(found), len(every), page, pages, asked)


def _matches(
    row: Row,
    asked: Asked,
    text: Callable[[Row], str] | None,
    only: Callable[[Row], str | Sequence[str]] | None,
) -> bool:
    if asked.find and text and asked.find.casefold() not in text(row).casefold():
        return False
    if asked.only and only:
        values = only(row)
        return asked.only in ((values,) if isinstance(values, str) else values)
    return True
