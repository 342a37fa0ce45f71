"""Find personal values in a text: by pattern, and by looking up what stands in the warehouse."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable
from urllib.parse import unquote

SHORTEST = 6
"""Characters of a value that is looked for: shorter ones are common words."""
_LONGEST = 12
"""Words of a value that are looked for: of a longer one its beginning."""
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![\w-])")
_DIGITS = re.compile(r"(?<![0-9A-Za-z.-])[0-9](?:[ -]?[0-9]){14,18}(?![0-9A-Za-z-]|\.[0-9])")
_CARD_FIRST = re.compile(
    r"^(?:[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5})(?=[ -])"
)
"""A card before other numbers: its month, its check number."""
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_WORD = re.compile(r"[^\s<>\"'=&;,(){}\[\]|\\:]+")


class Phrases:
    """Values to look for, by their first word: most words of a text begin none."""

    def __init__(self, values: Iterable[str]) -> None:
        self._by_first: dict[str, dict[int, set[str]]] = {}
        self._size = 0
        for value in values:
            words = value.split()[:_LONGEST]
            if words:
                self._size += 1
                same = self._by_first.setdefault(words[0], {})
                same.setdefault(len(words), set()).add(" ".join(words))

    def __len__(self) -> int:
        return self._size

    def count(self, text: str) -> int:
        """How often one of them stands in a text, across its lines too."""
        words = _words(text)
        found = 0
        for at, word in enumerate(words):
            same = self._by_first.get(word)
            if same is not None:
                found += any(
                    " ".join(words[at : at + length]) in some for length, some in same.items()
                )
        return found


def find_leaks(text: str, values: Phrases, allowed: Collection[str] = ()) -> Counter[str]:
    """Find personal values in a text.

    Returns  kind → number
    """
    found: Counter[str] = Counter()
    for form in {text, html.unescape(text), _unescaped(text), _unquoted(text)}:
        for kind, number in _in_form(form, values, allowed).items():
            found[kind] = max(found[kind], number)
    return found


def _in_form(text: str, values: Phrases, allowed: Collection[str]) -> Counter[str]:
    from stdnum import iban, luhn

    found: Counter[str] = Counter()
    for match in EMAIL.findall(text) if "@" in text else ():
        if not _is_ours(match.lower(), allowed):
            found["e-mail address"] += 1
    for match in _DIGITS.findall(text):
        first = _CARD_FIRST.match(match)
        for number in {match, first[0] if first else match}:
            digits = re.sub(r"[^0-9]", "", number)
            if digits[0] in "3456" and len(digits) in (15, 16, 19) and luhn.is_valid(digits):
                found["card number"] += 1
                break
    for match in _IBAN.findall(text):
        ends = [at for at, sign in enumerate(match) if sign == " "]
        found["bank account"] += any(iban.is_valid(match[:end]) for end in [*ends, len(match)])
    found["value of the warehouse"] += values.count(text)
    return +found


def _is_ours(address: str, allowed: Collection[str]) -> bool:
    """Whether an address may stand there, also where a typesetter broke it with a hyphen."""
    if address in allowed or address.endswith(_OURS):
        return True
    whole = address.replace("-", "")
    return "-" in address and any("@" in one and one.replace("-", "") == whole for one in allowed)


_OURS = ("@example.org", "@localhost", "@v1", ".service")


def _words(text: str) -> list[str]:
    """The words of a text without what clings to them."""
    found = (word.strip(".!?") for word in _WORD.findall(text.lower()))
    return [word for word in found if word]


def normal(text: str) -> str:
    return " ".join(_words(text))


def is_telling(value: str) -> bool:
    """Long, and with a space, a digit or an at sign: no single common word."""
    return len(value) >= SHORTEST and bool(re.search(r"[ @0-9]", value))


def _unescaped(text: str) -> str:
    """JSON writes é as \\u00e9."""
    if "\\u" not in text:
        return text
    try:
        return re.sub(r"\\u[0-9a-fA-F]{4}", lambda match: json.loads(f'"{match[0]}"'), text)
    except ValueError:
        return text


def _unquoted(text: str) -> str:
    """A URL writes @ as %40."""
    return unquote(text) if "%" in text else text
