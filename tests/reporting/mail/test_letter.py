"""What a mail says, word for word, in both languages; and that it looks right narrow and wide.

After a deliberate change of words: LETHE_GOLDEN=1 python -m pytest tests/reporting/mail, then read
the difference before it is committed.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from lethe.archive.old_mails import parse_heads
from lethe.reporting.headline import balance, coverage, headline, verdict
from lethe.reporting.mail.compose import Setting, compose
from lethe.reporting.mail.letter import Picture
from lethe.reporting.mail.render import render_html, render_text
from lethe.reporting.papers import charts
from lethe.reporting.summary import Summary

from tests.reporting.examples import EXAMPLES, KEPT, MONTH, NOT_KEPT

GOLDEN = Path(__file__).parent / "golden"
TOLD = ("kept", "planned", "needs_you", "not_kept", "silent", "first", "month")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
CHARTS = {
    "due": Picture("due", "What falls due next", "Bars of what falls due.", PIXEL, "due@test"),
    "backlog": Picture("backlog", "Backlog", "Bars of what is behind.", PIXEL, "backlog@test"),
}
SETTING = Setting(
    "https://airflow.example.org",
    CHARTS,
    {"report.pdf": 412_331, "figures.csv": 8_312},
    {"lethe-evidence-mentorsig-2026-06-01.zip": 18_400_000},
)


OPEN = {
    "en": " 3 questions are open (“What we do not know”).",
    "fr": " 3 questions sont ouvertes («\u00a0Ce que nous ne savons pas\u00a0»).",
}


def golden(name: str, found: str) -> None:
    file = GOLDEN / name
    if os.environ.get("LETHE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8"), f"{name} says something else"


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", TOLD)
def test_the_text_says_what_it_said(name: str, language: str) -> None:
    letter = compose(EXAMPLES[name], language, SETTING)
    golden(f"{name}.{language}.txt", f"Subject: {letter.subject}\n\n{render_text(letter)}")


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", ["not_kept", "month"])
def test_the_page_says_what_it_said(name: str, language: str) -> None:
    golden(f"{name}.{language}.html", render_html(compose(EXAMPLES[name], language, SETTING)))


@pytest.mark.parametrize(
    ("name", "english", "french"),
    [
        (
            "kept",
            "Nothing needs a look. 6 of 8 promises shown kept (of which 2 with reservations); 1 is "
            "described and not tried yet; 1 rests with people and is not checked here.",
            "Rien n’est à regarder. 6 promesses sur 8 prouvées tenues (dont 2 avec "
            "réserves)\u00a0; 1 est décrite et pas encore éprouvée\u00a0; 1 repose sur des "
            "personnes et n’est pas vérifiée ici.",
        ),
        (
            "planned",
            "Nothing needs a look. 6 of 9 promises shown kept (of which 2 with reservations); 1 is "
            "described and not tried yet; 1 has no control yet; 1 rests with "
            "people and is not checked here.",
            "Rien n’est à regarder. 6 promesses sur 9 prouvées tenues (dont 2 avec "
            "réserves)\u00a0; 1 est décrite et pas encore éprouvée\u00a0; 1 n’a pas encore de "
            "contrôle\u00a0; 1 repose sur des personnes et n’est pas vérifiée ici.",
        ),
        (
            "needs_you",
            "1 point needs a look. 6 of 8 promises shown kept (of which 2 with reservations); 1 is "
            "described and not tried yet; 1 rests with people and is not checked here.",
            "1 point est à regarder. 6 promesses sur 8 prouvées tenues (dont 2 avec "
            "réserves)\u00a0; 1 est décrite et pas encore éprouvée\u00a0; 1 repose sur des "
            "personnes et n’est pas vérifiée ici.",
        ),
        (
            "not_kept",
            "2 promises are not kept. 7 points need a look. 4 of 9 promises shown kept (of which "
            "1 with reservations); 1 is described and not tried yet; 2 are not kept; 1 has no "
            "control yet; 1 rests with people and is not checked here.",
            "2 promesses ne sont pas tenues. 7 points sont à regarder. 4 promesses sur 9 prouvées"
            " tenues (dont 1 avec réserves)\u00a0; 1 est décrite et pas encore éprouvée\u00a0; 2 "
            "ne sont pas tenues\u00a0; 1 n’a pas encore de contrôle\u00a0; 1 repose sur des "
            "personnes et n’est pas vérifiée ici.",
        ),
        (
            "silent",
            "Retention sweep: nothing was heard last night. 4 of 8 promises shown kept (of which "
            "1 with reservations); 1 is described and not tried yet; 2 are without evidence in this"
            " period; 1 rests with people and is not checked here.",
            "Effacement nocturne\u00a0: sans nouvelles cette nuit. 4 promesses sur 8 prouvées "
            "tenues (dont 1 avec réserves)\u00a0; 1 est décrite et pas encore éprouvée\u00a0; 2 "
            "sont sans preuve dans cette période\u00a0; 1 repose sur des personnes et n’est pas "
            "vérifiée ici.",
        ),
        (
            "first",
            "No night has run yet. 1 point needs a look. 0 of 8 promises shown kept; 7 are without "
            "evidence in this period; 1 rests with people and is not checked here.",
            "Aucune nuit n’a encore eu lieu. 1 point est à regarder. 0 promesse sur 8 prouvée "
            "tenue\u00a0; 7 sont sans preuve dans cette période\u00a0; 1 repose sur des "
            "personnes et n’est pas vérifiée ici.",
        ),
    ],
)
def test_the_first_line_is_the_verdict_in_words(name: str, english: str, french: str) -> None:
    if EXAMPLES[name].unknowns:
        english, french = english + OPEN["en"], french + OPEN["fr"]
    assert headline(EXAMPLES[name], "en") == english
    assert headline(EXAMPLES[name], "fr") == french
    text = render_text(compose(EXAMPLES[name], "fr", SETTING))
    above = text.partition("\n=")[0]
    assert " ".join(above.split("\n")) == french


@pytest.mark.parametrize("name", ["kept", "needs_you", "not_kept", "first"])
def test_the_points_of_the_first_line_are_those_that_the_mail_lists(name: str) -> None:
    letter = compose(EXAMPLES[name], "en", SETTING)
    listed = sum(
        len(section.items) for section in letter.sections if section.key in ("decisions", "alarms")
    )
    assert listed == EXAMPLES[name].needs


def test_every_promise_is_counted_once_in_the_first_line() -> None:
    for summary in EXAMPLES.values():
        said = re.sub(r" \(.*?\)", "", balance(summary, "en"))
        shown, every, *rest = (int(each.replace(",", "")) for each in re.findall(r"[\d,]+", said))
        assert shown + sum(rest) == every == len(summary.clauses)


def test_the_subject_says_what_needs_a_look_before_what_is_kept() -> None:
    subject = compose(NOT_KEPT, "en", SETTING).subject
    assert subject.startswith("2 promises are not kept. 7 points need a look; 4 of 9 promises")


def test_a_rehearsal_is_said_to_be_one_in_the_subject_and_at_the_top() -> None:
    letter = compose(replace(KEPT, is_rehearsal=True), "fr", SETTING)
    assert letter.subject.startswith("[Répétition] ")
    text = render_text(letter)
    assert text.index("Ceci est une répétition.") < text.index("éléments effacés")
    assert 'class="rehearsal"' in render_html(letter)
    assert "répétition" not in render_text(compose(KEPT, "fr", SETTING))


def test_the_next_mail_is_due_at_a_time_of_a_place() -> None:
    assert "07:00 (heure locale, Luxembourg)" in compose(KEPT, "fr", SETTING).next_due


def test_what_a_check_found_stands_among_the_points_with_who_and_when() -> None:
    for language, found, who in (
        ("en", "support.ticket (Tickets): 3 rows hold a card number", "Who: Data. When: at once"),
        (
            "fr",
            "web.session (Sessions)\u00a0: aucune ligne récente reçue",
            "Qui\u00a0: Data. Quand\u00a0: avant le prochain rapport mensuel",
        ),
    ):
        letter = compose(NOT_KEPT, language, SETTING)
        (points,) = (each for each in letter.sections if each.key == "alarms")
        (item,) = (each for each in points.items if found in each.title)
        assert any(who in line for line in item.lines)
        (quality,) = (each for each in letter.sections if each.key == "quality")
        assert quality.link is not None and quality.link.url.endswith(
            "/lethe/quality/docs/index.html"
        )
        assert any("`lethe quality rows card.support.ticket`" in line
                   for each in quality.items for line in each.lines)  # fmt: skip


def test_a_warehouse_that_only_reports_is_never_said_to_keep_its_promises() -> None:
    summary = replace(KEPT, is_armed=False)
    assert headline(summary, "en") == (
        "Nothing is erased yet: Lethe only reports. 6 of 8 promises shown kept (of which 2 with "
        "reservations); 1 is described and not tried yet; 1 rests with people and is not "
        "checked here." + OPEN["en"]
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_text_keeps_to_its_width_but_for_what_must_not_be_broken(name: str) -> None:
    for language in ("en", "fr"):
        for line in render_text(compose(EXAMPLES[name], language, SETTING)).splitlines():
            whole = re.search(r"lethe-archive-head|[0-9a-f]{64}|https://", line)
            assert len(line) <= 76 or whole, line


def test_the_heads_are_found_in_the_plain_text() -> None:
    line = KEPT.archive.line.replace("A" * 86, "Ab+/" * 21 + "Aw")
    summary = replace(KEPT, archive=replace(KEPT.archive, line=line))
    letter = compose(summary, "fr", SETTING)
    for text in (render_text(letter), render_html(letter)):
        assert [head.head_no for head in parse_heads([text])] == [88]
    text = render_text(letter)
    assert f"lethe-ledger-seal 1 {KEPT.warehouse_id} 412 {KEPT.seal.seal_hash}\n" in text
    assert f"lethe-evidence-key 1 {KEPT.warehouse_id} {KEPT.signer}\n" in text


class _Reader(HTMLParser):
    """What a mail program would fetch or run, and whether every picture has words."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.without_words = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if "src" in found:
            self.sources.append(found["src"] or "")
        if tag == "a":
            self.links.append(found.get("href") or "")
        if tag == "img" and not found.get("alt"):
            self.without_words += 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_fetches_and_runs_nothing(name: str) -> None:
    html = render_html(compose(EXAMPLES[name], "fr", SETTING))
    reader = _Reader()
    reader.feed(html)
    assert all(source.startswith("cid:") for source in reader.sources)
    assert reader.without_words == 0
    assert not {"script", "link", "iframe", "form", "object", "base"} & set(reader.tags)
    assert "url(" not in html and "@import" not in html
    assert all(link.startswith("https://airflow.example.org/lethe/") for link in reader.links)


def test_without_an_address_of_the_page_there_are_no_links() -> None:
    reader = _Reader()
    reader.feed(render_html(compose(NOT_KEPT, "en", replace(SETTING, base_url=None))))
    assert reader.links == []


def test_a_huge_company_still_gets_a_mail_that_can_be_read() -> None:
    html = render_html(compose(EXAMPLES["huge"], "fr", SETTING))
    assert len(html.encode()) < 250_000
    assert "autres lignes figurent dans les fichiers joints" in html


def test_words_of_the_policy_cannot_become_markup() -> None:
    evil = {"en": "<script>alert(1)</script> & co", "fr": "<b>x</b>"}
    summary = replace(KEPT, edition=replace(KEPT.edition, title=evil))
    html = render_html(compose(summary, "en", SETTING))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<script>alert(1)</script> & co" in render_text(compose(summary, "en", SETTING))


def test_the_month_tells_every_promise_and_the_day_only_those_that_lack_something() -> None:
    day, month = (render_text(compose(each, "en", SETTING)) for each in (KEPT, MONTH))
    promise = "Automatic data are not linked to identifiable people."
    assert promise in month and promise not in day


def pages(summary: Summary, language: str) -> str:
    """The mail as a browser shows it, its pictures inside."""
    pictures = {
        each.name: Picture(each.name, each.title, each.alt, each.png, f"{each.name}@test")
        for each in charts(summary, language, "light")
    }
    html = render_html(compose(summary, language, replace(SETTING, pictures=pictures)))
    for each in pictures.values():
        data = base64.b64encode(each.png).decode()
        html = html.replace(f"cid:{each.cid}", f"data:image/png;base64,{data}")
    return html


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.mark.ui
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_nothing_sticks_out_narrow_or_wide_light_or_dark(
    browser: Any, tmp_path: Path, language: str, width: int, scheme: str
) -> None:
    for name in ("not_kept", "month", "huge"):
        file = tmp_path / f"{name}.html"
        file.write_text(pages(EXAMPLES[name], language), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        fetched: list[str] = []
        page.on("request", lambda request, fetched=fetched: fetched.append(request.url))
        page.goto(file.as_uri())
        picture = page.screenshot(path=tmp_path / f"{name}.png", full_page=name != "huge")
        assert picture[:4] == b"\x89PNG"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert all(url.startswith(("file:", "data:")) for url in fetched)
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 1)")
        paper = page.evaluate("getComputedStyle(document.querySelector('.sheet')).backgroundColor")
        assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(22, 27, 34)")
        assert page.evaluate(_WEAK) == [], f"hard to read in {scheme}"
        page.close()


_WEAK = """() => {
  // Words whose contrast to what is behind them is under 4.5 (WCAG AA).
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const behind = e => { for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (!c.startsWith('rgba(0, 0, 0, 0')) return c } return 'rgb(255, 255, 255)' };
  const weak = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.offsetHeight) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) weak.add(e.className + ': ' + e.textContent.slice(0, 30));
  }
  return [...weak] }"""


def test_of_a_month_only_its_end_is_said_to_be_silent() -> None:
    silent = replace(MONTH, verdict="silent", silences=EXAMPLES["silent"].silences)
    assert verdict(silent, "en") == "Retention sweep: nothing was heard at the end of May 2026."
    assert verdict(silent, "fr") == "Effacement nocturne\u00a0: sans nouvelles fin mai 2026."


def test_a_month_made_before_its_end_says_up_to_when() -> None:
    part = replace(MONTH, last=date(2026, 5, 20))
    assert "Report for May 2026, up to 20 May 2026" in compose(part, "en", SETTING).subject
    assert "jusqu’au 20 mai 2026" in compose(part, "fr", SETTING).kicker
    silent = replace(part, verdict="silent", silences=EXAMPLES["silent"].silences)
    assert verdict(silent, "fr") == "Effacement nocturne\u00a0: sans nouvelles au 20 mai 2026."


def test_one_reason_for_many_broken_promises_stands_once() -> None:
    why = {"en": "One column is not classified.", "fr": "Une colonne n’est pas classée."}
    clauses = tuple(
        replace(each, verdict="not_kept", reason=why, checks_failed=0) for each in KEPT.clauses
    )
    letter = compose(replace(KEPT, clauses=clauses, verdict="not_kept"), "en", SETTING)
    (section,) = (each for each in letter.sections if each.key == "broken")
    (item,) = section.items
    assert item.title == "One column is not classified."
    assert item.lines == ("8 promises: §1, §2, §3, §5, §7, §9",)


def test_a_broken_promise_says_what_the_checks_found() -> None:
    (section,) = (
        each for each in compose(NOT_KEPT, "en", SETTING).sections if each.key == "broken"
    )
    assert "support.ticket (Tickets): 3 rows hold a card number" in section.items[0].lines


def test_a_month_says_how_many_nights_it_tells_of_and_which_are_missing() -> None:
    nights = tuple(each for each in MONTH.nights if each.as_of.day in (29, 31))
    part = replace(MONTH, nights=nights, since=date(2026, 5, 29))
    assert coverage(part, "en") == (
        "The report covers 2 nights of 31. Lethe was set up here on 29 May 2026; before that no "
        "night could run. No sweep ran on 30 May 2026."
    )
    assert coverage(part, "fr").startswith("Le rapport porte sur 2 nuits sur 31.")
    assert coverage(part, "fr") in render_text(compose(part, "fr", SETTING)).replace("\n", " ")
    assert coverage(KEPT, "en") == ""


def test_what_people_did_stands_apart_from_what_lethe_recorded() -> None:
    done = replace(NOT_KEPT.changes[1], role={"en": "Office of the DPO, approver"})
    letter = compose(replace(NOT_KEPT, changes=(NOT_KEPT.changes[0], done)), "en", SETTING)
    told = {each.key: each.items for each in letter.sections}
    assert len(told["changes"]) == len(told["recorded"]) == 1
    assert told["changes"][0].lines[-1].endswith("Office of the DPO, approver (dpo)")


def test_months_without_a_log_key_and_keys_of_lines_set_aside_are_told() -> None:
    key = MONTH.keys[0]
    keys = tuple(
        replace(key, purpose=purpose, period=period, destroyed_at=None, state="in_use")
        for purpose, period in (
            ("log", "2025-11"),
            ("log", "2026-02"),
            ("log_quarantine", "2026-05"),
        )
    )
    (logs,) = (
        each
        for each in compose(replace(MONTH, keys=keys), "en", SETTING).sections
        if each.key == "logs"
    )
    assert (logs.intro or "").endswith(
        "There is no key for December 2025 to January 2026: no line of these months was read."
    )
    assert any(pair.label.startswith("Key of the lines set aside") for pair in logs.pairs)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_an_address_that_leads_nowhere_from_the_reader_is_no_link(host: str) -> None:
    setting = replace(SETTING, base_url=f"http://{host}/plugin/lethe")
    letter = compose(NOT_KEPT, "fr", setting)
    assert f'href="http://{host}' not in render_html(letter)
    assert any("votre ingénieur l’ouvre" in line and host in line for line in letter.footer)
    assert 'href="https://airflow.example.org' in render_html(compose(NOT_KEPT, "fr", SETTING))


@pytest.mark.parametrize("example", [MONTH, KEPT])
def test_a_promise_that_nothing_holds_yet_has_another_bar_than_one_that_is_untried(
    example: Summary,
) -> None:
    untried = next(each for each in MONTH.clauses if each.verdict == "kept")
    shown = (
        replace(untried, verdict="kept", reason={}),
        replace(untried, verdict="described", reason={"en": "untried"}),
        replace(untried, verdict="not_yet_kept", by=(), reason={"en": "not built"}),
    )
    letter = compose(replace(example, clauses=shown), "en", SETTING)
    (items,) = (each.items for each in letter.sections if each.key == "promises")
    assert {"ask", "silent"} <= {each.tone for each in items}
