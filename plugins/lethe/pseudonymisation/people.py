"""Tells by its form whether a word may be somebody's name, or the name of an account.

Where a text does not say that a name follows, two lists decide: words that programs write, and
first names. What is in neither may be the name of an account: how sure the place must be then is
the caller's to say.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from lethe.include import read_text
from lethe.pseudonymisation.words import FILE_ENDINGS

_PARTS: Final = re.compile(r"[^\W\d_]+")
_INITIAL: Final = re.compile(r"[^\W\d_][._][^\W\d_]{3,}\d*\Z")
_PAIR: Final = re.compile(r"[^\W\d_]+\.[^\W\d_]+\Z")
_SHORTEST: Final = 3
_LONG_ENOUGH: Final = 5
# Accounts of services and of those who administer.
_SERVICE: Final = re.compile(r"(?i)(?:svc|srv|sa|adm)[_-][a-z]")


@cache
def _words(name: str) -> frozenset[str]:
    lines = (line for line in read_text(f"words/{name}.txt").splitlines() if line[:1] != "#")
    return frozenset(word for line in lines for word in line.split())


@lru_cache(maxsize=50_000)
def is_ordinary(word: str) -> bool:
    """Tell whether programs write a word, or write it out of two such: `sign` and `in`."""
    words = _words("ordinary")
    word = word.lower()
    if len(word) < _SHORTEST or word in words:
        return True
    if word in _words("names"):
        return False
    if any(word.endswith(end) and _stem(word, end) in words for end in _ENDS):
        return True
    return any(
        word[:cut] in words and (word[cut:] in words or word[cut:] in _SMALL)
        for cut in range(_SHORTEST, len(word) - 1)
    )


# `freezes`, `cancelled`, `retrying`: one of the words, in another form.
_ENDS: Final = ("s", "es", "d", "ed", "ing", "er", "ers", "ly", "able", "ness")


def _stem(word: str, end: str) -> str:
    stem = word[: -len(end)]
    if len(stem) <= _SHORTEST:
        return ""
    return stem[:-1] if stem[-1] == stem[-2] else stem


_SMALL: Final = frozenset({"in", "up", "on", "by", "id", "me", "to", "is", "ip", "db", "os"})


def is_first_name(word: str) -> bool:
    """Tell whether a word is a first name, and no word of programs."""
    return word.lower() in _words("names")


def reads_as_login(word: str) -> bool:
    """Tell whether a word is an initial and a family name, as logins are made: `mkeller`."""
    bare = word.rstrip("0123456789").lower()
    return len(bare) > _LONG_ENOUGH and bare[1:] in _words("surnames") and not is_ordinary(bare)


def tells_a_name(word: str) -> bool:
    """Tell whether a text with such a word is worth a closer look: it is quick, and often wrong."""
    word = word.lower()
    return word in _words("names") or word[1:] in _words("surnames") or "." in word


def reads_as_name(text: str) -> bool:
    """Tell whether a first name is a part of some text, or an initial with a family name."""
    return any(is_first_name(part) or reads_as_login(part) for part in _PARTS.findall(text))


def reads_as_account(text: str) -> bool:
    """Tell whether some text may be the name of an account: of no words that programs write.

    An initial in front of any word is one too: `j.price`.
    """
    if text.rpartition(".")[2].lower() in FILE_ENDINGS and "." in text:
        return False
    if _INITIAL.match(text) or _SERVICE.match(text):
        return True
    parts = [part for part in _PARTS.findall(text) if len(part) >= _SHORTEST]
    ordinary = sum(map(is_ordinary, parts))
    pair = len(parts) == 2 and _PAIR.match(text) is not None
    return bool(parts) and (ordinary <= pair or reads_as_name(text))
