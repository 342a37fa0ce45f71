"""JSON lines, such as Caddy, Traefik, Cloudflare and Google Cloud write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lethe.errors import UsageError
from lethe.pseudonymisation.formats.parsed import Parsed, Stateless, rejection
from lethe.pseudonymisation.formats.request import divide_requests
from lethe.pseudonymisation.formats.times import read_times
from lethe.pseudonymisation.lines import Lines, Positions

if TYPE_CHECKING:
    import polars as pl

# A path has its keys divided by dots, a number for the place in a list, and alternatives by `|`.
PRESETS: Final[Mapping[str, Mapping[str, str]]] = {
    "caddy": {
        "time": "ts",
        "ip": "request.client_ip|request.remote_ip",
        "user": "user_id",
        "method": "request.method",
        "url": "request.uri",
        "protocol": "request.proto",
        "vhost": "request.host",
        "status": "status",
        "bytes": "size",
        "duration": "duration",
        "referrer": "request.headers.Referer.0",
        "agent": "request.headers.User-Agent.0",
        "forwarded": "request.headers.X-Forwarded-For.0",
        "level": "level",
        "logger": "logger",
        "message": "msg",
    },
    "traefik": {
        "time": "StartUTC|time",
        "ip": "ClientHost|ClientAddr",
        "user": "ClientUsername",
        "method": "RequestMethod",
        "url": "RequestPath",
        "protocol": "RequestProtocol",
        "vhost": "RequestHost",
        "status": "DownstreamStatus",
        "bytes": "DownstreamContentSize",
        "duration": "Duration",
        "referrer": "request_Referer",
        "agent": "request_User-Agent",
        "forwarded": "request_X-Forwarded-For",
        "level": "level",
        "logger": "RouterName",
        "message": "msg",
    },
    "cloudflare": {
        "time": "EdgeStartTimestamp|Datetime",
        "ip": "ClientIP",
        "method": "ClientRequestMethod",
        "url": "ClientRequestURI",
        "protocol": "ClientRequestProtocol",
        "vhost": "ClientRequestHost",
        "status": "EdgeResponseStatus",
        "bytes": "EdgeResponseBytes",
        "referrer": "ClientRequestReferer",
        "agent": "ClientRequestUserAgent",
        "forwarded": "ClientXForwardedFor",
    },
    "gcp": {
        "time": "timestamp|receiveTimestamp",
        "ip": "httpRequest.remoteIp",
        "server": "httpRequest.serverIp",
        "method": "httpRequest.requestMethod",
        "url": "httpRequest.requestUrl",
        "protocol": "httpRequest.protocol",
        "status": "httpRequest.status",
        "bytes": "httpRequest.responseSize",
        "referrer": "httpRequest.referer",
        "agent": "httpRequest.userAgent",
        "level": "severity",
        "message": "textPayload",
    },
    "journald": {
        "time": "_SOURCE_REALTIME_TIMESTAMP|__REALTIME_TIMESTAMP",
        "host": "_HOSTNAME",
        "program": "SYSLOG_IDENTIFIER|_COMM",
        "level": "PRIORITY",
        "message": "MESSAGE",
    },
    "flat": {
        "time": "time_iso8601|timestamp|time_local|@timestamp|time|ts|datetime",
        "ip": "remote_addr|client_ip|clientip|remote_ip|ip|client",
        "user": "remote_user|user|username",
        "request": "request",
        "method": "request_method|method|verb",
        "url": "request_uri|uri|url|path",
        "protocol": "server_protocol|protocol",
        "vhost": "http_host|host|server_name",
        "status": "status|status_code|response",
        "bytes": "body_bytes_sent|bytes_sent|bytes|size",
        "duration": "request_time|duration",
        "referrer": "http_referer|http_referrer|referer|referrer",
        "agent": "http_user_agent|user_agent|agent",
        "forwarded": "http_x_forwarded_for|x_forwarded_for",
        "level": "level|severity",
        "message": "message|msg|log",
    },
}
_MARKS: Final = {
    "caddy": ("$.request.remote_ip", "$.logger", "$.msg"),
    "traefik": ("$.ClientHost", "$.ClientAddr", "$.DownstreamStatus"),
    "cloudflare": ("$.ClientIP", "$.RayID", "$.EdgeStartTimestamp"),
    "gcp": ("$.httpRequest", "$.logName", "$.insertId"),
    "journald": ("$.MESSAGE", "$._HOSTNAME", "$.__REALTIME_TIMESTAMP"),
    "flat": ("$.remote_addr", "$.client_ip", "$.status"),
}


class JsonLines(Stateless):
    """One JSON object a line, perhaps behind a few words (`caddy  | {…}`).

    field_map   field → path; without one the map is chosen among `PRESETS` by the keys that the
                first lines of a stretch have
    What the map does not name is left out.
    """

    name = "json"

    def __init__(self, field_map: Mapping[str, str], read_on: date | None) -> None:
        self._maps = {"policy": dict(field_map)} if field_map else PRESETS
        self._read_on = read_on
        names = [name for each in self._maps.values() for name in each if name != "request"]
        if any("request" in each for each in self._maps.values()):
            names += ["method", "url", "protocol"]
        self.fields = tuple(dict.fromkeys(names))
        for name, path in field_map.items():
            if not all(key for option in path.split("|") for key in option.split(".")):
                raise UsageError(f"field_map.{name}: {path!r} has an empty key")

    def read(self, lines: Lines) -> list[Parsed]:
        """Read lines; those that are no whole object are rejected."""
        import polars as pl

        every = np.arange(len(lines))
        texts = lines.whole(every)
        objects = texts.str.extract(r"(\{.*\})\s*$")
        valid = objects.str.json_path_match("$").is_not_null().to_numpy()
        empty = (texts.str.strip_chars() == "").to_numpy()
        opened = texts.str.contains("{", literal=True).to_numpy()
        closed = texts.str.contains(r"\}\s*$").to_numpy()
        answers = [
            rejection("empty", every[empty]),
            rejection("truncated", every[~valid & ~empty & opened & ~closed]),
            rejection("malformed-json", every[~valid & ~empty & opened & closed]),
            rejection("format-mismatch", every[~valid & ~empty & ~opened]),
        ]
        rows = every[valid]
        if len(rows):
            answers.append(self._read(rows, objects.filter(pl.Series(valid))))
        return answers

    def _read(self, rows: Positions, objects: pl.Series) -> Parsed:
        import polars as pl

        chosen = self._choose(objects.head(50))
        fields = self._maps[chosen]
        frame = _decode(objects, fields)
        columns = {name: frame[name] for name in frame.columns}
        if chosen == "journald":
            # As syslog writes it: `sudo: anna : TTY=…` is known by its program.
            columns["message"] = _behind_program(columns["program"], columns["message"])
        if "request" in columns:
            divided = divide_requests(columns.pop("request"))
            for name, values in divided.items():
                there = columns.get(name)
                columns[name] = (
                    values if there is None else there.zip_with(there.is_not_null(), values)
                )
        rejected = {}
        if "time" in columns:
            text = columns["time"]
            columns["time"] = read_times(text, self._read_on)
            wrong = (columns["time"].is_null() & text.is_not_null()).to_numpy()
            if wrong.any():
                rejected["time-unreadable"] = rows[wrong]
                kept = pl.Series(~wrong)
                rows = rows[~wrong]
                columns = {name: values.filter(kept) for name, values in columns.items()}
        for name in ("status", "bytes", "bytes_read"):
            if name in columns:
                columns[name] = (
                    columns[name].cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)
                )
        if "duration" in columns:
            columns["duration"] = columns["duration"].cast(pl.Float64, strict=False)
        return Parsed(rows, columns, rejected)

    def _choose(self, objects: pl.Series) -> str:
        if len(self._maps) == 1:
            return next(iter(self._maps))
        return max(
            _MARKS,
            key=lambda name: sum(
                objects.str.json_path_match(mark).is_not_null().sum() for mark in _MARKS[name]
            ),
        )


def _behind_program(program: pl.Series, message: pl.Series) -> pl.Series:
    return (program + ": " + message).zip_with(program.is_not_null(), message)


def _decode(objects: pl.Series, fields: Mapping[str, str]) -> pl.DataFrame:
    """Take the fields out of the objects, each as text."""
    import polars as pl

    options = {name: [_keys(path) for path in paths.split("|")] for name, paths in fields.items()}
    try:
        frame = objects.str.json_decode(_schema(options)).to_frame("o")
        found = {
            name: pl.coalesce(_taken(pl.col("o"), keys) for keys in paths)
            for name, paths in options.items()
        }
        return frame.select(**found)
    except (pl.exceptions.PolarsError, _Conflict):
        # Values of unexpected types somewhere in the stretch: look each field up by itself.
        frame = objects.to_frame("o")
        looked_up = {
            name: pl.coalesce(pl.col("o").str.json_path_match(_json_path(keys)) for keys in paths)
            for name, paths in options.items()
        }
        return frame.select(**looked_up)


class _Conflict(Exception):
    """Two paths want the same key as different things."""


def _keys(path: str) -> list[str]:
    return path.split(".")


def _json_path(keys: list[str]) -> str:
    return "$" + "".join(f"[{k}]" if k.isdigit() else f'["{k}"]' for k in keys)


def _schema(options: Mapping[str, list[list[str]]]) -> Any:
    tree: dict[str, Any] = {}
    for paths in options.values():
        for keys in paths:
            place = tree
            for key in keys[:-1]:
                place = place.setdefault(key, {})
                if not isinstance(place, dict):
                    raise _Conflict
            if isinstance(place.get(keys[-1]), dict):
                raise _Conflict
            place[keys[-1]] = None
    return _as_type(tree)


def _as_type(tree: dict[str, Any] | None) -> Any:
    import polars as pl

    if tree is None:
        return pl.String
    if all(key.isdigit() for key in tree):
        return pl.List(_as_type(next(iter(tree.values()))))
    return pl.Struct({key: _as_type(inner) for key, inner in tree.items()})


def _taken(expression: pl.Expr, keys: list[str]) -> pl.Expr:
    for key in keys:
        if key.isdigit():
            expression = expression.list.get(int(key), null_on_oob=True)
        else:
            expression = expression.struct.field(key)
    return expression
