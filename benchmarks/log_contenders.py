"""What teams write today for the same job, each run in a process of its own.

Every contender reads the gzipped log, replaces address and user name by a keyed token, keeps of
the query what is allowed, writes paths by template, looks through paths, kept values and referrers
for what is personal, reduces the user agent, cuts the time to the minute, and writes Parquet with
zstd. In SQL and in Polars' expressions alone a find can only be masked, which is less work than is
asked for: `…_tokens` put a keyed token for each, made in Python once a distinct text.

They look with one short pattern, as teams write it. `…_same_finds` look for all that Lethe looks
for, by the same patterns in Python's `re`; in DuckDB and Polars once a distinct text. None of the
contenders divides by days, sets unreadable lines aside, accounts for lines and bytes, makes its
output durable or reads it back.
"""

from __future__ import annotations

import gzip
import hmac
import json
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from lethe.pseudonymisation.agents import reduce_agent
from lethe.pseudonymisation.engine import pseudonymise_file
from lethe.pseudonymisation.judge import Judge
from lethe.pseudonymisation.logplan import Method
from lethe.pseudonymisation.patterns import END, ESCAPE, START, UNBOUND, scan_groups

from benchmarks.log_lines import ALLOWED, plan

KEY = bytes(range(32))
LINE = (
    r'^(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) ([^ "]+) ([^"]+)" (\d{3}) (\d+|-)'
    r' "([^"]*)" "([^"]*)"$'
)
NAMES = ["ip", "ident", "user", "time", "method", "url", "protocol", "status", "bytes",
         "referrer", "agent"]  # fmt: skip
EMAIL = r"[A-Za-z0-9._+-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
# What a URL may hold besides: addresses, tokens, card numbers, accounts.
PERSONAL = (
    rf"{EMAIL}|\b(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}\b"
    r"|\b(?:[0-9A-Fa-f]{1,4}:){2,7}[0-9A-Fa-f:]{1,39}\b"
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+|\b[0-9A-Fa-f]{32,}\b"
    r"|\b[3-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,7}\b"
    r"|\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}\b"
    r"|(?:token|sid|session|password|user|login)=[^&;]+"
)
ORDERS = r"^((?:https?://[^/]*)?)/customer/[^/?]+/orders/[^/?]+"
CUSTOMER = r"^((?:https?://[^/]*)?)/customer/[^/?]+"
KEPT = rf"(?:^|&)(?:{'|'.join(sorted(ALLOWED))})=[^&]*"


def token(text: str) -> str:
    """A keyed token."""
    return hmac.new(KEY, text.encode(), "sha256").hexdigest()[:20]


def agent(text: str) -> tuple[str | None, str | None, str | None, str, bool]:
    """A user agent reduced."""
    return tuple(reduce_agent(text))  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Put:
    """Puts a keyed token for each find in some texts.

    short  finds are those of the short pattern, so that the tool can leave out the other texts
    """

    into: Callable[[list[str]], list[str]]
    short: bool


def python_lines(path: Path, output: Path) -> int:
    """Plain Python: `re` and `hmac`, line by line, and one short pattern for what is personal."""
    personal = re.compile(PERSONAL)
    return _python(path, output, lambda text: personal.sub(lambda m: token(m[0]), text))


def python_same_finds(path: Path, output: Path) -> int:
    """Plain Python, line by line, that looks for all that Lethe looks for."""
    return _python(path, output, finds_of_ours())


def finds_of_ours() -> Callable[[str], str]:
    """Replace in a text all that Lethe looks for in one, by the same patterns in Python's `re`."""
    groups = scan_groups(free=False, phones=False)
    pattern = re.compile("|".join(f"(?P<{n}>{_in_python(p, n)})" for n, p in groups.items()))
    judge = Judge(Tokening())
    return lambda text: pattern.sub(lambda m: judge.judge(str(m.lastgroup), m[0]), text)


class Tokening:
    """Puts a keyed token for each find."""

    linkable = True

    def address(self, packed: bytes) -> str:
        """Replace an address."""
        return token(packed.hex())

    def value(self, kind: str, value: str) -> str:
        """Replace a value."""
        return f"{kind}_{token(value)}"


def _in_python(pattern: str, name: str) -> str:
    """Write one of our patterns, which are in Rust's syntax, as Python's `re` reads it."""
    front = "" if name in UNBOUND else f"(?:{ESCAPE}+|{START})"
    whole = f"{front}(?:{pattern})"
    whole = whole.replace(START, "(?<![A-Za-z0-9_])").replace(END, "(?![A-Za-z0-9_])")
    return re.sub(r"\\u\{([0-9A-F]+)\}", lambda m: f"\\u{int(m[1], 16):04x}", whole)


def _python(path: Path, output: Path, looked_through: Callable[[str], str]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    line_pattern, orders, customer = map(re.compile, (LINE, ORDERS, CUSTOMER))
    cached_agent = lru_cache(10_000)(agent)

    @lru_cache(10_000)
    def minute(text: str, zone: str) -> datetime:
        return datetime.strptime(f"{text} {zone}", "%d/%b/%Y:%H:%M %z")

    def url(text: str) -> tuple[str, str]:
        before, _, query = text.partition("?")
        before = orders.sub(r"\1/customer/{id}/orders/{order}", before)
        before = customer.sub(r"\1/customer/{id}", before)
        kept = [p for p in query.split("&") if p.partition("=")[0] in ALLOWED]
        return looked_through(before), looked_through("&".join(kept))

    written = 0
    writer = None
    rows: list[tuple[Any, ...]] = []
    columns = ["ip", "user", "time", "method", "path", "query", "protocol", "status", "bytes",
               "referrer", "family", "major", "os", "device", "bot"]  # fmt: skip

    def flush() -> None:
        nonlocal writer, written
        table = pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))
        writer = writer or pq.ParquetWriter(output, table.schema, compression="zstd")
        writer.write_table(table)
        written += len(rows)
        rows.clear()

    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            match = line_pattern.match(line.rstrip("\n"))
            if match is None:
                continue
            ip, _, user, when, method, target, protocol, status, size, referrer, ua = match.groups()
            path_part, query = url(target)
            before, after = url(referrer)
            rows.append((
                token(ip), None if user == "-" else token(user),
                minute(when[:17], when[-5:]), method, path_part,
                query, protocol, int(status), int(size), before + ("?" + after if after else ""),
                *cached_agent(ua),
            ))  # fmt: skip
            if len(rows) == 50_000:
                flush()
    flush()
    if writer:
        writer.close()
    return written


def pandas_strings(path: Path, output: Path) -> int:
    """pandas: `.str` methods on chunks."""
    import pandas as pd  # type: ignore[import-untyped]

    written = 0
    parts = []
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        while lines := file.readlines(64 << 20):
            frame = pd.Series(lines).str.rstrip("\n").str.extract(LINE)
            frame.columns = NAMES
            frame = frame.dropna(subset=["ip"])
            for name in ("ip", "user"):
                distinct = frame[name].unique()
                frame[name] = frame[name].map({v: token(v) for v in distinct})
            for name in ("url", "referrer"):
                halves = frame[name].str.split("?", n=1, expand=True).reindex(columns=[0, 1])
                before = halves[0].str.replace(
                    ORDERS, r"\1/customer/{id}/orders/{order}", regex=True
                )
                before = before.str.replace(CUSTOMER, r"\1/customer/{id}", regex=True)
                before = before.str.replace(PERSONAL, lambda m: token(m[0]), regex=True)
                kept = halves[1].fillna("").str.findall(KEPT).str.join("")
                frame[name] = before
                frame[f"{name}_query"] = kept.str.replace(
                    PERSONAL, lambda m: token(m[0]), regex=True
                )
            reduced = {v: agent(v) for v in frame["agent"].unique()}
            for at, name in enumerate(("family", "major", "os", "device", "bot")):
                frame[name] = frame["agent"].map({v: r[at] for v, r in reduced.items()})
            frame["time"] = pd.to_datetime(
                frame["time"], format="%d/%b/%Y:%H:%M:%S %z", utc=True
            ).dt.floor("min")
            frame["status"] = frame["status"].astype("int64")
            frame["bytes"] = pd.to_numeric(frame["bytes"], errors="coerce")
            parts.append(frame.drop(columns=["agent", "ident"]))
            written += len(frame)
    pd.concat(parts).to_parquet(output, compression="zstd")
    return written


def duckdb_regex(path: Path, output: Path, put: Put | None = None) -> int:
    """DuckDB: regular expressions in SQL; tokens and agents of distinct values by a join.

    put  puts something of its own for each find; without it finds are masked
    """
    import duckdb

    base = duckdb.connect()
    base.execute("SET threads = 2")
    names = ", ".join(f"'{name}'" for name in NAMES)
    base.execute(
        f"""CREATE TABLE parsed AS SELECT UNNEST(regexp_extract(line, ?, [{names}]))
        FROM read_csv(?, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '',
                      header = false, compression = 'gzip', ignore_errors = true)""",
        [LINE, str(path)],
    )
    base.execute("DELETE FROM parsed WHERE ip = ''")
    for name, make in (("ip", token), ("user", token)):
        rows = base.execute(f'SELECT DISTINCT "{name}" FROM parsed').fetchall()
        _table(base, f"map_{name}", [(v, make(v)) for (v,) in rows], "k VARCHAR, v VARCHAR")
    agents = base.execute("SELECT DISTINCT agent FROM parsed").fetchall()
    _table(
        base,
        "agents",
        [(v, *agent(v)) for (v,) in agents],
        "k VARCHAR, family VARCHAR, major VARCHAR, os VARCHAR, device VARCHAR, bot BOOLEAN",
    )

    def url(name: str) -> str:
        before = f"split_part({name}, '?', 1)"
        before = f"regexp_replace({before}, '{ORDERS}', '\\1/customer/{{id}}/orders/{{order}}')"
        before = f"regexp_replace({before}, '{CUSTOMER}', '\\1/customer/{{id}}')"
        query = f"split_part({name}, '?', 2)"
        kept = f"array_to_string(regexp_extract_all({query}, '{KEPT}'), '')"
        if put is None:
            before = f"regexp_replace({before}, '{PERSONAL}', '[masked]', 'g')"
            kept = f"regexp_replace({kept}, '{PERSONAL}', '[masked]', 'g')"
        return f"{before} AS {name}_path, {kept} AS {name}_query"

    query = f"""SELECT map_ip.v AS ip, map_user.v AS "user",
        date_trunc('minute', strptime(time, '%d/%b/%Y:%H:%M:%S %z')) AS time, method,
        {url("url")}, protocol, status::INT AS status, try_cast(bytes AS BIGINT) AS bytes,
        {url("referrer")}, agents.* EXCLUDE (k)
        FROM parsed JOIN map_ip ON ip = map_ip.k JOIN map_user ON "user" = map_user.k
        JOIN agents ON agent = agents.k"""
    if put is not None:
        base.execute(f"CREATE TABLE clean AS {query}")
        query = _with_finds(base, put)
    base.execute(f"COPY ({query}) TO '{output}' (FORMAT parquet, COMPRESSION zstd)")
    row = base.execute("SELECT count(*) FROM parsed").fetchone()
    return int(row[0]) if row else 0


def _with_finds(base: Any, put: Put) -> str:
    """Look through the distinct texts of some columns; give the query of all with what was put."""
    columns = ("url_path", "url_query", "referrer_path", "referrer_query")
    joins = ""
    for name in columns:
        narrowed = f"WHERE regexp_matches({name}, '{PERSONAL}')" if put.short else ""
        texts = [
            t for (t,) in base.execute(f"SELECT DISTINCT {name} FROM clean {narrowed}").fetchall()
        ]
        _table(
            base,
            f"put_{name}",
            list(zip(texts, put.into(texts), strict=True)),
            "k VARCHAR, v VARCHAR",
        )
        joins += f" LEFT JOIN put_{name} ON {name} = put_{name}.k"
    put_in = ", ".join(f"coalesce(put_{name}.v, {name}) AS {name}" for name in columns)
    return f"SELECT clean.* REPLACE ({put_in}) FROM clean{joins}"


def _table(base: Any, name: str, rows: list[tuple[Any, ...]], columns: str) -> None:
    import pyarrow as pa

    fields = [part.split()[0] for part in columns.split(", ")]
    lists = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in fields]
    table = pa.table(dict(zip(fields, lists, strict=True)))
    base.register(f"{name}_rows", table)
    base.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_rows")


def polars_regex(path: Path, output: Path, put: Put | None = None) -> int:
    """Polars: one big regular expression, then string expressions.

    put  puts something of its own for each find; without it finds are masked
    """
    import polars as pl

    lines = pl.read_csv(
        path, has_header=False, separator="\x01", quote_char=None, new_columns=["line"],
        encoding="utf8-lossy",
    )["line"]  # fmt: skip
    named = LINE
    for name in NAMES:
        named = re.sub(r"(?<!\\)\((?!\?)", f"(?P<{name}>", named, count=1)
    frame = lines.str.extract_groups(named).struct.unnest().drop_nulls("ip")

    def mapped(values: pl.Series) -> pl.Series:
        distinct = values.unique()
        return values.replace_strict(distinct, pl.Series([token(v) for v in distinct]))

    def replaced(texts: pl.Series) -> pl.Series:
        if put is None:
            return texts.str.replace_all(PERSONAL, "[masked]")
        distinct = texts.unique().drop_nulls()
        if put.short:
            distinct = distinct.filter(distinct.str.contains(PERSONAL))
        return texts.replace(distinct, pl.Series(put.into(distinct.to_list()), dtype=pl.String))

    columns = {"ip": mapped(frame["ip"]), "user": mapped(frame["user"])}
    for name in ("url", "referrer"):
        halves = frame[name].str.splitn("?", 2).struct.unnest()
        before = halves["field_0"].str.replace(ORDERS, "${1}/customer/{id}/orders/{order}")
        before = before.str.replace(CUSTOMER, "${1}/customer/{id}")
        kept = halves["field_1"].str.extract_all(KEPT).list.join("")
        columns[f"{name}_path"], columns[f"{name}_query"] = replaced(before), replaced(kept)
    reduced = {v: agent(v) for v in frame["agent"].unique()}
    for at, name in enumerate(("family", "major", "os", "device", "bot")):
        columns[name] = frame["agent"].replace_strict(
            list(reduced), [str(r[at]) for r in reduced.values()]
        )
    columns["time"] = frame["time"].str.to_datetime("%d/%b/%Y:%H:%M:%S %z").dt.truncate("1m")
    columns |= {name: frame[name] for name in ("method", "protocol")}
    columns["status"] = frame["status"].cast(pl.Int32)
    columns["bytes"] = frame["bytes"].cast(pl.Int64, strict=False)
    pl.DataFrame(columns).write_parquet(output, compression="zstd")
    return len(frame)


def _tokens() -> Put:
    personal = re.compile(PERSONAL)
    return Put(lambda texts: [personal.sub(lambda m: token(m[0]), text) for text in texts], True)


def _all_finds() -> Put:
    replace = finds_of_ours()
    return Put(lambda texts: [replace(text) for text in texts], False)


def duckdb_tokens(path: Path, output: Path) -> int:
    """DuckDB that puts a keyed token for each find of the short pattern, as Lethe does."""
    return duckdb_regex(path, output, _tokens())


def duckdb_same_finds(path: Path, output: Path) -> int:
    """DuckDB, and Python for all that Lethe finds in each distinct text."""
    return duckdb_regex(path, output, _all_finds())


def polars_tokens(path: Path, output: Path) -> int:
    """Polars that puts a keyed token for each find of the short pattern, as Lethe does."""
    return polars_regex(path, output, _tokens())


def polars_same_finds(path: Path, output: Path) -> int:
    """Polars, and Python for all that Lethe finds in each distinct text."""
    return polars_regex(path, output, _all_finds())


def lethe_engine(path: Path, output: Path, method: Method = Method.DETERMINISTIC) -> int:
    """Lethe's local engine on two processes: read back, accounted for, atomic."""
    return pseudonymise_file(path, plan(method), output.with_suffix("")).written


def lethe_prefix(path: Path, output: Path) -> int:
    """The same with prefix-preserving addresses."""
    return lethe_engine(path, output, Method.PREFIX)


CONTENDERS = {
    each.__name__: each
    for each in (
        lethe_engine,
        lethe_prefix,
        python_lines,
        python_same_finds,
        pandas_strings,
        duckdb_regex,
        duckdb_tokens,
        duckdb_same_finds,
        polars_regex,
        polars_tokens,
        polars_same_finds,
    )
}


def main(name: str, path: str, output: str) -> None:
    """Run one contender and tell how long it took and how much memory was used at most."""
    begun = time.perf_counter()
    rows = CONTENDERS[name](Path(path), Path(output))
    seconds = time.perf_counter() - begun
    own = resource.getrusage(resource.RUSAGE_SELF)
    helpers = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {
        "seconds": seconds,
        "cpu": own.ru_utime + own.ru_stime + helpers.ru_utime + helpers.ru_stime,
        "rows": rows,
        # Two helpers at most, each no larger than the largest.
        "memory_mb": (own.ru_maxrss + 2 * helpers.ru_maxrss) / 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
