"""Letter → HTML with its style inside every element, and plain text that reads as well."""

from __future__ import annotations

import re
import textwrap
from functools import cache
from typing import Any

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from lethe.include import include_folder, read_text
from lethe.reporting.mail.letter import Letter, Row
from lethe.reporting.words import wording

_WIDTH = 74
_SCREEN = "<!--screen-->"


def render_html(letter: Letter) -> str:
    """Write the HTML part: no script, nothing from elsewhere, readable without its style too."""
    text = _environment().get_template("report.html.j2").render(letter=letter)
    inlined = css_inline.CSSInliner(load_remote_stylesheets=False, minify_css=True).inline(text)
    # What depends on the screen cannot stand in an element: it stays in the head.
    return inlined.replace(_SCREEN, f"<style>{read_text('templates/mail/screen.css')}</style>", 1)


def render_text(letter: Letter) -> str:
    """Write the plain text part, in lines of at most 74 characters but for digests."""
    words = wording(letter.language, "report")
    text = (
        _environment()
        .get_template("report.txt.j2")
        .render(
            letter=letter,
            courses=("erasures", "overdue"),
            chart=lambda alt: words.say("mail.text.chart", alt=alt),
            pair=lambda label, value: words.say("pair", label=label, value=value),
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(include_folder() / "templates" / "mail"),
        autoescape=select_autoescape(("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(wrapped=_wrapped, underlined=_underlined, code=_code, told=_told)
    made.globals["style"] = lambda: read_text("templates/mail/report.css")
    return made


def _wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _underlined(title: str, mark: str = "-") -> str:
    widest = max(len(line) for line in title.splitlines())
    return f"{title}\n{mark * min(widest, _WIDTH)}"


def _told(row: Row, head: tuple[str, ...]) -> str:
    """The numbers of a row with their names; what is nothing needs no words."""
    named = list(zip(head[1:], row.cells, strict=True))
    shown = [pair for pair in named if pair[1] != "0"] or named[:1]
    return " · ".join(" ".join(pair) for pair in shown)


def _code(text: Any) -> str:
    """A digest in one piece again, as it is compared by machines."""
    return str(text) if str(text).startswith("lethe-") else str(text).replace(" ", "")
