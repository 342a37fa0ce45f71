"""What a chart is, and what the makers of charts share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lethe.reporting.papers.drawing import Forms, Theme
from lethe.reporting.words import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
class Look:
    words: Wording
    theme: Theme
    forms: Forms


def make_chart(name: str, words: Wording, alt: str, picture: tuple[bytes, str]) -> Chart:
    png, svg = picture
    return Chart(name, words.say(f"chart.{name}.title"), png, svg, alt)


def legend_above(axes: Axes) -> None:
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=3,
        borderaxespad=0.2,
        handlelength=1.3,
        handleheight=0.9,
        columnspacing=1.4,
    )
