"""The report as PDF: whole, in both languages, in every odd state, and never overflowing."""

from __future__ import annotations

import contextlib
import io
import json
import re
import runpy
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lethe.include import include_folder
from lethe.reporting.mail.last_sections import told_lines
from lethe.reporting.papers.blocks import Paper, Paragraph, Section, Span, Table, as_data
from lethe.reporting.papers.letters import show_text
from lethe.reporting.papers.monthly import report_paper
from lethe.reporting.papers.signoff import signoff_paper
from lethe.reporting.papers.typesetting import picture_pages, typeset
from lethe.reporting.summary import Reading, Summary
from PIL import Image

from tests.reporting.examples import EXAMPLES, KEPT, MADE, MONTH, NOT_KEPT

ODD = 'a#b]c[d$e\\f"g`h<i>j@k*l_m{n}o//p/*q'
READING = Reading(
    key="deactivation-day",
    section="9",
    question={"en": "When is it closed?", "fr": "Quand est-il clos ?"},
    reading={"en": "On the day of the letter.", "fr": "Le jour de la lettre."},
    why={"en": "Ten years run from it.", "fr": "Dix ans en courent."},
    owner=None,
    confirmed_by=None,
    confirmed_on=None,
)


def texts(paper: Paper) -> str:
    """Everything that stands in a paper."""
    return json.dumps(as_data(paper), ensure_ascii=False)


@cache
def paper_of(name: str, language: str) -> Paper:
    """Charts take most of the time: drawn once an example and language."""
    return report_paper(EXAMPLES[name], language)


def pages(paper: Paper) -> list[Image.Image]:
    return [Image.open(io.BytesIO(page)).convert("L") for page in picture_pages(paper, 48)]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_state_is_a_pdf_that_archives_and_screen_readers_take(
    name: str, language: str
) -> None:
    pdf = typeset(paper_of(name, language), MADE)
    assert pdf.startswith(b"%PDF-1.7")
    metadata = pdf[pdf.index(b"<x:xmpmeta") : pdf.index(b"</x:xmpmeta>")].decode("utf-8")
    assert re.search(r"<pdfaid:part>2</pdfaid:part>", metadata)
    assert re.search(r"<pdfaid:conformance>A</pdfaid:conformance>", metadata)
    assert re.search(r"<pdfuaid:part>1</pdfuaid:part>", metadata)
    assert f"<rdf:li>{language}</rdf:li>" in metadata
    assert b"/Lang" in pdf


def test_the_verifier_of_packs_reads_the_lines_out_of_the_paper(tmp_path: Path) -> None:
    verifier = runpy.run_path(str(include_folder() / "templates" / "verify.py"))
    (tmp_path / "report.pdf").write_bytes(typeset(report_paper(MONTH, "fr"), MADE))
    lines, _ = verifier["read_witnesses"](tmp_path / "report.pdf")
    told = {line.split(" ", 1)[0] for line in told_lines(MONTH)}
    assert {f"lethe-{each[0]}" for each in lines} == told != set()


@pytest.mark.parametrize("name", ["first", "not_kept", "month", "huge"])
def test_no_page_is_blank_and_nothing_leaves_its_margins(name: str) -> None:
    found = pages(paper_of(name, "fr"))
    assert len(found) >= 6
    for number, page in enumerate(found, 1):
        ink = page.point(lambda value: 255 if value < 200 else 0)
        box = ink.getbbox()
        assert box is not None
        millimetre = page.width / 210
        assert box[0] >= 20 * millimetre - 1, f"page {number} overflows on the left"
        assert box[2] <= 190 * millimetre + 1, f"page {number} overflows on the right"
        body = ink.crop((0, int(25 * millimetre), page.width, int(270 * millimetre)))
        assert body.getbbox() is not None, f"page {number} has nothing but header and footer"


def test_the_same_summary_gives_the_same_bytes() -> None:
    first, second = (typeset(report_paper(MONTH, "en"), MADE) for _ in range(2))
    assert first == second


def test_the_first_page_gives_the_verdict_of_every_report_in_words() -> None:
    cover = paper_of("not_kept", "en").cover
    assert cover is not None
    assert cover.verdict == "2 promises are not kept. 7 points need a look."
    assert (
        "4 of 9 promises shown kept (of which 1 with reservations); 1 is described" in cover.detail
    )
    assert cover.tone == "bad"


def test_what_is_not_kept_waits_or_is_silent_is_told_in_words_of_the_language() -> None:
    french = texts(paper_of("not_kept", "fr"))
    assert (
        "Deux ans après le dernier service actif\u00a0: 8\u202f914 au-delà d’une limite" in french
    )
    assert "non\u00a0tenue" in french
    assert "1er juin 2026" in french
    assert "Silence\u00a0: effacement de la nuit" in texts(paper_of("silent", "fr"))


def test_the_addresses_for_people_and_of_the_officer_stand_on_the_cover() -> None:
    edition = replace(KEPT.edition, contact="gdpr@example.org", dpo_email="dpo@example.org")
    cover = texts(report_paper(replace(KEPT, edition=edition), "en"))
    assert "gdpr@example.org" in cover and "dpo@example.org" in cover


def test_a_night_without_a_run_and_one_that_was_stopped_stand_among_the_others() -> None:
    stopped = replace(MONTH.nights[4], state="stopped", reason="not_armed")
    nights = (*MONTH.nights[:4], stopped, *MONTH.nights[6:])
    (section,) = (
        each
        for each in report_paper(replace(MONTH, nights=nights), "en").sections
        if each.name == "nights"
    )
    (rows,) = (each.rows for each in section.blocks if isinstance(each, Table))
    assert len(rows) == 31
    assert rows[4][1] == [
        Span("stopped", "strong"),
        Span("Lethe is not armed: it only reports", "quiet"),
    ]
    assert rows[5][:2] == ("6 May 2026", Span("no run", "mark", "bad"))


def test_an_answer_that_is_late_is_told_to_be() -> None:
    assert "27 May 2026 – this day has passed" in texts(paper_of("not_kept", "en"))
    assert "this day has passed" not in texts(paper_of("needs_you", "en"))


def test_what_is_copied_out_of_the_paper_is_the_digest_and_nothing_else() -> None:
    pdf = typeset(paper_of("kept", "en"), MADE)
    tables = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):
            text = zlib.decompress(stream)
            if b"begincmap" in text:
                tables.append(text.upper())
    assert len(tables) >= 3
    assert not any(b"200B>" in table for table in tables)


def test_an_untested_control_shows_as_such_and_a_promise_of_people_does_not() -> None:
    (trace,) = (each for each in paper_of("kept", "en").sections if each.name == "trace")
    rows = {row[1][-1].text: row for row in trace.blocks[2].rows}  # type: ignore[union-attr, index]
    assert rows["s1-contact"][3] == Span("untested", "mark", "warn")
    assert rows["s5-not-sold"][3] == "–"
    assert rows["s7-last-four"][3] == [Span("tests/quality/test_planted.py", "code", "quiet")]


def test_a_sentence_is_named_where_the_policy_names_it() -> None:
    clause = replace(KEPT.clauses[0], sentence="2-4")
    assert "§ 1, sentence 2-4" in texts(report_paper(replace(KEPT, clauses=(clause,)), "en"))


def test_archive_head_and_seal_stand_there_in_full() -> None:
    said = texts(paper_of("kept", "en"))
    assert KEPT.archive and KEPT.seal and KEPT.archive.line
    for whole in (KEPT.archive.root, KEPT.archive.line, KEPT.seal.seal_hash, KEPT.seal.merkle_root):
        assert whole in said


def odd_names(summary: Summary, name: str) -> Summary:
    return replace(
        summary,
        tables=tuple(replace(table, table=name) for table in summary.tables),
        rules=tuple(replace(rule, rule=name, title={}) for rule in summary.rules),
        changes=tuple(replace(change, what=name, by=name) for change in summary.changes),
        clauses=tuple(replace(clause, clause=name, section=name) for clause in summary.clauses[:1]),
        edition=replace(summary.edition, title={"en": name}, controller=name, dpo=name),
    )


@pytest.mark.parametrize(
    "name",
    [
        ODD,
        "x" * 300,
        "שלום.עולם",
        "جدول.العملاء",
        "表.顧客 𝕏 🙂",
        "turned\u202eround\u0000 \u200bhidden\ufeff",
        "é́́ combining \u0301\u0302",
    ],
)
def test_odd_names_are_set_as_they_are_or_as_code_points(name: str) -> None:
    paper = report_paper(odd_names(NOT_KEPT, name), "en")
    assert typeset(paper, MADE)
    for page in pages(paper):
        box = page.point(lambda value: 255 if value < 200 else 0).getbbox()
        assert box is not None and box[2] <= page.width * 190 / 210 + 2


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40))
def test_any_text_can_be_set(text: str) -> None:
    spans = [Paragraph(text), Paragraph(show_text(text))]
    paper = Paper(
        "en", f"T {text}", text, (text, text), text, "{page}", [Section("a", f"S {text}", spans)]
    )
    assert typeset(paper, MADE)


def test_letters_that_no_font_has_and_letters_that_hide_are_named() -> None:
    assert show_text("Zoë, Ελλάδα, Київ") == "Zoë, Ελλάδα, Київ"
    assert show_text("中") == "[U+4E2D]"
    assert show_text("a\u202eb") == "a[U+202E]b"


def test_a_thousand_changes_are_cut_and_the_rest_is_told() -> None:
    assert "800 more are in the CSV file." in texts(paper_of("huge", "en"))


def test_the_sign_off_sheet_of_a_dozen_readings_asks_each_on_one_page() -> None:
    summary = replace(
        KEPT, unknowns=(), readings=tuple(replace(READING, key=f"r{n}") for n in range(10))
    )
    paper = signoff_paper(summary, "fr")
    assert texts(paper).count("Quand est-il clos\u00a0?") == 10
    assert len(pages(paper)) == 1
    assert typeset(paper, MADE)


def test_confirmed_readings_are_listed_and_not_asked_again() -> None:
    confirmed = replace(READING, confirmed_by="A. Muller", confirmed_on=MADE.date())
    said = texts(signoff_paper(replace(KEPT, readings=(confirmed,)), "en"))
    assert "Every reading is confirmed." in said
    assert "A. Muller" in said
    assert "1 Jun 2026" in said


def test_nothing_waits_is_not_said_where_somebody_must_decide_on_who_has_no_date() -> None:
    unknown = replace(NOT_KEPT.unknowns[0], kind="refused", count=16)
    still = replace(KEPT, decisions=(), unknowns=(unknown,))
    for language, none, some in (
        ("en", "Nothing waits", "16 items without a usable date wait"),
        ("fr", "Rien n’attend", "16 éléments sans date utilisable attendent"),
    ):
        paper = report_paper(still, language)
        assert none not in texts(paper) and some in texts(paper)
        assert paper.cover is not None and paper.cover.tiles[1][::2] == ("16", "warn")
        clear = texts(report_paper(replace(still, unknowns=()), language))
        assert none in clear and some not in clear


def test_the_cover_names_the_section_in_which_the_open_questions_stand() -> None:
    for language in ("en", "fr"):
        paper = report_paper(KEPT, language)
        (unknowns,) = (each.title for each in paper.sections if each.name == "unknowns")
        assert paper.cover is not None and unknowns in paper.cover.detail
        looked = texts(report_paper(NOT_KEPT, language))
        assert "les énumère" not in looked and "lists them" not in looked


def test_a_section_that_another_one_names_is_there() -> None:
    for language in ("en", "fr"):
        paper = report_paper(replace(KEPT, holds=()), language)
        rules = next(each.title for each in paper.sections if each.name == "rules")
        said = {
            each.name: texts(replace(paper, cover=None, sections=(each,)))
            for each in paper.sections
        }
        assert rules in said["holds"] and rules in said["nights"]


@pytest.mark.parametrize(("language", "word"), [("en", "Rehearsal"), ("fr", "Répétition")])
def test_the_sign_off_sheet_of_a_rehearsal_says_so_above_everything(
    language: str, word: str
) -> None:
    asked = replace(KEPT, readings=(READING,))
    sheet = signoff_paper(replace(asked, is_rehearsal=True), language)
    assert sheet.title.startswith(word) and sheet.header[1].startswith(word)
    assert word not in texts(signoff_paper(replace(asked, is_rehearsal=False), language))


def test_the_officer_on_the_cover_is_named_in_the_language_of_the_paper() -> None:
    named = {"en": "Data-protection officer of Shop", "fr": "Délégué de Shop"}
    edition = replace(KEPT.edition, dpo=named["en"], dpo_said=named)
    for language, other in (("en", "fr"), ("fr", "en")):
        cover = texts(replace(report_paper(replace(KEPT, edition=edition), language), sections=()))
        assert named[language] in cover and named[other] not in cover
