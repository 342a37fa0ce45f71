"""Telephone numbers: where they may stand in text, and which are none."""

from __future__ import annotations

import re
from typing import Final

_GAP: Final = r"(?:[ ./()-]|%(?:25)*2[0-9DdFf]|\+){0,3}"
_START: Final = r"(?-u:\b{start-half})"
# With the country in front.
_ABROAD: Final = (
    # A plus behind a letter or a digit is one of a sum, of a version or of a blank.
    rf"(?:[A-Za-z0-9]?\+|%(?:25)*2[Bb]|{_START}00)[1-9][0-9]{{0,2}}{_GAP}[0-9](?:{_GAP}[0-9]){{6,12}}"
)
_SPACE: Final = r"(?: |%(?:25)*20|\+)"
_NORTH_AMERICA: Final = (
    rf"(?:\(|%(?:25)*28)[2-9][0-9]{{2}}(?:\)|%(?:25)*29){_SPACE}?[2-9][0-9]{{2}}[. -][0-9]{{4}}"
)
# Without the country: pairs as in France, or an area code and two groups more.
_PAIRS: Final = rf"0[1-9](?:(?:[ .]|{_SPACE})[0-9]{{2}}){{4}}"
_BREAK: Final = rf"(?:{_SPACE}?(?:[/-]|%(?:25)*2[FfDd]){_SPACE}?|{_SPACE})"
_AREA: Final = (
    rf"0[1-9][0-9]{{1,3}}{_BREAK}[0-9]{{3,8}}(?:{_BREAK}?[0-9]{{2,6}})?"
    rf"|\(0[1-9][0-9]{{1,3}}\){_BREAK}?[0-9]{{3,8}}(?:{_BREAK}?[0-9]{{2,6}})?"
)
PHONE: Final = f"(?:{_ABROAD}|{_NORTH_AMERICA}|{_START}(?:{_PAIRS}|{_AREA}))"
# A number without a country in front, where its name tells what it is.
PHONE_KEY: Final = (
    r"(?i:[a-z_]*(?:phone|mobile|telefon|gsm|msisdn|natel|handy|fax)|tel)(?:[_-]?(?:number|nr|no))?"
    rf"(?:=|%(?:25)*3[Dd]|:\s?)(?:\+|%(?:25)*2[Bb])?{_GAP}[0-9](?:{_GAP}[0-9]){{5,14}}"
)
# Numbers of parcels and orders: `LBL-0049-3023-1250`, `2025-0417-000193`.
LABEL: Final = r"20[0-9]{2}-0[0-9]{2,4}-[0-9]{4,8}|[A-Za-z]+[_#-](?:[0-9]+[_-])*00[0-9-]{6,}"
GLANCE_PHONES: Final = (
    r"|(?:\+|%(?:25)*2[Bb]|00)[1-9]|(?:\(|%(?:25)*28)[02-9][0-9]{2}"
    r"|0[1-9][0-9]{0,3}(?:[ ./+-]|%(?:25)*2)"
    r"|(?i:phone|mobile|telefon|gsm|msisdn|natel|handy|fax|tel)[a-z_-]*(?:=|%(?:25)*3[Dd]|:)"
)

# Beginnings of the numbers of countries: ITU-T E.164, list of assigned codes.
_COUNTRIES: Final = re.compile(
    r"1|7|2(?:0|7|1[1-368]|[2346][0-9]|5[0-8]|9[01789])|3(?:[0-469]|[57][0-9]|8[0-35-79])"
    r"|4(?:[013-9]|2[013])|5(?:[1-8]|0[0-9]|9[0-9])|6(?:[0-6]|7[02-9]|8[0-35-9]|9[0-2])"
    r"|8(?:[1246]|0[08]|5[02356]|7[08]|8[0-368])|9(?:[0-58]|6[0-8]|7[0-7]|9[2-68])"
)
_DATE: Final = re.compile(r"(?:19|20)[0-9]{2}([.-])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])")

# `0.002 0.000 257`: times, not numbers.
_FRACTION: Final = re.compile(r"(?:^|\s)0\.[0-9]")


def is_phone(text: str, digits: str) -> bool:
    """Tell a telephone number from a date behind an order's number, an ISBN or a serial number.

    text    as it stands there, without escapes
    digits  its digits alone
    """
    if _DATE.search(text) or _FRACTION.search(text) or text[1:2] == "+":
        return False
    if text.startswith(("+", "00")):
        number = digits.removeprefix("00")
        if not _COUNTRIES.match(number):
            return False
        return len(number) == 11 if number[0] == "1" else 8 <= len(number) <= 15
    return text.startswith("(") or 9 <= len(digits) <= 12
