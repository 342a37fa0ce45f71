"""Set a paper with typst: PDF/A that is also PDF/UA, from data only, the same bytes everywhere."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final

from lethe.errors import ConfigurationError
from lethe.include import include_folder
from lethe.reporting.papers.blocks import Paper, as_data
from lethe.reporting.papers.letters import fonts_folder, show_text

STANDARDS: Final = ["a-2a", "ua-1"]
_TEMPLATE: Final = "paper.typ"
_LONG_WORD = re.compile(r"\S{33,}")
_WHOLE = re.compile(r"https?://|\w@\w|[0-9a-f]{24,}")
_LETTERS = re.compile(r"\S{8}(?=\S)")


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


def _displayable(value: Any) -> Any:
    """Let everything be shown, and break where it must."""
    if isinstance(value, str):
        return _LONG_WORD.sub(_break_anywhere, show_text(value))
    if isinstance(value, dict):
        # Pictures are XML: their letters are drawn already. Keywords are for programs.
        as_is = ("svg", "keywords")
        return {k: each if k in as_is else _displayable(each) for k, each in value.items()}
    return [_displayable(each) for each in value] if isinstance(value, list) else value


def _break_anywhere(word: re.Match[str]) -> str:
    # The template breaks addresses and digests itself, without a letter of ours in them.
    return word[0] if _WHOLE.search(word[0]) else _LETTERS.sub("\\g<0>\u200b", word[0])
