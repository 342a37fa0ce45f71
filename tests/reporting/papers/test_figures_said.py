"""The figures for people: the lines of figures.csv, and no English left in the French ones."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from lethe.reporting.papers.figures import figure_rows
from lethe.reporting.papers.figures_said import write_said_figures
from lethe.reporting.words import wording

from tests.reporting.examples import EXAMPLES, KEPT, MONTH, NOT_KEPT


def rows(content: bytes) -> list[dict[str, str]]:
    text = content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_figure_of_every_state_has_a_french_name(name: str) -> None:
    words = wording("fr", "figures")
    for section, _, figure, _, unit, _ in figure_rows(EXAMPLES[name]):
        for part in section.split("."):
            assert words.has(f"section.{part}"), part
        if section.startswith("changes."):
            continue
        what = figure.partition(": ")[0]
        assert words.has(f"figure.{what}") or section.startswith("holds."), what
        known = {rule.subjects.get("en", "") for rule in EXAMPLES[name].rules}
        assert unit in ("", "en", "fr", *known) or words.has(f"unit.{unit}"), unit


def test_a_french_spreadsheet_opens_it_with_its_own_signs() -> None:
    content = write_said_figures(NOT_KEPT, "fr")
    assert content.startswith(b"\xef\xbb\xbfpremier jour;dernier jour;partie;")
    found = rows(content)
    verdicts = {row["valeur"] for row in found if row["chiffre"] == "verdict"}
    assert "non tenue" in verdicts and "not_kept" not in verdicts
    assert {row["valeur"] for row in found if row["chiffre"] == "armé"} <= {"vrai", "faux"}
    shares = [row["valeur"] for row in found if row["chiffre"] == "part de lignes uniques"]
    assert shares and all("," in share and "." not in share for share in shares)
    promises = [row["valeur"] for row in found if row["chiffre"] == "promesse"]
    assert len(promises) == len(NOT_KEPT.clauses) and "The" not in " ".join(promises)


def test_the_french_lines_are_those_of_the_codes_but_for_texts_in_other_languages() -> None:
    codes = [row for row in figure_rows(KEPT) if row[4] != "en"]
    assert len(rows(write_said_figures(KEPT, "fr"))) == len(codes)


def test_no_cell_of_it_begins_a_formula() -> None:
    odd = replace(KEPT, rules=(replace(KEPT.rules[0], rule="=cmd()", state="=cmd()"),))
    cells = [cell for row in rows(write_said_figures(odd, "fr")) for cell in row.values()]
    assert "'=cmd()" in cells and "=cmd()" not in cells


def test_remarks_proofs_alarms_and_changes_are_french_too() -> None:
    kept = replace(KEPT.clauses[0], verdict="kept")
    still = replace(KEPT.clauses[1], verdict="not_yet_kept", has_control=False)
    told = replace(
        MONTH,
        clauses=(kept, still),
        alarms=NOT_KEPT.alarms,
        unknowns=KEPT.unknowns,
        changes=(replace(KEPT.changes[0], kind="replay", action="witness_opened"),),
    )
    found = rows(write_said_figures(told, "fr"))
    said = json.dumps(found, ensure_ascii=False)
    assert not [each for each in (*EXAMPLES["kept"].alarms, *told.alarms) if each.code in said]
    assert "columns found" not in said and "Data-protection officer" not in said
    assert "witness" not in said and "Témoin ouvert" in said
    verdicts = [
        row["valeur"]
        for row in found
        if row["partie"] == "promesses" and row["chiffre"] == "verdict"
    ]
    assert verdicts == ["prouvée tenue", "sans contrôle encore"]
    words = wording("fr", "figures")
    for summary in EXAMPLES.values():
        for clause in summary.clauses:
            assert all(words.has(f"proof.{proof.what}") for proof in clause.proofs)
