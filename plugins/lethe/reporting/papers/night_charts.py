"""Charts along the nights: what was erased, and how old the oldest overdue row is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lethe.reporting.papers.chart import Chart, Look, legend_above, make_chart
from lethe.reporting.papers.drawing import Palette, draw
from lethe.reporting.papers.nights import Night, nights_of
from lethe.reporting.summary import Summary
from lethe.reporting.words import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_erasures(summary: Summary, look: Look) -> Chart | None:
    words = look.words
    nights = nights_of(summary)
    if len(nights) < 2:
        return None

    def paint(axes: Axes, palette: Palette) -> None:
        _shade_silence(axes, palette, nights, words)
        erased = [night.erased for night in nights]
        kept = [night.not_erased for night in nights]
        at = range(len(nights))
        highest = max(a + b for a, b in zip(erased, kept, strict=True))
        axes.set_ylim(0, max(5, 1.08 * highest))
        axes.bar(at, erased, 0.78, color=palette.main, label=words.say("chart.erasures.erased"))
        if any(kept):
            axes.bar(
                at,
                kept,
                0.78,
                bottom=erased,
                color=palette.second,
                hatch="////",
                label=words.say("chart.erasures.not_erased"),
            )
        _days_below(axes, nights, words)
        _numbers_left(axes, words, words.say("chart.erasures.axis"))
        legend_above(axes)

    return make_chart(
        "erasures", words, _erasures_alt(nights, words), draw(look.theme, 2.5, paint, look.forms)
    )


def _erasures_alt(nights: tuple[Night, ...], words: Wording) -> str:
    ran = [night for night in nights if night.ran]
    kept, silent = sum(night.not_erased for night in ran), len(nights) - len(ran)
    top = max(ran, key=lambda night: night.erased)
    rest = [words.count("chart.erasures.kept", kept)] if kept else []
    rest += [words.count("chart.erasures.silences", silent)] if silent else []
    return words.say(
        "chart.erasures.alt" if top.erased else "chart.erasures.alt.none",
        first=words.day(nights[0].day),
        last=words.day(nights[-1].day),
        erased=words.count("count.subjects", sum(night.erased for night in ran)),
        nights=words.count("count.nights", len(ran)),
        top=words.day(top.day),
        most=words.number(top.erased),
        not_erased=" ".join(rest),
    ).strip()


def draw_overdue(summary: Summary, look: Look) -> Chart | None:
    words = look.words
    nights = nights_of(summary)
    ran = [night for night in nights if night.ran]
    if len(nights) < 2:
        return None

    def paint(axes: Axes, palette: Palette) -> None:
        _shade_silence(axes, palette, nights, words)
        # A night without a run breaks the line: nobody looked.
        ages = [night.oldest_overdue_days if night.ran else float("nan") for night in nights]
        at = range(len(nights))
        axes.fill_between(at, ages, color=palette.main, alpha=0.16, linewidth=0)
        axes.plot(at, ages, color=palette.main, marker="o", markersize=3, linewidth=1.6)
        latest = max(place for place, night in enumerate(nights) if night.ran)
        axes.annotate(
            words.count("count.days", ran[-1].oldest_overdue_days),
            (latest, ages[latest]),
            xytext=(0, 6),
            textcoords="offset points",
            ha="right" if latest else "left",
            fontweight="bold",
        )
        axes.set_ylim(0, max(5, 1.2 * max(night.oldest_overdue_days for night in ran)))
        _days_below(axes, nights, words)
        _numbers_left(axes, words, words.say("chart.overdue.axis"))
        if len(ran) < len(nights):
            legend_above(axes)

    ages = [night.oldest_overdue_days for night in ran]
    alt = words.say(
        "chart.overdue.alt" if any(ages) else "chart.overdue.alt.none",
        first=words.day(nights[0].day),
        last=words.day(nights[-1].day),
        start=words.count("count.days", ages[0]),
        end=words.count("count.days", ages[-1]),
        most=words.count("count.days", max(ages)),
    )
    return make_chart("overdue", words, alt, draw(look.theme, 2.2, paint, look.forms))


def _shade_silence(axes: Axes, palette: Palette, nights: tuple[Night, ...], words: Wording) -> None:
    label: str | None = words.say("chart.erasures.silent")
    for place, night in enumerate(nights):
        if not night.ran:
            axes.axvspan(
                place - 0.5,
                place + 0.5,
                facecolor=palette.silent,
                linewidth=0,
                label=label,
            )
            label = None


def _days_below(axes: Axes, nights: tuple[Night, ...], words: Wording) -> None:
    from babel.dates import format_skeleton

    step = max(1, -(-len(nights) // 8))
    ticks = list(range(len(nights) - 1, -1, -step))[::-1]
    names = [format_skeleton("MMMd", nights[tick].day, locale=words.locale) for tick in ticks]
    axes.set_xticks(ticks, names)
    margin = 0.6 if len(nights) > 4 else 2.0
    axes.set_xlim(-margin, len(nights) - 1 + margin)


def _numbers_left(axes: Axes, words: Wording, label: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(round(value))))
    axes.grid(axis="y")
    axes.set_ylabel(label)
