"""The record of processing: complete, from the policy alone, in both languages and for machines."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from lethe.policy.labels import label
from lethe.policy.load import load_policy, parse_policy
from lethe.policy.model import Policy
from lethe.quality.pdftexts import texts_of_pdf
from lethe.reporting.papers.blocks import (
    Block,
    Column,
    Facts,
    Paragraph,
    Section,
    Table,
    as_data,
)
from lethe.reporting.papers.linked import link_record
from lethe.reporting.papers.page import page_of
from lethe.reporting.papers.processing import Gap, describe_processing
from lethe.reporting.papers.record import write_record
from lethe.reporting.papers.record_paper import record_paper
from lethe.reporting.papers.typesetting import typeset
from lethe.reporting.words import choose

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
    assert label(policy, policy.controller.dpo.name)[language] in said
    for purpose in policy.purposes.values():
        assert choose(purpose.title, language) in said
    for subject in policy.subjects.values():
        assert choose(subject.title, language) in said
    for processor in policy.processors.values():
        assert processor.name in said
    for rule in policy.rules.values():
        assert choose(rule.title, language) in said
    for table, each in policy.tables.items():
        assert not each.columns or str(table) in said
    assert {section.name for section in record_paper(record, language).sections} == {
        "activities",
        "data",
        "recipients",
        "periods",
        "measures",
        "systems",
        "reach",
        "gaps",
    }


def test_periods_are_read_aloud_in_both_languages() -> None:
    english, french = text_of(MENTOR, "en"), text_of(MENTOR, "fr")
    assert "two years after: end of the last service" in english
    assert "deux ans après\u00a0: fin du dernier service" in french
    assert "vingt-cinq mois après" in french
    assert "la nuit suivant\u00a0: désabonnement" in french
    assert "ten years after: deactivation of the account" in english


def activity(policy: Policy, purpose: str, language: str) -> dict[str, str]:
    """One activity of the record: what it says, by its labels."""
    record = describe_processing(policy)
    (section,) = [
        each for each in record_paper(record, language).sections if each.name == "activities"
    ]
    place = list(policy.purposes).index(purpose)
    facts = as_data(section.blocks[2 * place + 1])
    return {name: json.dumps(value, ensure_ascii=False) for name, value in facts["pairs"]}


def test_what_the_law_keeps_longer_is_told_beside_the_account_that_goes_sooner() -> None:
    kept = activity(MENTOR, "accounting", "en")["Kept"]
    assert "Account data – two years after: end of the last service" in kept
    assert (
        "Sealed copies of documents (Invoice, Credit note and Payment) – ten years after:" in kept
    )
    assert "31 December" in kept and "Commercial Code, art. 16" in kept
    assert "Sealed copies" not in activity(MENTOR, "marketing", "en")["Kept"]


def test_an_archive_that_names_no_purpose_serves_those_that_a_law_asks_for() -> None:
    archive = MENTOR.archive
    assert archive is not None
    silent = MENTOR.model_copy(update={"archive": archive.model_copy(update={"purpose": ()})})
    (copies,) = [each for each in describe_processing(silent).groups if each.copy_of]
    assert copies.purposes == ("accounting",)
    assert copies.classes["critical"] and "credential" not in copies.classes


def test_rows_that_stay_are_told_with_what_they_still_hold_and_that_they_have_no_end() -> None:
    (account,) = [each for each in describe_processing(MENTOR).groups if each.key == "account"]
    (kept,) = [each for each in account.stays if each.because]
    assert "billing.invoice" in kept.tables and "payment" not in kept.classes
    assert "Un document émis garde son numéro" in text_of(MENTOR, "fr")
    endless = [each for each in describe_processing(MENTOR).gaps if each.code == "endless"]
    assert endless and "billing.payment" in endless[0].what["en"]  # type: ignore[index]


def test_a_service_that_holds_data_is_a_recipient_whose_company_somebody_should_name() -> None:
    assert "Logiciel comptable" in activity(MENTOR, "accounting", "fr")["Destinataires"]
    assert Gap("provider", {"en": "Accounting system", "fr": "Logiciel comptable"}) in (
        describe_processing(MENTOR).gaps
    )
    linked = json.dumps(link_record(describe_processing(MENTOR)))
    assert "Accounting system" in linked
    run_by = MENTOR.systems["accounting"].model_copy(update={"processor": "ovh"})
    named = MENTOR.model_copy(update={"systems": {**MENTOR.systems, "accounting": run_by}})
    assert "OVH" in activity(named, "accounting", "fr")["Destinataires"]
    assert not [each for each in describe_processing(named).gaps if each.code == "provider"]


def test_recipients_are_told_with_the_data_that_they_get() -> None:
    said = activity(MENTOR, "marketing", "en")["Recipients"]
    assert "Account data – Stripe, PayPal and Accounting system" in said
    assert "Newsletter" not in said and "not for which of these purposes" in said
    said = activity(MENTOR, "marketing", "fr")["Destinataires"]
    assert "Données du compte – Stripe, PayPal et Logiciel comptable" in said
    none = activity(MENTOR, "audience", "en")["Recipients"]
    assert "no recipient is named" in none and "purposes" not in none


def test_erasures_are_told_as_passed_on_only_once_something_passes_them_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "planned, not in place" in text_of(MENTOR, "en").partition('"recipients"')[2]
    wings = frozenset({"subject_requests"})
    monkeypatch.setattr("lethe.reporting.papers.record_reach.built_wings", lambda: wings)
    record = record_paper(describe_processing(MENTOR), "en")
    (found,) = [each for each in record.sections if each.name == "recipients"]
    assert [row[-1] for row in found.blocks[0].rows] == ["no", "yes", "yes"]  # type: ignore[union-attr]


def test_no_key_and_no_english_word_of_the_file_stands_in_the_french_record() -> None:
    said = text_of(MENTOR, "fr")
    grounds = MENTOR.disclosures.grounds if MENTOR.disclosures else ()
    assert grounds and not any(f"{each}," in said or f" {each}." in said for each in grounds)
    for word in ("Product", "Management", "Hosting", "Accounting", "Data-protection", "GDPR Art"):
        assert f'"{word}' not in said.partition("keywords")[0], word
    assert "RGPD, art. 21" in said and "systems.hosted" not in said and "web-files" not in said
    assert "Commercial Code" in text_of(MENTOR, "en")


def test_a_ground_of_any_policy_is_said_by_its_label_or_as_the_file_writes_it() -> None:
    more = (
        "labels: {auction: {fr: vente aux enchères}}\n"
        "disclosures: {table: crm.customer, ground: name, recipient: name,"
        " grounds: [law, auction, odd-one]}\nrules:\n"
    )
    policy = parse_policy(SMALLEST.replace("\nrules:\n", "\n" + more, 1)).policy
    assert "obligation légale, vente aux enchères et odd-one" in text_of(policy, "fr")


def test_the_record_does_not_claim_more_than_is_applied() -> None:
    for language, applied, people in (
        ("en", "applied by a machine", "rests on people"),
        ("fr", "appliqué par une machine", "repose sur des personnes"),
    ):
        said = text_of(MENTOR, language)
        assert applied in said and said.count(people) >= 3
    built = {each.code: each.is_built for each in describe_processing(MENTOR).measures}
    assert built["logs"] and "is what happens" not in text_of(MENTOR, "en")


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


ADDRESSES = (
    "privacidade@mentorsig.com",
    "https://cnpd.public.lu/fr/particuliers/intro/plainte.html",
    "9f1c" * 16,
    "data-protection.officer+sign-off@rather-long-name-of-a-company.example.org",
)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_address_and_no_digest_gets_a_hyphen_of_ours(language: str) -> None:
    fillers = ["", "et ", "ou bien ", "puis encore ", "à la suite de ", "ou, selon le cas, "]
    said = [" ".join(f"{filler}{each}" for each in ADDRESSES) for filler in fillers]
    columns = [Column("a", 1), Column("b", 1), Column("c", 4)]
    blocks: list[Block] = [
        *(Paragraph(each) for each in said),
        Facts([("name", each) for each in said]),
        *(Table(columns, [(each, each, each)]) for each in said),
    ]
    paper = replace(
        record_paper(describe_processing(CHINOOK), language),
        sections=(Section("x", "x", blocks),),
        cover=None,
    )
    pdf = typeset(paper, datetime(2026, 1, 1, tzinfo=UTC))
    text = re.sub(r"\s+", "", "".join(texts_of_pdf(pdf)))
    for each in ADDRESSES:
        assert text.count(each) == 5 * len(fillers), each
