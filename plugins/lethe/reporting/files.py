"""Report files: what a mail says, as files; under LETHE_HOME, or wherever a shell asks for."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg2

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import (
    LetheError,
    TamperingFound,
    UsageError,
    WarehouseRefused,
    describe_database_error,
)
from lethe.include import home_folder, statement
from lethe.policy.model import Policy
from lethe.reporting.build import build_summary, period_title, with_alarm
from lethe.reporting.facts import Period, gather_facts
from lethe.reporting.json_form import as_json, summary_from_json
from lethe.reporting.mail.compose import Setting, compose
from lethe.reporting.mail.letter import Picture
from lethe.reporting.mail.render import render_html, render_text
from lethe.reporting.out_of_order import alarm
from lethe.reporting.pack import make_pack
from lethe.reporting.papers import charts, write_papers
from lethe.reporting.papers.record import write_record
from lethe.reporting.summary import Summary


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was made.

    files    in the folder, the summary first
    lines    of the evidence pack, for the mail; none without a pack
    no_pack  why there is no evidence pack; is_tampered: because the ledger does not verify
    """

    summary: Summary
    folder: Path
    files: tuple[Path, ...]
    lines: tuple[str, ...] = ()
    no_pack: str | None = None
    is_tampered: bool = False
    pack: Path | None = field(default=None)


def make_report(
    site: Site, period: Period, as_of: date, made_at: datetime, folder: Path | None = None
) -> Report:
    """Make every file of a report, and keep its Summary for the page.

    as_of    last day of the period
    folder   None: `reports/<period>-<day or month>` under LETHE_HOME
    """
    summary = build_summary(gather_facts(site, period, as_of, made_at))
    name = f"{period}-{period_title(period, as_of)}"
    folder = folder or home_folder() / "reports" / name
    report = write_report(site, summary, folder)
    if report.no_pack:
        # Without its proof that is the first thing that the report has to say.
        code = "tampered" if report.is_tampered else "no_pack"
        loud = with_alarm(summary, alarm(code, 1, because=report.no_pack))
        report = write_report(site, loud, folder, without=report)
    keep_summary(site, report.summary)
    return report


def write_report(
    site: Site, summary: Summary, folder: Path, *, without: Report | None = None
) -> Report:
    """Write summary, mails, papers and evidence pack of a Summary into a folder.

    without  a report for which no pack could be made: none is tried again
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from None
    languages = languages_of(site.loaded.policy)
    files = [_put(folder / "summary.json", _json(as_json(summary)))]
    drawn = {language: _pictures(summary, language) for language in languages}
    for language in languages:
        files += _put_mail(summary, language, drawn[language], folder)
    files += write_papers(summary, folder, languages)
    files += write_record(site.loaded.policy, folder, languages)
    # What an earlier making of the same report left must not pass for this one's.
    for stale in (*folder.glob("lethe-evidence-*.zip"), folder / "proofs.txt"):
        stale.unlink(missing_ok=True)
    if without is not None:
        return replace(without, summary=summary, files=tuple(files))
    try:
        attached = {file.name: file for file in files}
        days = (summary.first, summary.last)
        pack = make_pack(site, summary.period, *days, attached, folder)
    except TamperingFound as error:
        return Report(summary, folder, tuple(files), no_pack=str(error), is_tampered=True)
    except LetheError as error:
        return Report(summary, folder, tuple(files), no_pack=str(error))
    files.append(pack.path)
    files.append(_put(folder / "proofs.txt", "\n".join(pack.lines) + "\n"))
    for language in languages:
        # As the mail says it: the line of the pack cannot stand in the pack itself.
        _put_mail(summary, language, drawn[language], folder, pack.lines)
    return Report(summary, folder, tuple(files), pack.lines, pack=pack.path)


def read_report(folder: Path) -> Report:
    """Read a report back from its folder, so that sending it again says the same."""
    text = (folder / "summary.json").read_text(encoding="utf-8")
    summary = summary_from_json(json.loads(text))
    proofs = folder / "proofs.txt"
    lines = tuple(proofs.read_text(encoding="utf-8").split("\n")[:-1]) if proofs.exists() else ()
    files = tuple(sorted(each for each in folder.iterdir() if each.is_file()))
    packs = [each for each in files if each.suffix == ".zip"]
    return Report(summary, folder, files, lines, pack=packs[0] if packs else None)


def attachments(report: Report, language: str) -> list[Path]:
    """What goes with a mail in a language, the most important first.

    A daily mail carries its figures; the papers and the evidence pack go with the month.
    """
    there = {file.name: file for file in report.files}
    said = f"figures.{language}.csv"
    figures = said if said in there else "figures.csv"
    wanted = [figures]
    if report.summary.period == "month":
        wanted = [
            f"report.{language}.pdf",
            f"sign-off.{language}.pdf",
            f"record-of-processing.{language}.pdf",
            figures,
        ]
        if report.pack:
            wanted.append(report.pack.name)
    return [there[name] for name in wanted if name in there]


def keep_summary(site: Site, summary: Summary) -> None:
    """Keep a Summary in the warehouse, where the page reads it."""
    with site.connected("runner") as connection:
        try:
            acting_as(connection, "runner")
            with connection.cursor() as cursor:
                cursor.execute(
                    statement("reporting/add_summary"),
                    {
                        "policy_name": summary.edition.name,
                        "period": summary.period,
                        "first_on": summary.first,
                        "last_on": summary.last,
                        "made_at": summary.made_at,
                        "document": json.dumps(as_json(summary)),
                    },
                )
            connection.commit()
        except psycopg2.Error as error:
            connection.rollback()
            raise WarehouseRefused(
                f"the summary could not be kept: {describe_database_error(error)}", error.pgcode
            ) from None


def languages_of(policy: Policy) -> Sequence[str]:
    """The languages of the recipients, English and French where nobody is named."""
    named = dict.fromkeys(each.language for each in policy.mail.recipients) if policy.mail else ()
    return sorted(named) or ("en", "fr")


def _pictures(summary: Summary, language: str) -> dict[str, Picture]:
    return {
        each.name: Picture(each.name, each.title, each.alt, each.png, each.name)
        for each in charts(summary, language, "light")
    }


def _put_mail(
    summary: Summary,
    language: str,
    pictures: Mapping[str, Picture],
    folder: Path,
    lines: tuple[str, ...] = (),
) -> list[Path]:
    """The mail as a page and as text: what is attached there stands inside here."""
    letter = compose(summary, language, Setting(pictures=pictures, proofs=lines))
    html = render_html(letter)
    for each in pictures.values():
        data = f"data:image/png;base64,{base64.b64encode(each.png).decode()}"
        html = html.replace(f'src="cid:{each.cid}"', f'src="{data}"')
    return [
        _put(folder / f"report.{language}.html", html),
        _put(folder / f"report.{language}.txt", render_text(letter)),
    ]


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _put(file: Path, text: str) -> Path:
    part = file.with_name(f"{file.name}.part")
    part.write_text(text, encoding="utf-8")
    return part.replace(file)
