"""Every secret of one installation, made once and kept under `secrets/`, readable by its owner.

passwords.json      roles of the databases
connections.json    Airflow's connections (format of its LocalFilesystemBackend)
airflow.json        keys of Airflow itself
ui-users.json       who may sign in to the Airflow UI
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from demo.platform.errors import PlatformError
from demo.platform.home import Home, read_json, write_private
from demo.platform.postgres import PORT, Server

WAREHOUSE = "warehouse"
METADATA = "airflow"
LOADER = "demo_loader"
WATCHER = "demo_watcher"
"""Reads Airflow's metadata, for the scan of our own outputs, and may write nothing."""
# conn id → login role of the demo warehouse, group role it is a member of
WAREHOUSE_CONNECTIONS = {
    "lethe_warehouse": ("demo_runner", "lethe_runner"),
    "lethe_owner": ("demo_owner", "lethe_owner"),
    "lethe_approver": ("demo_approver", "lethe_approver"),
    "lethe_planner": ("demo_planner", "lethe_planner"),
    "lethe_reader": ("demo_reader", "lethe_reader"),
    "lethe_archivist": ("demo_archivist", "lethe_archivist"),
}
# Who signs in to the UI: name → role of the auth manager (see lethe_sign_in.py)
UI_USERS = {"engineer": "op", "dpo": "viewer", "viewer": "viewer"}
APPROVER = "dpo"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the parts of the platform need to know of each other."""

    roles: dict[str, str]
    airflow: dict[str, str]
    ui: dict[str, str]


def load_or_make(home: Home) -> Credentials:
    """Read the secrets, making those that are missing; what exists is never replaced."""
    home.make()
    logins = [METADATA, LOADER, WATCHER]
    logins += (login for login, _ in WAREHOUSE_CONNECTIONS.values())
    roles = _complete(home, "passwords.json", dict.fromkeys(logins, _password))
    keys = {"fernet_key": _key, "api_secret_key": _password, "jwt_secret": _password}
    airflow = _complete(home, "airflow.json", keys)
    ui = _complete(home, "ui-users.json", dict.fromkeys(UI_USERS, _short_password))
    return Credentials(roles, airflow, ui)


def write_connections(
    home: Home, server: Server, credentials: Credentials, mail_port: int | None
) -> None:
    """Point the connections at this platform; those that somebody pointed elsewhere stay.

    The key-encryption key of `lethe_keys` is made once: without it the keys it wrapped are lost.
    """
    path = home.secrets / "connections.json"
    connections = read_json(path)
    logins = {name: (login, WAREHOUSE) for name, (login, _) in WAREHOUSE_CONNECTIONS.items()}
    logins["lethe_metadata"] = (WATCHER, METADATA)
    for conn_id, (login, database) in logins.items():
        if _is_ours(connections.get(conn_id)):
            connections[conn_id] = {
                "conn_type": "postgres",
                "host": str(server.socket_folder),
                "port": PORT,
                "schema": database,
                "login": login,
                "password": credentials.roles[login],
                "description": _DESCRIPTION,
            }
    if "lethe_keys" not in connections:
        connections["lethe_keys"] = {
            "conn_type": "generic",
            "password": base64.b64encode(secrets.token_bytes(32)).decode(),
            "description": _DESCRIPTION,
        }
    if mail_port is not None and _is_ours(connections.get("lethe_smtp")):
        connections["lethe_smtp"] = {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": mail_port,
            "description": _DESCRIPTION,
            "extra": {"disable_ssl": True, "disable_tls": True},
        }
    text = json.dumps(connections, indent=1) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_private(path, text)
    path.chmod(0o600)


_DESCRIPTION = "Made by the demo platform; remove this line to keep your own changes."


def _is_ours(connection: object) -> bool:
    if connection is None:
        return True
    return isinstance(connection, dict) and connection.get("description") == _DESCRIPTION


def _complete(home: Home, name: str, makers: dict[str, Callable[[], str]]) -> dict[str, str]:
    path = home.secrets / name
    found = read_json(path)
    if not all(isinstance(value, str) for value in found.values()):
        raise PlatformError(f"{path} must map names to texts; mend it or remove it")
    known = {key: str(value) for key, value in found.items()}
    missing = {key: make() for key, make in makers.items() if key not in known}
    if missing:
        write_private(path, json.dumps(known | missing, indent=1) + "\n")
    path.chmod(0o600)
    return known | missing


def _password() -> str:
    return secrets.token_urlsafe(24)


def _short_password() -> str:
    """A password that a person may have to type: 80 bits in four groups."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
