"""Formats by name, and the detection of an unknown one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lethe.errors import UsageError
from lethe.pseudonymisation.formats.clf import CommonLog
from lethe.pseudonymisation.formats.columns import Columns
from lethe.pseudonymisation.formats.jsonlines import JsonLines
from lethe.pseudonymisation.formats.nothing import Nothing
from lethe.pseudonymisation.formats.parsed import Format
from lethe.pseudonymisation.formats.pattern import PatternLog
from lethe.pseudonymisation.formats.syslog import SYSLOG, HaproxyLog, Syslog
from lethe.pseudonymisation.formats.w3c import ExtendedLog
from lethe.pseudonymisation.lines import split_lines
from lethe.pseudonymisation.logplan import LogPlan

FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "common": "Apache and NGINX common log format, perhaps with virtual host or forwarded-for",
        "combined": "the same with referrer and user agent",
        "json": "JSON lines (Caddy, Traefik, Cloudflare, Google Cloud, or a map of fields)",
        "w3c": "W3C extended, as of IIS and CloudFront, with #Fields: lines",
        "haproxy": "HAProxy HTTP log, bare or in syslog",
        "syslog": "free text of daemons (sshd, sudo, cron …)",
        "pattern": "a regular expression with named groups",
    }
)
# Of two formats that read a sample equally well the one that takes more from a line comes first.
_DETECTED: Final = ("json", "w3c", "combined", "common", "haproxy", "syslog")
_ENOUGH: Final = 0.9


def make_format(plan: LogPlan) -> Format:
    """Make the format that a plan names.

    Raises  UsageError for a name that is none, a map or a pattern that cannot work
    """
    match plan.format:
        case "common" | "combined" | "combined-xff" | "combined-vhost":
            return CommonLog(combined=plan.format != "common")
        case "json":
            return JsonLines(plan.field_map, plan.read_on)
        case "w3c":
            return ExtendedLog()
        case "haproxy":
            return HaproxyLog(plan.read_on)
        case "syslog":
            return Syslog(plan.read_on)
        case "pattern":
            return PatternLog(plan)
        case "columns":
            return Columns(tuple(plan.methods))
        case "none":
            return Nothing()
    raise UsageError(f"there is no log format {plan.format!r}; there are: {', '.join(FORMATS)}")


@dataclass(frozen=True, slots=True)
class Detection:
    """What each format made of a sample.

    shares    format → share of the lines with something in them that it reads
    chosen    the format that reads at least nine tenths and most; None where none does
    """

    lines: int
    shares: Mapping[str, float]
    chosen: str | None

    def __str__(self) -> str:
        read = ", ".join(f"{name} {share:.1%}" for name, share in self.shares.items())
        found = self.chosen or "none"
        return f"{found} (of {self.lines} lines: {read})"


def detect_format(sample: bytes, plan: LogPlan) -> Detection:
    """Try every format on a sample of whole lines."""
    lines = split_lines(sample)
    filled = int((lines.ends > lines.starts).sum())
    shares: dict[str, float] = {}
    for name in _DETECTED:
        chosen = make_format(replace(plan, format=name, pattern=None, field_map={}))
        read = sum(len(answer.rows) for answer in chosen.parse(lines, b""))
        if name == "syslog":
            read = int(lines.whole(lines.starts.argsort()).str.contains(SYSLOG).sum())
        elif name == "haproxy":
            read = sum(
                int(answer.columns["ip"].is_not_null().sum())
                for answer in chosen.parse(lines, b"")
                if len(answer.rows)
            )
            # Its start and stop messages are syslog's, and few.
            read = round(read * 1.5) if read else 0
        shares[name] = min(read / filled, 1.0) if filled else 0.0
    best = max(_DETECTED, key=lambda name: (shares[name], -_DETECTED.index(name)))
    return Detection(filled, shares, best if shares[best] >= _ENOUGH else None)
