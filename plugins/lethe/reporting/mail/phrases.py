"""Small phrases that several sections of a mail use."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lethe.policy.periods import Period
from lethe.reporting.words import Wording, say_reason

_CAP = re.compile(r"(\d+) subjects are due, the cap is (\d+) a night")
_LEFT = re.compile(
    r"(\d+) subjects are due after (\d+) were erased already for this day, "
    r"the cap is (\d+) a night"
)
_AGAIN = "erased before and back after a restore"
_SHARE = re.compile(
    r"(\d+) of (\d+) subjects are due, more than the share of ([\d.]+)% that one night may take"
)
_USUAL = re.compile(r"(\d+) subjects are due, usual are ([\d.]+); that is more than .*")


def reasons(words: Wording, counts: Mapping[str, int]) -> str:
    """Reasons with their numbers, the largest first: 'no date (214), implausible date (6)'."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(
        words.say("reason.counted", n=words.number(count), why=say_reason(code, words))
        for code, count in ordered
        if count
    )


def limit(words: Wording, text: str | None) -> str | None:
    """Which limit a set is over; the sentences of the guard in the reader's language."""
    if not text:
        return None
    if text == _AGAIN:
        return words.say("limit.again")
    if found := _LEFT.fullmatch(text):
        left, erased, most = (words.number(int(each)) for each in found.groups())
        return words.say("limit.left", due=left, erased=erased, cap=most)
    if found := _CAP.fullmatch(text):
        due, cap = map(int, found.groups())
        return words.say("limit.cap", due=words.number(due), cap=words.number(cap))
    if found := _SHARE.fullmatch(text):
        return words.say(
            "limit.share",
            due=words.number(int(found[1])),
            of=words.number(int(found[2])),
            share=share(words, float(found[3]) / 100),
        )
    if found := _USUAL.fullmatch(text):
        return words.say(
            "limit.usual",
            due=words.number(int(found[1])),
            usual=words.number(float(found[2])),
        )
    return text


def night_reason(words: Wording, text: str) -> str:
    """Why a night was not worked to its end, in the reader's language where it is ours."""
    code = text.partition(":")[0].replace(" ", "_").replace("-", "_")
    key = f"night_reason.{code}"
    return words.say(key) if words.has(key) else text.replace("_", " ")


def share(words: Wording, part: float) -> str:
    """A share in percent with one decimal: '8.1%', '8,1 %'."""
    return words.percent(part, "#,##0.0\u00a0%" if words.language == "fr" else "#,##0.0%")


def period(words: Wording, text: str) -> str:
    """A period of the policy in words; what is no period is shown as it is."""
    try:
        return words.period(Period.parse(text))
    except ValueError:
        return text


def grouped(digest: str) -> str:
    """A digest in groups of eight, so that people can compare it and lines can break."""
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))
