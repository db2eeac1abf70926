"""Make .venv, or renew it when what it is made from has changed. Needs nothing but Python itself.

The environment is stamped with a hash of its inputs, so a fresh clone, a checkout of another commit or a touched file mislead nobody.
"""

from __future__ import annotations  # so that an old Python gets as far as being told that it is old

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MIN_PYTHON = (3, 11)
NEEDS_GB = {"cpu": 4, "cuda": 10}  # PyTorch's default build for Linux brings CUDA


def fail(message: str) -> None:
    sys.exit(f"\nsetup failed: {message}")


def version_of(python: Path) -> tuple[int, int] | None:
    """Version of an interpreter; None if it does not run, or has no pip: then its environment was not made to its end."""
    try:
        done = subprocess.run(
            [str(python), "-c", "import pip, sys; print(*sys.version_info[:2])"], capture_output=True, encoding="utf-8", errors="replace"
        )
        major, minor = done.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError):
        return None


def stamp(venv: Path, version: tuple[int, int], torch_index: str | None) -> Path:
    inputs = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    key = hashlib.sha256(inputs + f"{version} {torch_index or ''}".encode()).hexdigest()[:16]
    return venv / f"snncore-installed-{key}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch-index", help="a package index to take torch from, such as PyTorch's own for CPU builds")
    parser.add_argument("--this-python", action="store_true", help="use the Python that runs this, even if .venv has another good one")
    options = parser.parse_args()
    venv = ROOT / ".venv"
    python = venv / "bin" / "python"
    mine, there = sys.version_info[:2], version_of(python) if python.exists() else None
    keep = there is not None and there >= MIN_PYTHON and (there == mine or not options.this_python)
    version = there if keep and there else mine
    if version < MIN_PYTHON:
        fail(f"Python {sys.version.split()[0]} is too old: install 3.11 or newer, or name it: make PYTHON=/path/to/python3.11")
    done = stamp(venv, version, options.torch_index)
    earlier = list(venv.glob("snncore-installed-*"))
    if keep and (done in earlier or (not options.torch_index and any(done.name == e.read_text(encoding="utf-8").strip() for e in earlier))):
        return
    torch_there = keep and any(venv.glob("lib/python*/site-packages/torch"))
    needs = NEEDS_GB["cpu" if options.torch_index or torch_there or sys.platform != "linux" else "cuda"]
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needs:
        fail(
            f"{free:.1f} GB are free on the disk of {ROOT}, and the environment needs about {needs} GB: make room, then run make again"
            + (", or take PyTorch's CPU build (4 GB in all): see make help, TORCH_INDEX" if needs > NEEDS_GB["cpu"] else "")
        )
    if not keep:
        print(f"making .venv with Python {sys.version.split()[0]}", flush=True)
        shutil.rmtree(venv, ignore_errors=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True, encoding="utf-8", errors="replace")
        if made.returncode:
            shutil.rmtree(venv, ignore_errors=True)
            package = f"python{mine[0]}.{mine[1]}-venv"
            fail(f"python -m venv did not work (Debian: apt install {package})\n{made.stdout}{made.stderr}".rstrip())
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    print("installing packages into .venv (1 to 5 minutes)", flush=True)
    steps = [[*pip, "torch", "torchvision", "--index-url", options.torch_index]] if options.torch_index else []
    steps.append([*pip, "-c", "constraints.txt", "-e", ".[book,dev]"])
    for old in earlier:  # first: what an installation leaves half done is no longer what it was
        old.unlink(missing_ok=True)
    for step in steps:
        if subprocess.run(step, cwd=ROOT).returncode:
            fail(
                "pip could not install the packages (its own words are above). If it speaks of connections, names or time-outs, the "
                "package registry cannot be reached: check the network, or your pip configuration (pip config list). If it speaks of "
                "space, make room. Then run make again: it goes on from here"
            )
    done.write_text(stamp(venv, version, None).name + "\n", encoding="utf-8")  # a later make without TORCH_INDEX keeps this torch


if __name__ == "__main__":
    main()
