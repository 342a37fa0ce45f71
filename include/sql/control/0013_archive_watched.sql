-- Every stored column of the archive is watched: what a night takes for settled is under a keyed hash.
-- What older nights noted has none: the next night compares everything once.

DELETE FROM lethe.archive_unchanged;
ALTER TABLE lethe.archive_unchanged
    ADD COLUMN token bytea NOT NULL CHECK (octet_length(token) = 32);
COMMENT ON TABLE lethe.archive_unchanged IS
    'What a night needs not compare again: issued documents by their day of issue (parts of 32 days), of which a night found every one archived as it is. fingerprint sums the hashes of their rows as the warehouse had them then. It proves nothing and may be emptied at any time: the next night compares everything, and the sweep never reads it. token: keyed hash of the other columns; a row that was changed counts for nothing, and verification names it.';
COMMENT ON TABLE lethe.archive_frozen IS
    'What the clock of the archive needs of an erased subject, frozen in the erasing transaction by run_id; sealed_no names the leaf that the next run of the archive makes of all of it. Deleted with the last record of the subject.';
