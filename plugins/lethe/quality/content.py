"""Content gates in SQL: card numbers, bank accounts and network addresses anywhere in a row.

A quick regular expression passes over every row; only what it lets through is taken apart, so that
a pass costs little more than reading the table. Nothing is changed, and nothing is selected but
whether something was found.

Source  ISO/IEC 7812 (issuer ranges, Luhn), ISO 13616 (IBAN), GS1 (EAN-13)
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from psycopg2 import sql

from lethe.catalogue.model import Column

_GAP = r"[[:space:]._/\u00A0\u2009\u202F\u2013-]{0,2}"
_RUN_FILTER = rf"[0-9](?:{_GAP}[0-9]){{12}}"
# No hexadecimal token: digits, perhaps letters a to f, and more digits on either side.
_RUN = rf"(?<![0-9][A-Fa-f]*)[0-9](?:{_GAP}[0-9]){{12,}}(?![A-Fa-f]*[0-9])"
_ISSUERS = (
    "^(?:"
    "4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    "|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"  # Mastercard
    "|3[47][0-9]{13}"  # American Express
    "|3(?:0[0-5]|09|[689][0-9])[0-9]{11,16}"  # Diners Club
    "|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12,15}"  # Discover
    "|(?:62|81)[0-9]{14,17}"  # UnionPay
    "|35(?:2[89]|[3-8][0-9])[0-9]{12,15}|(?:2131|1800)[0-9]{11}"  # JCB
    "|(?:5018|5020|5038|5893|6304|6759|676[123])[0-9]{9,15}"  # Maestro
    "|220[0-4][0-9]{12,15}"  # Mir
    ")$"
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
    "EXISTS (SELECT FROM regexp_matches({text}, {run}, 'g') AS r(run),"
    " LATERAL (SELECT array_agg(s.g ORDER BY s.n) AS groups"
    " FROM regexp_split_to_table(r.run[1], '[^0-9]+') WITH ORDINALITY AS s(g, n)) AS t,"
    " generate_series(1, cardinality(t.groups)) AS i,"
    " generate_series(i, least(i + 18, cardinality(t.groups))) AS j,"
    " LATERAL (SELECT array_to_string(t.groups[i:j], '') AS d) AS w"
    " WHERE length(w.d) BETWEEN 13 AND 19 AND w.d ~ {issuers} AND {article} AND {luhn})"
)
_IBAN_FILTER = r"[a-z]{2}[0-9]{2}(?:[[:space:].-]?[a-z0-9]){11}"
_IBAN = (
    "EXISTS (SELECT FROM regexp_matches({text}, {accounts}, 'gi') AS r(hit),"
    " LATERAL (SELECT upper(regexp_replace(r.hit[1], '[^A-Za-z0-9]', '', 'g')) AS a) AS w"
    " WHERE (SELECT string_agg(CASE WHEN s.c ~ '[0-9]' THEN s.c ELSE (ascii(s.c) - 55)::text END,"
    " '' ORDER BY s.n) FROM regexp_split_to_table(substr(w.a, 5) || left(w.a, 4), '')"
    " WITH ORDINALITY AS s(c, n))::numeric % 97 = 1)"
)
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# Not part of a version number such as Chrome/120.0.0.0, but of a URL such as http://10.0.0.1/.
_IPV4 = rf"(?:(?<![0-9A-Za-z./])|(?<=://)|(?<=@))(?:{_BYTE}\.){{3}}{_BYTE}(?![0-9A-Za-z]|\.[0-9])"


def row_text(columns: Iterable[Column], alias: str = "m") -> sql.Composed | None:
    """Everything in a row that may hold digits or words, as one text; None if there is nothing."""
    parts = [_as_text(column, alias) for column in columns if holds_text(column)]
    if not parts:
        return None
    return sql.SQL("concat_ws(chr(1), {})").format(sql.SQL(", ").join(parts))


def holds_text(column: Column) -> bool:
    """Texts, JSON, XML, arrays, composites, and numbers that are large enough for a card."""
    if column.is_text or column.is_json or column.type_kind == "composite":
        return True
    base = column.element_type or column.base_type
    return (
        _bare(base) in _LARGE
        or column.base_type.rpartition(".")[2] in ("xml", "hstore")
        or (column.is_array and _bare(base) in _TEXTS)
    )


_LARGE = frozenset({"bigint", "numeric", "double precision", "real", "money"})
_TEXTS = frozenset({"text", "character varying", "character", "json", "jsonb", "citext", "xml"})


def _bare(sql_type: str) -> str:
    return sql_type.partition("(")[0].rstrip()


def _as_text(column: Column, alias: str) -> sql.Composed:
    name = sql.SQL("{}.{}").format(
        sql.Identifier(alias), sql.Identifier(column.name.replace("%", "%%"))
    )
    if _bare(column.base_type) in ("double precision", "real") and not column.is_array:
        return sql.SQL(
            "CASE WHEN {0} BETWEEN 1e12 AND 1e19 THEN to_char({0}, 'FM9999999999999999999') END"
        ).format(name)
    return sql.SQL("{}::text").format(name)


def has_card(text: sql.Composable) -> sql.Composed:
    """A card number stands in the text: issuer range, length, Luhn; separators do not hide it."""
    found = sql.SQL(_escaped(_CARD)).format(
        text=text,
        run=_literal(_RUN),
        issuers=_literal(_ISSUERS),
        article=sql.SQL(_escaped(_NO_ARTICLE)),
        luhn=sql.SQL(_escaped(_LUHN)),
    )
    return _filtered(text, "~", _RUN_FILTER, found)


def has_iban(text: sql.Composable) -> sql.Composed:
    """A whole IBAN stands in the text: structure of its country, check digits modulo 97."""
    found = sql.SQL(_escaped(_IBAN)).format(text=text, accounts=_literal(_accounts()))
    return _filtered(text, "~*", _IBAN_FILTER, found)


def has_address(text: sql.Composable) -> sql.Composed:
    """An IPv4 address stands in the text."""
    return sql.SQL("({} ~ {})").format(text, _literal(_IPV4))


def _filtered(
    text: sql.Composable, operator: str, pattern: str, found: sql.Composable
) -> sql.Composed:
    return sql.SQL("CASE WHEN {} {} {} THEN {} ELSE false END").format(
        text, sql.SQL(operator), _literal(pattern), found
    )


@cache
def _accounts() -> str:
    """One regular expression for the account numbers of all countries, from their registry."""
    from stdnum import numdb

    classes = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
    found = []
    for _, country, _, fields, _ in numdb.get("iban").prefixes:
        head = f"{country}(?:[[:space:].-]?[0-9]){{2}}"
        found.append(_structure(head, fields["bban"], classes))
    return rf"(?:(?<![A-Za-z0-9])|(?<=iban))({'|'.join(found)})(?![A-Za-z0-9])"


def _structure(head: str, bban: str, classes: dict[str, str]) -> str:
    """'4!n4!n12!c' as a regular expression with a separator allowed before every character."""
    parts, number = [head], ""
    for character in bban:
        if character.isdigit():
            number += character
        elif character in classes:
            parts.append(f"(?:[[:space:].-]?{classes[character]}){{{number}}}")
            number = ""
    return "".join(parts)


def _literal(text: str) -> sql.Composable:
    return sql.Literal(text.replace("%", "%%"))


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
