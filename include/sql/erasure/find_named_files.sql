-- Of some files, those that a row still names, however it writes the path: without the place of the
-- store, and in a folder without doubled slashes and steps to where it is. Whoever steps back names
-- every file of that name.
-- identifiers: table, column (the column that names files)
-- values: prefix (text), is_folder (boolean), targets (text[]: written plainly), names (text[])
-- locks: none
SELECT DISTINCT CASE WHEN f.path ~ '(^|/)\.\.(/|$)' THEN substring(f.path FROM '[^/]*$')
                     ELSE f.plain END, f.path ~ '(^|/)\.\.(/|$)'
FROM (
    SELECT w.path, CASE WHEN %(is_folder)s
        THEN ltrim(regexp_replace(regexp_replace(w.path, '/(\.?/)+', '/', 'g'), '^(\./)+', ''), '/')
        ELSE w.path END AS plain
    FROM (
        SELECT CASE WHEN starts_with(t.{column}::text, %(prefix)s)
                    THEN substr(t.{column}::text, length(%(prefix)s) + 1)
                    ELSE t.{column}::text END AS path
        FROM {table} AS t) AS w) AS f
WHERE f.plain = ANY(%(targets)s::text[])
   OR (%(is_folder)s AND f.path ~ '(^|/)\.\.(/|$)'
       AND substring(f.path FROM '[^/]*$') = ANY(%(names)s::text[]))
