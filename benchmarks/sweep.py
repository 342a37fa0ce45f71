"""The sweep side by side with what people write by hand, on copies of the same data.

    rate   rows a second, alone on the server: Lethe, batches by hand, one transaction,
           ON DELETE CASCADE, an ORM
    load   the same under a steady load of reads and small updates
    partition  a partition that lies wholly past its period: dropped, or its rows deleted
    scale  the same number due in a database four times larger; planning

Everything is measured in one run on one server, so that ratios mean something on a busy machine.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders import (
    BATCH,
    Erasure,
    at_once,
    by_cascade,
    erase_with_lethe,
    in_batches,
    make_cascading,
    oldest_in_batches,
    set_up_lethe,
)
from benchmarks.load import Load, Span, span
from benchmarks.options import Options, machine
from benchmarks.orm import through_orm
from benchmarks.partitions import measure_partitions
from benchmarks.planning import plan_apart
from benchmarks.report import Figure, Report, at_least, at_most
from benchmarks.server import SETTINGS, Server, private_server, server_cpu
from benchmarks.shop import ROWS, ROWS_AN_ACCOUNT, count_rows, digest_rows, fill_shop

ACCOUNTS = 500_000
ONE_IN = 20
"""One of so many accounts is due."""
RATE = 200
"""Operations a second of the load."""
IDLE_S = 10.0
ORM_ACCOUNTS = 300
_COPY = "copy"

Runner = Callable[[str], Erasure]


def measure(options: Options) -> Report:
    """Measure everything, or the parts asked for."""
    accounts = options.size or ACCOUNTS
    report = Report("sweep", {"accounts": accounts, **machine(), **SETTINGS})
    report.about["due"] = accounts // ONE_IN
    report.about["tables"] = len(ROWS)
    report.about["rows_an_account"] = ROWS_AN_ACCOUNT
    with (
        tempfile.TemporaryDirectory(prefix="lethe-bench-home-") as home,
        private_server() as server,
    ):
        report.about["server"] = server.show("server_version")
        if options.wants("rate") or options.wants("load"):
            options.tell(f"Filling {len(ROWS)} tables around {accounts:,} accounts")
            fill_shop(server.create("base"), accounts, accounts // ONE_IN)
        sweep = _Sweep(server, Path(home), options, accounts)
        if options.wants("rate"):
            sweep.rate(report)
        if options.wants("load"):
            sweep.load(report)
        if options.wants("rate") or options.wants("load"):
            server.drop("base")
        if options.wants("partition"):
            options.tell("Dropping a partition, and deleting its rows")
            measure_partitions(server, Path(home), accounts // 5, report)
        if options.wants("scale"):
            sweep.scale(report)
    report.about["load_after"] = machine()["load_before"]
    return report


class _Sweep:
    def __init__(self, server: Server, home: Path, options: Options, accounts: int) -> None:
        self._server = server
        self._home = home
        self._options = options
        self._accounts = accounts
        self._batch = BATCH

    def _on_copy(self, name: str, act: Callable[[str], Erasure], *, check: bool = True) -> Erasure:
        self._options.tell(f"Erasing: {name}")
        dsn = self._server.create(_COPY, "base")
        try:
            done = act(dsn)
            if check:
                self._left.append((name, digest_rows(dsn), count_rows(dsn)))
        finally:
            self._server.drop(_COPY)
        return done

    # alone ---------------------------------------------------------------------------------

    def rate(self, report: Report) -> None:
        """Rows a second, alone."""
        self._left: list[tuple[str, dict[str, str], dict[str, int]]] = []
        lethe = self._on_copy("Lethe", self._lethe)
        report.about["mean_batch_of_lethe"] = round(lethe.subjects / len(lethe.transactions))
        alone = self._on_copy("Lethe, one worker", lambda dsn: self._lethe(dsn, workers=1))
        hand = self._on_copy("batched deletes by hand, by key", in_batches)
        oldest = self._on_copy("batched deletes by hand, oldest first", oldest_in_batches)
        once = self._on_copy("one transaction", at_once)
        cascade = self._on_copy("ON DELETE CASCADE", _cascading)
        most = min(ORM_ACCOUNTS, self._accounts // ONE_IN)
        whole = most == self._accounts // ONE_IN
        orm = self._on_copy("SQLAlchemy ORM", lambda dsn: through_orm(dsn, most), check=whole)
        self._require_same()
        everybody = (lethe, alone, hand, oldest, once, cascade, orm)
        report.tables["Rows a second, alone on the server"] = [_row(each) for each in everybody]
        report.figures += [
            at_least("Lethe / batched by hand", lethe.rate / hand.rate, 0.8),
            at_least("Lethe / one transaction", lethe.rate / once.rate, 0.7),
            at_least("Lethe / ON DELETE CASCADE", lethe.rate / cascade.rate, 0.5),
            at_least("Lethe / ORM cascade", lethe.rate / orm.rate, 40),
            Figure("Lethe / batched by hand, oldest first", lethe.rate / oldest.rate),
            Figure("… by hand, freeze and select included", lethe.rate_planned / hand.rate_planned),
            Figure("… by hand, whole night", lethe.rate_whole / hand.rate_planned),
            Figure("… by hand, in processor time", _per_cpu(lethe) / _per_cpu(hand)),
            Figure("one worker of Lethe / by hand", alone.rate / hand.rate),
            Figure("one worker of Lethe / one transaction", alone.rate / once.rate),
            Figure("one worker of Lethe / ON DELETE CASCADE", alone.rate / cascade.rate),
            Figure("one worker of Lethe / ORM cascade", alone.rate / orm.rate),
            at_most("longest transaction of Lethe", max(lethe.transactions), 0.5, "s"),
        ]

    def _require_same(self) -> None:
        """Everybody erased the same rows, or the comparison means nothing."""
        first, digests, counts = self._left[0]
        for name, found, left in self._left[1:]:
            if found != digests:
                raise AssertionError(f"{name} left {left}, {first} left {counts}")

    def _lethe(self, dsn: str, workers: int | None = None) -> Erasure:
        site = set_up_lethe(dsn, self._home)
        return erase_with_lethe(site, self._server.checkpoint, workers=workers)

    # under load ----------------------------------------------------------------------------

    def load(self, report: Report) -> None:
        """What the others on the server feel."""
        self._left = []
        rows: list[dict[str, str | int | float]] = []
        spans: dict[str, tuple[Erasure, Span, Span]] = {}
        runners: dict[str, Callable[[str], tuple[Erasure, Span, Span]]] = {
            "Lethe": self._lethe_loaded,
            "batched deletes by hand": lambda dsn: self._loaded(dsn, in_batches),
            "one transaction": lambda dsn: self._loaded(dsn, at_once),
            "ON DELETE CASCADE": self._cascade_loaded,
        }
        for name, runner in runners.items():
            self._options.tell(f"Erasing under load: {name}")
            dsn = self._server.create(_COPY, "base")
            done, idle, busy = spans[name] = runner(dsn)
            self._server.drop(_COPY)
            rows.append(
                {
                    "contender": name,
                    "rows/s": round(done.rate),
                    "finished": f"{busy.share:.3f}",
                    "read p99": f"{idle.read_p99_ms:.1f} → {busy.read_p99_ms:.1f} ms",
                    "update p99": f"{idle.update_p99_ms:.1f} → {busy.update_p99_ms:.1f} ms",
                    "longest": f"{max(done.transactions):.2f} s",
                }
            )
        report.tables[f"Under {RATE} reads and updates a second: idle → while erasing"] = rows
        done, idle, busy = spans["Lethe"]
        report.figures += [
            at_least("share of the load that finishes", busy.share, 0.95),
            at_most("update p99 / idle", busy.update_p99_ms / idle.update_p99_ms, 3),
            at_most("read p99 / idle", busy.read_p99_ms / idle.read_p99_ms, 2.5),
            at_most("longest transaction under load", max(done.transactions), 0.5, "s"),
        ]

    def _lethe_loaded(self, dsn: str) -> tuple[Erasure, Span, Span]:
        site = set_up_lethe(dsn, self._home)
        begun: list[float] = []
        load = Load(dsn, self._accounts, RATE)
        idle_from, idle_to = _let_pass(self._idle_s)
        done = erase_with_lethe(site, lambda: begun.append(time.monotonic()))
        operations = load.stop()
        end = begun[0] + done.execution_s
        return done, span(operations, idle_from, idle_to), span(operations, begun[0], end)

    def _cascade_loaded(self, dsn: str) -> tuple[Erasure, Span, Span]:
        make_cascading(dsn)
        return self._loaded(dsn, by_cascade)

    def _loaded(self, dsn: str, runner: Runner) -> tuple[Erasure, Span, Span]:
        load = Load(dsn, self._accounts, RATE)
        idle_from, idle_to = _let_pass(self._idle_s)
        done = runner(dsn)
        end = time.monotonic()
        operations = load.stop()
        busy = span(operations, end - done.execution_s, end)
        return done, span(operations, idle_from, idle_to), busy

    @property
    def _idle_s(self) -> float:
        return min(IDLE_S, max(1.0, self._accounts / 20_000))

    # larger databases ----------------------------------------------------------------------

    def scale(self, report: Report) -> None:
        """The same number due among half the accounts, and among twice as many."""
        due = self._accounts // 2 // ONE_IN
        found: list[Erasure] = []
        by_hand: list[Erasure] = []
        for accounts in (self._accounts // 2, self._accounts * 2):
            self._options.tell(f"Filling {len(ROWS)} tables around {accounts:,} accounts")
            dsn = self._server.create("scaled")
            fill_shop(dsn, accounts, due)
            self._options.tell(f"Deleting {due:,} of {accounts:,} accounts by hand")
            by_hand.append(in_batches(self._server.create(_COPY, "scaled")))
            self._server.drop(_COPY)
            site = set_up_lethe(dsn, self._home)
            if found:
                before = server_cpu()
                planning = plan_apart(dsn)
                planning_cpu = server_cpu() - before
            self._server.checkpoint()
            self._options.tell(f"Erasing {due:,} of {accounts:,} accounts")
            found.append(erase_with_lethe(site, self._server.checkpoint))
            self._server.drop("scaled")
        small, large = found
        sizes = (self._accounts // 2, self._accounts * 2)
        report.tables[f"{due:,} accounts due"] = [
            {**_row(each), "contender": f"{name}, of {accounts:,}"}
            for name, both in (("Lethe", found), ("by hand", by_hand))
            for accounts, each in zip(sizes, both, strict=True)
        ]
        report.figures += [
            at_most("four times larger: execution", large.execution_s / small.execution_s, 1.3),
            at_most(
                "four times larger: freeze and execution",
                (large.execution_s + large.planning_s) / (small.execution_s + small.planning_s),
                1.3,
            ),
            Figure("four times larger: processor time of execution", large.cpu_s / small.cpu_s),
            Figure("… batches by hand", by_hand[1].execution_s / by_hand[0].execution_s),
            Figure("… batches by hand, processor time", by_hand[1].cpu_s / by_hand[0].cpu_s),
            at_most(f"planning {planning.accounts:,} accounts", planning.seconds, 10, "s"),
            Figure("… in processor time of the server", planning_cpu, "s"),
            at_most("memory of planning in Python", planning.memory_mb, 500, "MB"),
        ]


def _let_pass(seconds: float) -> tuple[float, float]:
    """Let the load warm up, then watch it for a while; gives the two moments."""
    time.sleep(2.0)
    start = time.monotonic()
    time.sleep(seconds)
    return start, time.monotonic()


def _cascading(dsn: str) -> Erasure:
    make_cascading(dsn)
    return by_cascade(dsn)


def _per_cpu(done: Erasure) -> float:
    return done.rows / max(done.cpu_s, 0.01)


def _row(done: Erasure) -> dict[str, str | int | float]:
    return {
        "contender": done.contender,
        "rows": done.rows,
        "rows/s": round(done.rate),
        "plan s": round(done.planning_s, 2),
        "act s": round(done.execution_s, 2),
        "after s": round(done.closing_s, 2),
        "cpu s": round(done.cpu_s, 2),
        "commits": len(done.transactions),
        "median s": round(statistics.median(done.transactions), 3),
        "longest s": round(max(done.transactions), 3),
    }
