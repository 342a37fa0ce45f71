"""Set a paper with typst: PDF/A that is also PDF/UA, from data only, the same bytes everywhere."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from lethe.errors import ConfigurationError
from lethe.include import include_folder
from lethe.reporting.papers.blocks import Paper, as_data

STANDARDS: Final = ["a-2a", "ua-1"]
_TEMPLATE: Final = "paper.typ"
# Invisible letters could turn a name around or hide a part of it.
_INVISIBLE = re.compile(
    r"[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


def typeset(paper: Paper, made_at: datetime) -> bytes:
    """Set a paper as PDF/A-2a and PDF/UA-1.

    made_at  aware; stands in the file, so that the same paper gives the same bytes
    """
    pdf = _compile(paper, format="pdf", pdf_standards=STANDARDS, timestamp=int(made_at.timestamp()))
    return pdf[0]


def picture_pages(paper: Paper, ppi: int = 96) -> tuple[bytes, ...]:
    """Render every page as PNG, to look at."""
    return _compile(paper, format="png", ppi=ppi)


def _compile(paper: Paper, **options: Any) -> tuple[bytes, ...]:
    import typst

    folder = include_folder() / "templates" / "papers"
    data = json.dumps(_displayable(as_data(paper)), ensure_ascii=False)
    try:
        made = typst.compile(
            str(folder / _TEMPLATE),
            root=str(folder),
            sys_inputs={"paper": data},
            font_paths=[str(fonts_folder())],
            ignore_system_fonts=True,
            **options,
        )
    except typst.TypstError as error:
        raise ConfigurationError(f"{folder / _TEMPLATE}: typst could not set it: {error}") from None
    return tuple(made) if isinstance(made, list) else (made,)


def fonts_folder() -> Path:
    """Say where the letters are that typst does not carry itself: those of matplotlib's wheel."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise ConfigurationError("matplotlib is not installed; its fonts are needed for PDF")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def _displayable(value: Any) -> Any:
    """Write letters that no font has as their code point: PDF/A refuses empty boxes."""
    if isinstance(value, str):
        return show_text(value)
    if isinstance(value, dict):
        # Pictures are XML: their letters are drawn already.
        return {k: each if k == "svg" else _displayable(each) for k, each in value.items()}
    return [_displayable(each) for each in value] if isinstance(value, list) else value


def show_text(text: str) -> str:
    """Make a text one that the letters at hand can show; what they cannot reads '⟨U+4E2D⟩'."""
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
