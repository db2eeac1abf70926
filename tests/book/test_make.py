"""The Makefile and the environment that it makes: what a newcomer sees when something is missing."""

import ast
import shutil
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest

import make_venv
from project import ROOT


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


def test_old_python_is_refused_in_words_that_it_can_read(fresh, monkeypatch):
    monkeypatch.setattr(make_venv, "MIN_PYTHON", (4, 0))
    with pytest.raises(SystemExit, match=r"is too old: install 3\.11 or newer"):
        make_venv.main()
    # no syntax newer than Python 3.7, or the message would never be seen
    text = (ROOT / "book" / "_tools" / "make_venv.py").read_text()
    ast.parse(text, feature_version=(3, 7))
    assert "from __future__ import annotations" in text


def test_a_full_disk_is_refused(fresh, monkeypatch):
    monkeypatch.setattr(make_venv.shutil, "disk_usage", lambda _: SimpleNamespace(free=5e9))
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(SystemExit, match=r"5\.0 GB are free.*needs about 10 GB: make room.*CPU build"):
        make_venv.main()
    monkeypatch.setattr(make_venv.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e9))
    monkeypatch.setattr(sys, "argv", ["make_venv.py", "--torch-index", "http://127.0.0.1:9/"])
    with pytest.raises(SystemExit, match=r"1\.0 GB are free.*needs about 4 GB: make room"):
        make_venv.main()


def test_an_unreachable_registry_is_explained_and_leaves_no_stamp(fresh, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(SystemExit, match="the package registry cannot be reached"):
        make_venv.main()
    assert not list((fresh / ".venv").glob("snncore-installed-*"))


@pytest.fixture
def installs(fresh, monkeypatch):
    """Counts pip's installations; nothing is really run. ``version`` is what the Python of .venv says."""
    calls, state = [], SimpleNamespace(version=sys.version_info[:2])
    done = SimpleNamespace(returncode=0, stdout="", stderr="")
    bin = fresh / ".venv" / "bin"

    def run(command, **_):
        calls.append(command)
        bin.mkdir(parents=True, exist_ok=True)
        (bin / "python").touch()
        return done

    monkeypatch.setattr(make_venv.subprocess, "run", run)
    monkeypatch.setattr(make_venv, "version_of", lambda _: state.version)

    def count(*options: str) -> int:
        calls.clear()
        monkeypatch.setattr(sys, "argv", ["make_venv.py", *options])
        make_venv.main()
        return sum("install" in command for command in calls)

    count.folder, count.state, count.done = fresh, state, done
    return count


def test_stamp_follows_content_and_keeps_a_chosen_torch(installs):
    assert [installs(), installs()] == [1, 0]
    (installs.folder / "pyproject.toml").touch()
    assert installs() == 0
    index = ("--torch-index", "http://somewhere")
    assert [installs(*index), installs(*index)] == [2, 0]  # torch and torchvision first, from there
    assert installs() == 0  # keeps that torch
    before = (installs.folder / "constraints.txt").read_bytes()
    (installs.folder / "constraints.txt").write_text("numpy==2.0\n")
    installs.done.returncode = 1
    with pytest.raises(SystemExit, match="pip could not install"):
        installs()
    installs.done.returncode = 0
    (installs.folder / "constraints.txt").write_bytes(before)
    assert installs() == 1  # what was there may be half of the other


def test_a_good_python_of_venv_is_kept_unless_another_is_named(installs):
    assert installs() == 1
    installs.state.version = (3, 12) if sys.version_info[:2] != (3, 12) else (3, 13)
    assert [installs(), installs()] == [1, 0]  # renewed for that Python, not thrown away
    installs.state.version = None  # it does not run any more
    assert installs() == 1


def test_packages_of_the_wheel_are_all_there_and_carry_the_data(tmp_path):
    tree = tmp_path / "tree"  # setuptools leaves a build folder beside the sources: not in the checkout
    for name in ("snncore", "data"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("raw", "results", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "snncore").rglob("*.py")}
    data = {f"snncore/data/{p.name}" for p in (ROOT / "data").iterdir() if p.suffix in (".json", ".toml", ".txt")}
    assert modules | data <= names
