"""Tell quickly whether records are canonical JSON, by the shapes of those that came before.

Records of one kind have the same names in the same places. Of a shape that was met, a type is made
whose fields stand in the order of RFC 8785: what is read into it and written again without change
was canonical. What has another shape is read as any JSON, and its shape is learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from lethe.archive.records import FORMAT, read_record

_MOST = 4
_LEARN = 50
_ASKED = ("format", "kind", "recorded_at")
_encode = msgspec.json.Encoder().encode


Facts = tuple[str, str, str, int | None]
"""Of a record: format, kind, instant of its archiving, and the leaf that it corrects, if any."""


class _Shape(NamedTuple):
    decode: Callable[[bytes], Any]
    facts: Callable[[Any], Facts]


class CanonicalReader:
    """Reads records, and refuses bytes that are not their canonical form."""

    def __init__(self) -> None:
        self._shapes: dict[bytes, list[_Shape]] = {}
        self._learnt = 0

    def read(self, data: bytes, hint: bytes) -> Facts:
        """Read a record.

        hint    what records of one shape have in common, such as their kind
        Raises  ValueError
        """
        for shape in self._shapes.get(hint, ()):
            try:
                value = shape.decode(data)
            except msgspec.DecodeError:
                continue
            if _encode(value) == data:
                facts = shape.facts(value)
                if facts[0] == FORMAT:
                    return facts
            break
        said = read_record(data)
        if any(type(said.get(name)) is not str for name in _ASKED):
            raise ValueError("the bytes are no record of the archive")
        self._learn(said, hint)
        return FORMAT, said["kind"], said["recorded_at"], said.get("previous")

    def _learn(self, said: dict[str, Any], hint: bytes) -> None:
        known = self._shapes.setdefault(hint, [])
        if self._learnt >= _LEARN or len(known) >= _MOST:
            return
        self._learnt += 1
        # A field's name with a quote or a backslash is refused as a value, not as a type.
        with suppress(TypeError, ValueError):
            known.append(_shape_of(said))


def _shape_of(said: Mapping[str, Any]) -> _Shape:
    decode = msgspec.json.Decoder(_type_of(said)).decode
    places = {name: f"f{at}" for at, name in enumerate(sorted(said))}
    read = attrgetter(*(places[name] for name in _ASKED))
    previous = places.get("previous")
    if previous is not None:
        return _Shape(decode, attrgetter(*(places[name] for name in _ASKED), previous))
    return _Shape(decode, lambda value: (*read(value), None))


def _type_of(value: Any) -> Any:
    """The type of a value, for values of the same shape.

    Raises  TypeError if there is none that would be written in canonical form
    """
    if value is None or type(value) is str:
        return str | None
    if type(value) is int:
        return int | None
    if type(value) is list:
        kinds = {_type_of(each) for each in value}
        if len(kinds) > 1:
            raise TypeError("a list of unlike things")
        return list[kinds.pop()] if kinds else tuple[()]  # type: ignore[misc]
    if type(value) is not dict or not all(name.isascii() for name in value):
        raise TypeError("no shape whose order is certain")
    # Of names in ASCII the order of code points is that of UTF-16.
    return _struct(tuple((name, _type_of(value[name])) for name in sorted(value)))


@cache
def _struct(fields: tuple[tuple[str, Any], ...]) -> Any:
    named = [(f"f{at}", kind, msgspec.field(name=name)) for at, (name, kind) in enumerate(fields)]
    return msgspec.defstruct("Shape", named, gc=False, forbid_unknown_fields=True)
