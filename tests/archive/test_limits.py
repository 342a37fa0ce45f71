"""What is wrong in the warehouse is an outcome with a reason; in a call it is a message."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lethe.archive import capture
from lethe.archive.check import verify_archive
from lethe.archive.documents import RecordWriter
from lethe.archive.export import export_archive
from lethe.archive.night import run_archive
from lethe.archive.old_mails import parse_heads, read_mails
from lethe.archive.show import show_document
from lethe.errors import ActError, AnswerIsNo, LetheError, UsageError

from tests.kit import TODAY, Kit

WHY = "a question of the tax office"


def documents(kit: Kit, as_of: date = TODAY) -> dict[str, Any]:
    return dict(run_archive(kit.site, as_of).summary["documents"][0])


def test_a_currency_that_changed_is_a_new_version_and_a_note(shop: Kit) -> None:
    documents(shop)
    shop.execute("UPDATE invoice SET currency = 'USD' WHERE id = 20")
    found = documents(shop, date(2026, 6, 2))
    assert (found["outcomes"]["corrected"], found["notes"]) == (1, {"currency changed": 1})
    (before,) = show_document(shop.site, "B-20", TODAY, WHY)
    (after,) = show_document(shop.site, "B-20", date(2026, 6, 2), WHY)
    assert (before.document["currency"], after.document["currency"]) == ("EUR", "USD")
    assert after.document["previous"] == before.leaf_no
    assert after.document["party"] == before.document["party"]


@pytest.mark.parametrize(
    ("lose", "word"),
    [
        ("DROP TABLE invoice_line", "invoice_line"),
        ("DROP TABLE account_history", "account_history"),
        ("ALTER TABLE account DROP COLUMN email", "email"),
        ("ALTER TABLE invoice DROP COLUMN bill_to", "bill_to"),
        ("ALTER TABLE invoice DROP COLUMN number", "number"),
    ],
)
def test_a_table_or_column_that_the_warehouse_lost_stops_the_night_and_is_named(
    shop: Kit, lose: str, word: str
) -> None:
    documents(shop)
    shop.execute(lose)
    with pytest.raises(LetheError, match=word) as refused:
        documents(shop)
    assert refused.value.exit_code in (2, 3)
    assert verify_archive(shop.site).faults == [], "what is archived stays as it is"


@pytest.mark.parametrize(
    ("change", "later", "notes"),
    [
        (
            "DELETE FROM invoice WHERE id = 20",
            {"unchanged": 3},
            {"archived, and deleted from the warehouse": 1},
        ),
        (
            "UPDATE invoice SET account_id = NULL WHERE id = 20",
            {"unchanged": 3, "customer lost": 1},
            {},
        ),
        ("UPDATE invoice SET bill_to = 'Rob' WHERE id = 20", {"unchanged": 3, "corrected": 1}, {}),
    ],
)
def test_what_changes_while_a_night_reads_is_archived_as_it_was_and_seen_by_the_next(
    shop: Kit,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    later: dict[str, int],
    notes: dict[str, int],
) -> None:
    read = capture.stream_rows

    def late(*arguments: Any) -> Iterator[Any]:
        shop.execute(change)
        return read(*arguments)

    monkeypatch.setattr(capture, "stream_rows", late)
    assert documents(shop)["outcomes"] == {"archived": 4}
    monkeypatch.setattr(capture, "stream_rows", read)
    next_night = documents(shop, date(2026, 6, 2))
    assert (next_night["outcomes"], next_night["notes"]) == (later, notes)
    assert verify_archive(shop.site).faults == []


def test_a_draft_is_no_document_and_an_issued_draft_is_one(shop: Kit) -> None:
    documents(shop)
    shop.execute(
        "UPDATE invoice SET state='issued', number='A-13', issued_on='2018-01-01' WHERE id=13"
    )
    assert documents(shop)["outcomes"] == {"archived": 1, "unchanged": 4}


def test_texts_that_are_hard_to_write_come_back_as_they_were(shop: Kit) -> None:
    hard = 'tab\there "quoted" back\\slash\nline \u2028 é \U0001f600 {a,b} \x7f'
    shop.execute("UPDATE account SET name = %s WHERE id = 2", (hard,))
    shop.execute("UPDATE invoice SET number = %s, bill_to = %s WHERE id = 20", (hard, hard))
    documents(shop)
    (shown,) = show_document(shop.site, hard, TODAY, WHY)
    assert shown.document["bound"]["document"]["bill_to"] == hard
    assert shown.party is not None
    assert shown.party["bound"]["public.account"]["rows"][0]["name"] == hard
    assert verify_archive(shop.site).faults == []


@pytest.mark.parametrize("as_of", [date(2014, 2, 28), date(1990, 1, 1)])
def test_before_its_day_of_issue_a_document_has_no_version(shop: Kit, as_of: date) -> None:
    documents(shop)
    with pytest.raises(AnswerIsNo, match="issued later"):
        show_document(shop.site, "A-10", as_of, WHY)
    assert show_document(shop.site, "A-10", date(2014, 3, 1), WHY)


@pytest.mark.parametrize("number", ["", "X-99", "a-10", "A-10' OR '1'='1"])
def test_an_unknown_number_has_no_version(shop: Kit, number: str) -> None:
    documents(shop)
    with pytest.raises(AnswerIsNo):
        show_document(shop.site, number, TODAY, WHY)


def test_a_refused_reading_leaves_its_trace_only_when_something_was_opened(shop: Kit) -> None:
    documents(shop)
    for number in ("A-10", "X-99"):
        try:
            show_document(shop.site, number, TODAY, WHY)
        except AnswerIsNo:
            continue
    rows = shop.execute("SELECT payload -> 'leaves' FROM lethe.ledger WHERE kind='archive_shown'")
    assert [bool(row[0]) for row in rows] == [True, False], "both questions are on the ledger"


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_read_or_exported(
    shop: Kit, tmp_path: Path, reason: str
) -> None:
    documents(shop)
    with pytest.raises(UsageError, match="--reason"):
        show_document(shop.site, "A-10", TODAY, reason)
    with pytest.raises(UsageError, match="--reason"):
        export_archive(shop.site, tmp_path / "x.zip", date.min, date.max, reason=reason)


def test_only_members_of_the_archivists_role_read(
    shop: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents(shop)
    shop.execute("DROP ROLE IF EXISTS archive_stranger; CREATE ROLE archive_stranger LOGIN")
    shop.execute("GRANT lethe_runner TO archive_stranger")
    try:
        site = type(shop.site)(f"{shop.dsn} user=archive_stranger", shop.loaded)
        with pytest.raises(LetheError, match="lethe_archivist"):
            show_document(site, "A-10", TODAY, WHY)
    finally:
        shop.execute("REVOKE lethe_runner FROM archive_stranger; DROP ROLE archive_stranger")


def test_an_export_that_cannot_be_written_says_where(shop: Kit, tmp_path: Path) -> None:
    documents(shop)
    with pytest.raises(ActError, match="cannot be written"):
        export_archive(shop.site, tmp_path / "no" / "x.zip", date.min, date.max, reason=WHY)


def test_heads_are_found_in_folded_and_quoted_mails_and_nowhere_else(shop: Kit) -> None:
    documents(shop)
    line = verify_archive(shop.site).head or ""
    folded = "=\r\n".join(line[at : at + 70] for at in range(0, len(line), 70))
    assert len(list(parse_heads([f"> {line}\n", folded]))) == 2
    quoted = folded.replace("==", "=3D=3D")
    assert verify_archive(shop.site, told=[quoted]).told_heads == 1
    for broken in (
        "",
        "lethe-archive-head 1",
        line[:80],
        line.replace(" 1 ", " 2 ", 1),
        "\x00\xff",
    ):
        assert list(parse_heads([broken])) == []


def test_heads_in_wrapped_and_coded_mails_are_read_and_what_is_cut_off_is_named(
    shop: Kit, tmp_path: Path
) -> None:
    documents(shop)
    line = verify_archive(shop.site).head or ""
    root = line.split()[5]
    forged = line.replace(root, root[::-1])
    wrapped = textwrap.fill(forged, 76, break_long_words=False, initial_indent="> ",
                            subsequent_indent="> ")  # fmt: skip
    coded = "\n\n".join(
        ("Content-Transfer-Encoding: base64", base64.encodebytes(forged.encode()).decode())
    )
    (tmp_path / "sub").mkdir()
    for name, mail in (("a.eml", wrapped), ("sub/b.eml", coded)):
        (tmp_path / name).write_text(mail)
        (fault,) = verify_archive(shop.site, told=read_mails(tmp_path / name)).faults
        assert "is not the one that an old mail tells" in fault
    (tmp_path / "c.eml").write_text(line)
    told = read_mails(tmp_path)
    assert verify_archive(shop.site, told=told).told_heads == 2
    (fault,) = verify_archive(shop.site, told=[line, f"Dear DPO\n{line[:90]}\nDPO"]).faults
    assert "a head in it cannot be read" in fault
    with pytest.raises(UsageError, match="cannot be read"):
        read_mails(tmp_path / "no.eml")


def test_a_head_of_an_old_mail_that_was_forged_is_named(shop: Kit) -> None:
    documents(shop)
    line = verify_archive(shop.site).head or ""
    root = line.split()[5]
    forged = line.replace(root, root[::-1])
    (fault,) = verify_archive(shop.site, told=[forged]).faults
    assert "old mail" in fault


def test_what_fails_while_records_are_sealed_is_told_as_what_it_is(
    shop: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ActError("the sealer is broken")

    monkeypatch.setattr(RecordWriter, "document", broken)
    with pytest.raises(ActError, match="the sealer is broken"):
        documents(shop)
