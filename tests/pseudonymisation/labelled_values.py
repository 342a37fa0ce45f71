"""Invented personal values in many spellings, and values that only look like some."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from ipaddress import IPv6Address
from urllib.parse import quote

Make = Callable[[random.Random], str]
_LETTERS = string.ascii_lowercase


def word(choose: random.Random, low: int = 5, high: int = 9) -> str:
    return "".join(choose.choices(_LETTERS, k=choose.randint(low, high)))


def digits(choose: random.Random, count: int) -> str:
    return "".join(choose.choices(string.digits, k=count))


def v4(choose: random.Random) -> str:
    return ".".join(str(choose.randint(1, 254)) for _ in range(4))


def v6(choose: random.Random) -> str:
    number = 0x2001_0DB8 << 96 | choose.getrandbits(60) << 32 | choose.getrandbits(30)
    address = IPv6Address(number)
    forms = [str(address), address.exploded, str(address).upper(), f"2001:db8::{word_hex(choose)}"]
    return choose.choice(forms)


def word_hex(choose: random.Random) -> str:
    return f"{choose.randint(0x1000, 0xFFFF):x}:{choose.randint(0x1000, 0xFFFF):x}"


def mapped(choose: random.Random) -> str:
    return f"::ffff:{v4(choose)}"


def zoned(choose: random.Random) -> str:
    return f"fe80::{word_hex(choose)}:{word_hex(choose)}%eth{choose.randint(0, 9)}"


def encoded_v6(choose: random.Random) -> str:
    return v6(choose).replace(":", "%3A")


def encoded_v4(choose: random.Random) -> str:
    return v4(choose).replace(".", "%2E")


def name(choose: random.Random) -> str:
    shape = choose.randint(0, 4)
    first, last = word(choose), word(choose)
    return [first, f"{first}.{last}", f"{first[0]}{last}", f"{first}{digits(choose, 2)}",
            f"{first}_{last}"][shape]  # fmt: skip


def name3(choose: random.Random) -> str:
    return f"{word(choose)}{digits(choose, 2)}"


def count9(choose: random.Random) -> str:
    return f"{choose.randint(1, 9)}{digits(choose, 8)}"


def hex64(choose: random.Random) -> str:
    return f"{choose.getrandbits(256):064x}"


def dashed(choose: random.Random) -> str:
    return v4(choose).replace(".", "-")


def email(choose: random.Random) -> str:
    host = f"{word(choose)}.{choose.choice(['com', 'lu', 'co.uk', 'org', 'museum', 'io'])}"
    tag = choose.choice(["", "", "+news", "-x", "_y"])
    text = f"{name(choose)}{tag}@{choose.choice(['', 'mail.'])}{host}"
    return choose.choice([text, text, text.upper(), text.title()])


def foreign_email(choose: random.Random) -> str:
    return choose.choice(
        [
            f"j{word(choose)}ü@m{word(choose)}ö.de",
            f"{word(choose)}é@{word(choose)}.fr",
            f"用户{word(choose)}@例子{word(choose)}.中国",
            f"{word(choose)}@xn--{word(choose)}-kva.de",
            f"{word(choose)}@{word(choose)}.xn--p1ai",
        ]
    )


def once(choose: random.Random) -> str:
    return quote(choose.choice([email, foreign_email])(choose), safe="")


def twice(choose: random.Random) -> str:
    return quote(once(choose), safe="")


def quoted_once(choose: random.Random) -> str:
    return f"%22{word(choose)}%20{word(choose)}%22@{word(choose)}.lu"


def half(choose: random.Random) -> str:
    """As browsers send it: letters encoded, the @ not."""
    return quote(foreign_email(choose), safe="@")


def jwt(choose: random.Random) -> str:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    head = part('{"alg":"HS256"}')
    body = json.dumps({"sub": word(choose), "n": digits(choose, 8)})
    return f"{head}.{part(body)}.{blob(choose)}"


def blob(choose: random.Random) -> str:
    rest = "".join(choose.choices(string.ascii_letters + string.digits, k=32))
    return f"{choose.choice(_LETTERS)}7K2p{rest}9"


def token(choose: random.Random) -> str:
    return choose.choice([f"{choose.getrandbits(128):032x}", blob(choose), blob(choose)])


def key(choose: random.Random) -> str:
    rest = "".join(choose.choices(string.ascii_letters + string.digits, k=24))
    return choose.choice(["sk_live_", "ghp_", "rk_test_", "glpat-"]) + rest


def _luhn(front: str, length: int, choose: random.Random) -> str:
    body = front + digits(choose, length - len(front) - 1)
    total = 0
    for place, digit in enumerate(map(int, reversed(body))):
        total += sum(divmod(digit * (2 - place % 2), 10))
    return body + str(-total % 10)


def card(choose: random.Random) -> str:
    front, length = choose.choice([("4", 16), ("51", 16), ("55", 16), ("37", 15), ("4", 16)])
    number = _luhn(front, length, choose)
    if length == 15:
        groups = [number[:4], number[4:10], number[10:]]
    else:
        groups = [number[i : i + 4] for i in range(0, 16, 4)]
    return choose.choice(["", " ", "-"]).join(groups)


def url_card(choose: random.Random) -> str:
    return card(choose).replace(" ", choose.choice(["%20", "+"]))


def iban(choose: random.Random) -> str:
    country, length = choose.choice([("LU", 20), ("DE", 22), ("FR", 27), ("BE", 16)])
    body = digits(choose, length - 4)
    value = int(body + "".join(str(int(c, 36)) for c in country) + "00")
    text = f"{country}{98 - value % 97:02d}{body}"
    spaced = " ".join(text[i : i + 4] for i in range(0, len(text), 4))
    return choose.choice([text, spaced, text.lower()])


def url_iban(choose: random.Random) -> str:
    return iban(choose).replace(" ", choose.choice(["%20", "+"]))


def phone(choose: random.Random) -> str:
    return choose.choice(
        [
            f"+352 621 {digits(choose, 3)} {digits(choose, 3)}",
            f"+35226{digits(choose, 6)}",
            f"0049 171 {digits(choose, 7)}",
            f"+33 (0)6 {digits(choose, 2)} {digits(choose, 2)} {digits(choose, 2)} 44",
        ]
    )


def local_phone(choose: random.Random) -> str:
    return f"621{digits(choose, 6)}"


def url_phone(choose: random.Random) -> str:
    return quote(phone(choose), safe="")


# What must stay: versions, times, numbers of orders, digests, names of files and packages.
TRAPS: tuple[Make, ...] = (
    lambda c: f"Chrome/{c.randint(90, 131)}.0.{c.randint(1000, 6999)}.{c.randint(10, 199)}",
    lambda c: f"version {c.randint(1, 9)}.{c.randint(0, 30)}.{c.randint(0, 30)}.{c.randint(1, 9)}",
    lambda c: f"v{c.randint(1, 9)}.{c.randint(0, 9)}.{c.randint(0, 9)}.{c.randint(0, 9)}",
    lambda c: f"nginx/1.{c.randint(10, 27)}.{c.randint(0, 5)}",
    lambda c: f"openssl 1.1.1.{c.randint(1, 9)}",
    lambda c: f"Windows NT 10.0.{c.randint(10000, 22999)}.1",
    lambda c: f"jquery-3.{c.randint(0, 9)}.{c.randint(0, 9)}.min.js",
    lambda c: f"{c.randint(0, 23):02d}:{c.randint(0, 59):02d}:{c.randint(0, 59):02d}",
    lambda c: f"2026-11-22T10:{c.randint(0, 59):02d}:00.{digits(c, 3)}Z",
    lambda c: f"20261122{digits(c, 4)}",
    lambda c: f"INC{digits(c, 8)}",
    lambda c: f"{c.getrandbits(32):08x}-9f1c-4c1e-8a3d-{c.getrandbits(48):012x}",
    lambda c: f"main.{c.getrandbits(40):010x}.css",
    lambda c: f"{word(c)}@2x.png",
    lambda c: f"{word(c)}@4.{c.randint(0, 20)}.{c.randint(0, 20)}",
    lambda c: f"49.{digits(c, 6)}",
    lambda c: f"1:{c.randint(2, 9)}:{c.randint(2, 9)}",
    lambda c: f"{c.randint(800, 3840)}x{c.randint(600, 2160)}",
    lambda c: f"{word(c)}-{word(c)}-{word(c)}.html",
    lambda c: f"ABC-{digits(c, 6)}",
    lambda c: f"978-3-16-{digits(c, 6)}-{digits(c, 1)}",
    lambda c: f"build {c.randint(1, 9)}.{c.randint(0, 99)}.{c.randint(0, 99)}.{c.randint(0, 99)}",
    lambda c: f"{c.randint(1, 99)}.{digits(c, 2)} EUR",
    lambda c: f"Chrome/{c.randint(90, 131)}.0.{c.randint(1, 99)}.{c.randint(10, 199)}",
    lambda c: f"nginx/1.{c.randint(10, 27)}.{c.randint(0, 5)}.{c.randint(0, 5)}",
    lambda c: f"app-{c.randint(1, 9)}.{c.randint(0, 9)}.{c.randint(0, 9)}.{c.randint(0, 9)}.tar.gz",
    lambda c: f"0.{c.randint(1, 9)}{digits(c, 15)}",
    lambda c: f"W/{c.randint(1, 9)}{digits(c, 3)}-{digits(c, 5)}",
    lambda c: f"etag-{c.getrandbits(44):011x}",
)
# Those that a URL may hold.
URL_TRAPS = tuple(
    make
    for make in TRAPS
    if " " not in make(random.Random(1))  # noqa: S311
)
