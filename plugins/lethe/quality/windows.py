"""A text of any length as overlapping windows, so that memory stays small and no value is cut."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

_BYTES = 2_000_000
OVERLAP = 1_000
"""Characters of a window that the next one repeats: longer than any value that is looked for."""
_NO_SPACE = re.compile(r"\S*\Z")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Source(Protocol):
    """Something that bytes are read from."""

    def read(self, size: int = ..., /) -> bytes: ...


class Window(NamedTuple):
    """A stretch of a text.

    seen  its beginning, which was the end of the window before
    """

    text: str
    seen: str = ""


def windows_of(source: Source) -> Iterator[Window]:
    """Read a source to its end; what is no text is read as one, with signs for what is none."""
    block = _read(source)
    name = next((name for bom, name in _BOMS if block.startswith(bom)), "utf-8")
    decoder = codecs.getincrementaldecoder(name)(errors="replace")
    seen = rest = ""
    while block:
        following = _read(source)
        text = seen + rest + decoder.decode(block, final=not following)
        block = following
        cut = _cut(text, len(seen)) if block else len(text)
        yield Window(text[:cut], seen)
        begins = max(cut - OVERLAP, 0)
        begins = _after_space(text, begins, cut) if begins else 0
        seen, rest = text[begins:cut], text[cut:]


def _read(source: Source) -> bytes:
    """As many bytes as there are, up to a window: a packed stream hands out less at a time."""
    parts, size = [], 0
    while size < _BYTES and (part := source.read(_BYTES - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _cut(text: str, least: int) -> int:
    """Where a window ends: at a space near its end, if there is one, for no word to look whole."""
    found = _NO_SPACE.search(text, max(len(text) - OVERLAP, least))
    return found.start() if found and found.start() > least else len(text)


def _after_space(text: str, begins: int, cut: int) -> int:
    """Where the overlap begins: behind a space, if there is one in its first half."""
    for at in range(begins, min(begins + OVERLAP // 2, cut)):
        if text[at].isspace():
            return at + 1
    return begins
