"""Evidence of what was done: ledger and its seals, tombstones, witness; Lethe's own schema."""

from __future__ import annotations

from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.dba_script import print_sql
from lethe.evidence.initialise import (
    Initialised,
    Warehouse,
    arm,
    disarm,
    initialise,
    read_warehouse,
)
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.privileges import Grant
from lethe.evidence.seal import Seal, seal_ledger
from lethe.evidence.settle import WitnessState, require_in_step, settle_witness
from lethe.evidence.tombstones import Tombstones, make_tombstones
from lethe.evidence.verify import LedgerProof, verify_ledger
from lethe.evidence.witness import Witness
from lethe.evidence.witness_opening import begin_witness, open_witness

__all__ = [
    "EvidenceBatch",
    "Grant",
    "Initialised",
    "LedgerProof",
    "LedgerRow",
    "Seal",
    "Tombstones",
    "Warehouse",
    "Witness",
    "WitnessState",
    "arm",
    "begin_witness",
    "disarm",
    "initialise",
    "make_tombstones",
    "open_witness",
    "print_sql",
    "read_warehouse",
    "require_in_step",
    "seal_ledger",
    "settle_witness",
    "verify_ledger",
]
