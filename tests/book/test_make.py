"""The Makefile and the environment that it makes: what a newcomer sees when something is missing."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import make_venv
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_help_names_every_target():
    out = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("help", "setup", "reproduce", "check", "test", "book", "serve", "notebooks", "lint", "clean"):
        assert f"  {target} " in out


def test_without_python_make_says_what_to_install():
    done = subprocess.run(["make", "setup", "PYTHON="], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "No Python was found" in done.stdout
    assert "apt install python3" in done.stdout


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A folder with the project's inputs and no .venv."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(make_venv, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["make_venv.py"])
    return tmp_path


def test_old_python_is_refused(fresh, monkeypatch):
    monkeypatch.setattr(make_venv, "MIN_PYTHON", (4, 0))
    with pytest.raises(SystemExit, match=r"is too old: install 3\.11 or newer"):
        make_venv.main()


def test_a_full_disk_is_refused(fresh, monkeypatch):
    monkeypatch.setattr(make_venv.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e9))
    with pytest.raises(SystemExit, match=r"1\.0 GB are free.*needs about 4 GB: make room"):
        make_venv.main()


def test_an_unreachable_registry_is_explained_and_leaves_no_stamp(fresh, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(SystemExit, match="the package registry cannot be reached"):
        make_venv.main()
    assert not list((fresh / ".venv").glob("snncore-installed-*"))


def test_stamp_follows_content_and_keeps_a_chosen_torch(fresh, monkeypatch):
    calls = []
    monkeypatch.setattr(
        make_venv.subprocess, "run", lambda command, **_: calls.append(command) or SimpleNamespace(returncode=0, stdout="", stderr="")
    )
    (fresh / ".venv" / "bin").mkdir(parents=True)
    (fresh / ".venv" / "bin" / "python").touch()

    def installs() -> int:
        calls.clear()
        make_venv.main()
        return sum("install" in [str(word) for word in command] for command in calls)

    assert installs() == 1
    assert installs() == 0
    (fresh / "pyproject.toml").touch()
    assert installs() == 0
    monkeypatch.setattr(sys, "argv", ["make_venv.py", "--torch-index", "http://somewhere"])
    assert installs() == 2  # torch first, from there
    assert installs() == 0
    monkeypatch.setattr(sys, "argv", ["make_venv.py"])
    assert installs() == 0  # keeps that torch
    (fresh / "constraints.txt").write_text("numpy==2.0\n")
    assert installs() == 1
