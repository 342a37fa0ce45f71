"""What is personal in text is found, what only looks like it stays."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from lethe.pseudonymisation.patterns import GLANCE, scan_groups, scan_pattern
from lethe.pseudonymisation.text import TextScrubber

HERE = Path(__file__).parent
HOLE = "█"


class Holes:
    """Leaves a hole where something personal stood."""

    linkable = True

    def address(self, _packed: bytes) -> str:
        return HOLE

    def value(self, _kind: str, _value: str) -> str:
        return HOLE


class Readings:
    """Writes what a value was read as."""

    linkable = True

    def address(self, packed: bytes) -> str:
        return packed.hex()

    def value(self, kind: str, value: str) -> str:
        return f"<{kind}:{value}>"


def labelled(name: str) -> tuple[list[str], list[set[int]]]:
    """Read a file of labelled lines: the lines, and the places of their personal characters."""
    lines, personal = [], []
    for marked in (HERE / name).read_text(encoding="utf-8").splitlines():
        if marked.startswith("# ") or not marked:
            continue
        text, places = "", set()
        inside = False
        for character in marked:
            if character in "«»":
                inside = character == "«"
                continue
            if inside:
                places.add(len(text))
            text += character
        lines.append(text)
        personal.append(places)
    return lines, personal


def removed_places(raw: str, scrubbed: str) -> set[int]:
    """Tell which characters of the raw text are gone, from the pieces that stayed."""
    pieces = re.split(f"(?:ip_)?{HOLE}", scrubbed)
    match = re.fullmatch("(.*?)".join(map(re.escape, pieces)), raw, re.DOTALL)
    assert match, (raw, scrubbed)
    return {place for group in range(1, len(pieces)) for place in range(*match.span(group))}


def scrub(texts: list[str], *, free: bool, phones: bool = False) -> list[str]:
    return TextScrubber(Readings(), free=free, phones=phones).scrub(pl.Series(texts)).to_list()


@pytest.mark.parametrize(("name", "free"), [("nasty_text.txt", True), ("nasty_urls.txt", False)])
def test_of_the_nasty_lines_what_is_personal_goes_and_what_is_not_stays(
    name: str, free: bool
) -> None:
    lines, personal = labelled(name)
    scrubbed = TextScrubber(Holes(), free=free).scrub(pl.Series(lines)).to_list()
    wanted = found = gone = 0
    faults = []
    for raw, places, text in zip(lines, personal, scrubbed, strict=True):
        removed = removed_places(raw, text)
        wanted += len(places)
        found += len(places & removed)
        gone += len(removed)
        if removed != places:
            faults.append((text, raw))
    recall, precision = found / wanted, found / gone
    print(f"\n{name}: recall {recall:.4f}, precision {precision:.4f}")
    for fault in faults:
        print("  ", *fault, sep="\n    ")
    assert recall >= 0.995
    assert precision >= 0.97


@pytest.mark.parametrize(
    "spelling",
    [
        "ann@example.com",
        "Ann@Example.COM",
        "ann%40example.com",
        "ann%2540example.com",
        "%61nn%40example%2Ecom",
        "u=ann@example.com",
        "u=ann%40example.com",
        "user=ann%2540example.com",
        "email=ann@example.com&x=1",
        "x%3Dann%40example.com%26y%3D2",
        'token="ann@example.com"',
        "login: ann@example.com",
        "mailto:ann@example.com",
        "<ann@example.com>",
        "Invalid user ann@example.com from 192.0.2.1",
    ],
)
def test_one_address_of_mail_is_read_as_one_however_it_is_spelled_and_whatever_stands_before_it(
    spelling: str,
) -> None:
    (text,) = scrub([spelling], free=True)
    assert text.count("<email:ann@example.com>") == 1
    assert "ann" not in text.replace("<email:ann@example.com>", "")


def test_the_order_of_the_kinds_is_fixed() -> None:
    # `u=` before e-mail addresses once left half-masked addresses behind.
    assert list(scan_groups(free=True, phones=True)) == [
        "url_user", "tilde", "asked_name", "crontab", "su", "phone",
        "spaced", "by", "behalf", "quoted", "phrase", "home", "email", "phone_key", "keyed",
        "auth", "token", "uuid", "digest", "hardware", "iban", "fraction", "card", "v6", "host",
        "v4", "path_token", "path_name", "label", "run",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("192.0.2.1", "00000000000000000000ffffc0000201"),
        ("::ffff:192.0.2.1", "00000000000000000000ffffc0000201"),
        ("::FFFF:C000:0201", "00000000000000000000ffffc0000201"),
        ("[::ffff:c000:201]:80", "00000000000000000000ffffc0000201"),
        ("2001:DB8:0:0:0:0:0:1", "20010db8000000000000000000000001"),
        ("2001:db8::1", "20010db8000000000000000000000001"),
        ("2001%3Adb8%3A%3A1", "20010db8000000000000000000000001"),
        ("fe80::1%eth0", "fe800000000000000000000000000001"),
        ("fe80::1%25eth0", "fe800000000000000000000000000001"),
    ],
)
def test_an_address_is_read_as_one_in_every_notation(text: str, packed: str) -> None:
    assert f"ip_{packed}" in scrub([text], free=False)[0]


@pytest.mark.parametrize(
    "text",
    ["call +352 621 123 456 now", "tel=00352621123456", "p=%2B352621123456", "+1 (202) 555-0143"],
)
def test_telephone_numbers_go_only_where_the_policy_asks(text: str) -> None:
    assert "<phone:" in scrub([text], free=True, phones=True)[0]
    assert "<phone:" not in scrub([text], free=True)[0]


def test_text_without_anything_personal_is_given_back_as_it_is() -> None:
    texts = ["", "nothing here", "/a/b/c.html", None]
    series = pl.Series(texts)
    assert TextScrubber(Holes(), free=True).scrub(series).to_list() == texts


def test_the_cheap_look_misses_nothing_that_the_pattern_proposes(shared_data: Path) -> None:
    lines, _ = labelled("nasty_urls.txt")
    log = (shared_data / "logs" / "apache_combined_elastic.log").read_text()
    words = pl.Series(list({*lines, *re.findall(r"\S+", log)}))
    groups = scan_groups(free=False, phones=False)
    # These are proposed only so that nothing inside them is.
    for guard in ("uuid", "digest"):
        del groups[guard]
    pattern = scan_pattern(groups)
    assert words.filter(words.str.contains(pattern) & ~words.str.contains(GLANCE)).to_list() == []


@pytest.mark.parametrize(
    "text",
    [
        "nginx 203.0.113.77 - - GET",
        "Windows 203.0.113.77 logged in",
        "lease release 203.0.113.77 to x",
        "update 203.0.113.77 failed",
        "mysql 91.198.174.192 refused",
        "client v203.0.113.77",
        "server, version: 203.0.113.78",
    ],
)
def test_what_looks_more_like_an_address_than_a_version_goes(text: str) -> None:
    assert "ip_" in scrub([text], free=True)[0]


@pytest.mark.parametrize(
    "text",
    [
        "ver 1.2.3.4",
        "release 10.2.3.4",
        "version=4.3.2.1",
        "kernel 5.4.0.42",
        "openssl 1.1.1.1",
        "Chrome/112.0.5.49",
        "Version: 8.8.8.8",
        "version 4.200.1.1",
        "section 1.2.3.4 of the law",
    ],
)
def test_a_version_stays(text: str) -> None:
    assert scrub([text], free=True) == [text]


def test_a_value_whose_letters_also_stand_inside_of_a_word_is_replaced_at_its_own_place() -> None:
    (text,) = scrub(["x4111111111111111 4111111111111111"], free=False)
    assert text == "x4111111111111111 <card:4111111111111111>"
    (twice,) = scrub(["ann@example.org ann@example.org"], free=False)
    assert twice == "<email:ann@example.org> <email:ann@example.org>"


def test_the_folder_of_a_user_keeps_the_pseudonym_that_his_address_has_elsewhere() -> None:
    (text,) = scrub(["/dav/files/anna@example.org/a for anna@example.org"], free=True)
    assert text.count("<email:anna@example.org>") == 2
    assert scrub(["/dav/files/akoch/a.txt"], free=False) == ["/dav/files/<user:akoch>/a.txt"]
    assert scrub(["/npm/@angular/core", "/@anna/feed"], free=False) == [
        "/npm/@angular/core", "/@<user:anna>/feed",
    ]  # fmt: skip
