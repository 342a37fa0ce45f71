"""Find personal values in a text: by pattern, and by looking up what stands in the warehouse."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator

SHORTEST = 6
"""Characters of a value that is looked for: shorter ones are common words."""
_LONGEST = 5
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![\w-])")
_DIGITS = re.compile(r"(?<![0-9A-Za-z.-])[0-9](?:[ -]?[0-9]){14,18}(?![0-9A-Za-z-]|\.[0-9])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_WORD = re.compile(r"[^\s<>\"'=&;,(){}\[\]|\\:]+")


def find_leaks(text: str, values: Collection[str], allowed: Collection[str] = ()) -> Counter[str]:
    """Find personal values in a text.

    Returns  kind → number
    """
    found: Counter[str] = Counter()
    for form in {text, html.unescape(text), _unescaped(text)}:
        for kind, number in _in_form(form, values, allowed).items():
            found[kind] = max(found[kind], number)
    return found


def _in_form(text: str, values: Collection[str], allowed: Collection[str]) -> Counter[str]:
    from stdnum import iban, luhn

    found: Counter[str] = Counter()
    for match in EMAIL.findall(text):
        if match.lower() not in allowed and not match.lower().endswith(_OURS):
            found["e-mail address"] += 1
    for match in _DIGITS.findall(text):
        digits = re.sub(r"[^0-9]", "", match)
        if digits[0] in "3456" and len(digits) in (15, 16, 19) and luhn.is_valid(digits):
            found["card number"] += 1
    for match in _IBAN.findall(text):
        if iban.is_valid(match):
            found["bank account"] += 1
    found["value of the warehouse"] += sum(1 for each in _phrases(text) if each in values)
    return +found


_OURS = ("@example.org", "@localhost", "@v1", ".service")


def _phrases(text: str) -> Iterator[str]:
    """Every run of one to five words, and every word by itself without what clings to it."""
    for line in text.splitlines():
        words = [word.strip(".!?") for word in _WORD.findall(line.lower())]
        for start in range(len(words)):
            phrase = ""
            for word in words[start : start + _LONGEST]:
                phrase = f"{phrase} {word}".strip()
                yield phrase


def normal(text: str) -> str:
    return " ".join(word.strip(".!?") for word in _WORD.findall(text.lower()))


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
