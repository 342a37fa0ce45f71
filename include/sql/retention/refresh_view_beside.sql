-- Build a materialised view anew beside its readers.
-- identifiers: view
-- values: none
-- locks: the view against other writers
REFRESH MATERIALIZED VIEW CONCURRENTLY {view}
