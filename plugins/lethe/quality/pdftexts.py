"""What stands in a PDF: text as it is drawn, titles, bookmarks, metadata, attached files.

What is drawn is packed and numbered by glyph; the tables that let a reader copy it (ToUnicode) turn
it back. Where two fonts bear one name on different pages, the text is read with each.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping

_OBJECT = re.compile(rb"(\d+)\s+\d+\s+obj\b")
_STREAM = re.compile(rb">>\s*stream\r?\n")
_IN = rb"[^()\\]|\\."
# Brackets that are in balance need no escape.
_LITERAL = rb"\(((?:" + _IN + rb"|\((?:" + _IN + rb"|\((?:" + _IN + rb")*\))*\))*)\)"
_PLAIN = re.compile(
    _LITERAL + rb"|<(FEFF(?:[0-9A-F]{4})+)>|(<x:xmpmeta\b.*?</x:xmpmeta>)",
    re.DOTALL | re.IGNORECASE,
)
"""Widths of fonts are endless lists of numbers: only texts in brackets are taken."""
_FONTS = re.compile(rb"/Font\s*<<(.*?)>>", re.DOTALL)
_FONTS_AT = re.compile(rb"/Font\s+(\d+)\s+\d+\s+R")
_NAMED = re.compile(rb"/([^\s/<>\[\]()]+)\s+(\d+)\s+\d+\s+R")
_TO_UNICODE = re.compile(rb"/ToUnicode\s+(\d+)\s+\d+\s+R")
_SECTION = re.compile(rb"begin(bfchar|bfrange)(.*?)end(?:bfchar|bfrange)", re.DOTALL)
_HEX = re.compile(rb"<([0-9A-Fa-f\s]*)>|(\[)|(\])")
_DRAWN = re.compile(
    rb"/([^\s/<>\[\]()]+)\s+[-\d.]+\s+Tf\b|" + _LITERAL + rb"|<([0-9A-Fa-f\s]+)>"
    rb"|(-?\d+(?:\.\d+)?)(?=\s*[(<\]])|(\bT[jJdDm*]\b|'|\"|\bET\b)",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_SIGNS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r\n": b""}
_GAP = 200
"""A step of the pen, in thousandths, that a reader sees as a space."""
_HYPHEN = re.compile("\\s*\u00ad\\s*")
_READ = {b"Flate"}
_PICTURES = {b"DCT", b"JPX", b"CCITT", b"JBIG2"}
_MOST = 64_000_000

Glyphs = Mapping[bytes, str]


class EncryptedPdf(ValueError):
    """Nobody reads it without a password."""


class StrangePdf(ValueError):
    """Some of it is packed in a way that is not read."""


class LargePdf(ValueError):
    """It gives more than fits into memory."""


def texts_of_pdf(data: bytes) -> Iterator[str]:
    """Every text of a document.

    Raises  EncryptedPdf, LargePdf; StrangePdf when all the rest has been told
    """
    if re.search(rb"/Encrypt\s+\d+\s+\d+\s+R", data):
        raise EncryptedPdf
    objects, streams = _objects(data)
    yield "\n".join(text for head in objects.values() for text in _plain(head))
    fonts = _fonts(objects, streams)
    for number, content in streams.items():
        head = objects[number]
        if b"/ToUnicode" in head or b"begincmap" in content[:2_000]:
            continue
        if b"xmpmeta" in content[:2_000]:
            yield from _plain(content)
        elif b"/EmbeddedFile" not in head and re.search(rb"\bBT\b", content):
            yield from _drawn(content, fonts)
    if any(_is_strange(head) for head in objects.values()):
        raise StrangePdf


def attached_to_pdf(data: bytes) -> Iterator[bytes]:
    """The files that are attached to a document."""
    objects, streams = _objects(data)
    for number, content in streams.items():
        if b"/EmbeddedFile" in objects[number]:
            yield content


def _objects(data: bytes) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Number → dictionary, and number → unpacked stream, those inside of object streams too."""
    heads: dict[int, bytes] = {}
    streams: dict[int, bytes] = {}
    starts = [(match.start(), match.end(), int(match[1])) for match in _OBJECT.finditer(data)]
    ends = [start for start, _, _ in starts[1:]] + [len(data)]
    done, left = 0, _MOST
    for (start, begins, number), ends_at in zip(starts, ends, strict=True):
        if start < done:
            continue
        stream = _STREAM.search(data, begins, ends_at)
        heads[number] = data[begins : stream.end() if stream else ends_at]
        if stream is None:
            continue
        stop = data.find(b"endstream", stream.end())
        done = stop if stop > 0 else ends_at
        content = _unpacked(data[stream.end() : done], heads[number], left)
        left -= len(content)
        if left <= 0:
            raise LargePdf
        streams[number] = content
    for number, content in list(streams.items()):
        if b"/ObjStm" in heads[number]:
            heads |= _packed_objects(content, heads[number])
    return heads, streams


def _unpacked(body: bytes, head: bytes, most: int) -> bytes:
    if b"FlateDecode" not in head:
        return body
    try:
        return zlib.decompressobj().decompress(body, most)
    except zlib.error:
        return body


def _is_strange(head: bytes) -> bool:
    """Neither plain nor deflated, and no picture."""
    filters = re.findall(rb"/([A-Za-z0-9]+)(?:Decode|Fax)\b", head)
    return bool(set(filters) - _READ) and not set(filters) & _PICTURES


def _packed_objects(content: bytes, head: bytes) -> dict[int, bytes]:
    first = re.search(rb"/First\s+(\d+)", head)
    if first is None:
        return {}
    begins = int(first[1])
    pairs = [int(each) for each in re.findall(rb"\d+", content[:begins])]
    places = list(zip(pairs[::2], pairs[1::2], strict=False))
    ends = [place for _, place in places[1:]] + [len(content)]
    return {
        number: content[begins + place : begins + end]
        for (number, place), end in zip(places, ends, strict=True)
    }


def _fonts(
    objects: Mapping[int, bytes], streams: Mapping[int, bytes]
) -> Mapping[bytes, list[Glyphs]]:
    """Name of a font on its pages → the tables that turn its glyphs into text."""
    found: defaultdict[bytes, list[Glyphs]] = defaultdict(list)
    tables: dict[int, Glyphs] = {}
    lists: list[bytes] = []
    for head in objects.values():
        lists += _FONTS.findall(head)
        lists += [objects.get(int(number), b"") for number in _FONTS_AT.findall(head)]
    for name, number in {pair for each in lists for pair in _NAMED.findall(each)}:
        at = _TO_UNICODE.search(objects.get(int(number), b""))
        if at is not None and (table := int(at[1])) in streams:
            found[name].append(tables.setdefault(table, _glyphs(streams[table])))
    return found


def _glyphs(table: bytes) -> Glyphs:
    found: dict[bytes, str] = {}
    for kind, body in _SECTION.findall(table):
        parts: list[bytes | list[bytes]] = []
        inside: list[bytes] | None = None
        for match in _HEX.finditer(body):
            if match[2]:
                inside = []
            elif match[3]:
                parts.append(inside or [])
                inside = None
            else:
                digits = re.sub(rb"\s", b"", match[1])
                value = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
                (parts if inside is None else inside).append(value)
        step = 2 if kind == b"bfchar" else 3
        for at in range(0, len(parts) - step + 1, step):
            _add(found, parts[at : at + step])
    return found


def _add(found: dict[bytes, str], parts: list[bytes | list[bytes]]) -> None:
    first, last, meant = parts[0], parts[-2], parts[-1]
    if isinstance(first, list) or isinstance(last, list):
        return
    low, high = int.from_bytes(first), int.from_bytes(last)
    for number in range(low, min(high, low + 65_535) + 1):
        if isinstance(meant, list):
            text = meant[number - low] if number - low < len(meant) else b""
        else:
            text = (int.from_bytes(meant) + number - low).to_bytes(max(len(meant), 2))
        found[number.to_bytes(len(first))] = text.decode("utf-16-be", errors="replace")


def _drawn(content: bytes, fonts: Mapping[bytes, list[Glyphs]]) -> Iterator[str]:
    """The text of a page, once for each reading that the names of its fonts allow."""
    readings = max((len(each) for each in fonts.values()), default=1)
    parts: list[list[str]] = [[] for _ in range(readings)]
    tables: list[Glyphs] = []
    for font, literal, digits, step, operator in _DRAWN.findall(content):
        if font:
            tables = fonts.get(font, [])
        elif operator or step:
            if operator or abs(float(step)) >= _GAP:
                for each in parts:
                    each.append(" ")
        else:
            value = _literal(literal) if literal else _from_hex(digits)
            for number, each in enumerate(parts):
                each.append(_read(value, tables[number % len(tables)] if tables else {}))
    for text in dict.fromkeys(re.sub(r"\s+", " ", "".join(each)) for each in parts):
        # A hyphen of the typesetter's: one that stands in the word, or one that breaks it.
        yield from dict.fromkeys(_HYPHEN.sub(sign, text) for sign in ("-", ""))


def _read(value: bytes, glyphs: Glyphs) -> str:
    if not glyphs:
        return value.decode("cp1252", errors="replace")
    width = len(next(iter(glyphs)))
    return "".join(glyphs.get(value[at : at + width], "") for at in range(0, len(value), width))


def _literal(text: bytes) -> bytes:
    def meant(match: re.Match[bytes]) -> bytes:
        sign = match[1]
        is_octal = sign[:1] in b"01234567"
        return bytes([int(sign, 8) & 255]) if is_octal else _SIGNS.get(sign, sign)

    return _ESCAPED.sub(meant, text)


def _from_hex(digits: bytes) -> bytes:
    plain = re.sub(rb"\s", b"", digits)
    return bytes.fromhex((plain + b"0" * (len(plain) % 2)).decode())


def _plain(data: bytes) -> Iterator[str]:
    """Titles, bookmarks, descriptions of pictures, metadata."""
    for written, hexadecimal, metadata in _PLAIN.findall(data):
        if hexadecimal:
            yield bytes.fromhex(hexadecimal.decode()).decode("utf-16", errors="replace")
        else:
            text = _literal(written) if written else metadata
            wide = text.startswith(b"\xfe\xff")
            yield text.decode("utf-16" if wide else "utf-8", errors="replace")
