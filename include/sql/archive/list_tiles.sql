-- List the tiles of the tree and their lengths.
-- identifiers: none
-- values: none
-- locks: none
SELECT level, tile_no, octet_length(hashes) FROM lethe.archive_tile ORDER BY level, tile_no
