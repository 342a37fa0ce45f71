"""Read a YAML file so that every value keeps its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lethe.errors import Fault
from lethe.policy.yaml_nodes import Node, NodeReader
from lethe.policy.yaml_problems import Place, broken, dotted

MOST_BYTES: Final = 4 * 1024 * 1024

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data, with the line of every value.

    lines   place of every value, and the 1-based line on which its key or item stands
    texts   place of every value that is no list or mapping, and how it is written
    faults  what YAML alone can tell; the data hold a best guess at these places
    """

    file: str
    data: Any
    lines: Mapping[Place, int]
    texts: Mapping[Place, str]
    faults: tuple[Fault, ...]

    def line_of(self, place: Place) -> int:
        """Give the line of a place, or of the deepest place above it that is in the file."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 0)

    def fault(self, place: Place, message: str) -> Fault:
        """Make a fault of this file."""
        return Fault(self.file, self.line_of(place), dotted(place), message)


def read_document(path: Path | str) -> Document:
    """Read a YAML file.

    Raises  PolicyError if it cannot be read, is no UTF-8 or no YAML, or would unfold too far
    """
    file = str(path)
    return parse_document(_decode(file, _read(Path(path), file)), file)


def parse_document(text: str, file: str) -> Document:
    """Read YAML from text; `file` is its name in faults."""
    if control := _CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        code = ord(control[0])
        raise broken(file, line, f"the control character U+{code:04X} stands here; remove it")
    reader = NodeReader(file, text)
    root = reader.read()
    unfolded = _Unfolded()
    data = unfolded.unfold(root, ())
    return Document(file, data, unfolded.lines, unfolded.texts, tuple(reader.faults))


def _read(path: Path, file: str) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise broken(file, 0, f"cannot be read ({reason}); name a file that exists") from None
    if len(content) > MOST_BYTES:
        raise broken(file, 0, f"is larger than {MOST_BYTES // 1024 // 1024} MiB; split it")
    return content


def _decode(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise broken(file, line, message) from None


@dataclass(slots=True)
class _Unfolded:
    """Data, lines and texts of a tree of nodes, aliases written out."""

    lines: dict[Place, int] = field(default_factory=dict)
    texts: dict[Place, str] = field(default_factory=dict)

    def unfold(self, node: Node, place: Place) -> Any:
        self.lines.setdefault(place, node.line)
        if node.items is not None:
            return [self.unfold(item, (*place, at)) for at, item in enumerate(node.items)]
        if node.entries is not None:
            data = {}
            for key, (line, value) in node.entries.items():
                self.lines[(*place, key)] = line
                data[key] = self.unfold(value, (*place, key))
            return data
        self.texts[place] = node.text
        return node.value
