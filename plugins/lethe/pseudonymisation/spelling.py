"""How a value reads: without its escapes, as an e-mail address, a card, an account, by chance."""

from __future__ import annotations

import re
import unicodedata
from base64 import b64decode
from itertools import pairwise
from typing import Final
from urllib.parse import unquote

from lethe.pseudonymisation.patterns import (
    IBAN_LENGTHS,
)

AT_SIGN: Final = re.compile(
    r"@|%(?:25)*40|\\u0040|\\x40|&#64;|&#x40;|&commat;|=40(?=[A-Za-z0-9-]+\.[A-Za-z])|\[at\]|\(at\)"
)


# Dots that were written so that nobody clicks on what they are in.
DEFANGED: Final = re.compile(r"\[\.\]|\(\.\)|\[dot\]")
_PERCENT: Final = re.compile("%[0-9A-Fa-f]{2}")


def fully_unquoted(text: str) -> str:
    """Undo percent-encoding however often it was applied, up to three times."""
    for _ in range(3):
        if _PERCENT.search(text) is None:
            break
        text, before = unquote(text, errors="backslashreplace"), text
        if text == before:
            break
    return text


def canonical_email(text: str) -> str:
    """Write an e-mail address so that all its spellings are one."""
    at = AT_SIGN.search(text)
    if at:
        text = f"{text[: at.start()].rstrip('[')}@{text[at.end() :].lstrip(']')}"
    text = DEFANGED.sub(".", text)
    text = re.sub(r"(?:\\x[89a-fA-F][0-9A-Fa-f])+", _joined_bytes, fully_unquoted(text))
    return unicodedata.normalize("NFC", text).strip(".").lower()


def _joined_bytes(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("\\x", "")).decode("utf-8", "backslashreplace")


def passes_luhn(digits: str) -> bool:
    """Tell whether a number carries a valid Luhn check digit (ISO/IEC 7812-1)."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])) % 10 == 0


def is_card(digits: str) -> bool:
    """Tell whether digits are a payment card number: issuer range, length and Luhn."""
    length, front = len(digits), int(digits[:4]) if len(digits) >= 4 else 0
    issued = (
        (digits[0] == "4" and length in (13, 16, 19))
        or ((5100 <= front <= 5599 or 2221 <= front <= 2720) and length == 16)
        or (front // 100 in (34, 37) and length == 15)
        or ((front == 6011 or 6440 <= front <= 6599 or front // 100 == 65) and length in (16, 19))
        or (3528 <= front <= 3589 and length == 16)
        or ((3000 <= front <= 3059 or front // 100 in (36, 38, 39)) and length == 14)
        or (front // 100 == 62 and 16 <= length <= 19)
        or (front // 100 in (50, 56, 57, 58, 63, 67) and 13 <= length <= 19)
    )
    return issued and len(set(digits)) > 1 and passes_luhn(digits)


def is_iban(text: str) -> bool:
    """Tell whether a compact string is an IBAN: country, length and mod 97 (ISO 13616)."""
    text = text.upper()
    if len(text) != IBAN_LENGTHS.get(text[:2]) or not (text.isalnum() and text.isascii()):
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def has_both(text: str) -> bool:
    return any(c.isalpha() for c in text) and any(c.isdigit() for c in text)


def hides_email(text: str) -> bool:
    """Tell whether text in base64 says an e-mail address, or JSON, or a query."""
    body = text.rstrip("=")
    if len(body) % 4 == 1 or len(body) > 2000:
        return False
    try:
        plain = b64decode(body.translate(_URL_SAFE) + "=" * (-len(body) % 4)).decode("ascii")
    except ValueError:
        return False
    return plain.isprintable() and _SAYS_EMAIL.search(plain) is not None


_URL_SAFE: Final = str.maketrans("-_", "+/")
_SAYS_EMAIL: Final = re.compile(r'[A-Za-z0-9_.+-]@[A-Za-z0-9-]+\.[A-Za-z]{2}|\{"[A-Za-z_]+":')


def unescaped(text: str) -> str:
    """Undo the escapes of JSON, so that a name is one however it was written."""
    return _UNICODE.sub(lambda match: chr(int(match[1], 16)), text) if "\\u" in text else text


_UNICODE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")


def is_random(text: str) -> bool:
    """Tell a random identifier from a slug, a file name or a digest in an asset's name."""
    body, _, ending = text.partition(".")
    if ending or body.startswith("00000000"):
        # What many zeros begin was reached by trying: a block of a chain.
        return False
    if hides_email(body):
        return True
    parts = re.split(r"[-_]", body)
    longest = max(parts, key=len)
    digits = sum(c.isdigit() for c in body)
    letters = sum(c.isalpha() for c in body)
    if re.fullmatch(
        r"(?:(?i:sess?|session|sid|tok|token|key|auth|user|id|uid|rt|at|ref)[-_])?[0-9a-fA-F]{32,}",
        body,
    ):
        return digits > 3 and letters > 1
    if len(body) < 24 or digits < 3 or letters < 6 or len(longest) < 12:
        return False
    mixed = any(c.isupper() for c in body) and any(c.islower() for c in body)
    switches = sum(a.isdigit() != b.isdigit() for a, b in pairwise(longest))
    return mixed and switches >= 4
