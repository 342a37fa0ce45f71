"""Decides on words that may be names, and finds again in a line what was found in it once."""

from __future__ import annotations

import re
from typing import Final

from lethe.pseudonymisation.contexts import (
    JUDGED_ALONE,
    JUDGED_BEFORE,
    JUDGED_BESIDE_AT,
    JUDGED_LOOSE,
    JUDGED_REST,
    JUDGED_SUBJECT,
)
from lethe.pseudonymisation.judge_addresses import Replacements
from lethe.pseudonymisation.judge_daemons import OURS, DaemonJudge
from lethe.pseudonymisation.people import (
    is_first_name,
    is_ordinary,
    reads_as_account,
    reads_as_login,
    reads_as_name,
)
from lethe.pseudonymisation.words import FILE_ENDINGS, NOT_NAMES

_LETTER: Final = r"[^\W\d_]"
# A word by itself: no part of a path, of a host or of a key.
_STANDING: Final = re.compile(
    rf"(?<![\w./@\\~%&?#+$-])({_LETTER}{{1,}}(?:[._-]{_LETTER}+){{0,2}}\d{{0,4}}"
    rf"(?: {_LETTER}+){{0,2}})(?=$|[\s\"'“”’)\]}}>,;:!?|]|\.(?:\s|$))"
)
_VERSION_BEHIND: Final = re.compile(r"\s+v?[0-9]+\.[0-9]")
# In front of these names machines are meant, places and saints.
_NOT_BEFORE: Final = re.compile(
    r"(?i)(?:host|hostname|server|node|machine|san|santa|st\.?|cluster)\s\Z"
)
_WHOLE: Final = re.compile(r"\w+(?:[.'-]\w+)*")
_SPLIT: Final = re.compile(r"([._'-])")
_TOKEN: Final = re.compile(r"user_[a-z2-7]{16}")
# Of a mail whose address has no domain.
_ENVELOPE: Final = re.compile(r"(?:from|to|ctladdr)=<\Z")
_BEGUN: Final = re.compile(r"user_[a-z2-7]{16} ")
_LEAST: Final = 4
_LONGEST_FRONT: Final = 12


class PeopleJudge(DaemonJudge):
    """Writes what takes the place of names that only their neighbours and their form tell."""

    def __init__(self, replacements: Replacements) -> None:
        super().__init__(replacements)
        # Token → the name for which it stands.
        self._names: dict[str, str] = {}

    def judge_place(self, text: str) -> str:
        """Decide on a proposal of `contexts.PLACES`."""
        if text[0] == "<" and text[-1] == ">":
            return f"<{self.value('email', text[1:-1])}>"
        if "@" in text and (match := JUDGED_BESIDE_AT.match(text)):
            front, found, back = match.groups()[:3] if match[2] else match.groups()[3:]
            return self._in_place(front, found, back, sure=True)
        if match := JUDGED_REST.match(text):
            return self._in_place(match[1], match[2], "", sure=True)
        for pattern in (JUDGED_SUBJECT, JUDGED_ALONE, JUDGED_BEFORE):
            if match := pattern.match(text):
                return self._in_place(match[1], match[2], match[3], sure=True)
        if match := JUDGED_LOOSE.match(text):
            return self._in_place(match[1], match[2], "", sure=False)
        return text

    def _in_place(self, front: str, found: str, back: str, *, sure: bool) -> str:
        if token := _BEGUN.match(found):
            front, found = front + token[0], found[token.end() :]
        name, rest = _without_ordinary(found)
        bare = name.rpartition("\\")[2]
        if _ENVELOPE.search(front) and not OURS.match(bare):
            return f"{front}{self.value('user', bare)}{rest}{back}"
        if OURS.match(bare) or bare.lower() in NOT_NAMES:
            return front + found + back
        accepted = reads_as_account(bare) if sure or not bare.isascii() else reads_as_name(bare)
        if not accepted or bare.rpartition(".")[2].lower() in FILE_ENDINGS:
            return front + found + back
        domain = name[: len(name) - len(bare)]
        return f"{front}{domain}{self.value('user', bare)}{rest}{back}"

    def replace_first_names(self, text: str) -> str:
        """Replace the first names that stand in a text by themselves, with their family's."""
        # The same words again and again are decided once, where nothing beside them matters.
        known: dict[str, str] = {}

        def standing(match: re.Match[str]) -> str:
            key = _front(match) + match[1] + text[match.end() : match.end() + _LONGEST_FRONT]
            if key not in known:
                known[key] = self._standing(match)
            return known[key]

        return _STANDING.sub(standing, text)

    def _standing(self, match: re.Match[str]) -> str:
        words = match[1].split(" ")
        first = next((n for n, word in enumerate(words) if _is_standing_name(word)), None)
        if first is None or _NOT_BEFORE.search(_front(match)):
            return match[0]
        if first and _NOT_BEFORE.match(words[first - 1] + " "):
            return match[0]
        if _VERSION_BEHIND.match(match.string, match.end()):
            return match[0]
        last = first + 1
        if words[first][0].isupper():
            while last < len(words) and words[last][0].isupper() and not is_ordinary(words[last]):
                last += 1
        made = self.value("user", " ".join(words[first:last]))
        return " ".join([*words[:first], made, *words[last:]])

    def find_again(self, text: str) -> str:
        """Replace in a text what was a name at another place of it."""
        names: dict[str, str] = {}
        for token in dict.fromkeys(_TOKEN.findall(text)):
            name = self._names.get(token, "").lower()
            words = [word for word in name.split() if not is_ordinary(word)]
            names.update(dict.fromkeys([name, *words], token))
        names.pop("", None)

        def again(match: re.Match[str]) -> str:
            whole = match[0]
            if (token := names.get(whole.lower())) is not None:
                return token
            if whole.isalpha() or OURS.match(whole):
                return whole
            return "".join(names.get(part.lower(), part) for part in _SPLIT.split(whole))

        return _WHOLE.sub(again, text) if names else text

    def value(self, kind: str, text: str) -> str:
        """Replace a whole value; remember which name a token of a user stands for."""
        if OURS.fullmatch(text):
            return text
        made = super().value(kind, text)
        if kind == "user" and len(text) >= _LEAST - 1 and not is_ordinary(text):
            if len(self._names) > 100_000:
                self._names.clear()
            self._names[made] = text
        return made


def _front(match: re.Match[str]) -> str:
    """Give the word in front of a match; no name of `_NOT_BEFORE` is longer."""
    return match.string[max(0, match.start() - _LONGEST_FRONT) : match.start()]


def _is_standing_name(word: str) -> bool:
    parts = re.split(r"[._-]", word.rstrip("0123456789"))
    if parts[-1].lower() in FILE_ENDINGS and len(parts) > 1:
        return False
    if len(parts) > 2 or not all(parts):
        return False
    if len(parts[0]) == 1 and len(parts) == len("ab"):
        # `r.lindqvist`
        return len(parts[1]) >= _LEAST and not is_ordinary(parts[1])
    if len(parts) == 1 and word.islower() and reads_as_login(word):
        return True
    if not any(len(part) >= _LEAST and is_first_name(part) for part in parts):
        return False
    return len(parts) == 1 or not any(is_ordinary(part) for part in parts if len(part) > 2)


def _without_ordinary(found: str) -> tuple[str, str]:
    """Divide a name from the words behind it that belong to the sentence."""
    words = found.split(" ")
    end = 1
    if words[0][:1].isupper():
        while end < len(words) and not (words[end][0].isupper() and is_ordinary(words[end])):
            end += 1
        while end > 1 and words[end - 1][0].islower():
            end -= 1
    name = " ".join(words[:end])
    bare = name.rstrip(".'’-+")
    if bare.endswith(("'s", "’s")):
        bare = bare[:-2]
    return bare, found[len(bare) :]
