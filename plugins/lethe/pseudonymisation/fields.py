"""Applies the field methods of a plan to columns of raw text: the one function of all engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lethe.pseudonymisation.addresses import (
    AddressPseudonyms,
    pack_address,
)
from lethe.pseudonymisation.agents import NO_AGENT, reduce_agent
from lethe.pseudonymisation.known import Known, Make, compact
from lethe.pseudonymisation.logplan import ADDRESS_METHODS, Kind, LogPlan, Method
from lethe.pseudonymisation.replaced import Means, Replaced
from lethe.pseudonymisation.spelling import canonical_email, fully_unquoted
from lethe.pseudonymisation.urls import apply_templates, split_url

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

# Written where an address should be and none is; they name nobody.
_NO_ADDRESS: Final = frozenset({"-", "unknown", "_hidden", "localhost", "unix:", "::", ""})
_NOBODY: Final = frozenset({"-", "", '""'})
_KNOWN_WORDS: Final = (
    r"^(?:[A-Z][A-Z_-]{1,19}|HTTP/[0-9.]{1,3}|[0-9]{1,5}|-|http|https|h2|h3|quic"
    r"|TLSv?[0-9._]{1,5})$"
)


class FieldMethods:
    """Turns parsed columns into pseudonymised ones."""

    def __init__(self, plan: LogPlan) -> None:
        self.plan = plan
        self._periods: dict[str, Means] = {}

    def _period(self, name: str, secret: bytes) -> Means:
        if name not in self._periods:
            self._periods[name] = Means(self.plan, secret)
        return self._periods[name]

    def apply(
        self, period: str, secret: bytes, columns: dict[str, pl.Series]
    ) -> dict[str, pa.Array]:
        """Pseudonymise the columns of rows that belong to one key period."""
        means = self._period(period, secret)
        result: dict[str, pa.Array] = {}
        for name, values in columns.items():
            result.update(self._apply(means, name, values))
        return result

    def replace(self, period: str, secret: bytes, name: str, values: pl.Series) -> pl.Series:
        """Pseudonymise one column into one column of text, for where rows stay in their table."""
        import polars as pl

        means = self._period(period, secret)
        kind, method = self.plan.kind_of(name), self.plan.method_of(name)
        if method in (Method.ND, Method.NDX):
            return self._addresses_once(means, name, kind, method, values)
        if method in ADDRESS_METHODS or method is Method.TOKEN:
            known: Any = self._known(means, name, kind, method).encode(values)
            return pl.Series(pl.from_arrow(known.dictionary_decode()))
        codes, distinct = _encode(values)
        if kind is Kind.AGENT and method is Method.REDUCE:
            made = pl.Series([_in_words(text) for text in distinct], dtype=pl.String)
        else:
            made = self._replace(means, name, kind, method, distinct)
        return made.gather(pl.Series(codes))

    def _apply(self, means: Means, name: str, values: pl.Series) -> dict[str, pa.Array]:
        kind, method = self.plan.kind_of(name), self.plan.method_of(name)
        if method is Method.DROP:
            return {}
        if kind is Kind.TIME:
            return {name: _plain(_truncated(values, self.plan.truncate_time))}
        if kind is Kind.NUMBER and method is Method.KEEP:
            return {name: _plain(values)}
        if method in (Method.ND, Method.NDX):
            return {name: _plain(self._addresses_once(means, name, kind, method, values))}
        if method in ADDRESS_METHODS or method is Method.TOKEN:
            return {name: self._known(means, name, kind, method).encode(values)}
        codes, distinct = _encode(values)
        if kind is Kind.AGENT and method is Method.REDUCE:
            return _agents(means, codes, distinct, name, self.plan.agent_columns(name))
        if kind is Kind.TARGET and method is Method.SCAN:
            path, query = self._url(means, name, distinct)
            return {"path": path.decode(codes), "query": query.decode(codes)}
        return {name: _decode(codes, self._replace(means, name, kind, method, distinct))}

    def _replace(
        self, means: Means, name: str, kind: Kind, method: Method, distinct: pl.Series
    ) -> pl.Series:
        import polars as pl

        if method is Method.KEEP:
            return distinct
        if method is Method.MASK:
            return pl.Series([f"[{kind}]"], dtype=pl.String).new_from_index(0, len(distinct))
        if kind is Kind.URL:
            before, query = (part.whole() for part in self._url(means, name, distinct))
            written = pl.when(query.is_null()).then(before).otherwise(before + "?" + query)
            chosen = pl.when(distinct == "-").then(None).otherwise(written)
            return pl.select(chosen.alias("u")).to_series()
        if kind is Kind.WORD:
            known = distinct.str.contains(_KNOWN_WORDS).fill_null(value=True)
            return (
                distinct if known.all() else distinct.zip_with(known, means.scrub(name, distinct))
            )
        return means.scrub(name, distinct, free=kind is Kind.MESSAGE)

    def _url(self, means: Means, name: str, distinct: pl.Series) -> tuple[_Coded, _Coded]:
        before, query = split_url(distinct)
        # Without their queries, and with templates in place, most paths are the same few.
        codes, paths = _encode(apply_templates(before, self.plan.rules_of(name).path_templates))
        path = _Coded(codes, means.scrub(name, paths))
        # So are queries, where what makes a path one of a kind stands in front.
        codes, queries = _encode(query)
        return path, _Coded(codes, means.filter_queries(name, queries))

    def _known(self, means: Means, name: str, kind: Kind, method: Method) -> Known:
        """Give what is known of a field in this key period."""
        if name not in means.known:
            make = (
                self._tokens(means, name, kind)
                if method is Method.TOKEN
                else self._addresses(means, name, kind, method)
            )
            means.known[name] = Known(make)
        return means.known[name]

    def _addresses(self, means: Means, name: str, kind: Kind, method: Method) -> Make:
        replaced = means.replaced(name)
        pseudonyms = replaced.addresses(method)
        return lambda fresh: self._chains(replaced, pseudonyms, kind, fresh)

    def _addresses_once(
        self, means: Means, name: str, kind: Kind, method: Method, values: pl.Series
    ) -> pl.Series:
        """Give every occurrence a pseudonym of its own."""
        import polars as pl

        made = self._addresses(means, name, kind, method)
        return pl.Series(made(values.to_list()), dtype=pl.String)

    def _chains(
        self,
        replaced: Replaced,
        pseudonyms: AddressPseudonyms,
        kind: Kind,
        texts: Sequence[str | None],
    ) -> list[str | None]:
        """Replace addresses, or chains of them, in bulk."""
        if kind is Kind.ADDRESS:
            plain = [None if text is None else pack_address(text) for text in texts]
            if None not in plain:
                return list(pseudonyms.replace(plain))  # type: ignore[arg-type]
        chains = [
            [] if text is None else text.split(",") if kind is Kind.ADDRESSES else [text]
            for text in texts
        ]
        items = [item.strip(' "') for chain in chains for item in chain]
        packed = [pack_address(item) for item in items]
        made = iter(pseudonyms.replace([p for p in packed if p is not None]))
        written = iter(
            next(made) if p is not None else self._no_address(replaced, item)
            for item, p in zip(items, packed, strict=True)
        )
        done = [[next(written) for _ in chain] for chain in chains]
        return [", ".join(i for i in chain if i is not None) or None for chain in done]

    def _no_address(self, replaced: Replaced, item: str) -> str | None:
        """Replace what stands in the place of an address: a host name, or nothing of note."""
        if item in _NO_ADDRESS:
            return None if item in ("-", "") else item
        return replaced.value("host", item.lower())

    def _tokens(self, means: Means, name: str, kind: Kind) -> Make:
        replaced = means.replaced(name)
        tokens = replaced.tokens("user" if kind is Kind.USER else name)

        def made(value: str) -> str | None:
            if value in _NOBODY:
                return None
            if "@" in value or "%40" in value:
                # An e-mail address has one pseudonym in a field, however it is written.
                return replaced.value("email", canonical_email(value))
            return tokens.replace(fully_unquoted(value))

        return lambda fresh: [made(value) for value in fresh]


@dataclass(frozen=True, slots=True)
class _Coded:
    """A column as the place of each row's value among some values."""

    codes: NDArray[np.int32]
    values: pl.Series

    def whole(self) -> pl.Series:
        """Write it out."""
        import polars as pl

        return self.values.gather(pl.Series(self.codes))

    def decode(self, codes: NDArray[np.int32]) -> pa.Array:
        """Give the column of which this one holds the distinct values."""
        return _decode(self.codes[codes], self.values)


def _agents(
    means: Means,
    codes: NDArray[np.int32],
    distinct: pl.Series,
    name: str,
    columns: tuple[str, str, str],
) -> dict[str, pa.Array]:
    import polars as pl

    agents = [NO_AGENT if text is None else reduce_agent(text) for text in distinct]
    # A family can be text that the agent itself made up.
    family = means.scrub(name, pl.Series([a.family for a in agents], dtype=pl.String))
    system, device, bot = columns
    bots = np.array([a.bot for a in agents] or [False], dtype=np.bool_)
    return {
        f"{name}_family": _decode(codes, family),
        f"{name}_major": _decode(codes, pl.Series([a.major for a in agents], dtype=pl.String)),
        system: _decode(codes, pl.Series([a.os for a in agents], dtype=pl.String)),
        device: _decode(codes, pl.Series([a.device for a in agents], dtype=pl.String)),
        bot: _plain(pl.Series(bots[codes])),
    }


def _in_words(text: str | None) -> str | None:
    if text in (None, "", "-"):
        return text
    agent = reduce_agent(text)
    browser = " ".join(part for part in (agent.family, agent.major) if part) or "unknown"
    return f"ua: {browser}; {agent.os or 'unknown'}; {agent.device}"


def _truncated(times: pl.Series, unit: str | None) -> pl.Series:
    every = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d"}
    return times if unit is None else times.dt.truncate(every[unit])


def _plain(values: pl.Series) -> pa.Array:
    import pyarrow as pa

    array: Any = values.rechunk().to_arrow()
    return array.cast(pa.string()) if pa.types.is_large_string(array.type) else array


def _encode(values: pl.Series) -> tuple[NDArray[np.int32], pl.Series]:
    """Divide a column into its distinct values and the place of each row's among them."""
    import polars as pl

    if (first := values.first()) is not None and (values == first).all(ignore_nulls=False):
        return np.zeros(len(values), dtype=np.int32), values.head(1)
    # As views nothing is copied; but Arrow makes an empty text of a null among them.
    level = pl.CompatLevel.oldest() if values.null_count() else pl.CompatLevel.newest()
    column: Any = values.rechunk().to_arrow(compat_level=level)
    encoded = column.dictionary_encode(null_encoding="encode")
    return (
        encoded.indices.to_numpy(zero_copy_only=False),
        pl.Series(pl.from_arrow(encoded.dictionary)),
    )


def _decode(codes: NDArray[np.int32], distinct: pl.Series) -> pa.Array:
    """Join again: a dictionary array without nulls or repetitions in its dictionary."""
    encoded: Any = distinct.cast(_string()).rechunk().to_arrow().dictionary_encode()
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return compact(places[codes], encoded.dictionary.cast(_arrow_string()))


def _arrow_string() -> Any:
    import pyarrow as pa

    return pa.string()


def _string() -> Any:
    import polars as pl

    return pl.String
