"""What takes the place of personal values, in one key period."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from lethe.pseudonymisation.addresses import (
    AddressMethod,
    AddressPseudonyms,
)
from lethe.pseudonymisation.known import Known
from lethe.pseudonymisation.logplan import LogPlan, Method
from lethe.pseudonymisation.spelling import fully_unquoted
from lethe.pseudonymisation.text import TextScrubber
from lethe.pseudonymisation.tokens import Tokens
from lethe.pseudonymisation.urls import QueryFilter

if TYPE_CHECKING:
    import polars as pl


_OURS: Final = re.compile(r"(?:email|user|token|host)_[a-z2-7]{16}\Z|\[(?:card|iban|phone)\]\Z")


_MASKED: Final = ("card", "iban", "phone")


class Replaced:
    """What takes the place of values found in text, in one key period."""

    def __init__(self, plan: LogPlan, secret: bytes) -> None:
        self._plan = plan
        self._secret = secret
        self._tokens: dict[tuple[str, str], Tokens] = {}
        self._addresses: dict[tuple[str, str], AddressPseudonyms] = {}
        self.linkable = plan.text_address in (Method.DETERMINISTIC, Method.PREFIX)

    def tokens(self, domain: str, label: str) -> Tokens:
        """Give the tokens of a domain."""
        key = (domain, label)
        if key not in self._tokens:
            self._tokens[key] = Tokens(self._secret, domain, label)
        return self._tokens[key]

    def addresses(self, method: Method, domain: str = "ip") -> AddressPseudonyms:
        """Give the pseudonyms of addresses of a domain."""
        key = (method.value, domain)
        if key not in self._addresses:
            made = AddressPseudonyms(AddressMethod(method.value), self._secret, domain)
            self._addresses[key] = made
        return self._addresses[key]

    def address(self, packed: bytes) -> str:
        """Replace an address inside text."""
        return self.addresses(self._plan.text_address).replace([packed])[0]

    def value(self, kind: str, value: str) -> str:
        """Replace a value inside text."""
        if self._plan.settled and _OURS.match(value):
            return value
        default = Method.MASK if kind in _MASKED else Method.TOKEN
        if self._plan.value_methods.get(kind, default) == Method.MASK:
            return f"[{kind}]"
        return self.tokens(kind, kind).replace(value)


@dataclass(slots=True)
class Means:
    """The means of one key period."""

    plan: LogPlan
    replaced: Replaced
    known: dict[str, Known] = field(default_factory=dict)
    _scrubbers: dict[tuple[bool, bool], TextScrubber] = field(default_factory=dict)
    _queries: dict[str, QueryFilter] = field(default_factory=dict)

    def scrub(self, name: str, texts: pl.Series, *, free: bool = False) -> pl.Series:
        """Replace what is personal in the text of a field."""
        kind = (free, name in self.plan.phones)
        if kind not in self._scrubbers:
            self._scrubbers[kind] = TextScrubber(self.replaced, free=free, phones=kind[1])
        return self._scrubbers[kind].scrub(texts)

    def filter_queries(self, name: str, queries: pl.Series) -> pl.Series:
        """Keep of the queries of a field what the policy allows."""
        if name not in self._queries:
            self._queries[name] = QueryFilter(
                self.plan.rules_of(name),
                self.plan.query_others,
                partial(self.scrub, name),
                lambda _, value: self.replaced.value("token", fully_unquoted(value)),
                phones=name in self.plan.phones,
            )
        return self._queries[name].filter(queries)
