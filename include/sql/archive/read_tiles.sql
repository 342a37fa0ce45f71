-- Read tiles of one level.
-- identifiers: none
-- values: level (smallint), first, last (bigint)
-- locks: none
SELECT tile_no, hashes FROM lethe.archive_tile
WHERE level = %(level)s AND tile_no >= %(first)s AND tile_no < %(last)s
ORDER BY tile_no
