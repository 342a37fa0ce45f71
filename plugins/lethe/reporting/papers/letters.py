"""Which letters the fonts at hand can show, and what stands for those that they cannot."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lethe.errors import ConfigurationError

# Invisible letters could turn a name around or hide a part of it.
_INVISIBLE = re.compile(
    r"[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


def fonts_folder() -> Path:
    """Say where the letters are that typst does not carry itself: those of matplotlib's wheel."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise ConfigurationError("matplotlib is not installed; its fonts are needed for PDF")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def show_text(text: str) -> str:
    """Make a text one that the letters at hand can show; what they cannot reads '[U+4E2D]'."""
    known = _letters()
    if all(ord(letter) in known for letter in text) and not _INVISIBLE.search(text):
        return text
    return "".join(
        letter
        if letter == "\n" or (ord(letter) in known and not _INVISIBLE.match(letter))
        else f"[U+{ord(letter):04X}]"
        for letter in text
    )


@cache
def _letters() -> frozenset[int]:
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    with TTFont(fonts_folder() / "DejaVuSans.ttf", lazy=True) as font:
        return frozenset(font.getBestCmap())
