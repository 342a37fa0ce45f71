"""How a chart looks: colours, letters, axes, and the same bytes for the same figures."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Theme = Literal["light", "dark"]
Forms = Collection[str]
FORMS: Final[Forms] = ("png", "svg")
ONLY_SVG: Final[Forms] = ("svg",)
INCHES: Final = 6.0
DPI: Final = 200
# matplotlib's settings are one for the whole process, and the console draws in threads.
_ONE_AT_A_TIME: Final = Lock()


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a theme (Okabe and Ito: told apart by every kind of eye, and in grey)."""

    paper: str
    ink: str
    quiet: str
    grid: str
    main: str
    soft: str
    second: str
    alarm: str
    silent: str


PALETTES: Final[dict[str, Palette]] = {
    "light": Palette(
        paper="#ffffff",
        ink="#1d2733",
        quiet="#566372",
        grid="#e3e7ec",
        main="#0072b2",
        soft="#9fcde8",
        second="#e69f00",
        alarm="#d55e00",
        silent="#dde2e8",
    ),
    "dark": Palette(
        paper="#161b22",
        ink="#e8edf3",
        quiet="#a9b4c0",
        grid="#2b333d",
        main="#56b4e9",
        soft="#26597a",
        second="#f0b840",
        alarm="#ff8a4c",
        silent="#2f3945",
    ),
}


def draw(
    theme: Theme, height: float, paint: Callable[[Axes, Palette], None], forms: Forms
) -> tuple[bytes, str]:
    """Let `paint` fill the axes of a new figure.

    height   inches; the width is that of a mail
    Returns  the picture as PNG and as SVG; empty what `forms` does not ask for
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    palette = PALETTES[theme]
    with _ONE_AT_A_TIME, rc_context(_settings(palette)):  # type: ignore[arg-type]
        figure = Figure(figsize=(INCHES, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
        axes.set_axisbelow(True)
        paint(axes, palette)
        png = _save(figure, "png", {"Software": None}) if "png" in forms else b""
        svg = _save(figure, "svg", {"Date": None, "Creator": None}) if "svg" in forms else b""
        return png, svg.decode("utf-8")


def _settings(palette: Palette) -> dict[str, Any]:
    return {
        "font.family": ["DejaVu Sans"],
        "font.size": 8.5,
        "text.parse_math": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "lethe",
        "hatch.linewidth": 0.6,
        "text.color": palette.ink,
        "axes.labelcolor": palette.quiet,
        "axes.edgecolor": palette.grid,
        "axes.facecolor": palette.paper,
        "figure.facecolor": palette.paper,
        "savefig.facecolor": palette.paper,
        "xtick.color": palette.quiet,
        "ytick.color": palette.quiet,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "grid.color": palette.grid,
        "grid.linewidth": 0.8,
        "figure.constrained_layout.w_pad": 0.09,
        "figure.constrained_layout.h_pad": 0.06,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "hatch.color": palette.paper,
    }


def _save(figure: Figure, form: str, metadata: dict[str, None]) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format=form, metadata=metadata)
    return target.getvalue()


def shorten(name: str, letters: int = 80) -> str:
    """Cut a long name in its middle, so that beginning and end still tell it."""
    if len(name) <= letters:
        return name
    half = (letters - 1) // 2
    return f"{name[:half]}…{name[-half:]}"
