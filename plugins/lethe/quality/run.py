"""Run suites with Great Expectations: the only importer of it, once a process.

Great Expectations asks PostgreSQL one query a scan, in which every expectation is a pair of
aggregates over a boolean column. It owns verdicts, validation results and Data Docs. The relation
that it sees holds booleans and nothing else, and its own result formats, which show values, are not
used: no value of a row can reach its stores, whatever fails.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.errors import describe_database_error
from lethe.quality.expectations import Derivation, Expectation, Scan
from lethe.quality.files import readable
from lethe.quality.history import quality_folder
from lethe.quality.outcomes import Counts

NIGHTS_OF_DOCS = 30
_SHIFT = 40
"""Two counts travel in one sum, so that a costly boolean is computed once a row."""

_BOTH = (1 << _SHIFT) + 1

Tell = Callable[[str], None]
Connect = Callable[[], extensions.connection]


@dataclass(slots=True)
class Ran:
    """What a run of Great Expectations gave.

    counts   key of the expectation → what was counted
    docs     index of the Data Docs
    seconds  where the time went
    """

    counts: dict[str, Counts] = field(default_factory=dict)
    docs: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def run_suites(
    connect: Connect,
    derivation: Derivation,
    *,
    name: str,
    with_docs: bool = True,
    tell: Tell = lambda _: None,
) -> Ran:
    """Run every suite, one after the other, in this process.

    connect  opens the warehouse
    name     of this run, in the order of time: 20260301T031500…
    """
    ran = Ran()
    with _clocked(ran, "import"):
        tell("Importing Great Expectations")
        _import()
    with _quiet(), _clocked(ran, "run"):
        session = _Session(connect, name)
        try:
            for suite in derivation.suites:
                scans = [scan for scan in derivation.scans if scan.suite == suite]
                if scans:
                    tell(f"Suite {suite}")
                    session.run_suite(suite, scans, ran.counts)
        finally:
            session.close()
    if with_docs:
        with _quiet(), _clocked(ran, "docs"):
            tell("Building Data Docs")
            ran.docs = session.build_docs()
    return ran


@contextmanager
def _clocked(ran: Ran, what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    ran.seconds[what] = time.monotonic() - started


def _import() -> Any:
    """Import it with its analytics off and its logger quiet."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    _silence()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
    _silence()
    return great_expectations


def _silence() -> None:
    """Its messages quote statements and values; what matters is in our own report."""
    for name in ("great_expectations", "great_expectations.expectations.registry", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Session:
    """A context in memory whose results and Data Docs are files."""

    def __init__(self, connect: Connect, name: str) -> None:
        self._gx = _import()
        self._name = name
        self._folder = quality_folder()
        self._connect = connect
        self._plain = connect()
        acting_as(self._plain, "planner")
        self._context = _make_context(self._gx, self._folder)
        self._source = self._context.data_sources.add_postgres(
            "warehouse",
            # No secret is told to Great Expectations: connections are made here.
            connection_string="postgresql+psycopg2://lethe@warehouse/warehouse",
            kwargs={"creator": self._open},
        )
        self._engine = self._source.get_execution_engine().engine
        _act_as_planner(self._engine)
        self._number = 0

    def _open(self) -> extensions.connection:
        connection = self._connect()
        connection.cursor_factory = _DiscreetCursor
        return connection

    def close(self) -> None:
        """Let the warehouse go."""
        self._plain.close()
        self._engine.dispose()

    def run_suite(self, suite: str, scans: list[Scan], counts: dict[str, Counts]) -> None:
        """Run the scans of a suite; one that fails is asked expectation by expectation."""
        for scan in scans:
            found = self._validate(suite, scan)
            lost = [each for each in scan.expectations if found[each.key].because is not None]
            if lost and len(scan.expectations) > 1:
                for each in scan.expectations:
                    found |= self._validate(suite, scan.only([each]), alone=True)
            counts |= found

    def _validate(self, suite: str, scan: Scan, *, alone: bool = False) -> dict[str, Counts]:
        gx = self._gx
        self._number += 1
        name = f"{suite} · {scan.name}" + (f" · {scan.expectations[0].key}" if alone else "")
        query = _for_sqlalchemy(readable(self._plain, scan.query(), dict(scan.values)))
        asset = self._source.add_query_asset(f"{self._number:03} {name}", query=query)
        batch = asset.add_batch_definition_whole_table("all")
        made = gx.ExpectationSuite(name=name)
        flags = {each.key: flag for flag, each in scan.flags}
        for each in scan.expectations:
            made.add_expectation(_expectation(each, flags.get(each.key)))
        validation = gx.ValidationDefinition(
            name=name, data=batch, suite=self._context.suites.add_or_update(made)
        )
        validation = self._context.validation_definitions.add_or_update(validation)
        result = validation.run(
            run_id=gx.RunIdentifier(run_name=self._name),
            # Our expectation tells counts whatever the format; BOOLEAN_ONLY would drop them.
            result_format={"result_format": "BASIC", "include_unexpected_rows": False},
        )
        return _counts_of(result, scan)

    def build_docs(self) -> str:
        """Build the pages of what is new, and drop those of long ago."""
        _forget_old(self._folder)
        self._context.build_data_docs()
        return str(self._folder / "docs" / "index.html")


def _make_context(gx: Any, folder: Path) -> Any:
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        ProgressBarsConfig,
    )

    def files(class_name: str, name: str) -> dict[str, Any]:
        (folder / name).mkdir(parents=True, exist_ok=True)
        backend = {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder / name),
        }
        return {"class_name": class_name, "store_backend": backend}

    def memory(class_name: str) -> dict[str, Any]:
        return {"class_name": class_name, "store_backend": {"class_name": "InMemoryStoreBackend"}}

    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder / "docs"),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    config = DataContextConfig(
        analytics_enabled=False,
        stores={
            "expectations_store": memory("ExpectationsStore"),
            "validation_results_store": files("ValidationResultsStore", "results"),
            "checkpoint_store": memory("CheckpointStore"),
            "validation_definition_store": memory("ValidationDefinitionStore"),
        },
        expectations_store_name="expectations_store",
        validation_results_store_name="validation_results_store",
        checkpoint_store_name="checkpoint_store",
        data_docs_sites={"docs": site},
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


class _DiscreetCursor(extensions.cursor):
    """A cursor whose errors carry no value of a row: Great Expectations writes them down."""

    def execute(self, query: Any, vars: Any = None) -> None:
        try:
            super().execute(_from_sqlalchemy(query, has_values=bool(vars)), vars)
        except psycopg2.Error as error:
            raise type(error)(describe_database_error(error)) from None


def _act_as_planner(engine: Any) -> None:
    """Every transaction begins under the planner's rights, and can only read."""
    from sqlalchemy import event

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        raw = connection.connection.dbapi_connection
        acting_as(raw, "planner")
        with raw.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")


_COLON, _PERCENT = "\ue03a", "\ue025"


def _for_sqlalchemy(query: str) -> str:
    """Hide what SQLAlchemy would read as a value to bind, or double by its own lights.

    Both signs travel as characters of Unicode's private use, and come back in our cursor.
    """
    return query.replace(":", _COLON).replace("%", _PERCENT)


def _from_sqlalchemy(query: Any, *, has_values: bool) -> Any:
    if not isinstance(query, str):
        return query
    return query.replace(_COLON, ":").replace(_PERCENT, "%%" if has_values else "%")


def _expectation(each: Expectation, flag: str | None) -> Any:
    """The expectation as Great Expectations knows it."""
    made = _classes()[0]
    notes = [f"Expectation `{each.key}`", f"severity {each.severity}"]
    if each.clause:
        notes.append(f"clause {each.clause}")
    if each.owner:
        notes.append(f"owner: {each.owner}")
    low, high = each.between or (None, None)
    return made(
        flag=flag or "",
        mostly=each.mostly,
        at_least=each.at_least,
        fewest=low,
        most=high,
        description=each.title,
        notes=" · ".join(notes) + f" · rows: `lethe quality rows {each.key}`",
        severity=each.severity,
        meta={"lethe": {"expectation": each.key, **each.as_document()}},
    )


@cache
def _classes() -> tuple[Any, ...]:
    """Our expectation and its metrics; defined when Great Expectations is there."""
    gx = _import()
    import sqlalchemy as sa
    from great_expectations.core.metric_domain_types import MetricDomainTypes
    from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
    from great_expectations.execution_engine.sqlalchemy_execution_engine import (
        SqlAlchemyExecutionEngine,
    )
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.expectations.metrics.metric_provider import metric_partial
    from great_expectations.expectations.metrics.table_metric_provider import (
        TableMetricProvider,
    )

    class FlaggedRows(TableMetricProvider):  # type: ignore[misc, unused-ignore]
        """Concerned and failing rows of a boolean column, in one sum."""

        metric_name = "lethe.flagged_rows"
        value_keys = ("flag",)

        @metric_partial(
            engine=SqlAlchemyExecutionEngine,
            partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
            domain_type=MetricDomainTypes.TABLE,
        )
        def _sqlalchemy(
            cls,  # noqa: N805
            execution_engine: Any,  # noqa: ARG002
            metric_domain_kwargs: Any,
            metric_value_kwargs: Any,
            metrics: Any,  # noqa: ARG002
            runtime_configuration: Any,  # noqa: ARG002
        ) -> Any:
            flag = metric_value_kwargs["flag"]
            if not flag:
                return sa.literal(0), metric_domain_kwargs, {}
            column = '"' + flag.replace('"', '""') + '"'
            both: Any = sa.literal_column(
                f"CASE {column} WHEN true THEN 1 WHEN false THEN {_BOTH} END"
            )
            total = sa.cast(sa.func.coalesce(sa.func.sum(both), 0), sa.Text)
            return total, metric_domain_kwargs, {}

    class ExpectRowsToKeepTheirPromise(BatchExpectation):  # type: ignore[misc, unused-ignore]
        """Rows keep a promise: a share of them, a number of them, or there are so many."""

        flag: str
        mostly: float = 1.0
        at_least: int | None = None
        fewest: int | None = None
        most: int | None = None

        metric_dependencies = ("lethe.flagged_rows", "table.row_count")
        success_keys = ("flag", "mostly", "at_least", "fewest", "most")
        args_keys = ("flag",)

        def _validate(
            self,
            metrics: dict[str, Any],
            runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
            execution_engine: Any = None,  # noqa: ARG002
        ) -> dict[str, Any]:
            rows = int(metrics["table.row_count"])
            both = int(metrics["lethe.flagged_rows"])
            failing, concerned = both >> _SHIFT, both & ((1 << _SHIFT) - 1)
            between = None if self.fewest is None else (self.fewest, self.most)
            judge = Expectation(
                "", "", "", "", None, "warning", None, self.mostly,
                at_least=self.at_least, between=between,
            )  # fmt: skip
            return {
                "success": judge.is_kept(concerned, failing, rows),
                "result": {
                    "observed_value": _said(rows, concerned, failing, between),
                    "rows": rows,
                    "element_count": concerned,
                    "unexpected_count": failing,
                },
            }

    del gx
    return ExpectRowsToKeepTheirPromise, FlaggedRows


def _said(rows: int, concerned: int, failing: int, between: object) -> str:
    if between is not None:
        return f"{rows:,} rows"
    return f"{failing:,} of {concerned:,} fail" if failing else f"{concerned:,} looked at"


def _counts_of(result: Any, scan: Scan) -> dict[str, Counts]:
    found = {each.key: Counts(because="it was not answered") for each in scan.expectations}
    for each in result.results:
        key = each.expectation_config.meta["lethe"]["expectation"]
        told: Mapping[str, Any] = each.result or {}
        if "element_count" in told:
            found[key] = Counts(told["rows"], told["element_count"], told["unexpected_count"])
        else:
            found[key] = Counts(because=_reason(each.exception_info))
    return found


def _reason(information: Any) -> str:
    """Why it was not answered: what our own cursor said, and nothing else."""
    text = str(information)
    start = text.find("SQLSTATE ")
    if start < 0:
        return "Great Expectations could not ask it"
    ends = [at for mark in ("\\n", "\n", '"', "'") if (at := text.find(mark, start)) > 0]
    return text[start : min(ends, default=len(text))].rstrip(" .)")


def _forget_old(folder: Path) -> None:
    """Keep the results of the last nights; the reports with their counts stay much longer."""
    runs = sorted({path.name for path in (folder / "results").glob("*/*") if path.is_dir()})
    for old in runs[:-NIGHTS_OF_DOCS]:
        for root in ("results", "docs/validations"):
            for path in (folder / root).glob(f"*/{old}"):
                shutil.rmtree(path, ignore_errors=True)
