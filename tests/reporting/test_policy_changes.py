"""What a new edition changes is said in both languages, every kind of change in its own words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lethe.policy.diff import Change, diff_policies
from lethe.policy.load import parse_policy
from lethe.reporting.policy_changes import say_policy_change

from tests.shop import POLICY


def changes(*pairs: tuple[str, str]) -> tuple[Change, ...]:
    text = POLICY
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return diff_policies(parse_policy(POLICY).policy, parse_policy(text).policy).changes


PROCESSOR = (
    "processors:\n  stripe: {name: Stripe, service: Cards, country: IE, receives: [payment]}\n"
)


@pytest.mark.parametrize(
    ("old", "new", "english", "french"),
    [
        (
            "period: P2Y",
            "period: P3Y",
            "Rule “inactive” keeps data longer: three years instead of two years.",
            "Règle « inactive » : données gardées plus longtemps, trois ans au lieu de deux ans.",
        ),
        (
            "    period: P2Y\n",
            "    period: P2Y\n    where: {column: country, equals: LU}\n",
            "Rule “inactive” now takes rows where country equals LU; before: (no condition).",
            "Règle « inactive » prend désormais les lignes où country vaut LU ; auparavant :"
            " (sans condition).",
        ),
        (
            "    period: P2Y\n",
            "    period: P2Y\n    at_least: {FR: {period: P5Y, law: L123-22}}\n",
            "Rule “inactive” has a minimum for France: five years (L123-22).",
            "Règle « inactive » : durée minimale pour le pays France, cinq ans (L123-22).",
        ),
        (
            "    activity: opened_on\n",
            "    activity: opened_on\n    when_due: {do: keep, blank: [state], because: Tax}\n",
            "Table crm.ticket: when due, rows stay, losing state, because: Tax; before, rows are"
            " erased.",
            "Table crm.ticket : à l’échéance, les lignes restent, sans state, motif : Tax ;"
            " auparavant, les lignes sont effacées.",
        ),
        (
            "phone: contact,",
            "phone: behaviour,",
            "Table crm.customer: column phone counts as behaviour, not as contact details any"
            " more.",
            "Table crm.customer : la colonne phone compte comme comportement, et non plus comme"
            " coordonnées.",
        ),
        (
            "cap: {subjects: 3}",
            "cap: {subjects: 5000}",
            "guards.cap.subjects: 5,000 instead of 3.",
            "guards.cap.subjects : 5\u202f000 au lieu de 3.",
        ),
        (
            "{kind: enforced, by: [retention_sweep], rules: [left]}",
            "{kind: organisational, because: By hand}",
            "Promise “newsletter” is now left to people and contracts, because: By hand; before"
            " applied by: nightly erasure, rules left.",
            "Promesse « newsletter » : désormais confiée à des personnes et des contrats, motif :"
            " By hand ; auparavant appliquée par : effacement de la nuit, règles left.",
        ),
        (
            "guards:\n",
            f"{PROCESSOR}guards:\n",
            "New: Processor “stripe” – Stripe, Ireland, receives payment data.",
            "Ajout : Sous-traitant « stripe » – Stripe, Irlande, reçoit : données de paiement.",
        ),
    ],
)
def test_each_change_is_said_in_both_languages(
    old: str, new: str, english: str, french: str
) -> None:
    (change,) = changes((old, new))
    assert say_policy_change(change, "en") == english
    assert re.sub("\u00a0", " ", say_policy_change(change, "fr")) == french


def test_what_goes_is_told_with_what_it_was() -> None:
    start = POLICY.index("  left:\n")
    text = POLICY.replace(POLICY[start : POLICY.index("guards:")], "")
    text = text.replace("rules: [left]}", "rules: [inactive]}")
    text = text.replace("purpose: news}", "purpose: news, undecided: No period yet}")
    found = diff_policies(parse_policy(POLICY).policy, parse_policy(text).policy).changes
    (gone,) = [each for each in found if each.kind == "removed"]
    said = say_policy_change(gone, "fr")
    assert said.startswith("Suppression\u00a0: Règle «\u00a0left\u00a0»") and "trente jours" in said


LINES = [line for line in POLICY.splitlines() if ":" in line]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LINES))
def test_an_edition_without_any_one_line_is_told_without_a_gap(line: str) -> None:
    try:
        new = parse_policy(POLICY.replace(f"{line}\n", "", 1)).policy
    except Exception:  # without the line it is no policy
        return
    for language in ("en", "fr"):
        for change in diff_policies(parse_policy(POLICY).policy, new).changes:
            said = say_policy_change(change, language)
            assert said.endswith(".") and "{" not in said and "None" not in said
            assert not re.search(r"\b(plain|whole|detail|rule|test|control)\.[a-z]", said)
