"""Mappings that know what is missing, so that nobody mistakes a gap for a defect."""

from __future__ import annotations

from typing import NoReturn, TypeVar

Name = TypeVar("Name")
Thing = TypeVar("Thing")


class Missing(LookupError):
    """The policy names what the warehouse does not have; binding the policy tells it as a fault."""


class Known(dict[Name, Thing]):
    """What the warehouse has, or what could be resolved, by name."""

    def __missing__(self, name: Name) -> NoReturn:
        raise Missing(str(name))
