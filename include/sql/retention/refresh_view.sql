-- Build a materialised view anew, shutting its readers out meanwhile.
-- identifiers: view
-- values: none
-- locks: the view, exclusively, until the transaction ends
REFRESH MATERIALIZED VIEW {view}
