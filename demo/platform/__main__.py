"""The commands behind make: `python -m demo.platform up|down|demo|status`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

from demo.platform import airflow_services, lifecycle, processes
from demo.platform.demo_data import fill_warehouse, is_prepared, leave_raw_logs
from demo.platform.display import Display
from demo.platform.errors import NightFailed, PlatformError
from demo.platform.home import PROJECT, Home
from demo.platform.lifecycle import Ground
from demo.platform.night import Run, failed_task_log, nightly_dags, pause, run_night
from demo.platform.summary import new_reports, show_summary, users_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a failure is one message and an exit code, never a traceback."""
    parser = argparse.ArgumentParser(prog="python -m demo.platform", description=__doc__)
    parser.add_argument("command", choices=sorted(_COMMANDS))
    command = _COMMANDS[parser.parse_args(arguments).command]
    os.umask(0o077)
    display = Display()
    home = Home.from_environment()
    try:
        return command(home, display)
    except PlatformError as error:
        display.console.print("[bold red]Stopped:[/]", end=" ")
        display.console.print(str(error), markup=False, soft_wrap=True)
        return error.exit_code
    except (OSError, psycopg2.Error) as error:
        display.console.print(f"Stopped: {error}", markup=False, soft_wrap=True)
        return PlatformError.exit_code
    except KeyboardInterrupt:
        display.console.print("\nInterrupted; make down ends what still runs.")
        return 130


def up(home: Home, display: Display) -> int:
    """Leave everything running, with an address to open."""
    with home.locked():
        ground = _bring_up(home, display, prepare=_prepare_new_warehouse)
    display.console.print(f"\nAirflow is at [bold]{ground.address}[/]")
    display.console.print(f"Lethe's page in it: [bold]{ground.address}/plugin/lethe/lethe/[/]")
    display.console.print(users_table(ground.credentials, home))
    display.console.print(
        "Its DAGs are paused until you switch them on. make down stops everything."
    )
    return 0


def down(home: Home, display: Display) -> int:
    """End every process of this checkout and say so."""
    if not home.root.exists() and not lifecycle.remaining(home):
        display.console.print("Nothing runs here.")
        return 0
    with home.locked():
        ended = lifecycle.bring_down(home)
    left = lifecycle.remaining(home)
    if left:
        display.console.print(f"Still running: {', '.join(left)}")
        return 3
    words = f"Stopped {', '.join(ended)}." if ended else "Nothing ran."
    display.console.print(f"{words} No process of {home.root} is left.", soft_wrap=True)
    return 0


def status(home: Home, display: Display) -> int:
    """Name what runs."""
    running = lifecycle.remaining(home)
    display.console.print(f"Running: {', '.join(running)}" if running else "Nothing runs here.")
    return 0


def demo(home: Home, display: Display) -> int:
    """Run one whole night and tell what it did."""
    since = time.time()
    with home.locked():
        was_up = airflow_services.SERVICES.keys() <= processes.services(home)
        try:
            ground = _bring_up(home, display, prepare=_prepare_warehouse)
            runs, reasons = _night(ground, display)
        finally:
            if not was_up and lifecycle.remaining(home):
                with display.stage("Stopping what was started (make up keeps it running)"):
                    lifecycle.bring_down(home)
    reports = new_reports(home, since)
    show_summary(display.console, home, runs, display.elapsed_s(), reports, since)
    display.console.print(users_table(ground.credentials, home))
    for reason in reasons:
        display.console.print(f"\n{reason}", markup=False, soft_wrap=True)
    return 1 if reasons else 0


def _bring_up(
    home: Home,
    display: Display,
    prepare: Callable[[Ground, Display], None] | None = None,
) -> Ground:
    with display.stage("PostgreSQL, secrets and the mail sink"):
        ground = lifecycle.lay_ground(home)
    with display.stage("Airflow's metadata and services"):
        lifecycle.start_airflow(ground)
    if prepare is not None:
        prepare(ground, display)
    with display.stage("Airflow is getting ready"):
        airflow_services.wait_until_ready(home, ground.api(), display.tell)
    return ground


def _prepare_new_warehouse(ground: Ground, display: Display) -> None:
    """Leave a warehouse that was ever prepared as it is: somebody may have disarmed it."""
    _make_recovery_key(ground)
    if not is_prepared(ground.loader_dsn(ground.loader_password)):
        _prepare_warehouse(ground, display)


def _prepare_warehouse(ground: Ground, display: Display) -> None:
    with display.stage("Demo warehouse") as outcome:
        dsn = ground.loader_dsn(ground.loader_password)
        outcome.append(fill_warehouse(dsn, ground.empty_warehouse, display.tell))
    with display.stage("Raw logs of yesterday") as outcome:
        outcome.append(leave_raw_logs(ground.home, datetime.now(UTC).date()))
    with display.stage("Lethe's own schema and rights, for rehearsal, armed"):
        _lethe(ground, "init", "--rehearsal", "--arm", "--by", "dpo", "--dsn", ground.loader_dsn())
    _make_recovery_key(ground)


def _make_recovery_key(ground: Ground) -> None:
    """Make the archive's recovery key once; only in a demo may its private half stay here."""
    folder = ground.home.root / "recovery"
    if not (folder / "archive.pem").is_file():
        private = folder / "private-half-of-the-demo.pem"
        _lethe(ground, "archive", "recovery-key", "--private", str(private))


def _lethe(ground: Ground, *arguments: str) -> None:
    """Call `bin/lethe`; the password of the demo's DBA stands on no command line."""
    environment = airflow_services.environment(ground.home)
    environment["PGPASSWORD"] = ground.loader_password
    done = subprocess.run(
        [str(PROJECT / "bin" / "lethe"), *arguments],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=PROJECT,
    )
    if done.returncode:
        last = "\n  ".join(done.stdout.strip().splitlines()[-15:])
        raise PlatformError(
            f"bin/lethe {arguments[0]} failed with exit code {done.returncode}:\n  {last}"
        )


def _night(ground: Ground, display: Display) -> tuple[list[Run], list[str]]:
    """Run the nightly DAGs; gives the runs, and for each that failed the reason."""
    folder = Path(os.environ.get("LETHE_DAGS") or PROJECT / "dags")
    dag_ids = nightly_dags(folder)
    if not dag_ids:
        raise NightFailed(f"there is no nightly DAG in {folder}")
    api = ground.api()
    with display.stage("The night") as outcome:
        runs = run_night(api, dag_ids, display.watch)
        pause(api, dag_ids)
        outcome += [f"{run.dag_id} failed" for run in runs if run.failed]
    reasons = [f"{run.dag_id} failed in {failed_task_log(api, run)}" for run in runs if run.failed]
    return runs, reasons


_COMMANDS = {"up": up, "down": down, "demo": demo, "status": status}

if __name__ == "__main__":
    sys.exit(main())
