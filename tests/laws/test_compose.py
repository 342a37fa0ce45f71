"""Every command, path and variable of docker-compose.yaml and the Dockerfile exists here."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.platform import airflow_services
from demo.platform.credentials import UI_USERS, WAREHOUSE_CONNECTIONS
from demo.platform.env_file import filled_in

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = (PROJECT / "docker-compose.yaml").read_text(encoding="utf-8")
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = (PROJECT / ".env.example").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
ONE_SHOT = {"migrate", "prepare", "fill", "init", "night"}


def _words(service: str) -> list[str]:
    command = SERVICES[service].get("command", [])
    return [word for part in command for word in part.split()]


def _environments() -> Iterator[tuple[str, str]]:
    for name, service in SERVICES.items():
        for variable in service.get("environment", {}):
            yield name, variable
    for variable in re.findall(r"^(?:ENV)?\s+([A-Z_]+)=", DOCKERFILE, re.MULTILINE):
        yield "Dockerfile", variable


def test_every_variable_is_explained_in_the_example_and_no_other() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))
    explained = set(re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    assert used == explained


def test_the_example_holds_no_secret_and_each_copy_gets_its_own() -> None:
    first, second = (
        dict(re.findall(r"^([A-Z_]+)=(.*)$", filled_in(EXAMPLE), re.MULTILINE)) for _ in range(2)
    )
    secret = {name for name in first if re.search(rf"^{name}=<", EXAMPLE, re.MULTILINE)}
    assert {name for name in first if "PASSWORD" in name or "KEY" in name} <= secret
    assert all(first[name] != second[name] and len(first[name]) >= 32 for name in secret)


def test_no_secret_stands_in_the_compose_file() -> None:
    for line in COMPOSE.splitlines():
        if re.search(r"(PASSWORD|SECRET|KEY)\w*: ", line) and "FILE" not in line:
            assert "${LETHE_" in line, line


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_python_module_that_a_service_runs_exists(service: str) -> None:
    words = _words(service)
    for flag, module in pairwise(words):
        if flag == "-m":
            assert find_spec(module), module


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_airflow_command_that_a_service_runs_exists(service: str) -> None:
    from airflow.cli.cli_parser import get_parser

    for arguments in _airflow_calls(SERVICES[service]):
        get_parser().parse_args(arguments)


def _airflow_calls(service: dict[str, Any]) -> Iterator[list[str]]:
    for call in (service.get("command", []), service.get("healthcheck", {}).get("test", [])[1:]):
        shell = call[2] if call[:2] == ["bash", "-c"] else " ".join(call)
        for part in shell.split("&&"):
            words = part.replace("exec ", "").split()
            if words[:1] == ["airflow"]:
                yield words[1:]


def test_the_services_of_airflow_are_the_four_of_the_demo_platform() -> None:
    started = {name for name in SERVICES if list(_airflow_calls(SERVICES[name]))}
    assert started == {*airflow_services.SERVICES, "migrate"}


def test_every_airflow_setting_exists() -> None:
    from airflow.configuration import conf

    for where, variable in _environments():
        if match := re.fullmatch(r"AIRFLOW__([A-Z_]+?)__([A-Z_]+)", variable):
            section, key = match[1].lower(), match[2].lower()
            known = conf.configuration_description.get(section, {}).get("options", {})
            assert key in known or section == "lethe", f"{where}: {variable}"


def test_every_setting_of_lethe_is_read_somewhere() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("plugins", "demo", "bin")
        for path in (PROJECT / folder).rglob("*")
        if path.is_file() and path.suffix in ("", ".py", ".sh")
    )
    logins = [login for login, _ in WAREHOUSE_CONNECTIONS.values()]
    passwords = {
        f"LETHE_PASSWORD_{name.removeprefix('demo_').upper()}"
        for name in ("airflow", "loader", *logins, *UI_USERS)
    }
    for where, variable in _environments():
        if variable.startswith("LETHE_") and variable not in passwords:
            assert variable in code, f"{where}: {variable}"


def test_every_connection_of_the_demo_is_there() -> None:
    wanted = {f"AIRFLOW_CONN_{conn_id.upper()}" for conn_id in WAREHOUSE_CONNECTIONS}
    wanted |= {"AIRFLOW_CONN_LETHE_KEYS", "AIRFLOW_CONN_LETHE_SMTP"}
    for service in ("scheduler", "api-server", "dag-processor", "triggerer", "init"):
        assert wanted <= SERVICES[service]["environment"].keys()


def test_every_role_that_is_prepared_is_given_its_password() -> None:
    given = SERVICES["prepare"]["environment"].keys()
    for login, _ in WAREHOUSE_CONNECTIONS.values():
        assert f"LETHE_PASSWORD_{login.removeprefix('demo_').upper()}" in given


def test_every_path_that_is_copied_exists_and_reaches_the_build() -> None:
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?:--\S+ )*(\S+) \S+$", DOCKERFILE, re.MULTILINE)
    assert copied
    for source in copied:
        assert (PROJECT / source).exists(), source
        assert f"!{source}" in ignored, source


def test_every_path_that_a_container_uses_is_made_by_the_image() -> None:
    made = {"/opt/lethe", "/opt/airflow", *re.findall(r"(/opt/\S+)$", DOCKERFILE, re.MULTILINE)}
    for path in set(re.findall(r"/opt/[\w/.-]+", COMPOSE)):
        parents = {str(parent) for parent in Path(path).parents} | {path}
        assert parents & made, path
        if path.startswith("/opt/airflow/bin"):
            assert (PROJECT / path.removeprefix("/opt/airflow/")).exists(), path


def test_every_target_is_a_stage_on_the_locked_airflow() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE))
    targets = {service["build"]["target"] for service in SERVICES.values() if "build" in service}
    assert targets == stages
    image = re.search(r"^FROM apache/airflow:(\S+)", DOCKERFILE, re.MULTILINE)
    assert image
    assert f"apache-airflow=={image[1]}" in (PROJECT / "requirements.txt").read_text()


def test_ports_are_bound_to_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_lasting_service_has_a_healthcheck_and_every_other_ends() -> None:
    for name, service in SERVICES.items():
        if name in ONE_SHOT:
            assert service["restart"] == "no", name
        else:
            assert service["healthcheck"]["test"], name


def test_nothing_without_a_profile_waits_for_something_with_one() -> None:
    for name, service in SERVICES.items():
        for other in service.get("depends_on", {}):
            assert other in SERVICES
            if "profiles" not in service:
                assert "profiles" not in SERVICES[other], f"{name} waits for {other}"


@pytest.mark.parametrize("profile", [[], ["--profile", "demo"]])
def test_docker_compose_accepts_the_file(profile: list[str], tmp_path: Path) -> None:
    program = _compose()
    if program is None:
        pytest.skip("docker-compose is not installed")
    shutil.copy(PROJECT / "docker-compose.yaml", tmp_path)
    (tmp_path / ".env").write_text(filled_in(EXAMPLE), encoding="utf-8")
    done = subprocess.run(
        [*program, *profile, "config", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_docker_compose_refuses_to_start_without_secrets(tmp_path: Path) -> None:
    program = _compose()
    if program is None:
        pytest.skip("docker-compose is not installed")
    shutil.copy(PROJECT / "docker-compose.yaml", tmp_path)
    done = subprocess.run(
        [*program, "config", "--quiet"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "run make env" in done.stderr


def _compose() -> list[str] | None:
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    plugin = ["docker", "compose"]
    known = (
        shutil.which("docker")
        and not subprocess.run([*plugin, "version"], capture_output=True, check=False).returncode
    )
    return plugin if known else None
