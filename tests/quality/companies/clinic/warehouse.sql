-- What the policy beside this file is about; clean.
CREATE SCHEMA "Praxis Nord"; CREATE SCHEMA "lab.web";
SET search_path = "Praxis Nord";
CREATE TABLE "Patient:in" (site char(3), "Nr." int, "Name" varchar(80), "E-Mail" varchar(200), "AHV" text, kennwort text,
  geboren date, "Land" char(2), "USt-IdNr" text, entlassen date, PRIMARY KEY (site, "Nr."));
CREATE TABLE termin (site char(3), "Nr." int, "when" timestamptz, bis timestamptz, notiz text, arzt text, betrag numeric(8,2),
  PRIMARY KEY (site, "Nr.", "when"), FOREIGN KEY (site, "Nr.") REFERENCES "Patient:in");
CREATE TABLE rechnung (nummer text PRIMARY KEY, site char(3), "Nr." int, datum date, "Summe €" text, zahlart text, mandat int, anschrift text,
  FOREIGN KEY (site, "Nr.") REFERENCES "Patient:in");
CREATE TABLE position (rechnung text, pos int, betrag numeric(10,2), PRIMARY KEY (rechnung, pos));
CREATE TABLE mandat (id int PRIMARY KEY, site char(3), "Nr." int, referenz text, "gläubiger" text, FOREIGN KEY (site, "Nr.") REFERENCES "Patient:in");
CREATE TABLE rundbrief (adresse text PRIMARY KEY, seit date, bis date);
CREATE TABLE einwilligung (adresse text, zweck text, ab timestamptz, bis timestamptz);
CREATE TABLE ausweis (site char(3), "Nr." int, lfd int, bild bytea, "geprüft" date, PRIMARY KEY (site, "Nr.", lfd));
CREATE TABLE weitergabe (id int PRIMARY KEY, site char(3), "Nr." int, an text, grund text, informiert date, "warum nicht" text, FOREIGN KEY (site, "Nr.") REFERENCES "Patient:in");
CREATE TABLE artikel (ean text PRIMARY KEY, name text, lieferant text);
CREATE TABLE "lab.web"."zugriff%" (id bigint PRIMARY KEY, zeit timestamptz, ip inet, agent text);
CREATE TABLE "lab.web".browser (id bigint PRIMARY KEY, site char(3), "Nr." int, agent text, FOREIGN KEY (site, "Nr.") REFERENCES "Patient:in");
INSERT INTO "Patient:in" SELECT CASE n % 2 WHEN 0 THEN 'N01' ELSE 'S02' END, n, 'Ann-'||n||' Müller', 'ann.'||n||'@x-'||n||'.example',
  'enc:v1:'||encode(sha256(n::text::bytea),'base64'), '$2b$12$'||left(encode(sha256(n::text::bytea),'hex'),53), date '1950-01-01'+n*50, (ARRAY['FR','DE','LU','CH'])[1+n%4],
  CASE n % 3 WHEN 0 THEN 'FR40303265045' WHEN 1 THEN 'DE136695976' END, CASE WHEN n%5=0 THEN date '2024-03-10'+n END FROM generate_series(1,300) n;
INSERT INTO termin SELECT site, "Nr.", timestamptz '2026-03-01 08:00Z' - "Nr."*interval '7 hours', NULL, 'Kontrolle '||"Nr."||', Tel. +33 6 12 34 56 '||lpad((("Nr."*7)%100)::text,2,'0'), 'Dr. Fink', 80.50 FROM "Patient:in";
INSERT INTO mandat SELECT "Nr.", site, "Nr.", 'psn:'||md5("Nr."::text), 'FR72ZZZ123456' FROM "Patient:in" WHERE "Nr."%3=0;
INSERT INTO rechnung SELECT '2025-'||lpad("Nr."::text,6,'0'), site, "Nr.", date '2025-05-01'+"Nr."%200, replace((("Nr."*3.5))::numeric(10,2)::text,'.',','), CASE "Nr."%3 WHEN 0 THEN 'SEPA' WHEN 1 THEN 'bar' ELSE 'Karte' END, CASE WHEN "Nr."%3=0 THEN "Nr." END, "Nr."||' rue de la Gare, 57000 Metz' FROM "Patient:in";
INSERT INTO position SELECT '2025-'||lpad(n::text,6,'0'), p, (n*3.5/2)::numeric(10,2) FROM generate_series(1,300) n, generate_series(1,2) p;
UPDATE position SET betrag = (substr(rechnung,6)::int*3.5)::numeric(10,2) - (substr(rechnung,6)::int*3.5/2)::numeric(10,2) WHERE pos=2;
INSERT INTO rundbrief SELECT 'leser'||n||'@y.example', date '2025-01-01'+n, CASE WHEN n%20=0 THEN date '2026-02-20' END FROM generate_series(1,100) n;
INSERT INTO einwilligung SELECT adresse, 'rundbrief', seit, NULL FROM rundbrief;
INSERT INTO einwilligung SELECT adresse, 'umfrage', seit, seit+10 FROM rundbrief;
INSERT INTO ausweis SELECT site, "Nr.", 1, sha256("Nr."::text::bytea), date '2026-02-28' FROM "Patient:in" WHERE "Nr."<20;
INSERT INTO weitergabe SELECT "Nr.", site, "Nr.", CASE "Nr."%2 WHEN 0 THEN 'Tribunal' ELSE 'Labor Süd' END, 'gericht', CASE WHEN "Nr."%2=0 THEN date '2026-01-01' END, CASE WHEN "Nr."%2=1 THEN 'Schweigepflicht' END FROM "Patient:in" WHERE "Nr."<30;
INSERT INTO artikel SELECT '4006381'||lpad(n::text,5,'0')||((10-(4+0*3+0+6*3+3+8*3+1+((n/10000)%10)*3+((n/1000)%10)+((n/100)%10)*3+((n/10)%10)+(n%10)*3)%10)%10)::text, 'Artikel '||n, 'DE 1Z'||upper(left(md5(n::text),6))||lpad((n*99991)::text,10,'0') FROM generate_series(1,200) n;
INSERT INTO "lab.web"."zugriff%" SELECT n, timestamptz '2026-03-01 23:00Z'-n*interval '1 hour', ('10.0.0.'||n%250)::inet, 'Mozilla/5.0 Chrome/120.0.'||n||'.0' FROM generate_series(1,400) n;
INSERT INTO "lab.web".browser SELECT "Nr.", site, "Nr.", 'Firefox' FROM "Patient:in" WHERE "Nr."<50;
RESET search_path;
