"""The record of processing: complete, from the policy alone, in both languages and for machines."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from lethe.policy.load import load_policy, parse_policy
from lethe.policy.model import Policy
from lethe.reporting.papers.blocks import as_data
from lethe.reporting.papers.linked import link_record
from lethe.reporting.papers.page import page_of
from lethe.reporting.papers.processing import Gap, describe_processing
from lethe.reporting.papers.record import write_record
from lethe.reporting.papers.record_paper import record_paper

PROJECT = Path(__file__).resolve().parents[3]
MENTOR = load_policy(PROJECT / "include" / "policy" / "mentorsig.yaml").policy
CHINOOK = load_policy(PROJECT / "examples" / "chinook" / "policy.yaml").policy
SMALLEST = (PROJECT / "tests" / "policy" / "smallest.yaml").read_text(encoding="utf-8")


def text_of(policy: Policy, language: str) -> str:
    paper = record_paper(describe_processing(policy), language)
    return json.dumps(as_data(paper), ensure_ascii=False)


def test_the_same_policy_gives_the_same_files_on_any_day(tmp_path: Path) -> None:
    first = write_record(CHINOOK, tmp_path / "a")
    second = write_record(CHINOOK, tmp_path / "b")
    assert [file.name for file in first] == [
        "record-of-processing.en.html",
        "record-of-processing.en.pdf",
        "record-of-processing.fr.html",
        "record-of-processing.fr.pdf",
        "record-of-processing.jsonld",
    ]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("policy", [MENTOR, CHINOOK], ids=["mentorsig", "chinook"])
def test_every_field_of_article_30_is_there(policy: Policy, language: str) -> None:
    record = describe_processing(policy)
    said = text_of(policy, language)
    assert record.digest in said
    assert policy.controller.name in said and policy.controller.contact in said
    assert policy.controller.dpo.name in said
    for purpose in policy.purposes.values():
        assert (purpose.title.get(language) or purpose.title["en"]) in said
    for subject in policy.subjects.values():
        assert (subject.title.get(language) or subject.title["en"]) in said
    for processor in policy.processors.values():
        assert processor.name in said
    for rule in policy.rules.values():
        assert (rule.title.get(language) or rule.title["en"]) in said
    for table, each in policy.tables.items():
        assert not each.columns or str(table) in said
    assert {section.name for section in record_paper(record, language).sections} == {
        "activities",
        "data",
        "recipients",
        "periods",
        "measures",
        "systems",
        "gaps",
    }


def test_periods_are_read_aloud_in_both_languages() -> None:
    english, french = text_of(MENTOR, "en"), text_of(MENTOR, "fr")
    assert "two years after: end of the last service" in english
    assert "deux ans après\u00a0: fin du dernier service" in french
    assert "vingt-cinq mois après" in french
    assert "la nuit suivant\u00a0: désabonnement" in french
    assert "ten years after: deactivation of the account" in english


def test_no_message_is_missing_and_no_place_is_left_unfilled() -> None:
    for language in ("en", "fr"):
        said = text_of(MENTOR, language)
        assert not re.search(r"\b(record|system|paper|unit)\.[a-z_]+\b", said)
        assert set(re.findall(r"\{[a-z]+\}", said)) == {"{page}", "{pages}"}


def test_what_is_planned_is_not_told_as_done() -> None:
    states = {each.code: each.is_built for each in describe_processing(MENTOR).measures}
    assert states["erasure"] and states["quality"] and not states["breach"]
    unplanned = MENTOR.clauses[MENTOR.logs.clause].control.planned  # type: ignore[union-attr]
    assert states["logs"] is not unplanned


@pytest.mark.parametrize(
    ("old", "new", "gap"),
    [
        ("", "", Gap("address")),
        ("dpo: {name: Officer}", "dpo: {name: Officer}", Gap("dpo")),
        ("", "", Gap("authority")),
        ("country: LU", "country: CA", Gap("representative", None, "CA")),
        (
            "  contract: {title: Contract, basis: contract}",
            "  contract: {title: Contract, basis: contract}\n"
            "  other: {title: Something else, basis: consent}",
            Gap("purpose", {"en": "Something else"}),
        ),
        (
            "rules:\n",
            "processors:\n  far: {name: Far Ltd, service: S, country: US, receives: [contact]}\n"
            "rules:\n",
            Gap("transfer", {"en": "Far Ltd"}, "US"),
        ),
        (
            "rules:\n",
            "systems:\n  shop: {title: Shop, kind: source, owner: IT}\nrules:\n",
            Gap("system", {"en": "Shop"}),
        ),
    ],
)
def test_what_the_policy_does_not_say_is_told(old: str, new: str, gap: Gap) -> None:
    policy = parse_policy(SMALLEST.replace(old, new, 1) if old else SMALLEST).policy
    assert gap in describe_processing(policy).gaps
    assert text_of(policy, "fr")


def test_a_recipient_that_gets_nothing_about_people_is_no_transfer() -> None:
    far = "processors:\n  far: {name: Far Ltd, service: S, country: US}\nrules:\n"
    policy = parse_policy(SMALLEST.replace("rules:\n", far)).policy
    assert describe_processing(policy).transfers == ()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing_from_elsewhere() -> None:
    html = page_of(record_paper(describe_processing(MENTOR), "fr"))
    page = _Page()
    page.feed(html)
    assert page.open == []
    assert ("html", {"lang": "fr"}) in page.tags
    names = {tag for tag, _ in page.tags}
    assert names.isdisjoint({"script", "img", "link", "iframe", "form", "object"})
    assert "url(" not in html and "@import" not in html
    anchors = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert anchors == {f"#{attributes['id']}" for tag, attributes in page.tags if tag == "section"}


def test_names_are_text_in_the_page_and_in_the_pdf(tmp_path: Path) -> None:
    evil = SMALLEST.replace("title: Account data", "title: '<b>#let x = 1</b> & {{ 7*7 }}'")
    files = write_record(parse_policy(evil).policy, tmp_path, ("en",))
    html = files[0].read_text(encoding="utf-8")
    assert "&lt;b&gt;#let x = 1&lt;/b&gt; &amp; {{ 7*7 }}" in html


def test_machines_get_every_activity_with_basis_data_and_period() -> None:
    linked: dict[str, Any] = link_record(describe_processing(MENTOR))
    processes = {each["@id"].rsplit(":", 1)[1]: each for each in linked["dpv:hasProcess"]}
    assert set(processes) == set(MENTOR.purposes)
    service = processes["service"]
    assert service["dpv:hasLegalBasis"]["@type"] == ["dpv:Contract", "eu-gdpr:A6-1-b"]
    durations = [each["dpv:hasDuration"]["@value"] for each in service["dpv:hasStorageCondition"]]
    assert "P2Y" in durations
    prefixes = {name for name in linked["@context"] if ":" not in name}
    used = set(re.findall(r'"([a-z-]+):[A-Za-z]', json.dumps(linked))) - {"urn", "https", "http"}
    assert used <= prefixes
