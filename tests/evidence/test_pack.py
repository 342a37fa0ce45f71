"""Writing a pack: one possible zip, no leftovers, nothing that could not be kept for ever."""

from __future__ import annotations

import runpy
import zipfile
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from lethe.errors import ActError, TamperingFound, UsageError
from lethe.evidence.pack import PackWriter
from lethe.evidence.pack_verify import verify_packs
from lethe.evidence.signing import PackSigner
from lethe.evidence.told import key_line, pack_line, seal_line
from lethe.keys import KeyRing

WAREHOUSE = UUID(int=7)
VERIFIER = Path(__file__).parents[2] / "include" / "templates" / "verify.py"
MANIFEST: dict[str, Any] = {
    "warehouse_id": str(WAREHOUSE),
    "rehearsal": False,
    "policy": {"name": "shop", "version": "1", "digest": "d"},
    "period": {"kind": "day", "first": "2026-06-01", "last": "2026-06-01"},
    "made_at": "2026-06-02T05:00:00.000000+00:00",
    "ledger": {"previous_seal": None, "first_seal": None, "last_seal": None, "last_hash": None},
    "archive": None,
}
POLICY = {
    "digest": "d",
    "name": "shop",
    "version": "1",
    "effective_from": None,
    "announced_on": None,
    "canonical": False,
}


@pytest.fixture
def signer(ring: KeyRing) -> PackSigner:
    return PackSigner.of(ring, create=True)


def left_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir() if each.name != "witness"]


def write(folder: Path, signer: PackSigner, manifest: dict[str, Any] = MANIFEST) -> Path:
    """An empty pack, which is as valid as a full one."""
    target = folder / "pack.zip"
    with PackWriter(folder) as pack:
        for name in ("seals", "ledger", "runs", "plans", "tables", "approvals", "archive"):
            pack.add_lines(name, [])
        del pack.counts["ledger"]
        pack.counts |= {"rows": 0, "commitments": 0}
        pack.add_lines("quality", [])
        pack.add_lines("policies", [POLICY])
        made, _ = pack.finish(manifest, signer)
        made.replace(target)
    return target


def test_the_same_content_makes_the_same_bytes(signer: PackSigner, tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, signer).read_bytes() for name in ("one", "other"))
    assert one == other
    assert left_in(tmp_path / "one") == ["pack.zip"]
    with zipfile.ZipFile(tmp_path / "one" / "pack.zip") as file:
        assert file.testzip() is None and file.namelist() == sorted(file.namelist())


def test_the_key_stays_the_same_and_is_of_this_ring_alone(ring: KeyRing) -> None:
    one, again = PackSigner.of(ring, create=True), PackSigner.of(ring)
    assert one.fingerprint == again.fingerprint and len(one.fingerprint) == 64
    assert ring.secret("pack_sign", "1") not in (one.public_key, one.sign(b"x"))


@pytest.mark.parametrize(
    "line",
    [
        {"subject_token": "00"},
        {"key_id": "00"},
        {"blinding": "00"},
        {"counts": {"ann@example.org": 1}, "what": "ann@example.org"},
        {"flags": {"who": ["x", "ann@example.org"]}},
    ],
)
def test_what_ends_with_its_subject_is_not_signed(tmp_path: Path, line: dict[str, Any]) -> None:
    with PackWriter(tmp_path) as pack, pytest.raises(ActError, match="nothing was signed"):
        pack.add_lines("plans", [line])
    assert not left_in(tmp_path)


@pytest.mark.parametrize("name", ["../up.txt", "/root.txt", "a b.txt", "a/.hidden", "", "é.pdf"])
def test_a_name_that_no_zip_of_ours_holds_is_refused(tmp_path: Path, name: str) -> None:
    with PackWriter(tmp_path) as pack, pytest.raises(UsageError, match="cannot be the name"):
        pack.add(name, b"")


def test_a_pack_that_its_own_verifier_refuses_is_not_left_behind(
    signer: PackSigner, tmp_path: Path
) -> None:
    ledger = {**MANIFEST["ledger"], "last_seal": 7}
    with pytest.raises(TamperingFound, match="last seal should be 7"):
        write(tmp_path, signer, {**MANIFEST, "ledger": ledger})
    assert not left_in(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ActError, match="cannot be written"):
        PackWriter(tmp_path / "file")


def test_a_seal_made_after_the_period_is_found(signer: PackSigner, tmp_path: Path) -> None:
    verifier = runpy.run_path(str(VERIFIER))
    seal = {
        "seal_no": 1,
        "leaf_count": 1,
        "first_id": 1,
        "last_id": 1,
        "merkle_root": "00" * 32,
        "previous_hash": "00" * 32,
        "sealed_at": "2026-06-03T00:00:00.000000+00:00",
    }
    told = {**seal, "warehouse_id": str(WAREHOUSE)}
    seal["seal_hash"] = verifier["leaf_of"](verifier["plain_json"](told)).hex()
    ends = {"previous_seal": None, "first_seal": 1, "last_seal": 1, "last_hash": seal["seal_hash"]}
    with PackWriter(tmp_path) as pack, pytest.raises(TamperingFound, match="after the period"):
        pack.add_lines("seals", [seal])
        for name in ("ledger", "runs", "plans", "tables", "approvals", "archive", "quality"):
            pack.add_lines(name, [])
        pack.add_lines("policies", [POLICY])
        del pack.counts["ledger"]
        pack.counts |= {"rows": 0, "commitments": 0}
        pack.finish({**MANIFEST, "ledger": ends}, signer)


def test_what_is_told_to_mails_is_read_out_of_them(signer: PackSigner, tmp_path: Path) -> None:
    pack = write(tmp_path / "pack", signer)
    day = date(2026, 6, 1)
    mail = tmp_path / "mail.txt"
    digest = verify_packs([pack])["packs"][0]["manifest"]
    assert digest["period"]["first"] == f"{day}"
    mail.write_text(
        "\n> ".join(
            [
                "On Tuesday somebody wrote:",
                key_line(WAREHOUSE, signer.fingerprint),
                seal_line(WAREHOUSE, 3, "ab" * 32),
                pack_line(WAREHOUSE, "day", day, day, "cd" * 32),
            ]
        )
    )
    found = verify_packs([pack], heads=mail)
    assert found["fault"]["what"] == (
        "is not the manifest that the mail tells: a report that was made again later has another"
        " manifest; take the pack that came with that very mail"
    )
