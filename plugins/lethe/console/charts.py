"""Charts as SVG made on the server: no script, no style attribute, colours from the style sheet.

Each has a title for those who do not see it; the page puts the same figures into a table below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_WIDTH = 640
_LEFT = 54
_RIGHT = 10


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what stands under it, how high, and what a pointer that rests on it is told.

    second  a part of another colour on top of it (or a second bar, in `paired_bars`)
    """

    label: str
    value: float
    told: str
    second: float = 0
    kind: str = ""


def columns(bars: Sequence[Bar], title: str, name: str, ticks: Sequence[str]) -> Markup:
    """Columns along time, oldest first; `ticks` are the words for 0, half and the top."""
    height, bottom, top = 190, 30, 12
    room = height - bottom - top
    most = max([bar.value for bar in bars] + [1])
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    wide = max(1.0, min(step * 0.72, 46.0))
    parts = [_grid(height, top, bottom, ticks)]
    every = max(1, -(-len(bars) // 8))
    for number, bar in enumerate(bars):
        x = _LEFT + step * number + (step - wide) / 2
        tall = room * bar.value / most if bar.value else 0.0
        tall = max(tall, 2.0) if bar.value else 0.0
        y = height - bottom - tall
        parts.append(
            Markup(
                '<g class="bar {kind}"><title>{told}</title>'
                '<rect class="reach" x="{rx:.1f}" y="{top}" width="{rw:.1f}" height="{room}"/>'
                '<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="1.5"/></g>'
            ).format(
                kind=bar.kind,
                told=bar.told,
                rx=_LEFT + step * number,
                rw=step,
                top=top,
                room=room,
                x=x,
                y=y,
                w=wide,
                h=tall,
            )
        )
        if number % every == (len(bars) - 1) % every:
            parts.append(_text(x + wide / 2, height - 10, bar.label, "middle"))
    return _figure(parts, height, title, name)


def rows(bars: Sequence[Bar], title: str, name: str) -> Markup:
    """Horizontal bars, one a row, each in two parts: `value`, and `second` behind it."""
    line, top, left = 24, 4, 190
    height = top + line * len(bars) + 4
    most = max([max(bar.value, bar.second) for bar in bars] + [1])
    room = _WIDTH - left - 110
    parts: list[Markup] = []
    for number, bar in enumerate(bars):
        y = top + line * number
        near, far = (room * value / most for value in (bar.value, bar.second))
        parts.append(_text(left - 10, y + 16, bar.label, "end"))
        parts.append(
            Markup(
                '<g class="bar {kind}"><title>{told}</title>'
                '<rect class="reach" x="{left}" y="{y}" width="{room}" height="{line}"/>'
                '<rect class="far" x="{left}" y="{ry}" width="{far:.1f}" height="14" rx="1.5"/>'
                '<rect x="{left}" y="{ry}" width="{near:.1f}" height="14" rx="1.5"/></g>'
            ).format(
                kind=bar.kind,
                told=bar.told,
                left=left,
                y=y,
                ry=y + 5,
                room=room,
                line=line,
                near=max(near, 2.0) if bar.value else 0.0,
                far=max(far, 2.0) if bar.second else 0.0,
            )
        )
        parts.append(_text(left + max(near, far) + 6, y + 16, f"{bar.told.rpartition(': ')[2]}"))
    return _figure(parts, height, title, name)


def share(parts: Sequence[tuple[str, int, str]], title: str, name: str) -> Markup:
    """One bar in parts: (kind, how many, what is told)."""
    total = sum(count for _, count, _ in parts) or 1
    x, drawn = 0.0, []
    for kind, count, told in parts:
        if not count:
            continue
        wide = _WIDTH * count / total
        drawn.append(
            Markup(
                '<g class="part {kind}"><title>{told}</title>'
                '<rect x="{x:.1f}" y="0" width="{w:.1f}" height="14"/></g>'
            ).format(kind=kind, told=told, x=x, w=max(wide - 2, 1.0))
        )
        x += wide
    return _figure(drawn, 14, title, name, kind="share")


def _grid(height: int, top: int, bottom: int, ticks: Sequence[str]) -> Markup:
    room = height - top - bottom
    lines = Markup()
    for number, tick in enumerate(ticks):
        y = height - bottom - room * number / max(len(ticks) - 1, 1)
        lines += Markup(
            '<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        ).format(left=_LEFT, right=_WIDTH - _RIGHT, y=y)
        lines += _text(_LEFT - 8, y + 4, tick, "end")
    return lines


def _text(x: float, y: float, words: str, anchor: str = "start") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, words
    )


def _figure(parts: Sequence[Markup], height: int, title: str, name: str, kind: str = "") -> Markup:
    return Markup(
        '<svg class="chart {kind}" viewBox="0 0 {width} {height}" role="img"'
        ' preserveAspectRatio="{fit}" aria-labelledby="{name}-title">'
        '<title id="{name}-title">{title}</title>{parts}</svg>'
    ).format(
        kind=kind,
        fit="none" if kind == "share" else "xMidYMid meet",
        width=_WIDTH,
        height=height,
        name=name,
        title=title,
        parts=Markup("").join(escape(part) for part in parts),
    )
