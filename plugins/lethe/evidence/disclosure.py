"""What of the ledger may be shown outside: the rest appears as commitments.

Default deny: a kind of row that is not named here is never shown. What is not shown gets a random
blinding (a salt) when it is written, so that its leaf commits to it and can be guessed by nobody,
not even by whoever knows the subject's token; where the row ends, the blinding ends with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from lethe.errors import ActError
from lethe.evidence.canonical import BLINDING

_BLINDING_BYTES = 16
_PEOPLE = frozenset({"by", "owner", "asked_by", "approved_by"})
"""Fields that name staff: an auditor must know who decided."""
_PEOPLE_OF_A_PACK = _PEOPLE | {"decided_by", "requested_by", "row"}

SHOWN: Final = frozenset(
    [
        "archive_appended",
        "archive_closed",
        "batch_done",
        "late_rows_erased",
        "sweep_closed",
        "sweep_late",
        "files_destroyed",
        "files_kept",
        "files_set_aside",
        "partition_dropped",
        "sweep_unproven",
        "view_not_refreshed",
        "view_refreshed",
        "plan_approved",
        "plan_rejected",
        "edition_approve",
        "edition_reject",
        "undecided_decided",
        "hold_added",
        "hold_released",
        "restriction_added",
        "restriction_released",
        "returns_seen",
        "log_written",
        "log_raw_intended",
        "log_raw_destroyed",
        "log_key_destroyed",
        "log_reread",
        "log_in_place",
        "log_files_intended",
        "log_aside_destroyed",
        "log_keys_approved",
        "log_reveal_asked",
        "log_reveal_approved",
        "log_revealed",
        "log_reveal_closed",
        "warehouse_armed",
        "warehouse_disarmed",
        "warehouse_replayed",
        "witness_opened",
        "ledger_rows_expired",
        "evidence_pack_signed",
    ]
)
"""Kinds of rows about acts, not about people: counts, names of rules and tables, digests, staff."""


def may_be_shown(kind: str, subject_token: object, payload: Mapping[str, Any]) -> bool:
    """Say whether a row may be shown as it is."""
    return (
        subject_token is None and kind in SHOWN and BLINDING not in payload and _is_plain(payload)
    )


def make_blinding(payload: Mapping[str, Any]) -> str:
    """Make what turns the leaf of a row into a commitment that hides it."""
    if BLINDING in payload:
        raise ValueError(f"a payload of the ledger has no field '{BLINDING}' of its own")
    return secrets.token_hex(_BLINDING_BYTES)


def _is_plain(value: Any, field: str = "") -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(part, str(name)) for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(part, field) for part in value)
    if isinstance(value, str):
        return field in _PEOPLE or "@" not in value
    return True


def require_lasting(name: str, line: Mapping[str, Any]) -> None:
    """Refuse a line of an evidence pack that could not be kept for ever.

    A pack outlives the period of ledger rows about single subjects: no token, key, blinding, and no
    address but of staff, may stand in it. Ledger rows are judged when they are shown or hidden.
    """
    for field, value in line.items():
        if field in ("subject_token", "key_id", BLINDING) or not (
            field in _PEOPLE_OF_A_PACK or _is_plain(value, field)
        ):
            raise ActError(
                f"evidence pack: {name}: {field} would hold what ends with its subject; "
                "nothing was signed"
            )
