"""Lying bars: the backlog, what falls due next, the account of log lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lethe.reporting.papers.chart import Chart, Look, legend_above, make_chart
from lethe.reporting.papers.drawing import Palette, draw, shorten
from lethe.reporting.papers.letters import show_text
from lethe.reporting.summary import LogLine, RuleLine, Summary
from lethe.reporting.words import Wording, choose

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BARS = 12
_BAR_INCHES, _AROUND_INCHES = 0.4, 0.5


def draw_backlog(summary: Summary, look: Look) -> Chart | None:
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
    return make_chart("backlog", words, alt, picture)


def _named(rule: RuleLine, words: Wording) -> str:
    return show_text(choose(rule.title, words.language) or rule.rule)


def _backlog_value(rule: RuleLine, words: Wording) -> str:
    return words.say(
        "chart.backlog.value",
        count=words.number(rule.backlog),
        days=words.count("count.days", rule.oldest_overdue_days),
    )


def draw_due(summary: Summary, look: Look) -> Chart | None:
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
    return make_chart(
        "due",
        words,
        alt,
        _draw_bars(kept, look, "chart.due.axis", keys, ("main", "soft")),
    )


def draw_logs(summary: Summary, look: Look) -> Chart | None:
    words = look.words
    sources = [line for line in summary.logs if line.read]
    if not sources:
        return None
    bars = [
        _Bar(
            show_text(_source(line, words)),
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
                source=_source(line, words),
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
    return make_chart(
        "logs",
        words,
        alt,
        _draw_bars(kept, look, "chart.logs.axis", keys, ("main", "second", "alarm")),
    )


def _source(line: LogLine, words: Wording) -> str:
    return choose(line.title, words.language) or line.source


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
    look: Look,
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
        axes.set_xlabel(words.say(axis))
        if len(keys) > 1:
            legend_above(axes)

    return draw(look.theme, _AROUND_INCHES + _BAR_INCHES * len(bars), paint, look.forms)


def _write(
    axes: Axes, at: tuple[float, float], away: tuple[int, int], text: str, **more: Any
) -> None:
    axes.annotate(text, at, xytext=away, textcoords="offset points", va="center", **more)
