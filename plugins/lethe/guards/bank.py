"""The bank gate in Python, for what is sealed and can never be searched again."""

from __future__ import annotations

import re
from functools import cache

_SEPARATORS = r"[ \t.\u00a0\u2009\u202f-]"
# Two digits behind a letter; what is before and behind them is looked at one by one.
_LIKE = re.compile(r"(?<=[A-Za-z])[0-9]{2}")
_TAIL = re.compile(rf"[A-Za-z0-9](?:{_SEPARATORS}{{0,2}}[A-Za-z0-9]){{0,33}}")
# One word, groups of four, or digits with separators: 'LU12345678 Luxembourg' is no account.
_WRITTEN = re.compile(
    r"[A-Z0-9]+|(?:[A-Z0-9]{4}[^A-Z0-9]+)+[A-Z0-9]{1,4}|[A-Z]{2}[0-9]+(?:[^A-Z0-9]+[0-9]+)*"
)


_SHAPES = bytes(
    0x20
    if byte < 0x80 and not chr(byte).isalnum()
    else ord("0" if chr(byte) in "0123456789" else "a")
    for byte in range(256)
)


_LONG = re.compile(rb"[A-Za-z0-9\x80-\xff](?:[ \t.\x80-\xff-]{0,8}[A-Za-z0-9]){14}").match


def may_hold_account(text: bytes) -> bool:
    """Two letters of a country stand before two digits, and enough behind: only then look at it."""
    shapes = text.translate(_SHAPES)
    at = shapes.find(b"aa00")
    while at >= 0:
        country = text[at : at + 2].upper().decode("latin-1")
        if (country in _lengths() or not country.isascii()) and _LONG(text, at):
            return True
        at = shapes.find(b"aa00", at + 1)
    return False


def holds_account(text: str) -> bool:
    """A whole international bank account number stands in the text."""
    for match in _LIKE.finditer(text):
        start = match.start() - 2
        if start < 0 or text[start : start + 2].upper() not in _lengths():
            continue
        before = text[max(0, start - 4) : start]
        if before[-1:].isalnum() and before.lower() != "iban":
            continue
        tail = _TAIL.match(text, start)
        if tail is not None and _is_account(
            tail.group().upper(), text[tail.end() : tail.end() + 1]
        ):
            return True
    return False


def _is_account(found: str, after: str) -> bool:
    from stdnum import iban

    length, count = _lengths()[found[:2]], 0
    taken = 0
    while taken < len(found) and count < length:
        count += found[taken].isalnum()
        taken += 1
    # What follows directly belongs to the word: then it is none.
    raw, rest = found[:taken], (found + after)[taken : taken + 1]
    if count < length or rest.isalnum() or not _WRITTEN.fullmatch(raw):
        return False
    return bool(iban.is_valid(re.sub(r"[^A-Z0-9]", "", raw)))


@cache
def _lengths() -> dict[str, int]:
    """Country → characters of its account numbers."""
    from stdnum import numdb

    return {
        country: 4 + sum(int(each) for each in re.findall(r"(\d+)!", fields["bban"]))
        for _, country, _, fields, _ in numdb.get("iban").prefixes
    }
