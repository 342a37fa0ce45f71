"""Documents of customers, and of guests who have no account: no deactivation, no party data."""

from __future__ import annotations

from datetime import date
from typing import Any

from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.archive.show import show_document

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, MakeKit

MORE = """; CREATE TABLE purchase (id bigint PRIMARY KEY, number text, email text, made_on date,
    place text);
INSERT INTO purchase VALUES (1, 'G-1', 'gus@x.example', '2019-05-01', 'Esch')"""
SUBJECTS = "subjects: {account: {table: public.account, key: id, country: country}}"
CLUSTERS = "clusters: {account: {subject: account}}"
KIND = """        purchase:
          title: Purchase
          table: public.purchase
          number: number
          issued_on: made_on
          subject: GUEST
          columns: [email, place]
"""
TABLE = """
      public.purchase:
        cluster: purchase
        columns: {email: contact, place: contact}
        not_personal: [id, number, made_on]
        when_due: {do: keep, blank: [place], because: documents stay}"""
RULE = """
      bought:
        cluster: purchase
        starting_point: {latest: [{column: made_on}]}
    guards:"""


def policy(guest: str) -> str:
    subjects = SUBJECTS[:-1] + f", {guest}: {{table: public.purchase, key: id}}}}"
    return (
        POLICY.replace(SUBJECTS, subjects)
        .replace(CLUSTERS, CLUSTERS[:-1] + f", purchase: {{subject: {guest}}}}}")
        .replace("      party:\n", KIND.replace("GUEST", guest) + "      party:\n")
        .replace("\n      public.legal_case:", f"{TABLE}\n      public.legal_case:")
        .replace("\n    guards:", RULE)
    )


def expiry(summary: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {each["rule"]: each["counts"] for each in summary["expiry"]}


def test_documents_of_guests_are_archived_and_wait_for_a_day_of_deactivation(
    make_kit: MakeKit,
) -> None:
    for guest in ("guest", "a_guest"):
        kit = make_kit(f"{DDL}{MORE}", policy(guest))
        summary = run_archive(kit.site, TODAY).summary
        assert [each["outcomes"] for each in summary["documents"]] == [
            {"archived": 4},
            {"archived": 1},
        ]
        assert expiry(summary)[f"archive:{guest}"] == {"refused: no starting point": 1}
        (shown,) = show_document(kit.site, "G-1", TODAY, "a question")
        assert shown.party and shown.party["bound"] == {}
        assert kit.outcome(kit.sweep(), "gone")["erased"] == 1
        assert kit.outcome(kit.sweep(), "bought") == {}, "it went in the same night"
        assert kit.execute("SELECT place FROM purchase") == [(None,)]
        assert run_archive(kit.site, TODAY).summary["documents"][1]["outcomes"] == {
            "account erased": 1
        }
        last = expiry(run_archive(kit.site, date(2036, 12, 31)).summary)
        assert last[f"archive:{guest}"] == {"due": 1}, "ten years after the day of the erasure"
        assert verify_archive(kit.site).faults == []
