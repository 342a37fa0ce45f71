-- Read how many leaves the tree has.
-- identifiers: none
-- values: none
-- locks: none
SELECT coalesce(max(tree_size), 0) FROM lethe.archive_head
