"""Data Docs that stand by themselves: an index in words, and pages that ask no other server.

Great Expectations writes pages that fetch styles and scripts from five foreign servers, and an
index that is empty without them. A page about personal data must not tell others who reads it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from lethe.include import include_folder
from lethe.policy.model import Policy
from lethe.policy.said import say_text
from lethe.quality.expectations import Derivation, Expectation, Scan, rows_command
from lethe.quality.history import asked_at, quality_folder, read_reports
from lethe.quality.outcomes import Outcome, Report

_LONGEST = 90
_SHOWN_RUNS = 30
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE)
_FOREIGN = re.compile(r"""<(?:link|img)\b[^>]*=\s*["']https?://[^>]*>""", re.IGNORECASE)
_FOREIGN_STYLE = re.compile(r"""url\(["']?https?://[^)]*\)""", re.IGNORECASE)
_NEWSLETTER = re.compile(r"<footer\b.*?</footer>", re.DOTALL | re.IGNORECASE)
_COLOURS = {"passed": "good", "failed": "bad", "not checked": "bad", "not yet kept": "wait"}


def docs_index() -> Path:
    """Where the Data Docs begin, whether they have been built or not."""
    return quality_folder() / "docs" / "index.html"


def pages_file() -> Path:
    """Which page of the newest whole run tells of which check: key → path beside the index."""
    return docs_index().with_name("pages.json")


def run_index(run: str) -> Path:
    """Where the pages of one run begin."""
    return docs_index().parent / "runs" / f"{run}.html"


def sentence(title: str) -> str:
    """A title as a sentence begins; a name at its start stays as it is."""
    first = title.split(" ", 1)[0]
    return title if "." in first or "-" in first else title[:1].upper() + title[1:]


def page_name(scan: Scan, expectation: Expectation | None = None) -> str:
    """The name of a page: fit for a file, whatever tables are called."""
    name = f"{scan.suite} · {scan.name}" + (f" · {expectation.key}" if expectation else "")
    # A dot would make a folder of Great Expectations, a slash one of the system.
    fit = re.sub(r"[\x00-\x1f\\:*?<>|]", "_", name.replace(".", "․").replace("/", "∕"))
    if len(fit.encode()) <= _LONGEST:
        return fit
    short = fit.encode()[: _LONGEST - 10].decode(errors="ignore")
    return f"{short} {sha256(name.encode()).hexdigest()[:8]}"


def finish_pages(
    report: Report, derivation: Derivation, policy: Policy, run: str, hidden: Mapping[str, str]
) -> Path:
    """Make the pages of a run stand alone, and write its index.

    hidden   characters that travelled in disguise → what they are
    Returns  the index of this run; `show_newest` makes it the index of all
    """
    docs = docs_index().parent
    shutil.copyfile(include_folder() / "templates" / "quality" / "docs.css", docs / "docs.css")
    pages: dict[str, str] = {}
    for path in sorted((docs / "validations").glob(f"*/{run}/*/*.html")):
        _stand_alone(path, docs, hidden)
        pages[path.relative_to(docs / "validations").parts[0]] = path.relative_to(docs).as_posix()
    for path in (docs / "expectations").glob("*.html"):
        _stand_alone(path, docs, hidden)
    found = {
        each.key: page
        for scan in derivation.scans
        for each in scan.expectations
        if (page := pages.get(page_name(scan, each)) or pages.get(page_name(scan)))
    }
    index = run_index(run)
    index.parent.mkdir(exist_ok=True)
    index.write_text(_render(report, policy, run, found), encoding="utf-8")
    index.with_suffix(".json").write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    for old in sorted(index.parent.glob("*.html"))[:-_SHOWN_RUNS]:
        old.unlink(missing_ok=True)
        old.with_suffix(".json").unlink(missing_ok=True)
    return index


def show_newest(index: Path) -> None:
    """Make the index of a whole run the index of all, and tell which page tells of which check."""
    part = docs_index().with_suffix(".part")
    part.write_text(index.read_text(encoding="utf-8").replace('="../', '="'), encoding="utf-8")
    part.replace(docs_index())
    part.write_text(index.with_suffix(".json").read_text(encoding="utf-8"), encoding="utf-8")
    part.replace(pages_file())


def _stand_alone(path: Path, docs: Path, hidden: Mapping[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for sign, meant in hidden.items():
        text = text.replace(sign, meant)
    text = _NEWSLETTER.sub("", _FOREIGN.sub("", _SCRIPT.sub("", text)))
    text = _FOREIGN_STYLE.sub("none", text)
    up = "../" * (len(path.relative_to(docs).parts) - 1)
    style = f'<link rel="stylesheet" href="{up}docs.css">'
    if style not in text:
        text = text.replace("</head>", f"{style}</head>", 1)
    path.write_text(text, encoding="utf-8")


def _render(report: Report, policy: Policy, run: str, pages: Mapping[str, str]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(include_folder() / "templates" / "quality"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    shown = [_shown(each, pages) for each in report.outcomes]
    return environment.get_template("index.html.j2").render(
        up="../",
        policy=report.policy,
        version=report.version,
        as_of=report.as_of,
        asked_at=f"{asked_at(run):%Y-%m-%d %H:%M}",
        seconds=f"{sum(report.seconds.values()):.0f}",
        total=len(shown),
        bad=sorted(
            (each for each in shown if each["bad"]),
            key=lambda each: (each["severity"] != "critical", each["key"]),
        ),
        states=sorted(report.counted().items(), key=lambda pair: -pair[1]),
        clauses=[
            {
                **line.as_json(),
                "promise": say_text(policy.clauses[line.clause].promise),
                "colour": _COLOURS.get(line.state, "none"),
            }
            for line in report.clauses
        ],
        suites=_suites(shown, policy),
        runs=_runs(report.policy, run),
    )


def _shown(each: Outcome, pages: Mapping[str, str]) -> dict[str, Any]:
    return {
        "key": each.key,
        "rows": rows_command(each.key),
        "suite": each.suite,
        "title": sentence(each.title),
        "severity": each.severity,
        "clause": each.clause,
        "owner": each.owner,
        "state": each.state,
        "says": each.says,
        "bad": each.is_bad,
        "colour": _COLOURS.get(each.state, "none"),
        "page": pages.get(each.key),
    }


def _suites(shown: list[dict[str, Any]], policy: Policy) -> list[dict[str, Any]]:
    named = {"warehouse": "Tables of nobody", "policy": "What policy and catalogue tell"}
    found: dict[str, list[dict[str, Any]]] = {}
    for each in shown:
        found.setdefault(each["suite"], []).append(each)
    suites = []
    for name, some in found.items():
        cluster = policy.clusters.get(name)
        bad = sum(each["bad"] for each in some)
        suites.append(
            {
                "name": name,
                "title": say_text(cluster.title) if cluster else named.get(name, name),
                "bad": bad,
                "counted": f"{bad} of {len(some)} not kept" if bad else f"{len(some)} in order",
                "outcomes": sorted(some, key=lambda each: (not each["bad"], each["title"])),
            }
        )
    return suites


def _runs(policy: str, this: str) -> list[dict[str, Any]]:
    folder = quality_folder() / "docs" / "runs"
    earlier = (r for r in read_reports(_SHOWN_RUNS * 2) if r["policy"] == policy)
    runs = []
    for each in islice((r for r in earlier if r["run"] != this), _SHOWN_RUNS):
        bad = sum(each["states"].get(state, 0) for state in ("failed", "not checked"))
        name = each["run"]
        runs.append(
            {
                "as_of": each["as_of"],
                "asked_at": f"{asked_at(name):%Y-%m-%d %H:%M}",
                "bad": bad,
                "said": f"{bad} not kept" if bad else "in order",
                "page": f"runs/{name}.html" if (folder / f"{name}.html").is_file() else None,
            }
        )
    return runs
