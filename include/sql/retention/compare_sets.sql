-- What a newer frozen set of a rule has beyond an older one: subjects that came, and such as are due
-- earlier. Grouped, not joined: of sets frozen a moment ago there are no statistics.
-- identifiers: none
-- values: older, newer (uuid of their runs), rule (text)
-- locks: none
SELECT count(*) FILTER (WHERE NOT was), count(*) FILTER (WHERE was AND now_due < was_due)
FROM (SELECT bool_or(run_id = %(older)s) AS was, bool_or(run_id = %(newer)s) AS is_now,
             min(due_on) FILTER (WHERE run_id = %(older)s) AS was_due,
             min(due_on) FILTER (WHERE run_id = %(newer)s) AS now_due
      FROM lethe.plan_subject
      WHERE run_id IN (%(older)s, %(newer)s) AND rule = %(rule)s
      GROUP BY key) AS s
WHERE is_now
