-- Read a tile of the tree.
-- identifiers: none
-- values: level (smallint), tile_no (bigint)
-- locks: none
SELECT hashes FROM lethe.archive_tile WHERE level = %(level)s AND tile_no = %(tile_no)s
