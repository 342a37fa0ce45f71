"""Warehouses that nobody prepared for Lethe; what must be gone says SQL written by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from psycopg2 import sql

from tests.kit import Kit, MakeKit

AS_OF = date(2026, 3, 1)

ODD = r"""
CREATE SCHEMA "we""ird. schéma %s";
CREATE SCHEMA "{}";
CREATE TABLE "we""ird. schéma %s"."User.Table ""1"" %(k)s {x}" (
    "Id %" bigint PRIMARY KEY, "e-mail.addr""x" text, "End: of #life" date, "SELECT" int);
CREATE TABLE "{}"."üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüx" (
    "%s" serial PRIMARY KEY, "fk to 'user'" bigint REFERENCES
    "we""ird. schéma %s"."User.Table ""1"" %(k)s {x}", "from" text);
CREATE TABLE "MixedCase" ("ID" bigint, "table" text);
INSERT INTO "we""ird. schéma %s"."User.Table ""1"" %(k)s {x}"
SELECT i, i || '@x.example', date '2024-01-01' + i * 20, i FROM generate_series(1, 60) AS i;
INSERT INTO "{}"."üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüx" ("fk to 'user'", "from")
SELECT i, 'o' FROM generate_series(1, 60) AS i, generate_series(1, 2);
INSERT INTO "MixedCase" SELECT i, 'q' FROM generate_series(1, 60) AS i;
"""
ODD_POLICY = r"""
subjects:
  person: {table: '"we""ird. schéma %s"."User.Table ""1"" %(k)s {x}"', key: Id %}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: "End: of #life"}]}}}
tables:
  '"we""ird. schéma %s"."User.Table ""1"" %(k)s {x}"': {cluster: c}
  '{}.üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüx': {cluster: c}
  public.MixedCase:
    cluster: c
    links:
      - columns: ID
        to: '"we""ird. schéma %s"."User.Table ""1"" %(k)s {x}"'
        references: Id %
"""
ODD_DUE = (
    '(SELECT "Id %" FROM "we""ird. schéma %s"."User.Table ""1"" %(k)s {x}"'
    " WHERE (\"End: of #life\" + interval '2 years')::date < '2026-03-01')"
)


def test_odd_names_everywhere(make_kit: MakeKit) -> None:
    require_exactly(
        make_kit(ODD, ODD_POLICY),
        f'DELETE FROM "MixedCase" WHERE "ID" IN {ODD_DUE}',
        'DELETE FROM "{}"."üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüx"'
        f" WHERE \"fk to 'user'\" IN {ODD_DUE}",
        'DELETE FROM "we""ird. schéma %s"."User.Table ""1"" %(k)s {x}"'
        f' WHERE "Id %" IN {ODD_DUE}',
    )


CIRCLES = """
CREATE TABLE acct (country char(2), nr numeric(10, 0), uid uuid NOT NULL UNIQUE
                   DEFAULT gen_random_uuid(), email varchar(80) UNIQUE, boss_c char(2),
                   boss_n numeric(10, 0), main_addr int, closed timestamptz,
                   PRIMARY KEY (country, nr));
ALTER TABLE acct ADD FOREIGN KEY (boss_c, boss_n) REFERENCES acct ON DELETE SET NULL;
CREATE TABLE addr (id serial PRIMARY KEY, c char(2) NOT NULL, n numeric(10, 0) NOT NULL,
                   prev int REFERENCES addr ON DELETE RESTRICT,
                   FOREIGN KEY (c, n) REFERENCES acct ON DELETE CASCADE);
ALTER TABLE acct ADD FOREIGN KEY (main_addr) REFERENCES addr DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE a1 (id int PRIMARY KEY, uid uuid REFERENCES acct (uid), b int NOT NULL);
CREATE TABLE b1 (id int PRIMARY KEY, a int NOT NULL REFERENCES a1 DEFERRABLE);
ALTER TABLE a1 ADD FOREIGN KEY (b) REFERENCES b1 DEFERRABLE;
CREATE TABLE msg (id serial PRIMARY KEY, sender varchar(80) REFERENCES acct (email),
                  parent int REFERENCES msg ON DELETE CASCADE);
CREATE TABLE tree (id serial PRIMARY KEY, uid uuid REFERENCES acct (uid) ON DELETE SET NULL,
                   up int REFERENCES tree ON DELETE SET NULL);
INSERT INTO acct (country, nr, email, closed)
SELECT CASE WHEN i % 2 = 0 THEN 'LU' ELSE 'DE' END, i, i || '@x.example',
       timestamptz '2023-01-01 23:30+00' + i * interval '20 days'
FROM generate_series(1, 60) AS i;
INSERT INTO addr (c, n) SELECT country, nr FROM acct, generate_series(1, 2);
UPDATE addr AS a SET prev = (SELECT min(id) FROM addr AS b WHERE b.n = a.n AND b.id <> a.id)
WHERE id % 2 = 0;
UPDATE acct AS a SET main_addr = (SELECT max(id) FROM addr AS b WHERE b.n = a.nr);
UPDATE acct AS a SET (boss_c, boss_n) = (SELECT country, nr FROM acct AS b WHERE b.nr = a.nr + 1)
WHERE nr % 3 = 0;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO a1 SELECT nr, uid, nr FROM acct;
INSERT INTO b1 SELECT nr, nr FROM acct;
INSERT INTO msg (sender) SELECT email FROM acct;
INSERT INTO msg (sender, parent) SELECT sender, id FROM msg;
INSERT INTO tree (uid) SELECT uid FROM acct;
INSERT INTO tree (uid, up) SELECT uid, id FROM tree;
UPDATE tree AS t SET up = (SELECT max(id) FROM tree AS x WHERE x.uid = t.uid) WHERE up IS NULL;
"""
CIRCLES_POLICY = """
policy:
  {name: small, version: "1", title: S, effective_from: 2026-01-01, time_zone: Europe/Luxembourg}
subjects: {acct: {table: public.acct, key: [country, nr], country: country}}
clusters: {c: {subject: acct}}
rules:
  r:
    cluster: c
    starting_point: {latest: [{column: closed}]}
    at_least: {DE: {period: P2Y2M, law: BGB}}
tables:
  public.acct:
    cluster: c
    links:
      - {columns: [boss_c, boss_n], to: public.acct, role: reference, when_gone: unlink}
      - {columns: main_addr, to: public.addr, role: reference}
  public.addr: {cluster: c}
  public.a1: {cluster: c}
  public.b1: {cluster: c}
  public.msg: {cluster: c}
  public.tree: {cluster: c}
"""


def test_circles_composite_keys_and_a_minimum_of_the_law(make_kit: MakeKit) -> None:
    require_exactly(
        make_kit(CIRCLES, CIRCLES_POLICY),
        "SET CONSTRAINTS ALL DEFERRED",
        """CREATE TEMP TABLE d ON COMMIT DROP AS SELECT country, nr, uid, email FROM acct
           WHERE ((closed AT TIME ZONE 'Europe/Luxembourg')::date
                  + CASE WHEN country = 'DE' THEN interval '26 months' ELSE interval '2 years' END
                 )::date < '2026-03-01'""",
        "UPDATE acct SET boss_c = NULL, boss_n = NULL WHERE boss_n IN (SELECT nr FROM d)",
        "UPDATE addr SET prev = NULL WHERE n IN (SELECT nr FROM d)",
        "DELETE FROM tree WHERE uid IN (SELECT uid FROM d)",
        "DELETE FROM msg WHERE sender IN (SELECT email FROM d)",
        "DELETE FROM b1 WHERE a IN (SELECT nr FROM d)",
        "DELETE FROM a1 WHERE uid IN (SELECT uid FROM d)",
        "UPDATE acct SET main_addr = NULL WHERE nr IN (SELECT nr FROM d)",
        "DELETE FROM addr WHERE n IN (SELECT nr FROM d)",
        "DELETE FROM acct WHERE nr IN (SELECT nr FROM d)",
    )


NO_KEYS = """
CREATE SCHEMA app;
CREATE TABLE app.users ("E-Mail" text, last_seen timestamp, state text);
CREATE TABLE app.orders (nr text PRIMARY KEY, mail text);
CREATE TABLE app.items (id serial PRIMARY KEY, order_no text);
CREATE TABLE app.contacts (id int PRIMARY KEY, phone text);
CREATE TABLE app.user_contact (mail text, contact_id int);
CREATE TABLE app.logins (who varchar(99), at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE app.logins_old PARTITION OF app.logins FOR VALUES FROM (MINVALUE) TO ('2023-06-01');
CREATE TABLE app.logins_new PARTITION OF app.logins DEFAULT;
INSERT INTO app.users
SELECT 'U' || i || '@X.example', timestamp '2024-01-01 02:00' + i * interval '1 day',
       CASE WHEN i % 7 = 0 THEN 'active' ELSE 'left' END
FROM generate_series(1, 90) AS i;
INSERT INTO app.users VALUES (NULL, '2010-01-01', 'left');
INSERT INTO app.orders SELECT i || '-' || j, 'u' || i || '@x.EXAMPLE'
FROM generate_series(1, 90) AS i, generate_series(1, 2) AS j;
INSERT INTO app.items (order_no) SELECT nr FROM app.orders, generate_series(1, 2);
INSERT INTO app.contacts SELECT i, '1' FROM generate_series(1, 50) AS i;
INSERT INTO app.user_contact
SELECT 'U' || i || '@X.example', (i + 1) / 2 FROM generate_series(1, 90) AS i;
INSERT INTO app.logins SELECT 'U' || i || '@X.example', timestamptz '2023-01-01' + i * interval
'5 days' FROM generate_series(1, 95) AS i;
"""
NO_KEYS_POLICY = """
policy:
  {name: small, version: "1", title: S, effective_from: 2026-01-01, time_zone: America/New_York}
subjects: {user: {table: app.users, key: E-Mail}}
clusters: {c: {subject: user}}
rules:
  r:
    cluster: c
    starting_point:
      latest: [{column: last_seen, running: {column: state, equals: active}}]
      although: Nothing else is known.
tables:
  app.users: {cluster: c}
  app.orders:
    cluster: c
    links: [{columns: mail, to: app.users, references: E-Mail, match: lower}]
  app.items: {cluster: c, links: [{columns: order_no, to: app.orders, references: nr}]}
  app.contacts:
    cluster: c
    links: [{columns: id, to: app.user_contact, references: contact_id}]
  app.user_contact: {cluster: c, links: [{columns: mail}]}
  app.logins: {cluster: c, links: [{columns: who}]}
"""


def test_no_foreign_key_no_index_and_an_address_as_key(make_kit: MakeKit) -> None:
    require_exactly(
        make_kit(NO_KEYS, NO_KEYS_POLICY),
        """CREATE TEMP TABLE d ON COMMIT DROP AS SELECT "E-Mail" AS m FROM app.users
           WHERE "E-Mail" IS NOT NULL AND state <> 'active'
             AND ((last_seen AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::date
                  + interval '2 years')::date < '2026-03-01'""",
        """DELETE FROM app.items WHERE order_no IN (SELECT nr FROM app.orders
           WHERE lower(mail) IN (SELECT lower(m) FROM d))""",
        "DELETE FROM app.orders WHERE lower(mail) IN (SELECT lower(m) FROM d)",
        """DELETE FROM app.contacts WHERE id IN (SELECT contact_id FROM app.user_contact
           GROUP BY 1 HAVING bool_and(mail IN (SELECT m FROM d)))""",
        "DELETE FROM app.user_contact WHERE mail IN (SELECT m FROM d)",
        "DELETE FROM app.logins WHERE who IN (SELECT m FROM d)",
        'DELETE FROM app.users WHERE "E-Mail" IN (SELECT m FROM d)',
    )


def require_exactly(kit: Kit, *by_hand: str) -> None:
    """After a sweep, and after a second one, stands what SQL written by hand would have left."""
    before = everything(kit, ())
    wanted = everything(kit, by_hand)
    assert wanted != before
    kit.sweep(AS_OF)
    assert everything(kit, ()) == wanted
    kit.sweep(AS_OF)
    assert everything(kit, ()) == wanted


def everything(kit: Kit, by_hand: Sequence[str]) -> dict[str, Counter[str]]:
    """Every row of every table, after statements that are rolled back."""
    found = {}
    with kit.connection.cursor() as cursor:
        for text in by_hand:
            cursor.execute(text)
        cursor.execute(
            "SELECT c.relnamespace::regnamespace::text, n.nspname, c.relname FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_'"
            " AND n.nspname NOT IN ('information_schema', 'lethe')"
        )
        for _, schema, table in cursor.fetchall():
            name = sql.Identifier(schema, table).as_string(cursor)
            cursor.execute(f"SELECT x::text FROM {name} AS x")
            found[name] = Counter(row[0] for row in cursor.fetchall())
    kit.connection.rollback()
    return found
