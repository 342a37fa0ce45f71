-- The login of this session, and whether it is a member of a role (of none that is not there).
-- identifiers: none
-- values: role (text)
-- locks: none
SELECT session_user::text,
       EXISTS (SELECT FROM pg_roles
               WHERE rolname = %(role)s AND pg_has_role(session_user, oid, 'MEMBER'))
