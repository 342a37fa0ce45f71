"""Charts: what they show, that they show the same twice, and what is said beside them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from lethe.reporting.papers.charts import Chart, charts, nights_of
from lethe.reporting.summary import LogLine, RuleLine, Summary
from PIL import Image

from tests.reporting.examples import EXAMPLES, MONTH, NOT_KEPT


def named(drawn: tuple[Chart, ...]) -> dict[str, Chart]:
    return {chart.name: chart for chart in drawn}


@pytest.mark.parametrize(("name", "theme"), [("not_kept", "light"), ("huge", "dark")])
def test_every_chart_is_a_readable_picture_as_wide_as_two_mails(name: str, theme: str) -> None:
    for chart in charts(EXAMPLES[name], "fr", theme):  # type: ignore[arg-type]
        picture = Image.open(io.BytesIO(chart.png)).convert("RGB")
        assert picture.width == 1200
        assert 150 < picture.height < 1500
        colours = picture.getcolors(1 << 24) or []
        assert max(count for count, _ in colours) < 0.97 * picture.width * picture.height
        assert len(chart.png) < 150_000


def test_the_same_figures_give_the_same_bytes() -> None:
    assert charts(MONTH, "en", "light") == charts(MONTH, "en", "light")


def test_nothing_is_drawn_from_nothing() -> None:
    assert charts(EXAMPLES["first"], "en", "light") == ()


def test_one_night_alone_makes_no_curve() -> None:
    assert {"erasures", "overdue"}.isdisjoint(named(charts(EXAMPLES["kept"], "en", "light")))


def test_the_words_beside_a_chart_hold_its_figures_in_both_languages() -> None:
    english = named(charts(NOT_KEPT, "en", "light", ()))["backlog"].alt
    french = named(charts(NOT_KEPT, "fr", "light", ()))["backlog"].alt
    assert "Two years after the last active service: 8,914 items" in english
    assert "2,311 days overdue" in english
    assert "Deux ans après le dernier service actif\u00a0: 8\u202f914 éléments" in french


def test_a_night_without_a_run_is_shown_and_told() -> None:
    gap = replace(MONTH, nights=MONTH.nights[:10] + MONTH.nights[12:])
    assert [night.day.day for night in nights_of(gap) if not night.ran] == [11, 12]
    assert "2 nights without a run." in named(charts(gap, "en", "light", ()))["erasures"].alt


def test_nights_missing_at_the_end_are_silences_too() -> None:
    cut = replace(MONTH, nights=MONTH.nights[:20])
    assert sum(not night.ran for night in nights_of(cut)) == 11


def test_nights_before_the_first_run_are_silent_only_if_the_summary_says_so() -> None:
    late = replace(MONTH, nights=MONTH.nights[20:], silences=())
    assert [night.day.day for night in nights_of(late)] == list(range(21, 32))
    told = replace(late, silences=EXAMPLES["silent"].silences)
    assert sum(not night.ran for night in nights_of(told)) == 20


def test_two_runs_of_one_night_count_together_and_the_later_tells_the_age() -> None:
    again = replace(MONTH.nights[-1], erased=5, oldest_overdue_days=3)
    last = nights_of(replace(MONTH, nights=(*MONTH.nights, again)))[-1]
    assert last.erased == MONTH.nights[-1].erased + 5
    assert last.oldest_overdue_days == 3


def test_lines_that_nobody_accounts_for_are_told() -> None:
    lost = replace(MONTH, logs=(replace(MONTH.logs[0], read=MONTH.logs[0].read + 7),))
    assert "7 unaccounted for" in named(charts(lost, "en", "light", ()))["logs"].alt


def test_names_that_look_like_formulas_are_drawn_as_they_are() -> None:
    def odd(rule: RuleLine) -> RuleLine:
        return replace(rule, title={"en": r"$\\frac{1} {x} 100 % _a_ " + "long " * 40})

    summary: Summary = replace(MONTH, rules=tuple(map(odd, MONTH.rules)))
    assert "due" in named(charts(summary, "en", "light"))


def test_a_value_of_one_beside_a_million_is_still_seen() -> None:
    def line(source: str, read: int) -> LogLine:
        return replace(MONTH.logs[0], source=source, read=read, written=read, quarantined={})

    summary = replace(MONTH, logs=(line("big", 1_000_000), line("small", 1)))
    picture = named(charts(summary, "en", "light"))["logs"].png
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    blue = [y for y in range(image.height) if image.getpixel((20, y)) == (0, 114, 178)]
    assert blue[-1] - blue[0] > 60


def test_a_first_night_far_before_the_period_is_on_the_axis() -> None:
    early = replace(MONTH.nights[0], as_of=MONTH.first - timedelta(days=40))
    assert nights_of(replace(MONTH, nights=(early, *MONTH.nights)))[0].day == early.as_of
