"""Whether anything came back into a row that an erasure stripped of personal columns, as SQL."""

from __future__ import annotations

from psycopg2 import sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import all_of, column, type_name
from lethe.erasure.steps import plan_steps
from lethe.policy.names import TableName

_TOKEN_LIKE = "_" * 32


def is_bare(context: Context, table: TableName, cluster: str) -> sql.Composable:
    """The subject's own row `s`, of the table, holds nothing but what its erasure left in it."""
    found: list[sql.Composable] = []
    for each in plan_steps(context.graph, cluster)[0].own_blankings:
        found += [sql.SQL("{} IS NULL").format(column("s", name)) for name in each.nulled]
        for name, text in each.replaced:
            here = sql.SQL("{}::text").format(column("s", name))
            if "{token}" in text:
                escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
                like = context.values.bind(escaped.replace("{token}", _TOKEN_LIKE))
                found.append(sql.SQL("coalesce({} LIKE {}, true)").format(here, like))
                continue
            sql_type = type_name(context.graph.catalogue.tables[table].columns[name].type)
            value = sql.SQL("({}::{})::text").format(context.values.bind(text), sql_type)
            found.append(sql.SQL("coalesce({} = {}, true)").format(here, value))
    return all_of(found)
