"""A paper as one HTML page: no script, nothing from elsewhere, light and dark, printable."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from lethe.include import include_folder
from lethe.reporting.papers.blocks import Paper, as_data


def page_of(paper: Paper) -> str:
    """Write a paper as HTML; every text in it is escaped."""
    return _template().render(paper=as_data(paper)) + "\n"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(include_folder() / "templates" / "papers"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("paper.html.j2")
