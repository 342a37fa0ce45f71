"""Content gates in SQL: card numbers, bank accounts and network addresses anywhere in a row.

A quick regular expression passes over every row; only what it lets through is taken apart, so that
a pass costs little more than reading the table. Nothing is changed, and nothing is selected but
whether something was found.

Source  ISO/IEC 7812 (issuer ranges, Luhn), ISO 13616 (IBAN), GS1 (EAN-13)
"""

from __future__ import annotations

from functools import cache

from psycopg2 import sql

_SPACES = r"\u00A0\u00AD\u00B7\u2000-\u2015\u2028-\u202F\u205F-\u2064\u2212\u3000\uFEFF"
_SEPARATOR = rf"[[:space:]._/+{_SPACES}-]"
_GAP = rf"{_SEPARATOR}{{0,3}}"
# Separators in the dress of a URL, of HTML, of JSON.
# Fullwidth, Arabic, Persian and Devanagari digits.
_ZEROS = (0xFF10, 0x660, 0x6F0, 0x966)
_DIGITS = "".join(rf"\u{zero:04X}-\u{zero + 9:04X}" for zero in _ZEROS)
_DRESSED = r"%[0-9a-f]{2}|&(?:nbsp|#160|#xa0);|\\(?:u00a0|u202f|u2009|[nrt])"
# No counted repetition: PostgreSQL matches without it several times faster.
_FRACTION = rf"(?<=[0-9])\.{'[0-9]' * 7}+(?!\.?[0-9])"
# UUIDs of which a few groups happen to have no letter; parcels (UPS); SEPA creditors.
_NO_CARD = (
    r"(?<![0-9a-fA-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-fA-F])"
    r"|(?<![0-9A-Za-z])1Z[0-9A-Z]{16}(?![0-9A-Za-z])|[A-Z]{2}[0-9]{2}ZZZ[0-9]+"
)
_RUN_FILTER = rf"[1-689](?:{_SEPARATOR}*[0-9]){{12}}"
# A number may begin like a card of its length: times in milliseconds or microseconds do not.
_BEGIN_FILTER = (
    rf"(?<![0-9])0*(?:(?:[34568]|2[2-7]|9792)(?:{_SEPARATOR}*[0-9]){{11}}"
    rf"|1(?:{_SEPARATOR}*[0-9]){{14}}(?![0-9])|2131(?:{_SEPARATOR}*[0-9]){{11}})"
)
# No hexadecimal token: digits, perhaps letters a to f, and more digits on either side.
_RUN = rf"(?<![0-9][A-Fa-f]*)[0-9](?:{_GAP}[0-9]){{12,}}(?![A-Fa-f]*[0-9])"
_ISSUERS = (
    "^(?:"
    "4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    "|5[0-8][0-9]{14}|6[0-9]{15}"  # Mastercard, Maestro, Discover, UnionPay, Elo, RuPay, Dankort
    "|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"  # Mastercard
    "|3[47][0-9]{13}"  # American Express
    "|3(?:0[0-5]|09|[689][0-9])[0-9]{11,16}"  # Diners Club
    "|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12,15}"  # Discover
    "|(?:62|8[12])[0-9]{14,17}"  # UnionPay, RuPay
    "|35(?:2[89]|[3-8][0-9])[0-9]{12,15}|(?:2131|1800)[0-9]{11}"  # JCB
    "|(?:5018|5020|5038|5893|6304|6390|67[0-9]{2})[0-9]{9,15}"  # Maestro
    "|220[0-4][0-9]{12,15}|9792[0-9]{12}"  # Mir, Troy
    "|1[0-9]{14}"  # UATP
    ")$"
)
# As cards are printed; or groups of one length (the last may be shorter) that are not part of a
# longer list of such; or two to four groups of any length with spaces or dashes between them, none
# of them a long number by itself. Numbers of three digits side by side are addresses or telephones.
_GROUPED = (
    "(j = i OR g.shape ~ '^(4-4-4-[1-4](-[1-3])?|4-6-[45]|4-4-5)$' OR ("
    "j - i >= 3 AND length(t.groups[i]) <> 3"
    " AND (SELECT count(DISTINCT length(e)) FROM unnest(t.groups[i:j - 1]) AS e) = 1"
    " AND length(t.groups[j]) <= length(t.groups[i])"
    " AND length(t.groups[i - 1]) IS DISTINCT FROM length(t.groups[i])"
    " AND length(t.groups[j + 1]) IS DISTINCT FROM length(t.groups[i]))"
    " OR (j - i < 4 AND g.longest <= 10 AND (length(w.d) <= 16 OR j - i = 3)"
    " AND strpos(r.run[1], '.') = 0 AND strpos(r.run[1], '/') = 0))"
)
_LUHN = (
    "(SELECT sum(CASE WHEN (length(w.d) - p) % 2 = 0 THEN x.v"
    " ELSE (2 * x.v) / 10 + (2 * x.v) % 10 END) % 10 = 0"
    " FROM generate_series(1, length(w.d)) AS p, LATERAL (SELECT substr(w.d, p, 1)::int AS v) AS x)"
)
# A thirteen-digit number that starts with 4 is more often an article (EAN) or a German or Austrian
# telephone number than one of the few Visa cards of that length.
_NO_ARTICLE = (
    "(length(w.d) <> 13 OR NOT (left(w.d, 2) IN ('43', '49') OR"
    " (SELECT sum((CASE p % 2 WHEN 1 THEN 1 ELSE 3 END) * substr(w.d, p, 1)::int) % 10 = 0"
    " FROM generate_series(1, 13) AS p)))"
)
_CARD = (
    "EXISTS (SELECT FROM regexp_matches("
    "regexp_replace({text}, {no_card}, ' x ', 'g'), {run}, 'g') AS r(run),"
    " LATERAL (SELECT array_agg(s.g ORDER BY s.n) AS groups"
    " FROM regexp_split_to_table(r.run[1], '[^0-9]+') WITH ORDINALITY AS s(g, n)) AS t,"
    " generate_series(1, cardinality(t.groups)) AS i,"
    " generate_series(i, least(i + 18, cardinality(t.groups))) AS j,"
    " LATERAL (SELECT ltrim(array_to_string(t.groups[i:j], ''), '0') AS d) AS w,"
    " LATERAL (SELECT string_agg(length(e)::text, '-') AS shape, max(length(e)) AS longest"
    " FROM unnest(t.groups[i:j]) AS e) AS g"
    " WHERE length(w.d) BETWEEN 13 AND 19 AND w.d ~ {issuers} AND {grouped}"
    " AND {article} AND {luhn})"
)
_PLAIN_CARD = (
    "(SELECT w.d ~ {issuers} AND {article} AND {luhn}"
    " FROM (SELECT ltrim({number}, '0') AS d OFFSET 0) AS w)"
)
_LETTER_GAP = rf"{_SEPARATOR}{{0,2}}"
_IBAN_FILTER = rf"(?:^|[^a-z0-9]|iban)[a-z]{{2}}[0-9]{{2}}(?:{_SEPARATOR}{{0,2}}[a-z0-9]){{11}}"
# Where an account begins: its country and check digits, at the start of a word or behind 'IBAN'.
_HEAD = "(?:^|[^A-Za-z0-9]|iban)((?:{countries})[0-9]{{2}})"
# One word, groups of four, or digits with whatever between them: 'LU12345678 Luxembourg' is none.
_WRITTEN = (
    r"^[A-Z0-9]+$|^(?:[A-Z0-9]{4}[^A-Z0-9]+)+[A-Z0-9]{1,4}$"
    r"|^[A-Z]{2}[0-9]+(?:[^A-Z0-9]+[0-9]+)*$"
)
_IBAN = (
    "EXISTS (SELECT FROM"
    " generate_series(1, regexp_count({text}, {head}, 1, 'i')) AS n,"
    " LATERAL (SELECT regexp_instr({text}, {head}, 1, n, 0, 'i', 1) AS at) AS h,"
    " LATERAL (SELECT substr({text}, h.at, 110) AS tail) AS s,"
    " LATERAL (SELECT ({structures}::jsonb) ->> upper(left(s.tail, 2)) AS shape) AS k,"
    " LATERAL (SELECT upper((regexp_match(s.tail, '^' || k.shape || '(?![A-Za-z0-9])', 'i'))[1])"
    " AS raw) AS f,"
    " LATERAL (SELECT regexp_replace(f.raw, '[^A-Z0-9]', '', 'g') AS a) AS w"
    " WHERE f.raw IS NOT NULL AND (f.raw ~ {written}) AND"
    " (SELECT string_agg(CASE WHEN s.c ~ '[0-9]' THEN s.c ELSE (ascii(s.c) - 55)::text END,"
    " '' ORDER BY s.n) FROM regexp_split_to_table(substr(w.a, 5) || left(w.a, 4), '')"
    " WITH ORDINALITY AS s(c, n))::numeric % 97 = 1)"
)
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# Not part of a version number such as Chrome/120.0.0.0, but of a URL such as http://10.0.0.1/.
_IPV4 = rf"(?:(?<![0-9A-Za-z./])|(?<=://)|(?<=@))(?:{_BYTE}\.){{3}}{_BYTE}(?![0-9A-Za-z]|\.[0-9])"


def undressed(text: sql.Composable) -> sql.Composed:
    """The text with a space for every character that a URL, HTML or JSON wrote otherwise, and with
    plain digits for those of other scripts."""
    return sql.SQL(
        "(SELECT CASE WHEN w.t LIKE {} OR w.t LIKE {} OR w.t LIKE {}"
        " THEN regexp_replace(w.t, {}, ' ', 'gi') ELSE w.t END AS t"
        " FROM (SELECT CASE WHEN octet_length(v.t) > length(v.t) AND v.t ~ {}"
        " THEN {} ELSE v.t END AS t"
        " FROM (SELECT {} AS t OFFSET 0) AS v OFFSET 0) AS w OFFSET 0)"
    ).format(
        *(_literal(one) for one in (r"%\%%", "%&%", r"%\\%", _DRESSED)),
        _literal(f"[{_DIGITS}]"),
        _in_plain_digits(sql.SQL("v.t")),
        text,
    )


def _in_plain_digits(text: sql.Composable) -> sql.Composable:
    """Written as escapes, which every encoding of a database understands."""
    for digit in range(10):
        same = "".join(rf"\u{zero + digit:04X}" for zero in _ZEROS)
        text = sql.SQL("regexp_replace({}, {}, {}, 'g')").format(
            text, _literal(f"[{same}]"), _literal(str(digit))
        )
    return text


def has_card(text: sql.Composable) -> sql.Composed:
    """A card number stands in the text: issuer range, length, Luhn; separators do not hide it."""
    found = _sql(_CARD).format(
        text=sql.SQL("u.t"),
        no_card=_literal(_NO_CARD),
        run=_literal(_RUN),
        issuers=_literal(_ISSUERS),
        grouped=_sql(_GROUPED),
        article=_sql(_NO_ARTICLE),
        luhn=_sql(_LUHN),
    )
    return sql.SQL(
        "CASE WHEN {0} ~ {1} THEN CASE WHEN {0} ~ {2} THEN"
        " (SELECT CASE WHEN u.t ~ {2} THEN {4} ELSE false END"
        " FROM (SELECT regexp_replace({0}, {3}, ' x ', 'g') AS t OFFSET 0) AS u)"
        " ELSE false END ELSE false END"
    ).format(text, _literal(_RUN_FILTER), _literal(_BEGIN_FILTER), _literal(_FRACTION), found)


def has_form_of_card(digits: sql.Composable) -> sql.Composed:
    """Plain digits are as long as a card's number, and of an issuer's range."""
    return sql.SQL("(ltrim({}, '0') ~ {})").format(digits, _literal(_ISSUERS))


def is_card(number: sql.Composable) -> sql.Composed:
    """Plain digits are a card's number."""
    return _sql(_PLAIN_CARD).format(
        number=number,
        issuers=_literal(_ISSUERS),
        article=_sql(_NO_ARTICLE),
        luhn=_sql(_LUHN),
    )


def has_iban(text: sql.Composable) -> sql.Composed:
    """A whole IBAN stands in the text: structure of its country, check digits modulo 97."""
    found = _sql(_IBAN).format(
        text=text,
        head=_literal(_HEAD.format(countries="|".join(_structures()))),
        written=_literal(_WRITTEN),
        structures=_literal(_json(_structures())),
    )
    return sql.SQL("CASE WHEN {0} ~* {1} THEN {2} ELSE false END").format(
        text, _literal(_IBAN_FILTER), found
    )


def has_address(text: sql.Composable) -> sql.Composed:
    """An IPv4 address stands in the text."""
    return sql.SQL("({} ~ {})").format(text, _literal(_IPV4))


@cache
def _structures() -> dict[str, str]:
    """Country → pattern of its account numbers, from their registry, caught as a whole."""
    from stdnum import numdb

    return {
        country: f"({country}[0-9]{{2}}{_pieces(fields['bban'])})"
        for _, country, _, fields, _ in numdb.get("iban").prefixes
    }


def _pieces(bban: str) -> str:
    """'4!n4!n12!c' as a regular expression with separators allowed before every character."""
    classes = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
    parts, number = "", ""
    for character in bban:
        if character.isdigit():
            number += character
        elif character in classes:
            parts += _piece(classes[character], int(number))
            number = ""
    return parts


def _piece(one: str, times: int) -> str:
    return f"(?:{_LETTER_GAP}{one}){{{times}}}"


def _json(found: dict[str, str]) -> str:
    import json

    return json.dumps(found)


def _sql(text: str) -> sql.SQL:
    return sql.SQL(text.replace("%", "%%"))


def _literal(text: str) -> sql.Composable:
    return sql.Literal(text.replace("%", "%%"))
