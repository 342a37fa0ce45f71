"""What values must look like: protected, hashed, and plausible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

from psycopg2 import sql

from lethe.catalogue.model import Column as Known
from lethe.policy.model.subjects import Column
from lethe.policy.names import TableName
from lethe.quality.expectations import Scan
from lethe.quality.ground import Found, Ground, OwnScan, RowCheck

Shape = Literal["email", "country", "vat"]

# Lengths are compared apart: PostgreSQL is slow to match counted repetitions.
_HASHED = (
    r"^(\$(2[abxy]|argon2(id|i|d)|scrypt|pbkdf2[^$]*|5|6|1|y|7|gy|apr1|P|H|S|bcrypt[^$]*)\$."
    r"|\$wp\$."
    r"|\{[A-Za-z0-9.-]+\}."
    r"|(pbkdf2|scrypt|bcrypt|argon2)[A-Za-z0-9_]*[$:]."
    r"|(md5|sha1|sha224|sha256|sha384|sha512)[$:]."
    r"|SCRAM-SHA-256\$."
    r"|([0-9a-f][0-9a-f])+$|([0-9A-F][0-9A-F])+$|\*[0-9A-F]+$)"
)
_SHORTEST_HASH = 16
# The bare digest of a hash, in base64.
_BASE64 = "^[A-Za-z0-9+/_-]+=*$"
_SHORTEST_BASE64 = 27
_A, _N = "[A-Z]", "[0-9]"
# What a person would type: words, dates, numbers, addresses, tax numbers. A pseudonym or a
# ciphertext has a prefix, or is one long word of letters and digits.
_CLEAR = (
    r"\s|@"
    r"|^[0-9][0-9 ./_-]*$"
    r"|^[A-Z]{2}[0-9][0-9A-Z]{6,12}$"
    r"|^[[:alpha:]]{1,24}([ '-][[:alpha:]]+)*$"
    r"|^[[:alnum:]._/-]{1,11}$"
    # Tax and population numbers that are long words: Italy, Mexico.
    rf"|^{_A * 6}{_N * 2}{_A}{_N * 2}{_A}{_N * 3}{_A}$"
    rf"|^{_A * 4}{_N * 6}[HM]{_A * 5}[0-9A-Z]{_N}$"
)
# No counted repetition: PostgreSQL matches without it forty times faster.
_LABEL = "[[:alnum:]]([[:alnum:]-]*[[:alnum:]])?"
_EMAIL = rf"^[^@[:space:],;<>()]+@({_LABEL}\.)+[[:alpha:]][[:alnum:]-]*[[:alnum:]]$"
_LONGEST_EMAIL = 254
_NAMES: tuple[tuple[Shape, re.Pattern[str]], ...] = (
    (
        "email",
        re.compile(
            r"(^|_)(e_?mail|courriel)s?(_?(addr|addresse?|adresse?|adr)|_?[0-9]+|$"
            r"|_(primary|work|home|private|office|contact|billing|customer|user))"
            r"|(^|_)mail(_?(addr|address|adresse?|adr))?_?[0-9]*$"
        ),
    ),
    (
        "vat",
        re.compile(
            r"(^|_)(vat|tva|ust_?id|btw|partita_iva)"
            r"(_?(reg|registration|intra|intracommunautaire))?(_?(no|nr|num|number|id|id_?nr|code))?$"
        ),
    ),
    ("country", re.compile(r"(^|_)country(_code|_iso)?$")),
)
"""What the words of a column's name say; words are parted as by `_words`."""


def find(ground: Ground) -> Iterator[Found]:
    """Critical values are protected, passwords hashed; e-mail, country and VAT are plausible."""
    kinds = set()
    for name, entry in ground.policy.tables.items():
        table = ground.table(name)
        if table is None:
            continue
        for column, spec in entry.columns.items():
            known = table.columns.get(column)
            if known is None:
                continue
            for found in _of(ground, name, known, spec):
                if isinstance(found, RowCheck):
                    kinds.add(found.expectation.kind)
                yield found
    if "password" not in kinds and not ground.off("password"):
        yield ground.missing("password", "no column is a credential")
    if "critical" not in kinds and not ground.off("critical"):
        yield ground.missing("critical", "no column is critical")


def _of(ground: Ground, name: TableName, known: Known, spec: Column) -> Iterator[Found]:
    if spec.class_ == "credential" and ground.off("password") is None:
        yield _protected(ground, "password", name, known, spec)
    elif (
        spec.class_ == "critical"
        and ground.off("critical") is None
        and (spec.clear_because is None or spec.protected is not None)
    ):
        yield _protected(ground, "critical", name, known, spec)
    shape = shape_of(ground, name, known, spec)
    if shape == "email" and ground.off("email") is None:
        yield _emails(ground, name, known)
    elif shape == "country" and ground.off("country") is None:
        yield _countries(ground, name, known)
    elif shape == "vat" and ground.off("vat") is None:
        yield from _vat(ground, name, known)


def _protected(
    ground: Ground,
    kind: Literal["password", "critical"],
    name: TableName,
    known: Known,
    spec: Column,
) -> RowCheck:
    here = _column(known)
    how = spec.protected or ("hashed" if kind == "password" else None)
    text = sql.SQL("{}::text").format(here)
    if spec.format is not None:
        kept: sql.Composable = sql.SQL("{} ~ {}").format(text, ground.values.bind(spec.format))
    elif known.base_type == "bytea":
        kept = sql.SQL("octet_length({}) >= 16").format(here)
    elif how == "hashed":
        kept = sql.SQL(
            "({0} ~ '[^0-9]' AND (({0} ~ {1} AND length({0}) >= {2}) OR ({0} ~ {3}"
            " AND length({0}) >= {4} AND {0} ~ '[a-z]' AND {0} ~ '[A-Z]' AND {0} ~ '[0-9]')))"
        ).format(
            text,
            ground.values.bind(_HASHED),
            sql.Literal(_SHORTEST_HASH),
            ground.values.bind(_BASE64),
            sql.Literal(_SHORTEST_BASE64),
        )
    elif how is None:
        kept = sql.SQL("false")
    else:
        kept = sql.SQL("{} !~ {}").format(text, ground.values.bind(_CLEAR))
    title = f"{name}, column {known.name}, is {how or 'encrypted or pseudonymised'}"
    holds = sql.SQL("CASE WHEN {} <> '' THEN {} END").format(text, kept)
    what = f"{name}.{known.name}"
    return RowCheck(name, ground.expect(kind, what, title, table=name, holds=holds))


def shape_of(ground: Ground, name: TableName, known: Known, spec: Column) -> Shape | None:
    """What the values of a column must look like, if anything."""
    if not known.is_text or known.is_array:
        return None
    if spec.holds is not None:
        return spec.holds
    if spec.protected is not None or spec.class_ not in ("contact", "billing", "critical"):
        return None
    for subject in ground.policy.subjects.values():
        if subject.table == name and subject.country == known.name:
            return "country"
    for shape, pattern in _NAMES:
        if pattern.search(_words(known.name)):
            is_code = shape != "country" or _is_code(known)
            return shape if is_code else None
    return None


def _words(name: str) -> str:
    """A name in small letters, its words parted by underscores: eMailAddress, E-Mail."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower())


def _is_code(known: Known) -> bool:
    """A column that can only hold a code; one called country often holds names instead."""
    return known.type in ("character(2)", "character varying(2)") or "code" in known.name.lower()


def _emails(ground: Ground, name: TableName, known: Known) -> RowCheck:
    text = sql.SQL("btrim({}::text)").format(_column(known))
    holds = sql.SQL("CASE WHEN {0} <> '' THEN {0} ~ {1} AND length({0}) <= {2} END").format(
        text, ground.values.bind(_EMAIL), sql.Literal(_LONGEST_EMAIL)
    )
    title = f"e-mail addresses are plausible in {name}, column {known.name}"
    what = f"{name}.{known.name}"
    return RowCheck(name, ground.expect("email", what, title, table=name, holds=holds))


def _countries(ground: Ground, name: TableName, known: Known) -> RowCheck:
    text = sql.SQL("btrim({}::text)").format(_column(known))
    codes = ground.values.bind(list(country_codes()))
    holds = sql.SQL("CASE WHEN {0} <> '' THEN upper({0}) = ANY({1}) END").format(text, codes)
    title = f"countries are ISO 3166 codes in {name}, column {known.name}"
    what = f"{name}.{known.name}"
    return RowCheck(name, ground.expect("country", what, title, table=name, holds=holds))


@cache
def country_codes() -> tuple[str, ...]:
    """ISO 3166-1, as CLDR lists it: two letters, three letters, three digits; regions are none."""
    from babel import Locale
    from babel.core import get_global

    regions = [str(code) for code in Locale("en").territories]
    no_country = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
    short = {c for c in regions if len(c) == 2 and c.isalpha()} - no_country
    aliases: Mapping[str, list[str]] = get_global("territory_aliases")
    long = {c for c, meant in aliases.items() if len(c) == 3 and set(meant) <= short}
    return tuple(sorted(short | long))


def _vat(ground: Ground, name: TableName, known: Known) -> Iterator[Found]:
    """Share of distinct VAT numbers whose check digits fit.

    The database cannot compute them: somebody counted beforehand (`vat.count_numbers`), and what is
    judged is as many rows as there were numbers.
    """
    counted = ground.vat.get((name, known.name))
    what = f"{name}.{known.name}"
    if counted is None:
        yield ground.missing("vat", f"no VAT numbers in {what}", what=what)
        return
    distinct, wrong = counted
    title = f"VAT numbers are plausible in {name}, column {known.name} (distinct values)"
    holds = sql.SQL("m.n > {}").format(sql.Literal(wrong))
    expectation = ground.expect("vat", what, title, table=name, holds=holds)
    source = sql.SQL("generate_series(1, {}) AS m(n)").format(sql.Literal(distinct))
    yield OwnScan(Scan(f"vat {what}", expectation.suite, source, (expectation,)))


def vat_columns(ground: Ground) -> Iterator[tuple[TableName, str, bool]]:
    """The columns that hold VAT numbers, and whether the policy says so."""
    if ground.off("vat") is not None:
        return
    for name, entry in ground.policy.tables.items():
        table = ground.table(name)
        for column, spec in entry.columns.items() if table is not None else ():
            known = table.columns.get(column) if table is not None else None
            if known is not None and shape_of(ground, name, known, spec) == "vat":
                yield name, column, spec.holds == "vat"


def _column(known: Known) -> sql.Composed:
    return sql.SQL("m.{}").format(sql.Identifier(known.name.replace("%", "%%")))
