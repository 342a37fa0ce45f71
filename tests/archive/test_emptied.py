"""Old mails know of an archive that nothing else knows of any more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.cli.app import main

from tests.archive.shop import POLICY
from tests.kit import TODAY, Kit
from tests.small_policy import small_text


def emptied(shop: Kit) -> str:
    """Empty the archive, the ledger and the witness; gives what an old mail tells."""
    run_archive(shop.site, TODAY)
    line = verify_archive(shop.site).head
    assert line is not None
    gone = "archive%|ledger%|run|tombstone".replace("%", "\\w*")
    tables = shop.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'lethe'"
        " AND table_type = 'BASE TABLE' AND table_name ~ %s",
        [f"^({gone})$"],
    )
    for (table,) in tables:
        shop.execute(f"ALTER TABLE lethe.{table} DISABLE TRIGGER USER")
    shop.execute(f"TRUNCATE {', '.join(f'lethe.{table}' for (table,) in tables)} CASCADE")
    for file in (shop.home / "witness").glob("*.jsonl"):
        file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    return line


def test_an_archive_that_was_emptied_is_compared_with_the_heads_of_old_mails(shop: Kit) -> None:
    line = emptied(shop)
    (fault,) = verify_archive(shop.site, told=[f"Dear DPO\n{line}\n"]).faults
    assert "an old mail tells it, and the archive has no such head" in fault
    (fault,) = verify_archive(shop.site, told=[line[:100]]).faults
    assert "cannot be read" in fault
    assert verify_archive(shop.site).faults == []


@pytest.mark.parametrize(
    ("mail", "code", "said"),
    [
        ("{line}", 1, "has no such head"),
        ("{cut}", 1, "mail.eml: a head in it cannot be read; it was not compared"),
        ("Dear DPO", 2, "holds no head"),
    ],
    ids=["a head", "half a head", "no head"],
)
def test_the_command_says_so(
    shop: Kit,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    mail: str,
    code: int,
    said: str,
) -> None:
    line = emptied(shop)
    policy, file = tmp_path / "policy.yaml", tmp_path / "mail.eml"
    policy.write_text(small_text(POLICY))
    file.write_text(mail.format(line=line, cut=line[:100]))
    call = ["archive", "verify", "--heads", str(file), "--policy", str(policy)]
    ended = main([*call, "--dsn", shop.dsn, "--json"])
    out = capsys.readouterr()
    assert (ended, said in out.out + out.err) == (code, True), out
    if code == 1:
        assert json.loads(out.out)["faults"]
