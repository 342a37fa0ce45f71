"""Look Airflow connections up by their id, wherever they are defined.

In the environment (`AIRFLOW_CONN_<ID>`, JSON or URI), then in
`$LETHE_HOME/secrets/connections.json`, then in Airflow itself, which is imported only then.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from lethe.errors import ConfigurationError
from lethe.include import home_folder


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What an Airflow connection says; `password` is never shown."""

    connection_id: str
    conn_type: str = ""
    host: str | None = None
    port: int | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


def find_connection(connection_id: str) -> ConnectionSettings | None:
    """Look a connection up in all three places; None if none has it."""
    return find_nearby(connection_id) or _find_in_airflow(connection_id)


def require_connection(connection_id: str) -> ConnectionSettings:
    """Look a connection up.

    Raises  ConfigurationError if nobody has it, with the places to put it
    """
    settings = find_connection(connection_id)
    if settings is None:
        raise ConfigurationError(
            f"the connection '{connection_id}' is not defined; define it in Airflow, as "
            f"AIRFLOW_CONN_{connection_id.upper()}, or in {_connections_file()}"
        )
    return settings


def find_nearby(connection_id: str) -> ConnectionSettings | None:
    """Look a connection up without asking Airflow, which takes seconds to import."""
    return _find_in_environment(connection_id) or _find_in_file(connection_id)


def is_airflow_asked() -> bool:
    """Whether Airflow is running us, or keeps connections somewhere else than in its database."""
    return "airflow" in sys.modules or bool(os.environ.get("AIRFLOW__SECRETS__BACKEND"))


def _find_in_environment(connection_id: str) -> ConnectionSettings | None:
    name = f"AIRFLOW_CONN_{connection_id.upper()}"
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    if not text.startswith("{"):
        return _from_uri(connection_id, text, name)
    try:
        return _from_mapping(connection_id, json.loads(text), name)
    except json.JSONDecodeError:
        raise ConfigurationError(
            f"{name}: starts like JSON but is not; write JSON or a URI"
        ) from None


def _find_in_file(connection_id: str) -> ConnectionSettings | None:
    path = _connections_file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        connections = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}:{error.lineno}: not valid JSON") from None
    if not isinstance(connections, dict):
        raise ConfigurationError(f"{path}: must be an object of connection ids")
    found = connections.get(connection_id)
    if found is None:
        return None
    if isinstance(found, str):
        return _from_uri(connection_id, found, str(path))
    return _from_mapping(connection_id, found, str(path))


def _find_in_airflow(connection_id: str) -> ConnectionSettings | None:
    if not _is_airflow_about():
        return None
    try:
        from airflow.sdk import BaseHook
        from airflow.sdk.exceptions import AirflowException
    except ImportError:
        return None
    try:
        found = BaseHook.get_connection(connection_id)
    except AirflowException:
        return None
    return ConnectionSettings(
        connection_id=connection_id,
        conn_type=found.conn_type or "",
        host=found.host,
        port=found.port,
        login=found.login,
        password=found.password,
        schema=found.schema,
        extra=found.extra_dejson,
    )


def _from_mapping(connection_id: str, found: object, place: str) -> ConnectionSettings:
    if not isinstance(found, dict):
        raise ConfigurationError(f"{place}: '{connection_id}' must be an object or a URI")
    extra = found.get("extra") or {}
    try:
        extra = json.loads(extra) if isinstance(extra, str) else extra
        port = int(found["port"]) if found.get("port") else None
    except ValueError:
        raise ConfigurationError(
            f"{place}: '{connection_id}': 'port' must be a number and 'extra' a JSON object"
        ) from None
    return ConnectionSettings(
        connection_id=connection_id,
        conn_type=str(found.get("conn_type") or ""),
        host=found.get("host"),
        port=port,
        login=found.get("login"),
        password=found.get("password"),
        schema=found.get("schema"),
        extra=extra,
    )


def _from_uri(connection_id: str, text: str, place: str) -> ConnectionSettings:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ConfigurationError(f"{place}: '{connection_id}' is not a valid URI") from None
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        extra = json.loads(query["__extra__"]) if "__extra__" in query else query
    except json.JSONDecodeError:
        raise ConfigurationError(f"{place}: '{connection_id}': __extra__ is not JSON") from None
    return ConnectionSettings(
        connection_id=connection_id,
        conn_type=parts.scheme,
        host=unquote(parts.hostname) if parts.hostname else None,
        port=port,
        login=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        schema=unquote(parts.path.lstrip("/")) or None,
        extra=extra,
    )


def _is_airflow_about() -> bool:
    """Importing Airflow where nobody set it up takes seconds and makes it write its defaults."""
    settings = (name for name in os.environ if name.startswith("AIRFLOW__"))
    return "airflow" in sys.modules or "AIRFLOW_HOME" in os.environ or any(settings)


def _connections_file() -> Path:
    return home_folder() / "secrets" / "connections.json"
