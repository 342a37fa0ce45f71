"""Both languages say everything, with the same places, and write figures as their readers do."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from lethe.policy.periods import Period
from lethe.reporting.papers.durations import spell
from lethe.reporting.words import LANGUAGES, choose, wording

PROJECT = Path(__file__).resolve().parents[2]
LOCALE = PROJECT / "include" / "locale"
DOMAINS = sorted(file.stem for file in (LOCALE / "en" / "LC_MESSAGES").glob("*.po"))
PAPERS = PROJECT / "plugins" / "lethe" / "reporting" / "papers"
# Keys that are put together from a code: the code must be in the catalogue for each value.
_LITERAL = re.compile(r'words\.(?:say|count)\(\s*"([a-z_.]+)"')


def catalogue(language: str, domain: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / f"{domain}.po").open("rb") as source:
        return read_po(source, locale=language)


def texts(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for message in catalog:
        if message.id:
            plural = isinstance(message.id, tuple)
            key = message.id[0] if plural else message.id
            found[key] = tuple(message.string) if plural else (message.string,)
    return found


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_message_is_there_in_every_language_with_the_same_places(domain: str) -> None:
    english, *others = (texts(catalogue(language, domain)) for language in LANGUAGES)
    for other in others:
        assert set(other) == set(english)
        for key, said in english.items():
            assert len(other[key]) == len(said), key
            wanted = set().union(*map(places, said)) - {"word"}
            assert set().union(*map(places, other[key])) - {"word"} == wanted, key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("domain", DOMAINS)
def test_no_message_is_empty_or_in_doubt(domain: str, language: str) -> None:
    catalog = catalogue(language, domain)
    assert not [message.id for message in catalog if message.id and message.fuzzy]
    assert all(all(text.strip() for text in said) for said in texts(catalog).values())


def test_every_message_that_the_papers_ask_for_is_there() -> None:
    known = {key for domain in ("papers", "figures") for key in texts(catalogue("en", domain))}
    asked = {
        (file.name, key)
        for file in PAPERS.glob("*.py")
        for key in _LITERAL.findall(file.read_text(encoding="utf-8"))
    }
    assert len(asked) > 150
    assert {(file, key) for file, key in asked if key not in known} == set()


_WRONG = {
    "fr": {
        "an apostrophe is ’": r"[^\W\d_]'[^\W\d_]",
        "a line may break before a high sign": r"[^\s\u00a0\u202f] [:;!?»%]",
        "no space stands before a high sign": r"[^\W\d_][:;!?»](\s|$)",
        "a line may break inside quotes": r"«[^\u00a0]",
        "a line may break behind § or art.": r"§ |art\. \d",
        "quotes are « »": r"[“”]",
    },
    "en": {
        "an apostrophe is ’": r"[^\W\d_]'[^\W\d_]",
        "a space stands before a sign": r"\s[:;!?]",
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_language_writes_its_own_signs(domain: str, language: str) -> None:
    wrong = [
        (key, why)
        for key, said in texts(catalogue(language, domain)).items()
        for why, pattern in _WRONG[language].items()
        for text in said
        if re.search(pattern, re.sub(r"`[^`]*`", "x", text))
    ]
    assert wrong == []


def test_days_instants_and_numbers_are_written_as_each_language_does() -> None:
    english, french = wording("en"), wording("fr")
    at = datetime(2026, 5, 31, 22, 30, tzinfo=UTC)
    assert english.day(date(2026, 6, 1)) == "1 June 2026"
    assert french.day(date(2026, 6, 1)) == "1er juin 2026"
    assert french.day(date(2026, 6, 11)) == "11 juin 2026"
    assert english.instant(at, "Europe/Luxembourg") == "1 June 2026, 00:30"
    assert french.number(1234567) == "1\u202f234\u202f567"
    assert english.month(date(2026, 5, 3)) == "May 2026"


def test_plurals_follow_the_language() -> None:
    assert wording("en").count("count.days", 0) == "0 days"
    assert wording("fr").count("count.days", 0) == "0 jour"
    assert wording("fr").count("count.days", 1204) == "1\u202f204 jours"


@pytest.mark.parametrize(
    ("period", "english", "french"),
    [
        ("P1Y", "one year", "un an"),
        ("P25M", "twenty-five months", "vingt-cinq mois"),
        ("P1Y6M", "one year and six months", "un an et six mois"),
        ("P1W", "one week", "une semaine"),
        ("P90D", "90 days", "90 jours"),
        ("P0D", "0 days", "0\u00a0jour"),
    ],
)
def test_periods_are_spelled(period: str, english: str, french: str) -> None:
    assert spell(Period.parse(period), wording("en")) == english
    assert spell(Period.parse(period), wording("fr")) == french


def test_words_that_people_wrote_fall_back_to_what_there_is() -> None:
    assert choose({"en": "a", "fr": "b"}, "fr") == "b"
    assert choose({"en": "a"}, "fr") == "a"
    assert choose({}, "fr") == ""


def test_a_language_that_nobody_speaks_is_english_and_an_unknown_code_is_shown() -> None:
    assert wording("xx").language == "en"
    assert wording("fr").code("alarm", "never_heard_of") == "never heard of"


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("l'effacement d'une ligne", "l’effacement d’une ligne"),
        (
            "Quand ? Jamais ; sauf : « ici »",
            "Quand\u00a0? Jamais\u00a0; sauf\u00a0: «\u00a0ici\u00a0»",
        ),
        ("confidentiels; employés: ici", "confidentiels\u00a0; employés\u00a0: ici"),
        ("à 06:00, voir https://x.example/a?b=1", "à 06:00, voir https://x.example/a?b=1"),
        ("où 'x' = 5 %", "où 'x' = 5\u00a0%"),
    ],
)
def test_what_somebody_typed_in_french_is_printed_as_french_prints_it(
    typed: str, printed: str
) -> None:
    assert choose({"en": "x", "fr": typed}, "fr") == printed
    assert choose({"en": typed}, "fr") == choose({"en": typed}, "en") == typed


def test_french_elides_before_the_months_that_begin_with_a_vowel() -> None:
    words = wording("fr", "report")
    said = [words.say("logs.key", period=words.month(date(2026, n, 1))) for n in range(1, 13)]
    assert [n for n, each in enumerate(said, 1) if "journaux d’" in each] == [4, 8, 10]
    assert not [each for each in said if re.search(r"\bde [aeiouâéô]", each)]
    assert "of April" in wording("en", "report").say("logs.key", period="April 2026")


def test_lines_set_aside_and_subjects_that_stayed_have_one_french_name() -> None:
    said = {
        f"{domain}:{key}": " ".join(found)
        for domain in DOMAINS
        for key, found in texts(catalogue("fr", domain)).items()
    }
    others = re.compile(r"mise?s? à part|écartée|quarantaine", re.IGNORECASE)
    assert not [key for key, text in said.items() if others.search(text)]
    stayed = (
        "report:head.stayed",
        "report:figure.stayed",
        "papers:rules.stayed",
        "papers:clause.kept_back",
        "figures:figure.kept",
        "console:col.kept",
    )
    assert all("rest" in said[key].lower() for key in stayed)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "kind", ["arm", "edition", "expiry", "hold_review", "key", "plan", "refused"]
)
def test_every_kind_of_decision_is_told_in_words_in_the_paper(kind: str, language: str) -> None:
    words = wording(language, "papers")
    key = f"decision.{kind}"
    assert words.has(key)
    for number in (1, 2):
        assert words.count(key, number, what="it", subjects="them") != key
