"""The request line, divided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

_REQUEST: Final = r"^(?P<method>[A-Za-z_-]+) (?P<url>.*?)(?: (?P<protocol>HTTP/[0-9.]+))?$"


def divide_requests(requests: pl.Series) -> dict[str, pl.Series]:
    """Divide `GET /path HTTP/1.1`; what is no request (`-`, a TLS hello) stays as its target."""
    import polars as pl

    parts = requests.str.extract_groups(_REQUEST).struct.unnest()
    target = pl.coalesce(parts["url"], requests)
    return {
        "method": parts["method"],
        "url": parts.select(target.alias("t")).to_series(),
        "protocol": parts["protocol"],
    }
