"""Whoever loses the key ring opens the archive with the key from the safe."""

from __future__ import annotations

import base64
import json
import stat
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.archive.recovering import recover_records
from lethe.archive.recovery import make_recovery_key, read_private
from lethe.errors import AnswerIsNo, ConfigurationError

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

WHY = "the key ring was lost in a fire"


@pytest.fixture
def kept(make_kit: MakeKit, tmp_path: Path) -> Kit:
    """A shop whose archive is wrapped for a recovery key too; its private half is in the safe."""
    kit = make_kit(DDL, POLICY + "      recovery_key: recovery/archive.pem\n")
    archive = kit.loaded.policy.archive
    assert archive is not None
    make_recovery_key(archive, tmp_path / "safe.pem", "open sesame")
    return kit


def lose_the_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    other = base64.b64encode(b"x" * 32).decode()
    monkeypatch.setenv(
        "AIRFLOW_CONN_LETHE_KEYS", json.dumps({"conn_type": "generic", "password": other})
    )


def test_the_offline_key_opens_every_record_without_the_ring(
    kept: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_archive(kept.site, TODAY).summary["recovery_copies"]
    lose_the_ring(monkeypatch)
    with pytest.raises(ConfigurationError, match="key"):
        run_archive(kept.site, TODAY)
    output = tmp_path / "records.jsonl"
    private = read_private(tmp_path / "safe.pem", "open sesame")
    found = recover_records(kept.site, private, output, WHY)
    assert (found.records, found.without) == (7, 0)
    records = [json.loads(line)["record"] for line in output.read_text().splitlines()]
    assert {record["number"] for record in records if record["kind"] == "document"} == {
        "A-10",
        "A-11",
        "A-12",
        "B-20",
    }
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert kept.execute(
        "SELECT payload ->> 'reason' FROM lethe.ledger WHERE kind = 'archive_recovered'"
    ) == [(WHY,)]


def test_another_key_opens_nothing(kept: Kit, tmp_path: Path) -> None:
    run_archive(kept.site, TODAY)
    with pytest.raises(AnswerIsNo, match="7 records"):
        recover_records(kept.site, X25519PrivateKey.generate(), tmp_path / "out", WHY)


def test_a_destroyed_record_is_not_recovered_either(kept: Kit, tmp_path: Path) -> None:
    run_archive(kept.site, TODAY)
    kept.sweep()
    run_archive(kept.site, date(2030, 7, 1))
    private = read_private(tmp_path / "safe.pem", "open sesame")
    recover_records(kept.site, private, tmp_path / "out", WHY)
    assert "Ann" not in (tmp_path / "out").read_text()
    assert verify_archive(kept.site).faults == []


def test_records_from_before_the_key_are_counted_as_without_it(
    make_kit: MakeKit, tmp_path: Path
) -> None:
    kit = make_kit(DDL, POLICY)
    run_archive(kit.site, TODAY)
    later = kit.under(POLICY + "      recovery_key: recovery/archive.pem\n")
    assert later.loaded.policy.archive is not None
    make_recovery_key(later.loaded.policy.archive, tmp_path / "safe.pem", None)
    kit.execute("UPDATE invoice SET bill_to = 'Robert' WHERE id = 20")
    run_archive(later.site, TODAY)
    found = recover_records(later.site, read_private(tmp_path / "safe.pem"), tmp_path / "out", WHY)
    assert (found.records, found.without) == (1, 7)
    assert verify_archive(later.site).faults == []


def test_a_key_that_records_rest_on_is_not_replaced(kept: Kit, tmp_path: Path) -> None:
    assert kept.loaded.policy.archive is not None
    with pytest.raises(ConfigurationError, match="not replaced"):
        make_recovery_key(kept.loaded.policy.archive, tmp_path / "other.pem", None)


@pytest.mark.parametrize("broken", [None, b"", b"no key at all"])
def test_a_public_half_that_is_missing_or_broken_stops_the_night_with_the_way_out(
    make_kit: MakeKit, broken: bytes | None
) -> None:
    kit = make_kit(DDL, POLICY + "      recovery_key: recovery.pem\n")
    if broken is not None:
        (kit.home / "recovery.pem").write_bytes(broken)
    with pytest.raises(ConfigurationError, match=r"recovery\.pem"):
        run_archive(kit.site, TODAY)


def test_a_private_half_without_its_passphrase_is_refused(kept: Kit, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no private key"):
        read_private(tmp_path / "safe.pem", "wrong")


def test_a_name_that_no_file_can_have_is_told(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, f"{POLICY}      recovery_key: {'r' * 300}\n")
    with pytest.raises(ConfigurationError, match=r"archive\.recovery_key: File name too long"):
        run_archive(kit.site, TODAY)
