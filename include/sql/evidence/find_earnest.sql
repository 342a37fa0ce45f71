-- Whether anything was done here in earnest: armed once, planned, or written on the ledger beyond
-- the opening of the witness, which setting up does.
-- identifiers: none
-- values: none
-- locks: none
SELECT EXISTS (SELECT FROM lethe.warehouse WHERE armed_at IS NOT NULL)
    OR EXISTS (SELECT FROM lethe.run)
    OR EXISTS (SELECT FROM lethe.ledger WHERE kind <> 'witness_opened')
