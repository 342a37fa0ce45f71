"""The evidence pack of a period: gathered here, written and signed by `lethe.evidence`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from lethe.catalogue.site import Site

Period = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class PackResult:
    """A pack that was written, checked once by its own verifier, and put on the ledger.

    path             the zip file: `lethe-evidence-<policy>-<day or month>.zip`
    sha256           of the file, hexadecimal
    key_fingerprint  of the key that signed it, hexadecimal
    seal_no          newest seal of the ledger that the pack covers; 0 if there is none
    seal_hash        its hash, hexadecimal
    first_seal_no    oldest seal that it covers
    rows             ledger rows in it, of which `sealed_rows` only as commitments
    lines            for every mail, one a line: what the verifier reads out of old mails
    """

    path: Path
    sha256: str
    size: int
    manifest_sha256: str
    key_fingerprint: str
    public_key: str
    first_seal_no: int
    seal_no: int
    seal_hash: str
    rows: int
    sealed_rows: int
    lines: tuple[str, ...]


def make_pack(
    site: Site,
    period: Period,
    first: date,
    last: date,
    attachments: Mapping[str, Path],
    folder: Path,
) -> PackResult:
    """Write and sign the evidence pack of a period.

    first, last   days of the period, both included
    attachments   name in the pack (`summary.json`, `report.pdf`, …) → report file
    folder        where the zip goes; made if it is not there
    Raises        WarehouseRefused, ActError; TamperingFound if the ledger does not verify
    """
    raise NotImplementedError


def signer_fingerprint(site: Site) -> str:
    """The fingerprint of the key that signs packs, made if there is none yet; for every report."""
    raise NotImplementedError
