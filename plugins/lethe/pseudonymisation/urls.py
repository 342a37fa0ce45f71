"""Request targets, referrers and query strings over whole columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from lethe.pseudonymisation.logplan import UrlRules
from lethe.pseudonymisation.patterns import GLANCE_VALUE
from lethe.pseudonymisation.phones import GLANCE_PHONES

if TYPE_CHECKING:
    import polars as pl

Scrub = Callable[["pl.Series"], "pl.Series"]


_VERSION_NAMES = "(?i)^(?:v|ver|version|build|release|rev|firmware|fw|sdk|oid)$"
# Behind these names stands who it is, where it is no address of a page and no number.
_PEOPLE = frozenset(["u", "user", "username", "user_name", "usr", "login", "nick"])
_PERSON = "^[^/:%]*[A-Za-z][^/:%]*$"


def split_url(urls: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Divide URLs into what stands before the query, and the query; the fragment is dropped."""
    if urls.str.contains_any(["&#", "&amp;", "&commat;"]).any():
        # As a page of HTML writes them; else `&#64;` were taken for a parameter and a fragment.
        urls = urls.str.replace_all(r"&(?:#64|#x40|commat);", "%40")
        urls = urls.str.replace_all("&amp;", "&", literal=True)
    if urls.str.contains("#", literal=True).any():
        urls = urls.str.splitn("#", 2).struct.field("field_0")
    parts = urls.str.splitn("?", 2).struct
    return parts.field("field_0"), parts.field("field_1")


def apply_templates(paths: pl.Series, templates: tuple[str, ...]) -> pl.Series:
    """Write `/customer/{id}` for `/customer/1234`, the template of most segments first."""
    for template in sorted(templates, key=lambda t: (-t.count("/"), t)):
        pattern, written = _template(template)
        # Most paths lack what the template holds besides names: to see that is much cheaper.
        some = paths.str.contains(_longest_literal(template), literal=True).fill_null(value=False)
        if (bare := _bare_template(template)) is not None:
            # A path without a host in front, whose end is that of the last name, needs no groups.
            front, short, instead = bare
            ours = some & paths.str.starts_with(front)
            paths = _replaced(paths, ours.arg_true(), short, instead)
            some &= ~ours
        paths = _replaced(paths, some.arg_true(), pattern, written)
    return paths


def _replaced(paths: pl.Series, rows: pl.Series, pattern: str, written: str) -> pl.Series:
    if not len(rows):
        return paths
    return paths.clone().scatter(rows, paths.gather(rows).str.replace(pattern, written))


def _longest_literal(template: str) -> str:
    return max(re.split(r"\{[^/]*", "/" + template.strip("/")), key=len)


def _template(template: str) -> tuple[str, str]:
    pattern, written = _segments(template)
    return f"^((?:[a-z][a-z0-9+.-]*:)?(?://[^/]*)?/*){pattern}(/|;|$)", f"${{1}}{written}${{2}}"


def _bare_template(template: str) -> tuple[str, str, str] | None:
    """Give the front of a template that begins with a word and ends with a name, and its pattern.

    Behind the last name stands what ends a segment, or nothing; a path holds no query.
    """
    segments = template.strip("/").split("/")
    first, last = segments[0], segments[-1]
    pattern, written = _segments(template)
    if not first or first.startswith("{") or not last.startswith("{") or "$" in written:
        return None
    return f"/{first}/", f"^{pattern}", written


def _segments(template: str) -> tuple[str, str]:
    segments = template.strip("/").split("/")
    pattern = "".join(
        "/(?:[^/{;?][^/;?]*)" if segment.startswith("{") else f"/{re.escape(segment)}"
        for segment in segments
    )
    return pattern, "/" + "/".join(segments)


class QueryFilter:
    """Keeps of a query string what the policy allows.

    The values that stay are looked through all the same. Parameters are divided at `&` and `;`;
    of those without a value only the last one is known by its name.
    """

    def __init__(
        self,
        rules: UrlRules,
        others: str,
        scrub: Scrub,
        token: Callable[[str, str], str],
        *,
        phones: bool = False,
    ) -> None:
        names = "|".join(re.escape(name) for name in sorted(rules.query_allow))
        self._allowed = f"(?:^|[&;])(?:{names})(?:=[^&;]*|$)" if names else None
        self._names = sorted(rules.query_allow)
        self._others = others
        self._scrub = scrub
        self._token = token
        self._glance = GLANCE_VALUE + (GLANCE_PHONES if phones else "")
        self._people = [name for name in self._names if name.lower() in _PEOPLE]
        if self._people:
            people = "|".join(re.escape(name) for name in self._people)
            self._glance += f"|(?:^|&)(?:{people})=[^&]*[A-Za-z]"

    def filter(self, queries: pl.Series) -> pl.Series:
        """Give the queries without what is not allowed; null where nothing stays."""
        import polars as pl

        kept = pl.Series([None], dtype=pl.String).new_from_index(0, len(queries))
        if self._others != "drop":
            rows = (queries.fill_null("") != "").arg_true()
            return kept.scatter(rows, self._divide(queries.gather(rows))) if len(rows) else kept
        if self._allowed is None:
            return kept
        rows = queries.str.contains(self._allowed).fill_null(value=False).arg_true()
        if not len(rows):
            return kept
        some = (
            queries.gather(rows)
            .str.extract_all(self._allowed)
            .list.join("")
            .str.replace_all(";", "&", literal=True)
            .str.strip_chars_start("&")
        )
        doubtful = some.str.contains(self._glance).arg_true()
        if len(doubtful):
            some = some.scatter(doubtful, self._divide(some.gather(doubtful)))
        return kept.scatter(rows, some)

    def _divide(self, queries: pl.Series) -> pl.Series:
        """Look at each parameter of some queries."""
        import polars as pl

        parameters = (
            pl.DataFrame({"q": queries})
            .with_row_index("row")
            .with_columns(pl.col("q").str.replace_all(";", "&", literal=True).str.split("&"))
            .explode("q")
            .filter(pl.col("q") != "")
        )
        parts = parameters["q"].str.splitn("=", 2).struct.unnest()
        name, value = parts["field_0"], parts["field_1"]
        allowed = name.is_in(self._names)
        if self._others == "scan":
            # Beside the value the name tells what it is: `sid=…`.
            written = self._scrub(parameters["q"]).zip_with(
                ~allowed, _joined(name, self._scrub(value))
            )
        else:
            written = _joined(name, self._scrub(value))
            # Only its name tells a version from an address, and a user from a word.
            named = name.str.contains(_VERSION_NAMES).fill_null(value=False)
            if self._people:
                person = value.str.contains(_PERSON).fill_null(value=False)
                named |= name.is_in(self._people) & person
            if named.any():
                written = self._scrub(parameters["q"]).zip_with(named, written)
            if self._others == "token":
                tokens = [
                    None if v is None else self._token(n, v)
                    for n, v in zip(
                        name,
                        value.zip_with(~allowed, pl.Series([None], dtype=pl.String)),
                        strict=True,
                    )
                ]
                written = written.zip_with(
                    allowed, _joined(self._scrub(name), pl.Series(tokens, dtype=pl.String))
                )
        joined = (
            parameters.select("row", q=written)
            .group_by("row", maintain_order=True)
            .agg(pl.col("q").str.join("&"))
        )
        rows = pl.DataFrame({"row": pl.arange(0, len(queries), eager=True, dtype=pl.UInt32)})
        return rows.join(joined, on="row", how="left", maintain_order="left")["q"]


def _joined(names: pl.Series, values: pl.Series) -> pl.Series:
    return names.zip_with(values.is_null(), names + "=" + values)
