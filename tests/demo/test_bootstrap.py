"""The environment is made once, and made again whenever it is not what the lock says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from demo.platform import bootstrap

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose lock asks for nothing, so that no network is needed."""
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    for name, value in {
        "PROJECT": tmp_path,
        "VENV": tmp_path / ".venv",
        "STAMP": tmp_path / ".venv" / "lethe-stamp.json",
        "LOCK_FILE": tmp_path / "requirements.txt",
    }.items():
        monkeypatch.setattr(bootstrap, name, value)
    monkeypatch.delenv("LETHE_HOME", raising=False)
    return tmp_path


def _pretend_it_was_made(checkout: Path) -> Path:
    package = checkout / ".venv" / "lib" / "python3.11" / "site-packages" / "thing-1.dist-info"
    package.mkdir(parents=True)
    (checkout / ".venv" / "bin").mkdir()
    (checkout / ".venv" / "bin" / "python").touch()
    bootstrap.STAMP.write_text(
        bootstrap.json.dumps({"made_from": bootstrap._ingredients(), "packages": [package.name]})
    )
    return package


def test_a_half_made_environment_is_made_again_and_a_whole_one_is_left_alone(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").write_text("half")
    assert bootstrap.main() == 0
    assert "unfinished" in capsys.readouterr().out
    python = checkout / ".venv" / "bin" / "python"
    assert subprocess.run([str(python), "-c", "import pip"], check=False).returncode == 0
    made = python.lstat().st_mtime_ns
    assert bootstrap.main() == 0
    assert python.lstat().st_mtime_ns == made
    assert capsys.readouterr().out == ""


def test_an_environment_is_ready_only_with_its_stamp(checkout: Path) -> None:
    _pretend_it_was_made(checkout)
    assert bootstrap.is_ready()
    bootstrap.STAMP.write_text("{")
    assert not bootstrap.is_ready()
    bootstrap.STAMP.unlink()
    assert not bootstrap.is_ready()


def test_an_environment_is_not_ready_after_a_new_lock(checkout: Path) -> None:
    _pretend_it_was_made(checkout)
    (checkout / "requirements.txt").write_text("rich==1\n")
    assert not bootstrap.is_ready()


def test_an_environment_is_not_ready_without_one_of_its_packages(checkout: Path) -> None:
    package = _pretend_it_was_made(checkout)
    package.rename(package.with_name("thing-0.dist-info"))
    assert not bootstrap.is_ready()


def test_an_environment_is_not_ready_when_its_python_is_gone(checkout: Path) -> None:
    _pretend_it_was_made(checkout)
    (checkout / ".venv" / "bin" / "python").unlink()
    assert not bootstrap.is_ready()


def test_a_package_that_cannot_be_had_is_said_with_pips_words_and_leaves_no_stamp(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (checkout / "requirements.txt").write_text("no-such-package-of-lethe==1.0\n")
    assert bootstrap.main() == 2
    told = capsys.readouterr().err
    assert "no-such-package-of-lethe" in told
    assert "pip.log" in told
    assert not bootstrap.is_ready()


def test_a_python_that_is_too_old_or_missing_is_said_with_the_way_out() -> None:
    script = str(PROJECT / "demo" / "platform" / "find-python.sh")
    named = subprocess.run([script, "/bin/false"], capture_output=True, text=True, check=False)
    assert named.returncode == 2
    assert "PYTHON=/bin/false is no Python 3.11 to 3.13" in named.stderr


def test_the_python_that_is_named_is_the_one_taken() -> None:
    script = str(PROJECT / "demo" / "platform" / "find-python.sh")
    base = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
    found = subprocess.run([script, base], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == base


def test_bin_lethe_without_an_environment_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    launcher = tmp_path / "bin" / "lethe"
    launcher.write_bytes((PROJECT / "bin" / "lethe").read_bytes())
    launcher.chmod(0o755)
    done = subprocess.run([str(launcher), "health"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "make setup" in done.stderr


def test_a_setup_waits_for_what_a_killed_one_left_at_work(checkout: Path) -> None:
    with bootstrap._only_one_at_a_time() as lock:
        orphan = subprocess.Popen(["sleep", "2"], pass_fds=(lock,))
    with pytest.raises(subprocess.TimeoutExpired):
        _take_the_lock(checkout, within_s=1)
    orphan.wait()
    _take_the_lock(checkout, within_s=5)


def _take_the_lock(folder: Path, within_s: float) -> None:
    subprocess.run(["flock", str(folder), "true"], check=True, timeout=within_s)
