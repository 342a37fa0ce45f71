"""The nodes of a YAML file: lines, plain values, anchors and merge keys.

Plain values are read by the rules of YAML 1.2: `NO`, `on`, `22:30` and `2026-05-31` are text,
only true and false are booleans. Where YAML 1.1 and 1.2 disagree about a number (`010`, `1_000`,
`0x1F`), the value is refused. Keys are always text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from lethe.errors import Fault
from lethe.policy.yaml_problems import Place, broken, dotted, explain_broken

MOST_VALUES: Final = 250_000
DEEPEST: Final = 60

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FRACTION = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_DISPUTED = re.compile(r"[-+]?(?:0[0-9_]+|0[xob][0-9a-fA-F_]+|[1-9][0-9]*_[0-9_]*)")
_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(slots=True)
class Node:
    """A value as it stands in the file; an alias shares the node of its anchor."""

    line: int
    value: Any = None
    text: str = ""
    items: list[Node] | None = None
    entries: dict[str, tuple[int, Node]] | None = None
    size: int = 1


class NodeReader:
    """Builds nodes from the events of the YAML parser."""

    def __init__(self, file: str, text: str) -> None:
        self.faults: list[Fault] = []
        self._file = file
        self._text = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, Node] = {}
        self._quoted: Any = None

    def read(self) -> Node:
        try:
            event = self._next()
            while not isinstance(event, yaml.DocumentStartEvent):
                if isinstance(event, yaml.StreamEndEvent):
                    raise broken(self._file, 0, "is empty; docs/policy.md says what belongs in it")
                event = self._next()
            root = self._node(self._next(), ())
            self._next()
            after = self._next()
        except yaml.YAMLError as error:
            raise explain_broken(error, self._file, self._text, self._quoted) from None
        if not isinstance(after, yaml.StreamEndEvent):
            line = after.start_mark.line + 1
            raise broken(self._file, line, "a second document begins ('---'); keep one a file")
        return root

    def _next(self) -> Any:
        return next(self._events)

    def _node(self, event: Any, place: Place) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        if len(place) > DEEPEST:
            raise broken(self._file, line, f"nested more than {DEEPEST} deep")
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, place, line)
        else:
            if event.tag is not None:
                self._tagged(event.tag, place, line)
            read = self._mapping if isinstance(event, yaml.MappingStartEvent) else self._list
            node = read(line, place)
        if node.size > MOST_VALUES:
            raise broken(self._file, line, f"unfolds to more than {MOST_VALUES} values")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, anchor: str | None, line: int) -> Node:
        if anchor is None or anchor not in self._anchors:
            raise broken(self._file, line, f"*{anchor} names no finished anchor &{anchor} above")
        return self._anchors[anchor]

    def _list(self, line: int, place: Place) -> Node:
        items: list[Node] = []
        node = Node(line, items=items)
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*place, len(items))))
            node.size += items[-1].size
        return node

    def _mapping(self, line: int, place: Place) -> Node:
        entries: dict[str, tuple[int, Node]] = {}
        merged: dict[str, tuple[int, Node]] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key_line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent):
                raise broken(self._file, key_line, "a key must be plain text; is a quote missing?")
            key = str(event.value)
            value = self._node(self._next(), (*place, key))
            if key == "<<" and event.implicit[0]:
                merged = self._merged(value, place, key_line) | merged
            elif key in entries:
                message = f"stands twice; the first is in line {entries[key][0]}"
                self._fault(key_line, (*place, key), message)
            else:
                entries[key] = (key_line, value)
        entries |= {key: entry for key, entry in merged.items() if key not in entries}
        size = 1 + sum(value.size for _, value in entries.values())
        return Node(line, entries=entries, size=size)

    def _merged(self, value: Node, place: Place, line: int) -> dict[str, tuple[int, Node]]:
        """Read `<<: *defaults` or `<<: [*these, *those]`; of two the first has its way."""
        found: dict[str, tuple[int, Node]] = {}
        for node in [value] if value.items is None else value.items:
            if node.entries is None:
                self._fault(line, place, "'<<' merges mappings only; name one by its alias (*name)")
            found = (node.entries or {}) | found
        return found

    def _scalar(self, event: Any, place: Place, line: int) -> Node:
        text = str(event.value)
        if event.style in ("'", '"'):
            self._quoted = event
        if event.tag not in (None, _TEXT_TAG):
            self._tagged(event.tag, place, line)
        if event.tag is not None or not event.implicit[0]:
            return Node(line, text, text)
        if _DISPUTED.fullmatch(text):
            message = f"readers of YAML disagree about {text}; write a plain decimal number, "
            self._fault(line, place, message + f'or text in quotes: "{text}"')
        return Node(line, _plain_value(text), text)

    def _tagged(self, tag: str, place: Place, line: int) -> None:
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        self._fault(line, place, f"tags such as {shown} are not read; write the value alone")

    def _fault(self, line: int, place: Place, message: str) -> None:
        self.faults.append(Fault(self._file, line, dotted(place), message))


def _plain_value(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _WHOLE.fullmatch(text) and len(text) < 20:
        return int(text)
    if _FRACTION.fullmatch(text) and abs(number := float(text)) != float("inf"):
        return number
    return text
