"""What the engine is told: one frozen value, made from the policy and the key ring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Method(StrEnum):
    """What happens to the value of a field."""

    DETERMINISTIC = "deterministic"
    PREFIX = "pfx"
    ND = "nd"
    NDX = "ndx"
    TOKEN = "token"  # noqa: S105
    MASK = "mask"
    DROP = "drop"
    KEEP = "keep"
    SCAN = "scan"
    REDUCE = "reduce"


class Kind(StrEnum):
    """What the values of a field are."""

    ADDRESS = "address"
    ADDRESSES = "addresses"
    USER = "user"
    TIME = "time"
    TARGET = "target"
    URL = "url"
    AGENT = "agent"
    WORD = "word"
    NUMBER = "number"
    TEXT = "text"
    MESSAGE = "message"


ADDRESS_METHODS: Final = (Method.DETERMINISTIC, Method.PREFIX, Method.ND, Method.NDX)

# The methods that make sense for a kind; the first is the default.
METHODS: Final[Mapping[Kind, tuple[Method, ...]]] = MappingProxyType(
    {
        Kind.ADDRESS: (*ADDRESS_METHODS, Method.TOKEN, Method.MASK, Method.DROP, Method.KEEP),
        Kind.ADDRESSES: (*ADDRESS_METHODS, Method.TOKEN, Method.MASK, Method.DROP, Method.KEEP),
        Kind.USER: (Method.TOKEN, Method.MASK, Method.DROP, Method.KEEP),
        Kind.TIME: (Method.KEEP, Method.DROP),
        Kind.TARGET: (Method.SCAN, Method.TOKEN, Method.DROP, Method.KEEP),
        Kind.URL: (Method.SCAN, Method.TOKEN, Method.DROP, Method.KEEP),
        Kind.AGENT: (Method.REDUCE, Method.SCAN, Method.TOKEN, Method.DROP, Method.KEEP),
        Kind.WORD: (Method.SCAN, Method.TOKEN, Method.MASK, Method.DROP, Method.KEEP),
        Kind.NUMBER: (Method.KEEP, Method.TOKEN, Method.MASK, Method.DROP),
        Kind.TEXT: (Method.SCAN, Method.TOKEN, Method.MASK, Method.DROP, Method.KEEP),
        Kind.MESSAGE: (Method.SCAN, Method.TOKEN, Method.MASK, Method.DROP, Method.KEEP),
    }
)

# The fields that the built-in formats give; a policy may name others.
FIELD_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "ip": Kind.ADDRESS,
        "forwarded": Kind.ADDRESSES,
        "server": Kind.ADDRESS,
        "ident": Kind.USER,
        "user": Kind.USER,
        "time": Kind.TIME,
        "method": Kind.WORD,
        "url": Kind.TARGET,
        "protocol": Kind.WORD,
        "status": Kind.NUMBER,
        "bytes": Kind.NUMBER,
        "bytes_read": Kind.NUMBER,
        "duration": Kind.NUMBER,
        "referrer": Kind.URL,
        "agent": Kind.AGENT,
        "vhost": Kind.TEXT,
        "host": Kind.TEXT,
        "port": Kind.NUMBER,
        "substatus": Kind.NUMBER,
        "message": Kind.MESSAGE,
    }
)

TRUNCATIONS: Final = ("second", "minute", "hour", "day")


@dataclass(frozen=True, slots=True)
class UrlRules:
    """What stays of the URLs of one field.

    query_allow      parameters that stay in the query string
    path_templates   such as `/customer/{id}`
    """

    query_allow: frozenset[str] = frozenset()
    path_templates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogPlan:
    """How one source of logs is read and pseudonymised.

    format           a name of `formats.FORMATS`, or `pattern`
    secrets          key period (`2026-11`) → its secret of 32 bytes
    destroyed        periods whose key is gone: their late lines are destroyed and counted
    undated_period   the period of a line that carries no time
    read_on          day on which the log is read; gives the year to times without one (syslog)
    quarantine_key   32 bytes; seals the lines that could not be read
    pattern          for `pattern`: a regular expression with named groups, in Rust's syntax
    field_map        for `json`: field → dotted path inside the line
    kinds            kinds of fields that are not built in
    methods          field → method, where it is not the default of its kind
    others           method of the fields that `methods` does not name, such as `drop`
    text_address     how addresses inside text are replaced
    value_methods    kind of value in text (email, token, card …) → token or mask
    domains          field → domain, where fields are to be linkable with each other; else by field
    query_allow, path_templates   rules of every URL that `urls` does not name
    urls             field → rules of its own
    query_others     what happens to parameters that do not stay: `drop`, `token` or `scan`
    truncate_time    unit to which time is cut, or None
    phones           fields in whose text telephone numbers are looked for
    settled          text may hold pseudonyms of ours, which stay: it is looked through again
    set_aside        numbers of lines in whose output something personal was found: not written
    """

    format: str
    secrets: Mapping[str, bytes] = field(repr=False)
    undated_period: str
    quarantine_key: bytes = field(repr=False)
    destroyed: frozenset[str] = frozenset()
    read_on: date | None = None
    pattern: str | None = None
    field_map: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    methods: Mapping[str, Method] = field(default_factory=dict)
    others: Method | None = None
    text_address: Method = Method.DETERMINISTIC
    value_methods: Mapping[str, Method] = field(default_factory=dict)
    domains: Mapping[str, str] = field(default_factory=dict)
    query_allow: frozenset[str] = frozenset()
    query_others: str = "drop"
    path_templates: tuple[str, ...] = ()
    truncate_time: str | None = None
    urls: Mapping[str, UrlRules] = field(default_factory=dict)
    phones: frozenset[str] = frozenset()
    settled: bool = False
    set_aside: frozenset[int] = frozenset()

    def kind_of(self, name: str) -> Kind:
        """Tell the kind of a field; what nobody named is text."""
        return self.kinds.get(name) or FIELD_KINDS.get(name, Kind.TEXT)

    def method_of(self, name: str) -> Method:
        """Tell the method of a field."""
        return self.methods.get(name) or self.others or METHODS[self.kind_of(name)][0]

    def agent_columns(self, name: str) -> tuple[str, str, str]:
        """Name the columns of system, device and bot flag of a field that is a user agent.

        Of several such fields `agent`, or the first one, has the short names.
        """
        named = ["agent", *self.methods, *self.kinds]
        first = next((each for each in named if self.reduces(each)), name)
        front = "" if name == first else f"{name}_"
        return f"{front}os_family", f"{front}device", f"{front}bot"

    def reduces(self, name: str) -> bool:
        """Tell whether of a field only the family of the user agent and the like stays."""
        return self.kind_of(name) is Kind.AGENT and self.method_of(name) is Method.REDUCE

    def rules_of(self, name: str) -> UrlRules:
        """Tell what stays of the URLs of a field."""
        return self.urls.get(name) or UrlRules(self.query_allow, self.path_templates)

    def faults(self) -> list[str]:
        """Name everything that cannot work, before anything is read."""
        found = [
            f"fields.{name}: the method {method} does not fit a field of kind {self.kind_of(name)};"
            f" it takes {', '.join(METHODS[self.kind_of(name)])}"
            for name, method in self.methods.items()
            if method not in METHODS[self.kind_of(name)]
        ]
        if self.truncate_time not in (None, *TRUNCATIONS):
            found.append(f"truncate_time: {self.truncate_time!r} is none of {TRUNCATIONS}")
        if self.query_others not in ("drop", "token", "scan"):
            found.append(f"query_others: {self.query_others!r} is none of drop, token, scan")
        if self.text_address not in ADDRESS_METHODS:
            found.append(f"text_address: {self.text_address} is no method for addresses")
        if len(self.quarantine_key) != 32:
            found.append("quarantine_key: it must have 32 bytes")
        found += [
            f"secrets: the secret of {period} must have 32 bytes"
            for period, secret in self.secrets.items()
            if len(secret) != 32
        ]
        if (self.format == "pattern") != (self.pattern is not None):
            found.append("pattern: it goes with the format 'pattern', and only with it")
        if self.undated_period not in self.secrets:
            found.append(f"undated_period: there is no secret for {self.undated_period}")
        return found
