"""A check that failed is told as what was found, in both languages, whatever it is about."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from lethe.policy.model.archive import CheckKind
from lethe.reporting.findings import find_findings, has_rows
from lethe.reporting.summary import Finding

from tests.small_policy import small_policy

ABOUT = {"overdue": "left", "dates": "left", "archive": "invoice", "freshness": "shop.customer"}
POLICY = small_policy(
    """
    subjects:
      customer: {table: shop.customer, key: id, title: {en: customers, fr: clients}}
    clusters:
      account: {subject: customer, title: {en: Account data, fr: Données du compte}}
    tables:
      shop.customer: {cluster: account, columns: {email: contact}, not_personal: [id, left_on]}
      shop.invoice: {cluster: account, columns: {number: key}, not_personal: [issued_on]}
    rules:
      left:
        cluster: account
        title: {en: Two years after leaving, fr: Deux ans après le départ}
        starting_point: {latest: [{column: left_on}]}
    age_limits:
      young: {subject: customer, clause: retention, erase_under: 13, report_under: 18}
    processors:
      host: {name: Host Ltd, country: FR, service: hosting, receives: []}
    archive:
      clause: retention
      starting_point: {event: left, latest: [{column: left_on}]}
      period: P10Y
      documents:
        invoice:
          title: {en: Invoice, fr: Facture}
          table: shop.invoice
          number: number
          issued_on: issued_on
          subject: customer
          columns: number
    quality:
      freshness: {shop.customer: P1W}
      extra:
        totals-match:
          table: shop.customer
          expect: sql
          statement: SELECT 1
          clause: retention
          title: {en: Totals match, fr: Les totaux concordent}
        no-words:
          {table: shop.customer, column: email, expect: not_null, clause: retention}
        always-some: {table: shop.customer, expect: row_count, values: [5], clause: retention}
        fresh-mails:
          {table: shop.customer, column: left_on, expect: fresh, within: P2D, clause: retention}
    """
).policy


def found(key: str, kind: str, **more: Any) -> Finding:
    document = {
        "expectation": key,
        "kind": kind,
        "title": key,
        "state": "failed",
        "severity": "warning",
        "clause": "retention",
        "owner": None,
        "failing": 3,
        "concerned": 40,
        "mostly": 0.98,
        "because": None,
        **more,
    }
    (finding,) = find_findings(POLICY, [document])
    return finding


@pytest.mark.parametrize("kind", get_args(CheckKind))
def test_every_kind_of_check_has_words_for_what_it_found_and_for_what_to_do(kind: str) -> None:
    failed = found(f"{kind}.{ABOUT.get(kind, 'shop.customer.email')}", kind)
    unasked = found(f"{kind}.shop.customer", kind, state="not checked", because="no right")
    for finding in (failed, unasked):
        for words in (finding.found, finding.advice):
            assert words.keys() == {"en", "fr"}
            for text in words.values():
                assert text and "{" not in text
                assert not text.startswith(("finding.", "advice.", "check.")), text
    assert not failed.found["en"].startswith("A check found"), f"{kind} has no words of its own"
    assert failed.found["en"] != failed.found["fr"]
    assert unasked.found["en"].startswith("Could not be checked: ")
    assert not unasked.is_asked and not has_rows(unasked)


@pytest.mark.parametrize(
    ("key", "kind", "more", "english", "french"),
    [
        (
            "freshness.shop.customer", "freshness", {"failing": 0},
            "shop.customer (Account data) received no recent rows (expected: at least one within "
            "1 week)",
            "shop.customer (Données du compte)\u00a0: aucune ligne récente reçue (attendue\u00a0: "
            "au moins une en 1\u00a0semaine)",
        ),
        (
            "card.shop.customer", "card", {"failing": 1},
            "shop.customer (Account data): one row holds a card number",
            "shop.customer (Données du compte)\u00a0: une ligne contient un numéro de carte",
        ),
        (
            "email.shop.customer.email", "email", {},
            "shop.customer, column email (Account data): 3 of 40 e-mail addresses are not "
            "plausible (allowed: 2%)",
            "shop.customer, colonne email (Données du compte)\u00a0: 3 adresses e-mail sur 40 ne "
            "sont pas vraisemblables (admis\u00a0: 2\u00a0%)",
        ),
        (
            "overdue.left", "overdue", {},
            "3 are overdue (customers) under “Two years after leaving”",
            "3 en retard (clients) selon «\u00a0Deux ans après le départ\u00a0»",
        ),
        (
            "minors.young.sale", "minors", {},
            "Something was sold to 3 among the customers who are under 18",
            "Des ventes ont été faites à 3 parmi les clients qui ont moins de 18 ans",
        ),
        (
            "processors.host", "processors", {"failing": 1},
            "Host Ltd may get nothing about people, yet the policy names it as a recipient of: ",
            "Host Ltd ne doit rien recevoir sur des personnes, or la politique l’indique comme "
            "destinataire de\u00a0: ",
        ),
        (
            "classified.shop.customer", "classified",
            {"title": "every column of shop.customer is classified, but not phone, born_on"},
            "shop.customer (Account data) holds columns that the policy does not name: phone, "
            "born_on",
            "shop.customer (Données du compte) contient des colonnes que la politique ne nomme "
            "pas\u00a0: phone, born_on",
        ),
        (
            "orphans.account.shop.customer", "orphans", {},
            "shop.customer (Account data): 3 rows belong to nobody",
            "shop.customer (Données du compte)\u00a0: 3 lignes ne sont à personne",
        ),
        (
            "parts.account", "parts", {},
            "Account data: 3 fall under no deletion rule, or under two",
            "Données du compte\u00a0: 3 ne relèvent d’aucune règle d’effacement, ou de deux",
        ),
        (
            "totals-match", "extra", {},
            "Not true of 3 rows: Totals match (shop.customer (Account data))",
            "Faux pour 3 lignes\u00a0: Les totaux concordent (shop.customer (Données du compte))",
        ),
        (
            "no-words", "extra", {},
            "Not true of 3 rows: no words (shop.customer (Account data))",
            "Faux pour 3 lignes\u00a0: no words (shop.customer (Données du compte))",
        ),
        (
            "always-some", "extra", {},
            "shop.customer (Account data) holds 3 rows, not as many as the policy expects: "
            "always some",
            "shop.customer (Données du compte)\u00a0: 3 lignes, et non autant que la politique en "
            "attend\u00a0: always some",
        ),
        (
            "fresh-mails", "extra", {},
            "shop.customer (Account data) received no recent rows (expected within 2 days): fresh "
            "mails",
            "shop.customer (Données du compte)\u00a0: aucune ligne récente reçue (attendue en "
            "2\u00a0jours)\u00a0: fresh mails",
        ),
    ],
)  # fmt: skip
def test_it_says_what_was_found_and_where_in_the_words_of_the_policy(
    key: str, kind: str, more: dict[str, Any], english: str, french: str
) -> None:
    finding = found(key, kind, **more)
    assert finding.found == {"en": english, "fr": french}


def test_what_is_urgent_comes_first() -> None:
    documents = [
        {
            "expectation": f"card.{name}", "kind": "card", "title": name, "state": "failed",
            "severity": severity, "clause": None, "owner": "Data", "failing": 1, "concerned": 1,
            "mostly": 1.0, "because": None,
        }
        for name, severity in (("a.a", "warning"), ("b.b", "critical"))
    ]  # fmt: skip
    assert [each.key for each in find_findings(POLICY, documents)] == ["card.b.b", "card.a.a"]


def test_a_kind_that_nobody_put_into_words_is_told_all_the_same() -> None:
    finding = found("brand-new.shop.customer", "brand-new", title="nothing new in shop.customer")
    assert finding.found["en"] == "A check found 3 wrong: nothing new in shop.customer"
