"""Which part of the database the policy speaks about: names there that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.catalogue.checks.found import Checked, Found, table_hint
from lethe.policy.wording import nearest


def check_scope(checked: Checked) -> Iterator[Found]:
    """A schema that holds no table looks at nothing; what is left out must be there."""
    warehouse = checked.policy.warehouse
    names = {*checked.catalogue.tables, *checked.catalogue.views}
    schemas = sorted({name.schema for name in names})
    for at, schema in enumerate(warehouse.schemas):
        if schema not in schemas:
            near = nearest(schema, schemas)
            meant = f"did you mean '{near}'?" if near else f"there are: {', '.join(schemas)}"
            yield Found(
                "alarm",
                "unknown-schema",
                ("warehouse", "schemas", at),
                f"the warehouse has no table in a schema '{schema}', so nothing is looked for "
                f"there; {meant}",
            )
    for at, ignored in enumerate(warehouse.ignore):
        place = ("warehouse", "ignore", at)
        if ignored.schema_ is not None and ignored.schema_ not in schemas:
            says = f"the warehouse has no table in a schema '{ignored.schema_}'"
        elif ignored.table is not None and ignored.table not in names:
            says = f"the warehouse has no table {ignored.table}"
            says += f"; {table_hint(ignored.table, checked.catalogue)}"
        else:
            continue
        yield Found("advice", "idle-ignore", place, f"{says}; mend the name, or take it out")
