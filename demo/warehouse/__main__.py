"""`python -m demo.warehouse load`: fill a database with the demo warehouse."""

from __future__ import annotations

import argparse
import sys
from datetime import date

import psycopg2

from demo.warehouse.cases import present_cases
from demo.warehouse.load import DEFAULT_ACCOUNTS, DEFAULT_SEED, LoadRefusedError, load_warehouse


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "cases":
        for case in present_cases(options.accounts):
            told = ", ".join(f"{number} {what}" for number, what in case.expected.items())
            print(f"{case.name}: {told}. {case.why}")
        return 0
    try:
        loaded = load_warehouse(
            options.dsn,
            options.accounts,
            seed=options.seed,
            as_of=options.as_of,
            fresh=options.fresh,
            progress=_show if sys.stderr.isatty() else lambda _table, _rows: None,
        )
    except LoadRefusedError as error:
        print(f"demo warehouse: {error}", file=sys.stderr)
        return 1
    except psycopg2.OperationalError as error:
        print(f"demo warehouse: the database cannot be reached: {error}", file=sys.stderr)
        return 3
    if loaded.already_there:
        print(f"The demo warehouse is there: {loaded.marker}.")
    else:
        total = sum(loaded.rows.values())
        print(
            f"Loaded the demo warehouse: {loaded.marker}; {total:,} rows in"
            f" {len(loaded.rows)} tables, {loaded.seconds:.1f} s."
        )
    return 0


def _show(table: str, rows: int) -> None:
    print(
        f"\r\x1b[K{table} {rows or '':,}" if rows else f"\r\x1b[K{table}",
        end="",
        file=sys.stderr,
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo.warehouse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    load = commands.add_parser("load", help="fill a database")
    load.add_argument("--dsn", required=True, help="libpq DSN or URL of an empty database")
    load.add_argument("--accounts", type=_positive, default=DEFAULT_ACCOUNTS)
    load.add_argument("--seed", type=int, default=DEFAULT_SEED)
    load.add_argument("--as-of", type=date.fromisoformat, help="YYYY-MM-DD; default today")
    load.add_argument("--fresh", action="store_true", help="drop a demo warehouse that is there")
    cases = commands.add_parser("cases", help="list the named edge cases")
    cases.add_argument("--accounts", type=_positive, default=DEFAULT_ACCOUNTS)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10_000_000:
        raise argparse.ArgumentTypeError("between 1 and 10,000,000")
    return number


if __name__ == "__main__":
    sys.exit(main())
