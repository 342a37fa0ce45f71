"""Write the record of processing: HTML and PDF in both languages, JSON-LD for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time
from pathlib import Path

from lethe.policy.model import Policy
from lethe.reporting.papers.linked import link_record
from lethe.reporting.papers.page import page_of
from lethe.reporting.papers.processing import describe_processing
from lethe.reporting.papers.record_paper import record_paper
from lethe.reporting.papers.typesetting import typeset
from lethe.reporting.papers.writing import put_whole
from lethe.reporting.words import LANGUAGES


def write_record(
    policy: Policy, folder: Path, languages: Sequence[str] = LANGUAGES
) -> tuple[Path, ...]:
    """Write record-of-processing.<language>.html and .pdf, and record-of-processing.jsonld.

    It depends on the policy alone: the same policy gives the same bytes, on whatever day.
    Source   GDPR Art. 30(1)
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = describe_processing(policy)
    since = datetime.combine(policy.policy.effective_from, time(), UTC)
    made: list[Path] = []
    for language in dict.fromkeys(languages):
        paper = record_paper(record, language)
        name = f"record-of-processing.{language}"
        page = page_of(paper).encode("utf-8")
        made.append(put_whole(folder / f"{name}.html", page))
        made.append(put_whole(folder / f"{name}.pdf", typeset(paper, since)))
    linked = json.dumps(link_record(record), ensure_ascii=False, indent=2) + "\n"
    made.append(put_whole(folder / "record-of-processing.jsonld", linked.encode("utf-8")))
    return tuple(made)
