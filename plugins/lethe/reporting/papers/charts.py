"""The charts of a Summary, each with the words for those who do not see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from lethe.reporting.papers.drawing import FORMS, Forms, Palette, Theme, draw, shorten
from lethe.reporting.papers.letters import show_text
from lethe.reporting.summary import LogLine, NightLine, RuleLine, Summary
from lethe.reporting.words import Wording, choose, wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BARS = 12
_BAR_INCHES, _AROUND_INCHES = 0.4, 0.5


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    name  stable: 'backlog', 'erasures', 'overdue', 'due', 'logs'
    alt   what it shows, with its figures, in the language asked for
    """

    name: str
    title: str
    png: bytes
    svg: str
    alt: str


@dataclass(frozen=True, slots=True)
class Night:
    """All runs of one calendar night; `ran` is False where there was none."""

    day: date
    ran: bool
    erased: int
    not_erased: int
    oldest_overdue_days: int


@dataclass(frozen=True, slots=True)
class _Look:
    words: Wording
    theme: Theme
    forms: Forms


def charts(
    summary: Summary, language: str, theme: Theme, forms: Forms = FORMS
) -> tuple[Chart, ...]:
    """Draw what there are figures for: nothing is drawn from nothing.

    forms  'png', 'svg': what is needed; what is left out stays empty, and costs no time
    """
    look = _Look(wording(language), theme, forms)
    makers = (_erasures, _backlog, _overdue, _due, _logs)
    return tuple(chart for make in makers if (chart := make(summary, look)) is not None)


def nights_of(summary: Summary) -> tuple[Night, ...]:
    """List every calendar night from the first to the end of the period, silent ones too."""
    if not summary.nights:
        return ()
    first = min(summary.first, *(night.as_of for night in summary.nights))
    last = max(summary.last, *(night.as_of for night in summary.nights))
    by_day: dict[date, list[NightLine]] = {}
    for night in summary.nights:
        by_day.setdefault(night.as_of, []).append(night)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(_night(day, by_day.get(day, [])) for day in days)


def _night(day: date, runs: list[NightLine]) -> Night:
    return Night(
        day,
        bool(runs),
        sum(run.erased for run in runs),
        sum(run.not_erased for run in runs),
        runs[-1].oldest_overdue_days if runs else 0,
    )


def _erasures(summary: Summary, look: _Look) -> Chart | None:
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
        _legend_above(axes)

    return _chart(
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


def _overdue(summary: Summary, look: _Look) -> Chart | None:
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
            _legend_above(axes)

    ages = [night.oldest_overdue_days for night in ran]
    alt = words.say(
        "chart.overdue.alt" if any(ages) else "chart.overdue.alt.none",
        first=words.day(nights[0].day),
        last=words.day(nights[-1].day),
        start=words.count("count.days", ages[0]),
        end=words.count("count.days", ages[-1]),
        most=words.count("count.days", max(ages)),
    )
    return _chart("overdue", words, alt, draw(look.theme, 2.2, paint, look.forms))


def _backlog(summary: Summary, look: _Look) -> Chart | None:
    words = look.words
    late = sorted(
        (rule for rule in summary.rules if rule.backlog),
        key=lambda rule: (-rule.oldest_overdue_days, -rule.backlog, rule.rule),
    )
    if not late:
        return None
    bars = [
        _Bar(_named(rule, words), (rule.backlog,), _backlog_value(rule, words)) for rule in late
    ]
    alt = words.say(
        "chart.backlog.alt",
        parts="; ".join(
            words.say(
                "chart.backlog.part",
                rule=_named(rule, words),
                count=words.count("count.subjects", rule.backlog),
                days=words.count("count.days", rule.oldest_overdue_days),
            )
            for rule in late[:_MOST_BARS]
        ),
    )
    kept = list(_fewer(bars, words))
    picture = _draw_bars(kept, look, "chart.backlog.axis", ("",), ("alarm",))
    return _chart("backlog", words, alt, picture)


def _named(rule: RuleLine, words: Wording) -> str:
    return show_text(choose(rule.title, words.language) or rule.rule)


def _backlog_value(rule: RuleLine, words: Wording) -> str:
    return words.say(
        "chart.backlog.value",
        count=words.number(rule.backlog),
        days=words.count("count.days", rule.oldest_overdue_days),
    )


def _due(summary: Summary, look: _Look) -> Chart | None:
    words = look.words
    coming = sorted(
        (rule for rule in summary.rules if rule.next_30 or rule.next_7),
        key=lambda rule: (-rule.next_30, rule.rule),
    )
    if not coming:
        return None
    bars = [
        _Bar(
            _named(rule, words),
            (rule.next_7, max(rule.next_30 - rule.next_7, 0)),
            words.say(
                "chart.due.value",
                week=words.number(rule.next_7),
                month=words.number(rule.next_30),
            ),
        )
        for rule in coming
    ]
    alt = words.say(
        "chart.due.alt",
        parts="; ".join(
            words.say(
                "chart.due.part",
                rule=_named(rule, words),
                week=words.number(rule.next_7),
                month=words.number(rule.next_30),
            )
            for rule in coming[:_MOST_BARS]
        ),
    )
    keys = (words.say("chart.due.week"), words.say("chart.due.month"))
    kept = list(_fewer(bars, words))
    return _chart(
        "due",
        words,
        alt,
        _draw_bars(kept, look, "chart.due.axis", keys, ("main", "soft")),
    )


def _logs(summary: Summary, look: _Look) -> Chart | None:
    words = look.words
    sources = [line for line in summary.logs if line.read]
    if not sources:
        return None
    bars = [
        _Bar(
            show_text(line.source),
            (line.written, _apart(line), _missing(line)),
            words.say(
                "chart.logs.value",
                read=words.number(line.read),
                quarantined=words.number(_apart(line)),
            ),
        )
        for line in sources
    ]
    alt = words.say(
        "chart.logs.alt",
        parts="; ".join(
            words.say(
                "chart.logs.part",
                source=line.source,
                read=words.number(line.read),
                written=words.number(line.written),
                quarantined=words.number(_apart(line)),
                missing=words.number(_missing(line)),
            )
            for line in sources[:_MOST_BARS]
        ),
    )
    kinds = ("written", "quarantined", "missing")
    keys = tuple(words.say(f"chart.logs.{kind}") for kind in kinds)
    kept = list(_fewer(bars, words))
    return _chart(
        "logs",
        words,
        alt,
        _draw_bars(kept, look, "chart.logs.axis", keys, ("main", "second", "alarm")),
    )


def _apart(line: LogLine) -> int:
    return sum(line.quarantined.values())


def _missing(line: LogLine) -> int:
    return max(line.read - line.written - _apart(line), 0)


@dataclass(frozen=True, slots=True)
class _Bar:
    name: str
    parts: tuple[int, ...]
    value: str


def _fewer(bars: list[_Bar], words: Wording) -> Iterator[_Bar]:
    """At most as many bars as can be read; the rest together as one."""
    if len(bars) <= _MOST_BARS:
        yield from bars
        return
    yield from bars[: _MOST_BARS - 1]
    rest = bars[_MOST_BARS - 1 :]
    parts = [sum(each) for each in zip(*(bar.parts for bar in rest), strict=True)]
    # In words only: together they would dwarf what the chart is about.
    yield _Bar(
        words.say("chart.others", count=words.number(len(rest))),
        (0,) * len(parts),
        " · ".join(words.number(sum(parts[: place + 1])) for place in range(len(parts))),
    )


def _draw_bars(
    bars: list[_Bar],
    look: _Look,
    axis: str,
    keys: tuple[str, ...],
    colours: tuple[str, ...],
) -> tuple[bytes, str]:
    """Lying bars, its name above each and its figures beside it."""
    longest = max(sum(bar.parts) for bar in bars)
    words = look.words

    def paint(axes: Axes, palette: Palette) -> None:
        left = [0.0] * len(bars)
        for place, (key, colour) in enumerate(zip(keys, colours, strict=True)):
            sizes = [float(bar.parts[place]) for bar in bars]
            if place and not any(sizes):
                continue
            # A bar that is there is seen: one in a million still gets a line.
            seen = [max(size, longest / 250) if size else 0.0 for size in sizes]
            axes.barh(
                [place + 0.15 for place in range(len(bars))],
                seen,
                0.4,
                left=left,
                color=getattr(palette, colour),
                hatch="////" if colour == "second" else None,
                label=key or None,
            )
            left = [a + b for a, b in zip(left, seen, strict=True)]
        for place, bar in enumerate(bars):
            _write(axes, (0, place), (0, 7), shorten(bar.name), color=palette.ink)
            _write(axes, (left[place], place), (5, -4), bar.value, fontsize=8)
        axes.set_yticks([])
        axes.set_ylim(len(bars) - 0.55, -0.85)
        axes.set_xlim(0, longest * 1.45)
        axes.set_xticks([])
        axes.axvline(0, color=palette.quiet, linewidth=0.8)
        axes.set_xlabel(words.say(axis))
        if len(keys) > 1:
            _legend_above(axes)

    return draw(look.theme, _AROUND_INCHES + _BAR_INCHES * len(bars), paint, look.forms)


def _write(
    axes: Axes, at: tuple[float, float], away: tuple[int, int], text: str, **more: Any
) -> None:
    axes.annotate(text, at, xytext=away, textcoords="offset points", va="center", **more)


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


def _legend_above(axes: Axes) -> None:
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=3,
        borderaxespad=0.2,
        handlelength=1.3,
        handleheight=0.9,
        columnspacing=1.4,
    )


def _chart(name: str, words: Wording, alt: str, picture: tuple[bytes, str]) -> Chart:
    png, svg = picture
    return Chart(name, words.say(f"chart.{name}.title"), png, svg, alt)
