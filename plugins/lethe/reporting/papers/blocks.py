"""What a paper is made of: headings, tables, lists, pictures; typst and HTML set the same blocks.

Everything is text that is ready to be read: numbers, days and plurals are written already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

Tone = Literal["good", "bad", "warn", "quiet", "plain"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text in one style.

    style  'code' is a name from a machine: it may break anywhere; 'tick' has a box before it
    """

    text: str
    style: Literal["plain", "code", "strong", "quiet", "mark", "tick"] = "plain"
    tone: Tone = "plain"


Line = Span | str
Cell = Line | Sequence[Line]
"""One line, or several below each other."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    share  of the width; 0: as wide as its widest cell
    """

    title: str
    share: float = 1
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section."""

    text: str
    kind: str = "heading"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str
    tone: Tone = "plain"
    kind: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are, in two columns."""

    pairs: Sequence[tuple[str, Cell]]
    kind: str = "facts"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with its caption."""

    title: str
    svg: str
    alt: str
    kind: str = "picture"


@dataclass(frozen=True, slots=True)
class Notice:
    """A box that wants to be seen: what, what is known of it, what to do."""

    title: str
    lines: Sequence[Line]
    pairs: Sequence[tuple[str, Cell]] = ()
    tone: Tone = "warn"
    kind: str = "notice"


@dataclass(frozen=True, slots=True)
class Tiles:
    """A few figures, large."""

    tiles: Sequence[tuple[str, str, Tone]]
    kind: str = "tiles"


@dataclass(frozen=True, slots=True)
class Signature:
    """A line to sign on: role, and what the signature says."""

    role: str
    says: str
    labels: Sequence[str]
    kind: str = "signature"


Block = Heading | Paragraph | Table | Facts | Picture | Notice | Tiles | Signature


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a paper; `is_apart` begins a new page."""

    name: str
    title: str
    blocks: Sequence[Block]
    is_apart: bool = False


@dataclass(frozen=True, slots=True)
class Cover:
    """The first page: what it is, its verdict, its particulars."""

    kicker: str
    title: str
    subtitle: str
    verdict: str
    detail: str
    tone: Tone
    tiles: Sequence[tuple[str, str, Tone]]
    pairs: Sequence[tuple[str, Cell]]
    contents: str


@dataclass(frozen=True, slots=True)
class Paper:
    """One document in one language.

    pages  how pages are counted: '{page} of {pages}'
    """

    language: str
    title: str
    author: str
    header: Sequence[str]
    footer: str
    pages: str
    sections: Sequence[Section]
    cover: Cover | None = None
    is_wide: bool = False
    keywords: Sequence[str] = field(default_factory=tuple)


def as_data(value: Any) -> Any:
    """Turn blocks into what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_data(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, (list, tuple)):
        return [as_data(each) for each in value]
    return value
