"""By what a document is known: keys that hold NULL, that come later, that change their type."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.errors import UsageError

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

NEXT = date(2026, 6, 2)
LINES = """
          lines: [{table: public.invoice_line, columns: [line_no, what]}]"""


def documents(kit: Kit, as_of: date = TODAY) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of).summary["documents"][0])


LINE_TABLE = """
      public.invoice_line:
        cluster: account
        not_personal: [invoice_id, line_no, what]
        when_due: {do: keep, because: issued documents stay}"""
WITHOUT_LINES = POLICY.replace(LINES, "").replace(LINE_TABLE, "")


def keyed(make_kit: MakeKit, key: str) -> Kit:
    """A shop whose invoices have no lines, and the key that is given."""
    ddl = DDL.replace("id bigint PRIMARY KEY, number text,", f"id bigint, number text, {key},")
    return make_kit(ddl.replace("NOT NULL REFERENCES invoice", "NOT NULL"), WITHOUT_LINES)


def test_a_unique_index_over_columns_that_may_be_null_is_no_key(make_kit: MakeKit) -> None:
    """Two rows may stand in it with the same values, and NULL beside them."""
    kit = keyed(make_kit, "UNIQUE (id, total)")
    kit.execute("UPDATE invoice SET total = NULL, id = 7 WHERE number IN ('A-10', 'A-11')")
    assert documents(kit)["outcomes"] == {"archived": 4}
    assert documents(kit, NEXT)["outcomes"] == {"unchanged": 4}
    assert verify_archive(kit.site).faults == []


def test_a_primary_key_that_comes_later_is_told_and_the_policy_may_name_the_old_one(
    make_kit: MakeKit,
) -> None:
    kit = keyed(make_kit, "UNIQUE (number)")
    kit.execute("DELETE FROM invoice WHERE id = 13; ALTER TABLE invoice ALTER number SET NOT NULL")
    assert documents(kit)["outcomes"] == {"archived": 4}
    kit.execute("ALTER TABLE invoice ADD PRIMARY KEY (id)")
    for _ in range(2):
        with pytest.raises(UsageError, match=r"archived by \(number\).*key: \[number\]"):
            documents(kit, NEXT)
    text = WITHOUT_LINES.replace("number: number\n", "number: number\n          key: number\n")
    assert documents(kit.under(text), NEXT)["outcomes"] == {"unchanged": 4}


def test_the_type_of_a_key_may_change(make_kit: MakeKit) -> None:
    kit = keyed(make_kit, "PRIMARY KEY (id)")
    documents(kit)
    kit.execute("ALTER TABLE invoice ALTER id TYPE text; DELETE FROM invoice WHERE id = '12';"
                "UPDATE invoice SET id = 'X' WHERE id = '20'")  # fmt: skip
    found = documents(kit, NEXT)
    assert found["outcomes"] == {"unchanged": 2, "archived": 1}
    assert found["notes"]["archived, and deleted from the warehouse"] == 2
    kit.execute("DELETE FROM invoice WHERE id = 'X'; ALTER TABLE invoice ALTER id TYPE int"
                " USING id::int")  # fmt: skip
    found = documents(kit, NEXT)
    assert found["notes"]["archived, and deleted from the warehouse"] == 3


def test_a_kind_that_cannot_be_archived_stops_no_other_and_nothing_of_its_people_is_destroyed(
    make_kit: MakeKit,
) -> None:
    kind = """
        credit:
          title: Credit note
          table: public.credit
          number: number
          issued_on: issued_on
          subject: account
          columns: [number]
"""
    table = """
      public.credit:
        cluster: account
        not_personal: [id, number, account_id, issued_on]
        when_due: {do: keep, because: issued documents stay}"""
    policy = WITHOUT_LINES.replace("      party:\n", f"{kind[1:]}      party:\n").replace(
        "\n      public.legal_case:", f"{table}\n      public.legal_case:"
    )
    ddl = DDL.replace("id bigint PRIMARY KEY, number text,", "id bigint, number text NOT NULL,"
                      " UNIQUE (number),").replace("(13, NULL", "(13, 'D'").replace(
        "NOT NULL REFERENCES invoice", "NOT NULL")  # fmt: skip
    ddl += ("; CREATE TABLE credit (id bigint PRIMARY KEY, number text, account_id bigint"
            " REFERENCES account, issued_on date);"
            " INSERT INTO credit VALUES (1, 'C-1', 1, '2018-05-01')")  # fmt: skip
    kit = make_kit(ddl, policy)
    run_archive(kit.site, TODAY)
    kit.execute("ALTER TABLE invoice ADD PRIMARY KEY (id);"
                "INSERT INTO credit VALUES (2, 'C-2', 2, '2018-05-01')")  # fmt: skip
    end = date(2040, 1, 1)
    with pytest.raises(UsageError, match=r"the key of public\.invoice is"):
        run_archive(kit.site, end)
    held = "SELECT count(*) FROM lethe.archive_record WHERE kind = 'document'"
    assert kit.execute(held) == [(6,)], "the credit note is there, and nothing was destroyed"
    assert kit.execute("SELECT state FROM lethe.plan_rule") == [("done",), ("stopped",)]
    kit.execute("ALTER TABLE invoice DROP CONSTRAINT invoice_pkey")
    ended = run_archive(kit.site, end).summary["expiry"][0]
    assert ended["documents_destroyed"] == 4


def test_a_column_that_is_called_as_ours_are_is_told(make_kit: MakeKit) -> None:
    policy = POLICY.replace("currency, total]", "currency, total, lethe.key]")
    kit = make_kit(f'{DDL}; ALTER TABLE invoice ADD "lethe.key" text', policy)
    with pytest.raises(UsageError, match=r"public\.invoice has a column 'lethe\.key'"):
        documents(kit)
