"""Replaces what is personal in text, over whole columns of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

import numpy as np

from lethe.pseudonymisation.contexts import PLACES
from lethe.pseudonymisation.daemons import TELLING, daemon_pattern
from lethe.pseudonymisation.judge import Judge
from lethe.pseudonymisation.judge_addresses import Replacements
from lethe.pseudonymisation.patterns import (
    GLANCE,
    START,
    scan_groups,
    scan_passes,
    scan_pattern,
    whole_pattern,
)
from lethe.pseudonymisation.people import tells_a_name
from lethe.pseudonymisation.phones import GLANCE_PHONES
from lethe.pseudonymisation.rarities import RARE, RARE_GLANCE

if TYPE_CHECKING:
    import polars as pl

# Stands where a proposal was cut out; lines are free of control characters by then.
_HOLE: Final = "\x01"
_MEMORY_LIMIT: Final = 200_000
# An initial in front of a dot is no word: `r.lindqvist` is known by what follows.
_WORDS: Final = r"[A-Za-z\u{C0}-\u{24F}]{4,}|\b[a-z]\.[a-z]{4,}"
_TEXT_LIMIT: Final = 50_000
_LONGEST_REMEMBERED: Final = 500
_FREQUENT: Final = frozenset(
    [
        "url_user",
        "tilde",
        "asked_name",
        "crontab",
        "su",
        "phone",
        "spaced",
        "by",
        "phrase",
        "home",
        "email",
        "path_name",
    ]
)


class _Pass:
    """What is looked for at once, and what was made of it."""

    def __init__(self, groups: dict[str, str]) -> None:
        self.pattern = scan_pattern(groups)
        self.known: dict[str, str] = {}
        # Frequent kinds first; nothing else before them fits what they fit as a whole.
        asked = sorted(groups, key=lambda name: name not in _FREQUENT)
        self._whole = {name: whole_pattern(groups, name) for name in asked}

    def kinds(self, proposals: pl.Series) -> list[str]:
        """Tell of each proposal which kind it is: the first that fits it as a whole."""
        kinds = [""] * len(proposals)
        places, rest = np.arange(len(proposals)), proposals
        for name, whole in self._whole.items():
            if not len(rest):
                break
            fits = rest.str.contains(whole).to_numpy()
            for place in places[fits].tolist():
                kinds[place] = name
            if fits.any():
                places, rest = places[~fits], rest.filter(~fits)
        return kinds


class TextScrubber:
    """Finds and replaces personal values inside text.

    free    text of daemons, in which user names stand in phrases
    phones  telephone numbers too
    """

    def __init__(self, replacements: Replacements, *, free: bool, phones: bool = False) -> None:
        self._judge = Judge(replacements)
        self._passes = tuple(map(_Pass, scan_passes(scan_groups(free=free, phones=phones))))
        self._glances = (
            tuple(one.pattern for one in self._passes)
            if free
            else (GLANCE + (GLANCE_PHONES if phones else ""),)
        )
        self._daemons = daemon_pattern(START) if free else None
        self._linkable = replacements.linkable
        self._texts: dict[str, str] = {}

    def scrub(self, texts: pl.Series) -> pl.Series:
        """Give the texts with every personal value replaced; nulls stay null."""
        import polars as pl

        found = texts.str.contains(self._glances[0]).fill_null(value=False)
        for glance in self._glances[1:]:
            found |= texts.str.contains(glance).fill_null(value=False)
        if self._daemons is not None:
            found |= texts.str.contains(RARE_GLANCE).fill_null(value=False)
            found |= texts.str.contains_any(TELLING).fill_null(value=False)
            found |= texts.str.contains(PLACES).fill_null(value=False)
            found |= hold_first_names(texts)
        rows = found.arg_true()
        if not len(rows):
            return texts
        hit = texts.gather(rows)
        if not self._linkable:
            return texts.clone().scatter(rows, self._scrub_hits(hit))
        # The engine of the pattern warms up anew in every call: what was seen before is looked up.
        known = self._texts
        fresh = pl.Series([text for text in hit if text not in known], dtype=pl.String).unique()
        if len(fresh):
            made = dict(zip(fresh, self._scrub_hits(fresh), strict=True))
            result = pl.Series([made.get(t) or known[t] for t in hit], dtype=pl.String)
            if len(known) + len(made) > _TEXT_LIMIT:
                known.clear()
            known.update((t, m) for t, m in made.items() if len(t) <= _LONGEST_REMEMBERED)
        else:
            result = pl.Series([known[text] for text in hit], dtype=pl.String)
        return texts.clone().scatter(rows, result)

    def _scrub_hits(self, hit: pl.Series) -> pl.Series:
        scrubbed = hit
        for one in self._passes:
            scrubbed = self._fill(scrubbed, one.pattern, partial(self._replace, one))
        rare = scrubbed.str.contains(RARE_GLANCE).arg_true()
        scrubbed = self._fill_some(scrubbed, rare, RARE, self._judge.judge_rarity)
        if self._daemons is None:
            return scrubbed
        rows = scrubbed.str.contains_any(TELLING).arg_true()
        scrubbed = self._fill_some(scrubbed, rows, self._daemons, self._judge.fill_shape)
        return self._fill_people(scrubbed)

    def _fill_people(self, texts: pl.Series) -> pl.Series:
        """Replace names that only their neighbours, their form or the rest of a line tell."""
        judge = self._judge
        rows = texts.str.contains(PLACES).arg_true()
        texts = self._fill_some(texts, rows, PLACES, judge.judge_place)
        rows = hold_first_names(texts).arg_true()
        if len(rows):
            made = [judge.replace_first_names(text) for text in texts.gather(rows)]
            texts = texts.clone().scatter(rows, made)
        rows = texts.str.contains("user_", literal=True).arg_true()
        if len(rows):
            texts = texts.clone().scatter(
                rows, [judge.find_again(text) for text in texts.gather(rows)]
            )
        return texts

    def _fill_some(
        self, texts: pl.Series, rows: pl.Series, pattern: str, judge: Callable[[str], str]
    ) -> pl.Series:
        """Replace in some of the texts whatever a pattern of few texts proposes."""
        if not len(rows):
            return texts

        def replace(proposals: pl.Series) -> Iterator[str]:
            several = proposals.to_list()
            if not self._linkable:
                return map(judge, several)
            made = {text: judge(text) for text in dict.fromkeys(several)}
            return (made[text] for text in several)

        # Where nothing was found before, these are the caller's own texts.
        return texts.clone().scatter(rows, self._fill(texts.gather(rows), pattern, replace))

    @staticmethod
    def _fill(
        hit: pl.Series, pattern: str, replace: Callable[[pl.Series], Iterator[str]]
    ) -> pl.Series:
        """Replace in texts whatever a pattern proposes."""
        import polars as pl

        proposals = hit.str.extract_all(pattern)
        if not proposals.list.len().sum():
            return hit
        replaced = replace(proposals.explode().drop_nulls())
        scrubbed = hit.to_list()
        unclear: dict[int, list[str]] = {}
        for row, several in enumerate(proposals.to_list()):
            if not several:
                continue
            text, made = scrubbed[row], list(islice(replaced, len(several)))
            if made == several:
                continue
            if all(text.find(proposal) == text.rfind(proposal) for proposal in several):
                scrubbed[row] = _put_in(text, several, made)
            else:
                unclear[row] = made
        if unclear:
            # Without groups in the replacement this too runs on the engine's fast path.
            rests = hit.gather(list(unclear)).str.replace_all(pattern, _HOLE)
            for (row, made), rest in zip(unclear.items(), rests, strict=True):
                first, *others = rest.split(_HOLE)
                pieces = zip(made, others, strict=True)
                scrubbed[row] = first + "".join(chain.from_iterable(pieces))
        return pl.Series(scrubbed, dtype=pl.String)

    def _replace(self, one: _Pass, proposals: pl.Series) -> Iterator[str]:
        """Give what takes the place of each proposal, in order."""
        import polars as pl

        texts = proposals.to_list()
        judge = self._judge.judge
        if not self._linkable:
            kinds = one.kinds(proposals)
            return iter([judge(kind, text) for kind, text in zip(kinds, texts, strict=True)])
        known = one.known
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        if len(known) + len(fresh) > _MEMORY_LIMIT:
            known.clear()
            fresh = list(dict.fromkeys(texts))
        kinds = one.kinds(pl.Series(fresh, dtype=pl.String))
        known.update((text, judge(kind, text)) for kind, text in zip(kinds, fresh, strict=True))
        return (known[text] for text in texts)


def hold_first_names(texts: pl.Series) -> pl.Series:
    """Tell of each text whether a first name is among its words."""
    import polars as pl

    words = pl.DataFrame({"w": texts.str.extract_all(_WORDS)}).with_row_index("row").explode("w")
    # A text has many words, a column few: to look each of them up once is the cheapest.
    told = [word for word in words["w"].unique() if word and tells_a_name(word)]
    rows = words.filter(pl.col("w").is_in(told))["row"].unique() if told else words["row"].head(0)
    held = pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(texts))
    return held.scatter(rows, values=True) if len(rows) else held


def _put_in(text: str, proposals: list[str], made: list[str]) -> str:
    """Put what was made in the place of proposals, each of which stands at one place alone."""
    done = ""
    for proposal, instead in zip(proposals, made, strict=True):
        front, _, text = text.partition(proposal)
        done += front + instead
    return done + text
