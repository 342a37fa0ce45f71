"""What a mail says, laid out: HTML and plain text are written from the same Letter."""

from __future__ import annotations

from dataclasses import dataclass

Tone = str
"""'good', 'ask', 'bad', 'silent' or 'quiet': how a line is coloured; the words say it as well."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where to go on: an address, and what it says."""

    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Item:
    """A thing with a title and what there is to say about it.

    mark  short word in front, such as '§9'
    """

    title: str
    lines: tuple[str, ...] = ()
    mark: str | None = None
    tone: Tone = "quiet"
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: a name, its numbers, and what explains them."""

    name: str
    cells: tuple[str, ...]
    notes: tuple[str, ...] = ()
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers side by side; the first column is the name."""

    head: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A label and its value; `is_code` for digests, which are copied and compared."""

    label: str
    value: str
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart: attached to the mail and shown where it belongs.

    cid  content id, without brackets
    """

    name: str
    title: str
    alt: str
    png: bytes
    cid: str


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the mail.

    more  what was left out here, and where it stands
    """

    key: str
    title: str
    intro: str | None = None
    items: tuple[Item, ...] = ()
    table: Table | None = None
    pairs: tuple[Pair, ...] = ()
    pictures: tuple[Picture, ...] = ()
    more: str | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A whole mail.

    headline  the verdict: what needs somebody
    preview   what a mail program shows beside the subject
    rehearsal that this is none of a real warehouse; None: it is one of it
    standing  how many promises are shown kept, and of the others why not
    figures   the four numbers of the period: value and label
    kinds     what was erased, by the policy's words for it
    """

    language: str
    tone: Tone
    headline: str
    subject: str
    preview: str
    kicker: str
    correction: str | None
    rehearsal: str | None
    standing: str
    figures: tuple[tuple[str, str], ...]
    kinds: str | None
    sections: tuple[Section, ...]
    next_due: str
    footer: tuple[str, ...]
