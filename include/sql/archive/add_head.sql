-- Add the head of an append.
-- identifiers: none
-- values: head_no, tree_size (bigint), root, previous_hash (bytea), signed_at (timestamptz),
--         wrap_key (uuid), recovery_id, ephemeral, public_key, signature (bytea)
-- locks: the new row
INSERT INTO lethe.archive_head
    (head_no, tree_size, root, previous_hash, signed_at, wrap_key, recovery_id, ephemeral,
     public_key, signature)
VALUES (%(head_no)s, %(tree_size)s, %(root)s, %(previous_hash)s, %(signed_at)s, %(wrap_key)s,
        %(recovery_id)s, %(ephemeral)s, %(public_key)s, %(signature)s)
