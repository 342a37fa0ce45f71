"""Load a policy file: all faults at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from lethe.errors import Fault, PolicyError
from lethe.policy.digest import policy_digest
from lethe.policy.model import Policy
from lethe.policy.names import parse_table
from lethe.policy.references import find_dangling
from lethe.policy.shapes import Shapes
from lethe.policy.wording import Finding, explain, wrong_type
from lethe.policy.yaml_document import Document, parse_document, read_document
from lethe.policy.yaml_problems import Place, dotted

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[M]):
    """A model, and where in its file every part of it stands."""

    model: M
    document: Document = field(repr=False)

    @property
    def file(self) -> str:
        """The file as it was named."""
        return self.document.file

    def line_of(self, place: Place) -> int:
        """Give the line of a place, or of the deepest place above it that is in the file."""
        return self.document.line_of(place)

    def fault(self, place: Place, message: str) -> Fault:
        """Make a fault of this file: `fault(("tables", "crm.account", "key"), "…")`."""
        return self.document.fault(place, message)


@dataclass(frozen=True, slots=True)
class LoadedPolicy(Loaded[Policy]):
    """A policy whose names all lead somewhere, and where in its file every part of it stands."""

    digest: str

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self.model


def load_policy(path: Path | str) -> LoadedPolicy:
    """Read and check a policy file by itself, without a warehouse.

    Raises  PolicyError with all faults, each with file, line and place
    """
    return _as_policy(read_document(path))


def parse_policy(text: str, file: str = "policy.yaml") -> LoadedPolicy:
    """Read and check a policy from text; `file` is its name in faults."""
    return _as_policy(parse_document(text, file))


def load_model(path: Path | str, model: type[M]) -> Loaded[M]:
    """Read a YAML file into any pydantic model.

    Raises  PolicyError with all faults, each with file, line and place
    """
    document = read_document(path)
    return Loaded(_validated(document, model), document)


def _as_policy(document: Document) -> LoadedPolicy:
    document = _with_canonical_tables(document)
    policy = _validated(document, Policy)
    dangling = [document.fault(place, message) for place, message in find_dangling(policy)]
    if dangling:
        raise PolicyError(dangling)
    return LoadedPolicy(policy, document, policy_digest(policy))


def _validated(document: Document, model: type[M]) -> M:
    findings: list[Finding] = []
    validated = None
    shapes = _shapes(model)
    if not isinstance(document.data, dict):
        message = "the file is not a mapping; begin with keys such as "
        findings.append(((), message + ", ".join(f"{key}:" for key in list(shapes.keys(()))[:3])))
    else:
        _read_choices_as_text(document, shapes)
        try:
            validated = model.model_validate(document.data)
        except ValidationError as error:
            findings = explain(error, document, shapes)
        findings += _conversions(document, shapes, {place for place, _ in findings})
    faults = _merged(document, findings)
    if faults or validated is None:
        raise PolicyError(faults)
    return validated


def _conversions(document: Document, shapes: Shapes, told: set[Place]) -> Iterable[Finding]:
    for place, wanted in shapes.mistyped(document.data):
        if place not in told:
            written = document.texts[place]
            value = _value_at(document, place)
            yield place, wrong_type(wanted, value, written)


def _read_choices_as_text(document: Document, shapes: Shapes) -> None:
    """Take `is: null` and `is: true` at their word where null and true are names of choices."""
    for place, written in document.texts.items():
        if written in ("null", "true", "false") and written in shapes.choices(place):
            _value_at(document, place[:-1])[place[-1]] = written


def _value_at(document: Document, place: Place) -> Any:
    value = document.data
    for part in place:
        value = value[part]
    return value


def _merged(document: Document, findings: Iterable[Finding]) -> list[Fault]:
    """Put faults of YAML and of the model together; at one place YAML's comes first and alone."""
    told = {(fault.line, fault.path) for fault in document.faults}
    faults = dict.fromkeys(document.fault(place, message) for place, message in findings)
    return [*document.faults, *(f for f in faults if (f.line, f.path) not in told)]


def _with_canonical_tables(document: Document) -> Document:
    """Let `tables.crm.account` be found however the file quotes it, and refuse it twice."""
    tables = document.data.get("tables") if isinstance(document.data, dict) else None
    lines, faults, first = dict(document.lines), list(document.faults), dict[str, str]()
    for key in tables if isinstance(tables, dict) else ():
        try:
            canonical = str(parse_table(key))
        except ValueError:
            continue
        if canonical in first:
            place: Place = ("tables", key)
            message = f"this is the same table as '{first[canonical]}'"
            faults.append(Fault(document.file, document.line_of(place), dotted(place), message))
        elif canonical != key:
            for known, line in document.lines.items():
                if known[:2] == ("tables", key):
                    lines[("tables", canonical, *known[2:])] = line
        first.setdefault(canonical, key)
    return Document(document.file, document.data, lines, document.texts, tuple(faults))


@cache
def _shapes(model: type[BaseModel]) -> Shapes:
    return Shapes(model)
