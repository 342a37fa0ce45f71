-- What the policy beside this file is about; clean.
CREATE SCHEMA app; CREATE SCHEMA auth; CREATE SCHEMA crm; SET search_path = app;
CREATE DOMAIN email AS varchar(254);
CREATE DOMAIN cents AS bigint;
CREATE TYPE status AS ENUM ('trial','active','closed');
CREATE TYPE address AS (street text, zip text, country text);
CREATE TABLE members (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "emailAddress" email, profile jsonb, dob date, "taxId" text, secret text, phones text[],
  "countryCode" char(3), fullname text GENERATED ALWAYS AS (profile->>'first') STORED, closed_at timestamptz, status status, plan text);
CREATE TABLE orders (id bigint, member uuid REFERENCES members, placed timestamptz NOT NULL, reference bigint, tracking text, amount cents, tags text[], doc jsonb, shipping address, total_text text,
  kind text, vat_rate text, PRIMARY KEY (id, placed, kind)) PARTITION BY RANGE (placed);
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (kind);
CREATE TABLE orders_2025_web PARTITION OF orders_2025 FOR VALUES IN ('web');
CREATE TABLE orders_2025_rest PARTITION OF orders_2025 DEFAULT;
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
CREATE TABLE order_lines (order_id bigint, line int, price cents, qty int, PRIMARY KEY (order_id, line));
CREATE TABLE events (device text, at timestamptz, at_ms bigint, kind text, payload json, ip inet);
CREATE TABLE auth."session" (token_hash text PRIMARY KEY, expires timestamptz, ip inet);
CREATE TABLE crm.leads (tenant int, no int, mail text, answers text, captured date, PRIMARY KEY (tenant, no));
CREATE TABLE crm.optins (tenant int, no int, channel text, given date, ended date);
CREATE TABLE notes (id serial PRIMARY KEY, about_type text, about_id text, body text);
CREATE TABLE catalog (sku text PRIMARY KEY, gtin numeric(14), isbn text, imei bigint, attrs jsonb, updated_ms bigint, price numeric(12,4));
CREATE VIEW big_spenders AS SELECT member, sum(amount) AS total FROM orders GROUP BY member;
CREATE MATERIALIZED VIEW refs AS SELECT reference, tracking FROM orders ;
SELECT setseed(0.3);
INSERT INTO members (id, "emailAddress", profile, dob, "taxId", secret, phones, "countryCode", closed_at, status, plan)
 SELECT md5(n::text)::uuid, 'm'||n||'@mail.example', jsonb_build_object('first','Mia '||n,'lang','fr','ref',4500000000000000::bigint+n*7919,'seen',1700000000000+n::bigint*86400123,'geo',jsonb_build_array(random()*50,random()*5)), date '1960-01-01'+n*40,
 'tok_'||left(md5(n::text),8), encode(sha256(n::text::bytea),'base64'), ARRAY['+352 621 '||lpad((n*997%1000000)::text,6,'0'),'0049 151 '||lpad((n*99991)::text,8,'0')], (ARRAY['LUX','FRA','DEU'])[1+n%3],
 CASE WHEN n%7=0 THEN timestamptz '2025-06-01'+n*interval '1 hour' END, CASE WHEN n%7=0 THEN 'closed' ELSE 'active' END::status, 'pro' FROM generate_series(1,250) n;
INSERT INTO orders SELECT n, md5((1+n%250)::text)::uuid, timestamptz '2024-02-01'+n*interval '17 hours', 4500000000000000+n::bigint*7919, '5'||lpad((n::bigint*104729*31%1000000000000000)::text,15,'0'), n*3, ARRAY['a','6'||lpad((n*104729)::text,15,'0')],
 jsonb_build_object('cart',jsonb_build_array(jsonb_build_object('ean','4006381'||lpad(n::text,6,'0'),'parcel','6'||lpad((n::bigint*104729*77%1000000000000000)::text,15,'0')))), ROW('1 rue A','L-'||(1000+n),'LU')::address, (n*3/100.0)::numeric(10,2)::text||' EUR', CASE n%2 WHEN 0 THEN 'web' ELSE 'shop' END, '17 %' FROM generate_series(1,900) n;
REFRESH MATERIALIZED VIEW refs;
INSERT INTO order_lines SELECT n, l, n, 1 FROM generate_series(1,900) n, generate_series(1,3) l;
INSERT INTO events SELECT 'd-'||md5((n%40)::text), timestamptz '2026-03-01'-n*interval '1 hour', 1770000000000-n::bigint*3600000, 'click', json_build_object('ts',1770000000000000+n::bigint*3600000123,'xy',json_build_array(random()*5,random()*400),'ua','Chrome/120.0.6099.'||n), ('10.1.2.'||n%250)::inet FROM generate_series(1,1500) n;
INSERT INTO auth."session" SELECT encode(sha256(n::text::bytea),'hex'), timestamptz '2026-03-02'+n*interval '1 hour', '10.9.9.9' FROM generate_series(1,50) n;
INSERT INTO crm.leads SELECT n%3, n, 'lead'||n||'@z.example', 'yes; 3 of 5; call 621 123 '||lpad(n::text,3,'0'), date '2025-05-01'+n FROM generate_series(1,120) n;
INSERT INTO crm.optins SELECT tenant, no, 'mail', captured, CASE WHEN no%2=0 THEN captured+3 END FROM crm.leads;
INSERT INTO crm.optins SELECT tenant, no, 'mail', captured+5, NULL FROM crm.leads WHERE no%2=0;
INSERT INTO notes (about_type,about_id,body) SELECT 'member', md5(n::text)::uuid::text, 'ISBN 978-3-16-'||lpad((n*397%1000000)::text,6,'0')||'-0, MSG '||md5(n::text) FROM generate_series(1,100) n;
INSERT INTO notes (about_type,about_id,body) SELECT 'order', n::text, 'parcel 1Z999AA1012345'||lpad((n%10000)::text,4,'0')||' IMEI 35'||lpad((n*99991)::text,13,'0') FROM generate_series(1,100) n;
INSERT INTO catalog SELECT 'S'||n, 4006381000000+n*7, '978316'||lpad(n::text,7,'0'), 350000000000000+n::bigint*104729*997, jsonb_build_object('mpn',n,'sn','SN'||md5(n::text)), 1700000000000+n::bigint*86400000, random()*1000 FROM generate_series(1,300) n;
RESET search_path;
