"""The score of linkability and the scan for leaks."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lethe.errors import UsageError
from lethe.pseudonymisation.engine import pseudonymise_file
from lethe.pseudonymisation.leakscan import (
    find_lines_of_files,
    scan_files,
    scan_texts,
    values_found,
)
from lethe.pseudonymisation.linkability import Groups, Linkability, quasi_identifiers, score_files
from lethe.pseudonymisation.logplan import Method
from lethe.pseudonymisation.quarantine import read_quarantine

from tests.pseudonymisation.kit import QUARANTINE_KEY, combined_line, plan_for

ROWS = pa.table(
    {
        "ip": ["a", "b", "c", "c", "d"],
        "agent_family": ["Firefox", "Firefox", "Lynx", "Lynx", "Chrome"],
        "os_family": ["Linux", "Linux", "Linux", "Linux", None],
    }
)


def score_rows(columns: tuple[str, ...] = ("agent_family", "os_family")) -> Linkability:
    groups = Groups(columns)
    # Rows of one group may come in any number of pieces.
    for place in range(len(ROWS)):
        groups.add(ROWS.slice(place, 1))
    return groups.score()


def test_the_score_counts_rows_that_stand_alone_and_the_smallest_group() -> None:
    score = score_rows()
    assert (score.rows, score.combinations, score.smallest_group) == (5, 3, 1)
    assert score.unique_share == pytest.approx(0.2)
    assert score.single_client_share == pytest.approx(0.6)
    assert score_rows(("os_family",)).unique_share == pytest.approx(0.2)
    assert score_rows(("ip", "os_family")).unique_share == pytest.approx(0.6)


def test_every_column_that_remains_counts_unless_the_policy_names_some() -> None:
    from lethe.policy.model.logs import Field_

    fields = {
        "ip": Field_(method="ipcrypt-deterministic"),
        "user": Field_(method="token"),
        "url": Field_(method="url"),
    }
    there = ["line", "ip", "user", "time", "path", "query"]
    assert quasi_identifiers(there, fields) == ("time", "path", "query")
    assert quasi_identifiers(there, fields, ("path", "device")) == ("path",)


def test_limits_that_are_not_kept_are_named() -> None:
    score = score_rows()
    assert score.exceeds(unique_share=0.2, smallest_group=1) == []
    assert len(score.exceeds(unique_share=0.1, smallest_group=2)) == 2


def test_a_column_that_is_not_there_is_refused_and_no_rows_have_no_score(tmp_path: Path) -> None:
    written = tmp_path / "rows.parquet"
    pq.write_table(ROWS, written)
    with pytest.raises(UsageError, match="no column colour"):
        score_files([written], ["colour"])
    assert score_files([written]).unique_share == pytest.approx(0.2)
    assert score_files([]).rows == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mail of ann@example.com", "email"),
        ("x=ann%40example.com", "email"),
        ("from 192.0.2.1 port", "ipv4"),
        ("peer 2001:db8::1 gone", "ipv6"),
        ("paid 4111 1111 1111 1111", "card"),
        ("to LU28 0019 4006 4475 0000", "iban"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.sig", "jwt"),
        ("Bearer abcdefghijklmnop1234", "bearer"),
        ("password=hunter2", "password"),
        ("Failed password for invalid user ann from x", "sshd-user"),
    ],
)
def test_what_leaked_is_found_by_its_kind(text: str, kind: str) -> None:
    assert scan_texts(pl.Series(["harmless", text])) == {kind: [text]}


@pytest.mark.parametrize(
    "text",
    [
        "from ip_2001:db8::1 and ip_192.0.2.1", "email_abcdefghijklmnop", "12:34:56", "v1.2.3.4",
        "/jquery/1.12.1.4/x.js", "4111111111111112", "password=token_abcdefghijklmnop",
        "invalid user user_abcdefghijklmnop from ip_10.0.0.1", "ver 1.2.3.4", "Version: 8.8.8.8",
        "release 10.2.3.4", "version=4.3.2.1", "build 10.0.1.2 done", "firmware 2.4.6.8",
        "section 1.2.3.4 of the law", "kernel 5.4.0.42", "Version%2010.0.0.1",
        "/p0.6372614827461093", "/tile/49.4111111111111111",
    ],
)  # fmt: skip
def test_pseudonyms_and_what_only_looks_personal_are_no_leak(text: str) -> None:
    assert scan_texts(pl.Series([text])) == {}


def test_the_output_of_a_run_is_clean_and_a_spoiled_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(
        combined_line(url="/a/ann@example.com?x=1", referrer="https://x.example/192.0.2.9") * 9
    )
    report = pseudonymise_file(path, plan_for("combined"), tmp_path / "out")
    files = [tmp_path / "out" / part.name for part in report.files]
    assert scan_files(files) == []
    assert values_found(files, ["ann@example.com", "192.0.2."]) == {}
    assert score_files(files).smallest_group == 9
    spoiled = pl.read_parquet(files[0]).with_columns(path=pl.lit("/a/ann@example.com"))
    spoiled.write_parquet(files[0])
    (leak,) = scan_files(files)
    assert (leak.column, leak.kind, leak.rows) == ("path", "email", 9)
    assert "ann" not in str(leak)
    assert values_found(files, ["ann@example.com"]) == {"path": 9}


def test_a_line_in_which_something_personal_is_left_is_set_aside_and_the_others_are_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "access.log"
    lines = [combined_line(url=f"/a/{number}") for number in range(40)]
    lines[3] = combined_line(url="/a/ann@example.com")
    lines[20] = combined_line(url="/a?of=203.0.113.9")
    path.write_text("".join(lines))
    plan = plan_for("combined", methods={"url": Method.KEEP})
    report = pseudonymise_file(
        path, plan, tmp_path / "out", inspect=lambda files: find_lines_of_files(files).numbers
    )
    assert (report.read, report.written) == (40, 38)
    assert report.quarantined == {"leak-suspected": 2}
    assert report.read_octets == report.written_octets + sum(report.quarantined_octets.values())
    files = [tmp_path / "out" / part.name for part in report.files if part.rows]
    assert {4, 21}.isdisjoint(pl.concat(map(pl.read_parquet, files))["line"])
    (sealed,) = (tmp_path / "out" / "_quarantine").glob("*.lq")
    kept = list(read_quarantine(sealed, QUARANTINE_KEY, report.source))
    assert [line.raw.decode() for line in kept] == [lines[3], lines[20]]
