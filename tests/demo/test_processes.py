"""Only what this installation started is ever ended, and all of it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from demo.platform import processes
from demo.platform.home import Home

# A leader with a child in a session of its own, as a task runner may be.
FAMILY = (
    "import subprocess, time;"
    "subprocess.Popen(['sleep', '300'], start_new_session=True); time.sleep(300)"
)
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"


def _start(home: Home, service: str, code: str = FAMILY) -> int:
    home.make()
    return processes.start(home, service, [sys.executable, "-c", code], dict(os.environ), home.root)


def _eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def test_a_service_and_everything_that_it_started_is_ended(home: Home) -> None:
    _start(home, "scheduler")
    assert _eventually(lambda: len(processes.running(home)) == 2)
    assert processes.services(home) == {"scheduler"}
    assert processes.stop(home) == ["scheduler"]
    assert processes.running(home) == []


def test_the_orphans_of_a_killed_service_are_found_and_are_no_service(home: Home) -> None:
    leader = _start(home, "scheduler", FAMILY.replace(", start_new_session=True", ""))
    assert _eventually(lambda: len(processes.running(home)) == 2)
    os.kill(leader, signal.SIGKILL)
    assert _eventually(lambda: len(processes.running(home)) == 1)
    assert processes.services(home) == set()
    processes.stop(home)
    assert processes.running(home) == []


def test_a_service_that_ignores_being_asked_is_killed(home: Home) -> None:
    _start(home, "triggerer", STUBBORN)
    time.sleep(0.5)
    processes.stop(home, grace_s=0.5)
    assert processes.running(home) == []


def test_a_service_to_hurry_is_not_waited_for(home: Home) -> None:
    _start(home, "triggerer", STUBBORN)
    time.sleep(0.5)
    begun = time.monotonic()
    processes.stop(home, grace_s=60, hurry={"triggerer"})
    assert time.monotonic() - begun < 10
    assert processes.running(home) == []


def test_the_same_service_of_another_installation_goes_on(home: Home) -> None:
    other = Home(home.root.parent / "other")
    _start(home, "scheduler")
    _start(other, "scheduler")
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        processes.stop(home)
        assert processes.services(other) == {"scheduler"}
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        processes.stop(other)


def test_one_service_can_be_ended_alone(home: Home) -> None:
    _start(home, "scheduler")
    _start(home, "mail-sink")
    assert _eventually(lambda: processes.services(home) == {"scheduler", "mail-sink"})
    processes.stop(home, ["scheduler"])
    assert {process.service for process in processes.running(home)} == {"mail-sink"}


def test_when_stop_returns_no_process_is_still_being_taken_apart(home: Home) -> None:
    # Much memory takes long to give back; the process shows no environment meanwhile.
    pid = _start(home, "scheduler", "import time; held = b'x' * 2**29; time.sleep(300)")
    time.sleep(1)
    (mark,) = processes.birth_marks([pid])
    processes.stop(home)
    assert mark not in processes.birth_marks([pid])
