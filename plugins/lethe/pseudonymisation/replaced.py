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
    """What takes the place of the values of one field, in one key period.

    domain   separates the field: no pseudonym of it can be linked with one of another domain
    """

    def __init__(self, plan: LogPlan, secret: bytes, domain: str) -> None:
        self._plan = plan
        self._secret = secret
        self._domain = domain
        self._tokens: dict[str, Tokens] = {}
        self._addresses: dict[Method, AddressPseudonyms] = {}
        self.linkable = plan.text_address in (Method.DETERMINISTIC, Method.PREFIX)

    def tokens(self, kind: str) -> Tokens:
        """Give the tokens of one kind of value (user, email, token …, or the field's own name)."""
        if kind not in self._tokens:
            # No name of a field holds a NUL: no two fields and kinds read as the same domain.
            self._tokens[kind] = Tokens(self._secret, f"{self._domain}\0{kind}", kind)
        return self._tokens[kind]

    def addresses(self, method: Method) -> AddressPseudonyms:
        """Give the pseudonyms of addresses."""
        if method not in self._addresses:
            kind = AddressMethod(method.value)
            self._addresses[method] = AddressPseudonyms(kind, self._secret, self._domain)
        return self._addresses[method]

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
        return self.tokens(kind).replace(value)


@dataclass(slots=True)
class Means:
    """The means of one key period."""

    plan: LogPlan
    secret: bytes = field(repr=False)
    known: dict[str, Known] = field(default_factory=dict)
    _replaced: dict[str, Replaced] = field(default_factory=dict)
    _scrubbers: dict[tuple[str, bool], TextScrubber] = field(default_factory=dict)
    _queries: dict[str, QueryFilter] = field(default_factory=dict)

    def replaced(self, name: str) -> Replaced:
        """Give what takes the place of the values of a field."""
        domain = self.plan.domains.get(name, name)
        if domain not in self._replaced:
            self._replaced[domain] = Replaced(self.plan, self.secret, domain)
        return self._replaced[domain]

    def scrub(self, name: str, texts: pl.Series, *, free: bool = False) -> pl.Series:
        """Replace what is personal in the text of a field."""
        key = (name, free)
        if key not in self._scrubbers:
            phones = name in self.plan.phones
            self._scrubbers[key] = TextScrubber(self.replaced(name), free=free, phones=phones)
        return self._scrubbers[key].scrub(texts)

    def filter_queries(self, name: str, queries: pl.Series) -> pl.Series:
        """Keep of the queries of a field what the policy allows."""
        if name not in self._queries:
            self._queries[name] = QueryFilter(
                self.plan.rules_of(name),
                self.plan.query_others,
                partial(self.scrub, name),
                lambda _, value: self.replaced(name).value("token", fully_unquoted(value)),
                phones=name in self.plan.phones,
            )
        return self._queries[name].filter(queries)
