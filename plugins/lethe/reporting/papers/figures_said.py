"""The figures of a Summary as a table for people: headings, figures and units in their language."""

from __future__ import annotations

import csv
import io
from datetime import date

from lethe.reporting.mail.first_sections import standing
from lethe.reporting.papers.figures import COLUMNS, Row, Value, figure_rows, harmless
from lethe.reporting.summary import Summary
from lethe.reporting.words import LANGUAGES, Wording, choose, say_reason, wording


def write_said_figures(summary: Summary, language: str) -> bytes:
    """Write the lines of figures.csv as spreadsheets of a language open them.

    French: a semicolon between cells and a comma in numbers. Days stay ISO 8601; names of rules,
    tables and runs stay as they are.
    """
    words = wording(language, "figures")
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=words.say("delimiter"), lineterminator="\r\n")
    writer.writerow([words.say(f"column.{name}") for name in COLUMNS])
    span = (summary.first.isoformat(), summary.last.isoformat())
    units = {
        rule.subjects["en"]: choose(rule.subjects, language)
        for rule in summary.rules
        if "en" in rule.subjects
    }
    promises, alarms = _standings(summary, language), _alarms(summary, language)
    for row in figure_rows(summary, language):
        section, name, figure, _, unit, _ = row
        if unit in LANGUAGES and unit != language:
            continue
        cells = list(_said(row, units, words))
        if section == "alarms":
            cells[1] = alarms.get(name, name)
        elif (section, figure) == ("clauses", "verdict"):
            cells[3] = promises[name]
        writer.writerow((*span, *cells))
    # The mark by which spreadsheets know UTF-8.
    return target.getvalue().encode("utf-8-sig")


def _standings(summary: Summary, language: str) -> dict[str, str]:
    """How each promise stands, in the words of the mails."""
    told = wording(language, "report")
    return {each.clause: told.code("standing", standing(each)) for each in summary.clauses}


def _alarms(summary: Summary, language: str) -> dict[str, str]:
    """What is out of order, in the words of the mails."""
    told = wording(language, "report")
    return {
        each.code: told.count(f"alarm.{each.code}", each.count)
        for each in summary.alarms
        if told.has(f"alarm.{each.code}")
    }


def _said(row: Row, units: dict[str, str], words: Wording) -> tuple[str, ...]:
    section, name, figure, value, unit, note = row
    sections = [words.code("section", part) for part in section.split(".")]
    what, _, reason = figure.partition(": ")
    said = words.code("figure", what)
    if section.startswith("changes."):
        told, key = (
            wording(words.language, "report"),
            f"{section.replace('changes', 'change')}.{what}",
        )
        said = told.say(key) if told.has(key) else said
    if what == "proof":
        said = words.say("because", figure=said, reason=words.code("proof", reason))
    elif reason:
        said = words.say("because", figure=said, reason=say_reason(reason, words))
    unit = (
        "" if unit in LANGUAGES else units.get(unit) or (words.code("unit", unit) if unit else "")
    )
    return (
        " – ".join(sections),
        "" if name in ("run", "newest") else harmless(name),
        harmless(said),
        harmless(_value(value, words)) if isinstance(value, str) else _value(value, words),
        unit,
        harmless(note),
    )


def _value(value: Value, words: Wording) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return words.say("true" if value else "false")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return str(value).replace(".", words.say("decimal"))
    if isinstance(value, str) and words.has(f"value.{value}"):
        return words.say(f"value.{value}")
    return str(value)
