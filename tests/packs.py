"""Evidence packs of a small shop that archived, swept over its cap, and asked for approval."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lethe.archive.night import run_archive
from lethe.evidence.merkle import hash_leaf, root_of
from lethe.quality.history import quality_folder
from lethe.reporting.pack import PackResult, make_pack
from lethe.retention.plan import read_plan

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit

CROWD = """
INSERT INTO account
SELECT i, 'Crowd ' || i, 'crowd' || i || '@x.example', 'LU', '2010-01-01', '2020-01-01'
FROM generate_series(100, 159) AS i;
"""
NEXT = date(2026, 6, 2)
_made: dict[str, bytes] = {}
_lines: list[str] = []


def work_night(kit: Kit, as_of: date = TODAY) -> None:
    """Archive, sweep, approve what is over the cap, archive again."""
    run_archive(kit.site, as_of)
    kit.sweep(as_of)
    digest = read_plan(kit.site, as_of).digest.hex()
    kit.sweep(as_of, approve=digest, approved_by="vera")
    run_archive(kit.site, as_of)
    folder = quality_folder() / "history"
    folder.mkdir(parents=True, exist_ok=True)
    check = {"expectation": "card.account", "clause": "retention", "severity": "critical"}
    counts = {"state": "passed", "rows": 62, "concerned": 62, "failing": 0, "because": None}
    report = {"policy": "small", "as_of": f"{as_of}", "expectations": [{**check, **counts}]}
    name = f"{as_of:%Y%m%d}T040000"
    (folder / f"{name}.json").write_text(json.dumps(report), encoding="utf-8")


def pack_of(kit: Kit, folder: Path, day: date = TODAY) -> PackResult:
    """The pack of a day, with a report in it."""
    report = folder / "summary.json"
    folder.mkdir(parents=True, exist_ok=True)
    report.write_text('{"verdict": "kept"}\n', encoding="utf-8")
    paper = folder / "report.pdf"
    paper.write_bytes(f"%PDF-1.7 of {day}".encode())
    attached = {"summary.json": report, "report.pdf": paper}
    return make_pack(kit.site, "day", day, day, attached, folder / "packs")


@pytest.fixture
def crowd(make_kit: MakeKit) -> Kit:
    """A shop in which more is due than its cap allows."""
    return make_kit(DDL + CROWD, POLICY)


@pytest.fixture
def row_of_packs(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Three packs of three nights in a row; made once for all tests."""
    if not _made:
        kit: Kit = request.getfixturevalue("crowd")
        for name, day in (("a", TODAY), ("b", NEXT), ("c", date(2026, 6, 3))):
            if name == "b":
                kit.execute(
                    "INSERT INTO invoice VALUES"
                    " (21, 'B-21', 2, 'issued', '2019-02-01', 'FR', 'EUR', 7, 'Bob')"
                )
            work_night(kit, day)
            made = pack_of(kit, tmp_path / "made", day)
            _made[name] = made.path.read_bytes()
            _lines.extend(made.lines)
    files = []
    for name, data in _made.items():
        files.append(tmp_path / f"{name}.zip")
        files[-1].write_bytes(data)
    (tmp_path / "mails.txt").write_text("\n".join(["Bonjour,", *_lines]), encoding="utf-8")
    return files[0], files[1], files[2]


@pytest.fixture
def one_pack(row_of_packs: tuple[Path, Path, Path]) -> Path:
    """The first of them: a night over its cap, with an approval."""
    return row_of_packs[0]


def unpack(pack: Path) -> dict[str, bytes]:
    """The files of a pack."""
    with zipfile.ZipFile(pack) as file:
        return {name: file.read(name) for name in file.namelist()}


def repack(files: Mapping[str, bytes], pack: Path) -> Path:
    """Zip files as a pack is zipped."""
    with zipfile.ZipFile(pack, "w") as file:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o100644 << 16
            file.writestr(entry, files[name])
    return pack


def forge(files: dict[str, bytes], pack: Path, **changes: Any) -> Path:
    """Tell every file in a new manifest and sign it with a key of one's own.

    changes  of the manifest
    """
    key = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
    public = key.public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    manifest = json.loads(files["manifest.json"]) | changes
    manifest["key"] |= {
        "public_key": raw.hex(),
        "fingerprint": hashlib.sha256(raw).hexdigest(),
    }
    files = {
        **files,
        "key.pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }
    manifest["files"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
        if name not in ("manifest.json", "manifest.sig")
    }
    for name in manifest["counts"]:
        if f"{name}.jsonl" in files:
            manifest["counts"][name] = files[f"{name}.jsonl"].count(b"\n")
    manifest["counts"]["rows"] = files["ledger.jsonl"].count(b"\n")
    manifest["counts"]["commitments"] = files["ledger.jsonl"].count(b'"commitment":')
    data = json.dumps(manifest).encode()
    return repack({**files, "manifest.json": data, "manifest.sig": key.sign(data)}, pack)


def seal_again(files: dict[str, bytes], pack: Path) -> Path:
    """Seal the rows of a pack anew, as only the owner of the database could, and sign."""
    manifest = json.loads(files["manifest.json"])
    before = manifest["ledger"]["previous_seal"]
    digest = before["seal_hash"] if before else "00" * 32
    rows, seals = lines_of(files, "ledger"), lines_of(files, "seals")
    for seal in seals:
        under = [row for row in rows if row["seal"] == seal["seal_no"]]
        shells = [{key: row[key] for key in row if key != "seal"} for row in under]
        leaves = [
            hash_leaf(row["row"].encode() if "row" in row else rfc8785.dumps(shell))
            for row, shell in zip(under, shells, strict=True)
        ]
        seal |= {
            "leaf_count": len(under),
            "first_id": under[0]["id"],
            "last_id": under[-1]["id"],
            "merkle_root": root_of(leaves).hex(),
            "previous_hash": digest,
        }
        said = {key: seal[key] for key in seal if key != "seal_hash"}
        said["warehouse_id"] = manifest["warehouse_id"]
        digest = seal["seal_hash"] = hash_leaf(rfc8785.dumps(said)).hex()
    put_lines(files, "seals", seals)
    return forge(files, pack, ledger=manifest["ledger"] | {"last_hash": digest})


def sign_again(files: dict[str, bytes], pack: Path) -> Path:
    """Sign a forged manifest as it is."""
    key = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
    return repack({**files, "manifest.sig": key.sign(files["manifest.json"])}, pack)


def lines_of(files: Mapping[str, bytes], name: str) -> list[dict[str, Any]]:
    """The lines of a file of a pack."""
    return [json.loads(line) for line in files[f"{name}.jsonl"].splitlines()]


def put_lines(files: dict[str, bytes], name: str, lines: list[dict[str, Any]]) -> None:
    """Write the lines of a file of a pack."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    files[f"{name}.jsonl"] = text.encode()
