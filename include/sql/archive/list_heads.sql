-- List every head of the archive, oldest first.
-- identifiers: none
-- values: none
-- locks: none
SELECT head_no, tree_size, root, previous_hash, signed_at, wrap_key, recovery_id, ephemeral,
       public_key, signature
FROM lethe.archive_head
ORDER BY head_no
