"""Looks for personal data in the output, with patterns of its own.

Nothing here is shared with the code that replaces: a fault there must not hide itself here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from stdnum import iban, luhn

if TYPE_CHECKING:
    import polars as pl

# Whole columns of pseudonyms that look like addresses; what is in them cannot be told by looking.
ADDRESS_COLUMNS: Final = frozenset({"ip", "forwarded", "server"})
# Up to so many lines of a file or batch, and up to such a share, are set aside one by one.
_FEW: Final = 1000
_SHARE: Final = 0.02
_BATCH_ROWS: Final = 65_536

# Behind such a word four numbers with dots are a version.
_VERSIONS: Final = (
    r"(?i)\b(?:version|ver|v|release|rel|revision|rev|build|firmware|fw|kernel|driver|patch|sdk|tag"
    r"|update|upgrade|section|article|chapter|clause|paragraph|kapitel|abschnitt|artikel|chapitre"
    r"|paragraphe|ausgabe|fassung|oid|(?:up|down)graded (?:from|to)"
    r"|(?:up|down)dated? (?:from|to)|windows|android|ios|macos|nginx|apache|openssl|php|chrome"
    r"|firefox|safari|edge|opera|mac os x|linux|debian|ubuntu|chromium|openssh|python|ruby|java"
    r"|jdk|jre|node|npm|mysql|mariadb|redis|mongodb|docker|haproxy|varnish|tomcat|jquery|bootstrap"
    r"|wordpress|drupal|exim|postfix|dovecot|curl|wget|git|glibc|gcc|cmake|office|acrobat|flash|air|unity"
    r"|openvpn|protocol)s?(?:[\"']|%22)?(?:\s|%20|\+)?[=:/_-]?(?:\s|%20|\+)?[\"']?v?"
    r"[0-9]+(?:\.[0-9]+){3,}"
)
# Behind these only where the numbers are as small as those of an address seldom are.
_SMALL: Final = (
    r"(?i)(?:\b(?:caddy|traefik|envoy|lighttpd|squid|bind|unbound|grafana|prometheus|kibana"
    r"|elasticsearch|logstash|filebeat|kubernetes|kubelet|containerd|podman|keycloak|gitlab|gitea"
    r"|jenkins|nextcloud|owncloud|postgres(?:ql)?|sqlite|rabbitmq|kafka|zookeeper|cassandra|vault"
    r"|consul|terraform|ansible|samba|asterisk|kamailio|freeradius|strongswan|wireguard|thunderbird"
    r"|outlook|teams|zoom|skype|roundcube|phpmyadmin|typo3|joomla|magento|moodle|odoo|spring"
    r"|hibernate|jetty|gunicorn|django|rails|puma|laravel|symfony|composer|webpack|vite|react|vue"
    r"|angular|electron|dotnet|\.net(?: clr)?|powershell|vmware|esxi|proxmox|qemu|libvirt"
    r"|version [a-z]+|rules?|regel|règle|annex|anhang|annexe|appendix|figure|requirement|control"
    r"|extension|attribute|raum|room|salle|rfc ?[0-9]+|iso ?[0-9]+|image|mib|schema|api|step"
    r"|milestone|version|build|software|browser|версия|версія|versi[oó]ne?|versão|versie|wersja"
    r"|sürüm|バージョン|版本)(?:\\?[\"']|%22)?(?:\s|%20|\+)?(?:[=:/_-]|%3[AD])?(?:\s|%20|\+)?"
    r"(?:\\?[\"']|%22)?v?|[0-9]+(?:\.[0-9]+){1,2} ?(?:->|=>|→) ?|[a-z0-9]+/[a-z0-9._-]+:)"
    r"[0-9]{1,2}(?:\.[0-9]{1,2}){3}\b"
)
# The two addresses and the type of a frame, as a packet filter writes them.
_HARDWARE: Final = r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5,}\b"
_OURS: Final = r"\bip_[0-9a-f:.]+|\b(?:email|user|token|host|card|iban|phone)_[a-z2-7]{16}\b"


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that looks personal; it never says what."""

    file: str
    column: str
    kind: str
    rows: int


def _always(_: str) -> bool:
    return True


def _is_v4(text: str) -> bool:
    try:
        return not ipaddress.IPv4Address(text.strip("=:[](),;'\"< >")).is_unspecified
    except ValueError:
        return False


def _is_v6(text: str) -> bool:
    if not any(c.isdigit() for c in text) and len(text.strip(":").split(":")) < 4:
        # `Ad::Feed`, `a::before`: a module, a selector.
        return False
    try:
        return not ipaddress.IPv6Address(text).is_unspecified
    except ValueError:
        return False


def _is_card(text: str) -> bool:
    digits = "".join(c for c in text if c.isdigit())
    return 15 <= len(digits) <= 16 and digits[0] in "3456" and luhn.is_valid(digits)


# Names of algorithms carry the domain of who invented them.
_ALGORITHM: Final = re.compile(
    r"(?:[a-z0-9]+-[a-z0-9-]+|zlib|none|statvfs|fstatvfs|fsync|eow|ping)@(?:openssh\.com|libssh\.org"
    r"|ssh\.com|lysator\.liu\.se)\Z",
    re.IGNORECASE,
)
_TAKEN_OUT: Final = re.compile(r"=[\[<({*]*(?:redacted|filtered|hidden|protected|masked|\*+)", re.I)


def _is_email(text: str) -> bool:
    local, _, domain = text.lower().partition("@")
    return not (_ALGORITHM.match(text) or (domain and f".{local}".endswith(f".{domain}")))


def _is_password(text: str) -> bool:
    return "=token_" not in text and _TAKEN_OUT.search(text) is None


# kind → pattern, check on what it finds
_KINDS: Final[Mapping[str, tuple[str, Callable[[str], bool]]]] = MappingProxyType(
    {
        "email": (r"(?i)[a-z0-9._+-]+(?:@|%40|%2540)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|lu"
                  r"|fr|de|be|eu|uk|ch|it|es|nl|at|pt|io|info|pl|us|ca|gov|edu)\b", _is_email),
        "ipv4": (r"(?:^|[\s=:,;'\"\[(<>])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:$|[\s:,;'\"\])<>])",
                 _is_v4),
        "ipv6": (r"(?i)\b[0-9a-f]{1,4}:(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}\b", _is_v6),
        "jwt": (r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}", _always),
        "card": (r"(?:^|[^0-9A-Za-z_.])[3-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{3,4}\b",
                 _is_card),
        "iban": (r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", iban.is_valid),
        "bearer": (r"(?i)\bbearer\s+[a-z0-9._-]{16,}", _always),
        "password": (r"(?i)\bpass(?:word|wd)=[^&\s\[]+", _is_password),
        "sshd-user": (r"(?i)\binvalid user [a-z0-9._-]+ from\b", lambda t: "user_" not in t),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines in which something personal was found, by their numbers.

    leaks  what was found, by column and kind
    rows   how many rows were looked at
    """

    numbers: frozenset[int]
    leaks: tuple[Leak, ...]
    rows: int

    @property
    def too_many(self) -> bool:
        """More than lines that are odd: a fault of the policy or of ours."""
        return len(self.numbers) > max(_FEW, self.rows * _SHARE)

    def __str__(self) -> str:
        totals: dict[tuple[str, str], int] = {}
        for leak in self.leaks:
            totals[leak.column, leak.kind] = totals.get((leak.column, leak.kind), 0) + leak.rows
        listed = ", ".join(
            f"{kind} in {rows} rows of {column}" for (column, kind), rows in sorted(totals.items())
        )
        return (
            f"something personal was found in the output, which is not kept: {listed}; that is more"
            " than can be set aside: look at the method of the column"
        )


def find_lines(name: str, batches: Iterable[Any], skip: frozenset[str] = ADDRESS_COLUMNS) -> Lines:
    """Name the lines of Arrow batches or tables in which something personal is left."""
    import polars as pl

    numbers: set[int] = set()
    found: dict[tuple[str, str], int] = {}
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        frame: pl.DataFrame | None = None
        for column, kind, texts in _scan(batch, skip):
            if frame is None:
                frame = pl.DataFrame(pl.from_arrow(batch))
            hit = frame.filter(frame[column].cast(pl.String).is_in(texts))["line"]
            found[column, kind] = found.get((column, kind), 0) + len(hit)
            numbers.update(hit)
    leaks = tuple(Leak(name, column, kind, count) for (column, kind), count in found.items())
    return Lines(frozenset(numbers), leaks, rows)


def find_lines_of_files(files: Sequence[Path], skip: frozenset[str] = ADDRESS_COLUMNS) -> Lines:
    """Name the lines of Parquet files in which something personal is left."""
    import pyarrow.parquet as pq

    def batches() -> Iterator[Any]:
        for path in files:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(_BATCH_ROWS)

    return find_lines("output", batches(), skip)


def scan_files(files: Sequence[Path], skip: frozenset[str] = ADDRESS_COLUMNS) -> list[Leak]:
    """Look through every column of text of Parquet files.

    skip   columns that are not looked at
    """
    import pyarrow.parquet as pq

    leaks: list[Leak] = []
    for path in files:
        with pq.ParquetFile(path) as file:
            leaks += scan_rows(path.name, file.iter_batches(_BATCH_ROWS), skip)
    return leaks


def scan_rows(
    name: str, batches: Iterable[object], skip: frozenset[str] = ADDRESS_COLUMNS
) -> list[Leak]:
    """Look through every column of text of Arrow batches or tables.

    name  how a leak calls them
    """
    import polars as pl

    found: dict[tuple[str, str], int] = {}
    for batch in batches:
        for column, kind, texts in _scan(batch, skip):
            frame = pl.DataFrame(pl.from_arrow(batch))
            rows = int(frame[column].cast(pl.String).is_in(texts).sum())
            found[column, kind] = found.get((column, kind), 0) + rows
    return [Leak(name, column, kind, rows) for (column, kind), rows in found.items()]


def _scan(batch: object, skip: frozenset[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Give column, kind and the texts in which it was found."""
    import polars as pl

    frame = pl.DataFrame(pl.from_arrow(batch))
    for name in frame.columns:
        if name in skip or frame[name].dtype not in (pl.String, pl.Categorical):
            continue
        distinct = frame[name].cast(pl.String).drop_nulls().unique()
        for kind, texts in scan_texts(distinct).items():
            yield name, kind, texts


def scan_texts(texts: pl.Series) -> dict[str, list[str]]:
    """Tell which of some texts look personal, by kind."""
    plain = (
        texts.str.replace_all(_OURS, "")
        .str.replace_all(_VERSIONS, " ")
        .str.replace_all(_SMALL, " ")
        .str.replace_all(_HARDWARE, " ")
    )
    found: dict[str, list[str]] = {}
    for kind, (pattern, check) in _KINDS.items():
        rows = plain.str.contains(pattern).arg_true()
        if not len(rows):
            continue
        proposals = plain.gather(rows).str.extract_all(pattern)
        kept = [
            text
            for text, several in zip(texts.gather(rows), proposals, strict=True)
            if any(check(each) for each in several)
        ]
        if kept:
            found[kind] = kept
    return found


def values_found(files: Sequence[Path], values: Sequence[str]) -> dict[str, int]:
    """Count in which columns given values still stand; the columns of pseudonyms too.

    values   of the raw log, at least four characters long each
    Returns  column → rows with any of them
    """
    import polars as pl

    found: dict[str, int] = {}
    for path in files:
        frame = pl.read_parquet(path, hive_partitioning=False)
        for name in frame.columns:
            if frame[name].dtype not in (pl.String, pl.Categorical):
                continue
            texts = frame[name].cast(pl.String)
            rows = int(texts.str.contains_any(list(values)).sum() or 0)
            if rows:
                found[name] = found.get(name, 0) + rows
    return found
