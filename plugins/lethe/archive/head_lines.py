"""Lines that tell a head, as mail programs leave them: wrapped, quoted, folded, escaped, marked up.

A line is looked for letter by letter, with anything between them that is no letter or figure. What
follows is read as it stands, then as quoted-printable, HTML, JSON, a URL or an encoded word would
have it, and as two of those in one another. All of a head has a fixed length but its two numbers:
where a break went through them and leaves more than one reading, there is none.
"""

from __future__ import annotations

import base64
import html
import quopri
import re
from collections.abc import Callable, Iterator
from email.header import decode_header
from itertools import pairwise
from urllib.parse import unquote
from uuid import UUID

from lethe.archive.heads import ToldHead

_GAP = (
    r"(?>(?>=(?:3D)*\n|=[0-9A-F]{2}|<[^<>]{0,2000}>|&#?\w{1,8};"
    r"|\\u[0-9a-f]{4}|\\[nrt]|%[0-9A-F]{2}|[\W_])*)"
)
_MARK = re.compile(_GAP.join("lethearchivehead"), re.IGNORECASE)
_LONGEST = 6_000
_DEPTH = 3

_PARTS = re.compile(r"[A-Za-z0-9+/=:.-]+|[^A-Za-z0-9+/=:.-]+")
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE63, 0xFF0D], "-")
_NOTHING = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_SHAPES: dict[int, str | None] = {**_DASHES, **_NOTHING}
_HEAD = re.compile(
    r"lethe-archive-head1([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(\d{2,40})"
    r"([0-9a-fA-F]{64})\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|\+00:00)"
    r"([A-Za-z0-9+/]{86})=="
)
_LIKE = re.compile(r"lethe-*archive-*head=*\d+(?:[0-9a-f-]{8}|[0-9a-f-]*\Z)", re.IGNORECASE)
# At the end of a line, with what marks the next one as quoted or indented: nothing, or a space.
_BREAK = re.compile(r"\n[\s>|]*")


def find_heads(text: str) -> Iterator[ToldHead | str]:
    """Find whatever looks like a head: the head, or the text of one that cannot be read."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    starts = [place.start() for place in _MARK.finditer(text)]
    for start, following in pairwise([*starts, len(text)]):
        end = min(following, start + _LONGEST)
        # What is not cut off by the end of the text goes on with something.
        there = text[start:end] + (":" if end < len(text) else "")
        forms = list(_forms(there))
        head = next((head for form in forms if (head := _read(form)) is not None), None)
        if head is not None:
            yield head
        elif any(_LIKE.match(_squeezed(form)[0]) for form in forms):
            yield there


def _forms(text: str) -> Iterator[str]:
    """The text as it stands, and what it may stand for, the plainer first."""
    seen, now = {text}, [text]
    yield text
    for _ in range(_DEPTH):
        made = [decode(each) for each in now for mark, decode in _DECODERS if mark in each]
        now = [each for each in dict.fromkeys(made) if each not in seen]
        seen.update(now)
        yield from now


def _quoted_printable(text: str) -> str:
    return quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")


def _html(text: str) -> str:
    text = re.sub(r"<br\b[^<>]*>\n?", "\n", text, flags=re.IGNORECASE)
    text = re.sub(r"</?t[dhr]\b[^<>]*>", " ", text, flags=re.IGNORECASE)
    text = re.sub(r"</?(?:p|div|li|pre|blockquote)\b[^<>]*>", "\n", text, flags=re.IGNORECASE)
    return html.unescape(re.sub(r"<[^<>]*>", "", text))


def _json(text: str) -> str:
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nr" else found[1], text)


def _url(text: str) -> str:
    is_form = re.match(r"[\w-]+\+1\+", text) is not None
    return unquote(text.replace("+", " ") if is_form else text)


def _words(text: str) -> str:
    """Encoded words of a header; between two of them a fold is nothing."""

    def decode(found: re.Match[str]) -> str:
        try:
            ((data, _),) = decode_header(found[0])
        except (ValueError, LookupError):
            return found[0]
        return data.decode("utf-8", "replace") if isinstance(data, bytes) else data

    text = re.sub(r"\?=\s+=\?", "?==?", text)
    return re.sub(r"=\?[^?\s]+\?[QqBb]\?[^?\s]*\?=", decode, text)


_DECODERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("=\n", lambda text: text.replace("=\n", "")),
    ("=", _quoted_printable),
    ("<", _html),
    ("&", _html),
    ("\\", _json),
    ("%", _url),
    ("=?", _words),
)


def _squeezed(text: str) -> tuple[str, dict[int, str]]:
    """What may belong to a head, without what cannot; and where that stood."""
    parts: list[str] = []
    gaps: dict[int, str] = {}
    length = 0
    for found in _PARTS.finditer(text.translate(_SHAPES)):
        part = found[0]
        if part[0].isascii() and (part[0].isalnum() or part[0] in "+/=:.-"):
            parts.append(part)
            length += len(part)
        else:
            gaps[length] = part
    return "".join(parts), gaps


def _read(text: str) -> ToldHead | None:
    squeezed, gaps = _squeezed(text)
    found = _HEAD.match(squeezed)
    if found is None:
        return None
    warehouse, numbers, root, signature = found.groups()
    at = _between(numbers, {p - found.start(2): gap for p, gap in gaps.items()})
    if at is None:
        return None
    return ToldHead(
        UUID(warehouse),
        int(numbers[:at]),
        int(numbers[at:]),
        bytes.fromhex(root),
        base64.b64decode(f"{signature}=="),
    )


def _between(numbers: str, gaps: dict[int, str]) -> int | None:
    """Where the second of two numbers begins; None if that cannot be told.

    A break may stand for the space between them, or go through one of them; a space does neither.
    """
    within = {at: gap for at, gap in gaps.items() if 0 < at < len(numbers)}
    spaces = [at for at, gap in within.items() if _BREAK.sub("", gap)]
    places = list(within) if len(within) == 1 else spaces
    if len(places) != 1 or "0" in (numbers[0], numbers[places[0]]):
        return None
    return places[0]
