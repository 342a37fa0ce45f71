"""Verify evidence packs, and bundles of the archive, with the very program that is in them:
`include/templates/verify.py`."""

from __future__ import annotations

import contextlib
import io
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
    Returns  {"valid", "fault": {"pack", "file", "line", "what"} or None, "told", "packs"}
    Raises   UsageError if a file is not there, or the mails hold nothing to compare with
    """
    verifier = _verifier()
    for pack in packs:
        if not pack.exists():
            raise UsageError(f"{pack} is not there")
        if verifier["is_bundle"](pack):
            raise UsageError(f"{pack} is a bundle of the archive; give it alone")
    try:
        pinned, known = verifier["clean_key"](key), verifier["clean_key"](seal)
        mails = verifier["read_mails"](heads) if heads else []
    except ValueError as error:
        raise UsageError(f"--key, --seal: {error}") from None
    except OSError as error:
        raise UsageError(f"{heads}: cannot be read ({error.strerror})") from None
    if heads and not mails:
        raise UsageError(f"{heads}: holds no line to compare with (they begin 'lethe-')")
    try:
        found: dict[str, Any] = verifier["verify_packs"](packs, pinned, known, mails)
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read ({error.strerror})") from None
    if heads and found["valid"] and not found["told"]:
        raise UsageError(f"{heads}: tells nothing about what these packs cover")
    return found


def is_bundle(path: Path) -> bool:
    """Whether this is an exported bundle of the archive, and no evidence pack."""
    return path.exists() and bool(_verifier()["is_bundle"](path))


def verify_bundle(
    bundle: Path, *, key: str | None = None, heads: Path | None = None
) -> tuple[bool, list[str]]:
    """Check a bundle of the archive; no database is asked.

    key      fingerprint of the key that must have signed it, or the public key
    heads    old mails: a file, a mailbox or a folder
    Returns  whether it is valid, and what there is to say
    Raises   UsageError for a key or mails that cannot be read
    """
    verifier = _verifier()
    said = io.StringIO()
    try:
        pinned = verifier["clean_key"](key)
        with contextlib.redirect_stdout(said):
            code = verifier["verify_bundle"](bundle, pinned, heads)
    except ValueError as error:
        raise UsageError(f"--key: {error}") from None
    return code == 0, said.getvalue().splitlines()


@cache
def _verifier() -> dict[str, Any]:
    # By path, as everything of include/: what is checked with is what the auditor has in hand.
    return runpy.run_path(str(include_folder() / "templates" / "verify.py"))
