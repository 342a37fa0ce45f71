"""Verify evidence packs, and bundles of the archive, with the very program that is in them:
`include/templates/verify.py`."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lethe.errors import UsageError
from lethe.include import include_folder


def verify_packs(
    packs: Sequence[Path],
    *,
    key: str | None = None,
    seal: str | None = None,
    heads: Path | None = None,
) -> dict[str, Any]:
    """Check packs, zip files or folders, one by one and as a row; no database is asked.

    key      fingerprint of the key that must have signed them, or the public key
    seal     hash of a seal that must be among theirs
    heads    old mails: a file, a mailbox or a folder
    Returns  {"valid", "fault": {"pack", "file", "line", "what"} or None, "told", "packs",
             "compared_with": what from elsewhere → how often; empty: valid in itself alone}
    Raises   UsageError if a file is not there, or the mails hold nothing to compare with
    """
    verifier = _verifier()
    for pack in packs:
        if not pack.exists():
            raise UsageError(f"{pack} is not there")
        if verifier["is_bundle"](pack):
            raise UsageError(f"{pack} is a bundle of the archive; give it alone")
    pinned, mails, files = _from_elsewhere(key, heads, [each for each in packs if each.is_dir()])
    try:
        known = verifier["clean_key"](seal)
    except ValueError as error:
        raise UsageError(f"--seal: {error}") from None
    try:
        found: dict[str, Any] = verifier["verify_packs"](packs, pinned, known, mails, files)
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read ({error.strerror})") from None
    return _not_silent(found, heads, mails)


def is_bundle(path: Path) -> bool:
    """Whether this is an exported bundle of the archive, and no evidence pack."""
    return path.exists() and bool(_verifier()["is_bundle"](path))


def verify_bundle(
    bundle: Path, *, key: str | None = None, heads: Path | None = None
) -> dict[str, Any]:
    """Check a bundle of the archive; no database is asked.

    key      fingerprint of the key that must have signed it, or the public key
    heads    old mails: a file, a mailbox or a folder
    Returns  {"valid", "faults", "compared_with", "told", "says": lines for people}
    Raises   UsageError for a key or mails that cannot be read, or hold nothing to compare with
    """
    pinned, mails, _ = _from_elsewhere(key, heads, [bundle] if bundle.is_dir() else [])
    return _not_silent(_verifier()["verify_bundle"](bundle, pinned, mails), heads, mails)


def tell(found: dict[str, Any]) -> list[str]:
    """What was found, line by line, as the verifier itself says it."""
    return list(_verifier()["tell"](found))


Mails = list[list[str]]


def _from_elsewhere(
    key: str | None, heads: Path | None, folders: Sequence[Path]
) -> tuple[str | None, Mails, dict[str, str]]:
    """Key, lines of mails, and files that came with them."""
    verifier = _verifier()
    try:
        pinned = verifier["clean_key"](key)
    except ValueError as error:
        raise UsageError(f"--key: {error}") from None
    if heads is None:
        return pinned, [], {}
    try:
        mails, files = verifier["read_witnesses"](heads, [each.resolve() for each in folders])
    except OSError as error:
        raise UsageError(f"{heads}: cannot be read ({error.strerror})") from None
    return pinned, mails, files


def _not_silent(found: dict[str, Any], heads: Path | None, mails: Mails) -> dict[str, Any]:
    if heads is not None and found["valid"] and not found["told"]:
        raise UsageError(_verifier()["why_silent"](heads, mails))
    return found


@cache
def _verifier() -> dict[str, Any]:
    # By path, as everything of include/: what is checked with is what the auditor has in hand.
    return runpy.run_path(str(include_folder() / "templates" / "verify.py"))
