"""What every part of the policy model shares: strictness, and a few types of values."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)

from lethe.policy.names import TableName, parse_table


class Model(BaseModel):
    """A frozen part of a policy; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        populate_by_name=True,
        str_strip_whitespace=True,
    )


def _table(value: Any) -> Any:
    return parse_table(value) if isinstance(value, str) else value


def _text(value: Any) -> Any:
    return {"en": value} if isinstance(value, str) else value


def several(value: Any) -> Any:
    """Let one stand for a list of one."""
    return [value] if isinstance(value, (str, dict)) else value


Table = Annotated[
    TableName,
    BeforeValidator(_table, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
"""`schema.table`, spelled as in the catalogue."""

Text = Annotated[
    dict[Literal["en", "fr"], str],
    BeforeValidator(_text, json_schema_input_type=str | dict[Literal["en", "fr"], str]),
    Field(min_length=1),
]
"""Words for people: one string, or one a language (`en`, `fr`)."""

Columns = Annotated[
    tuple[str, ...],
    BeforeValidator(several, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]
"""One column, or a list of columns."""

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""A stable key of the policy: small letters, digits, `-` and `_`."""


def _country(value: str) -> str:
    if value not in _countries():
        from babel.core import get_global

        meant = _MEANT.get(value) or " ".join(get_global("territory_aliases").get(value, ()))
        hint = f"; did you mean '{meant}'?" if meant else ""
        raise ValueError(f"'{value}' is no country of ISO 3166-1{hint}")
    return value


@cache
def _countries() -> frozenset[str]:
    """Those of CLDR that people live in or keep time in, those where nobody does, and Kosovo."""
    from babel.core import get_global  # read only for a policy; the models are imported by all

    return frozenset({*get_global("territory_zones"), "BV", "HM", "XK"} - {"ZZ"})


_MEANT = {"EL": "GR"}
"""What the European Union writes otherwise than ISO, and CLDR does not know."""

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$"), AfterValidator(_country)]
"""ISO 3166-1 alpha-2."""


def _month_day(value: str) -> str:
    try:
        date.fromisoformat(f"2000-{value}")
    except ValueError:
        raise ValueError(f"'{value}' is no day of a year; month and day, such as 12-31") from None
    return value


MonthDay = Annotated[str, Field(pattern=r"^\d\d-\d\d$"), AfterValidator(_month_day)]
"""Month and day of any year."""

TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""Hour and minute, from 00:00 to 23:59."""

Scalar = str | int | float | bool
