"""The Summary as JSON and back: what the page reads, the pack holds and another reader may use."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lethe.errors import UsageError
from lethe.reporting.summary import Summary

FORMAT = "lethe-summary/1"


def as_json(summary: Summary) -> dict[str, Any]:
    """Turn a Summary into what JSON knows: days and instants become ISO 8601 text."""
    return {"format": FORMAT, **_plain(summary)}


def summary_from_json(document: Mapping[str, Any]) -> Summary:
    """Read a Summary back; what a newer Lethe added is passed over.

    Raises  UsageError if the document is not a summary
    """
    if document.get("format") != FORMAT:
        raise UsageError(f"this is no summary of the form {FORMAT}")
    try:
        summary: Summary = _read(Summary, document)
    except (KeyError, TypeError, ValueError) as error:
        # The text of the error could quote the document.
        raise UsageError(f"the summary is damaged ({type(error).__name__})") from None
    return summary


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _read_record(kind, value)
    if origin in (Union, types.UnionType):
        (inner,) = (each for each in get_args(kind) if each is not type(None))
        return None if value is None else _read(inner, value)
    if origin is tuple:
        return _read_tuple(get_args(kind), value)
    if origin is not None and origin is not Literal and issubclass(origin, Mapping):
        if isinstance(value, str):
            # What an older Lethe wrote in one language only.
            value = {"en": value}
        return {name: _read(get_args(kind)[1], each) for name, each in value.items()}
    if origin is Literal:
        return _known(get_args(kind), value)
    if kind in (date, datetime):
        return kind.fromisoformat(value)
    return _scalar(kind, value)


def _read_record(kind: type, value: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(**{name: _read(hint, value[name]) for name, hint in hints.items() if name in value})


def _read_tuple(inner: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if len(inner) == 2 and inner[1] is ...:
        return tuple(_read(inner[0], each) for each in value)
    return tuple(_read(one, each) for one, each in zip(inner, value, strict=True))


def _known(allowed: tuple[Any, ...], value: Any) -> Any:
    if value not in allowed:
        raise ValueError("unknown word")
    return value


def _scalar(kind: Any, value: Any) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError("wrong type")
    return value
