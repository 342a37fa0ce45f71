"""Conditions on rows, written as data, so that they can be checked against the catalogue."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lethe.policy.model.base import Model, Scalar, Table
from lethe.policy.periods import Period

_TESTS = ("is_", "equals", "not_equals", "in_", "not_in", "before", "after", "older_than", "like")
_SHAPES = ("column", "exists", "any_", "all_", "not_")


class Exists(Model):
    """Rows of another table that hang on the same row or subject."""

    table: Table
    """The other table; the way between the two is found as for clusters."""
    where: Conditions = ()
    """What these rows must be like."""


class Condition(Model):
    """One condition: a test of a column, `exists`, `any`, `all` or `not`."""

    column: str | None = None
    """Column of the table that the condition is about."""
    is_: Literal["null", "not null", "true", "false"] | None = Field(None, alias="is")
    """`null`, `not null`, `true` or `false`."""
    equals: Scalar | None = None
    """Equal to this value (compared in the column's type)."""
    not_equals: Scalar | None = None
    """Not equal to this value; NULL counts as not equal."""
    in_: tuple[Scalar, ...] | None = Field(None, alias="in", min_length=1)
    """One of these values."""
    not_in: tuple[Scalar, ...] | None = Field(None, min_length=1)
    """None of these values; NULL counts as none of them."""
    before: Scalar | None = None
    """Less than this value."""
    after: Scalar | None = None
    """Greater than this value."""
    older_than: Period | None = None
    """A date or time whose period has ended at the run's as-of."""
    like: str | None = None
    """SQL LIKE pattern."""
    exists: Exists | None = None
    """At least one row of another table hangs on the same row."""
    any_: Conditions | None = Field(None, alias="any")
    """At least one of these conditions."""
    all_: Conditions | None = Field(None, alias="all")
    """All of these conditions."""
    not_: Condition | None = Field(None, alias="not")
    """The condition is not true (NULL counts as not true)."""

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        shapes = [name for name in _SHAPES if getattr(self, name) is not None]
        tests = [name for name in _TESTS if getattr(self, name) is not None]
        if len(shapes) != 1:
            raise ValueError("say exactly one of: column, exists, any, all, not")
        if self.column is not None and len(tests) != 1:
            raise ValueError(
                f"column '{self.column}' needs exactly one test: is, equals, not_equals, in, "
                "not_in, before, after, older_than, like"
            )
        if self.like is not None and _ends_in_escape(self.like):
            raise ValueError(
                "the pattern of like ends in a lone '\\', which escapes nothing; double it, or "
                "take it out"
            )
        if self.column is None and tests:
            raise ValueError(f"'{tests[0].rstrip('_')}' tests a column; name it with column")
        return self


def _ends_in_escape(pattern: str) -> bool:
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


Conditions = Annotated[
    tuple[Condition, ...],
    BeforeValidator(_as_list, json_schema_input_type=Condition | list[Condition]),
]
"""One condition, or a list that must hold together."""

Exists.model_rebuild()
Condition.model_rebuild()
