"""What Great Expectations is told, and how it is kept quiet.

The relation that it sees holds booleans and nothing else, its result formats, which show values,
are not used, and its connections raise errors that name no value: whatever fails, none can reach
its stores.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.errors import describe_database_error
from lethe.include import statement
from lethe.quality.expectations import Expectation, rows_command
from lethe.quality.pages import sentence

_SHIFT = 40
"""Two counts travel in one sum, so that a costly boolean is computed once a row."""

_BOTH = (1 << _SHIFT) + 1


def import_quietly() -> Any:
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
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def make_context(gx: Any, folder: Path) -> Any:
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


class DiscreetCursor(extensions.cursor):
    """A cursor whose errors carry no value of a row: Great Expectations writes them down."""

    def execute(self, query: Any, vars: Any = None) -> None:
        try:
            super().execute(_from_sqlalchemy(query, has_values=bool(vars)), vars)
        except psycopg2.Error as error:
            raise type(error)(describe_database_error(error)) from None


def act_as_planner(engine: Any) -> None:
    """Every transaction begins under the planner's rights, and can only read."""
    from sqlalchemy import event

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        raw = connection.connection.dbapi_connection
        acting_as(raw, "planner")
        with raw.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(statement("erasure/set_planning"))


_COLON, _PERCENT = "\ue03a", "\ue025"
DISGUISED = {_COLON: ":", _PERCENT: "%"}
"""What pages show instead of characters that travelled in disguise."""


def for_sqlalchemy(query: str) -> str:
    """Hide what SQLAlchemy would read as a value to bind, or double by its own lights.

    Both signs travel as characters of Unicode's private use, and come back in our cursor.
    """
    return query.replace(":", _COLON).replace("%", _PERCENT)


def _from_sqlalchemy(query: Any, *, has_values: bool) -> Any:
    if not isinstance(query, str):
        return query
    return query.replace(_COLON, ":").replace(_PERCENT, "%%" if has_values else "%")


def make_expectation(each: Expectation, flag: str | None) -> Any:
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
        few=each.few,
        at_least=each.at_least,
        fewest=low,
        most=high,
        description=sentence(each.title),
        notes=" · ".join(notes) + f" · rows: `{rows_command(each.key)}`",
        severity=each.severity,
        meta={"lethe": {"expectation": each.key, **each.as_document()}},
    )


@cache
def _classes() -> tuple[Any, ...]:
    """Our expectation and its metrics; defined when Great Expectations is there."""
    gx = import_quietly()
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
        few: int = 0
        at_least: int | None = None
        fewest: int | None = None
        most: int | None = None

        metric_dependencies = ("lethe.flagged_rows", "table.row_count")
        success_keys = ("flag", "mostly", "few", "at_least", "fewest", "most")
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
                "", "", "", "", None, "warning", None, self.mostly, few=self.few,
                at_least=self.at_least, between=between,
            )  # fmt: skip
            return {
                "success": judge.is_kept(concerned, failing, rows),
                "result": {
                    "observed_value": _said(rows, concerned, failing, between, self.at_least),
                    "rows": rows,
                    "element_count": concerned,
                    "unexpected_count": failing,
                },
            }

    del gx
    return ExpectRowsToKeepTheirPromise, FlaggedRows


def _said(rows: int, concerned: int, failing: int, between: object, at_least: int | None) -> str:
    if between is not None:
        return f"{rows:,} rows"
    if at_least is not None:
        return f"{concerned - failing:,} of {concerned:,} rows"
    return f"{failing:,} of {concerned:,} fail" if failing else f"{concerned:,} looked at"
