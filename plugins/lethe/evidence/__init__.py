"""Evidence of what was done: ledger and its seals, tombstones, witness; Lethe's own schema."""
