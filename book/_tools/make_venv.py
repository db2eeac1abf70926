"""Make .venv, or renew it when what it is made from has changed. Needs nothing but Python itself.

The environment is stamped with a hash of its inputs, so a fresh clone, a checkout of another commit or a touched file mislead nobody.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEEDS_GB = 4  # a CPU build of torch with all else takes 2; PyTorch's default build for Linux brings CUDA and takes about 8
MIN_PYTHON = (3, 11)


def fail(message: str) -> None:
    sys.exit(f"\nsetup failed: {message}")


def stamp(venv: Path, python: str, torch_index: str | None) -> Path:
    inputs = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    key = hashlib.sha256(inputs + python.encode() + (torch_index or "").encode()).hexdigest()[:16]
    return venv / f"snncore-installed-{key}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch-index", help="a package index to take torch from, such as PyTorch's own for CPU builds")
    torch_index = parser.parse_args().torch_index
    venv = ROOT / ".venv"
    if sys.version_info < MIN_PYTHON:
        fail(f"Python {sys.version.split()[0]} is too old: install 3.11 or newer, or name it: make PYTHON=/path/to/python3.11")
    done = stamp(venv, f"{sys.version_info[:2]}", torch_index)
    earlier = list(venv.glob("snncore-installed-*"))
    if done in earlier or (earlier and not torch_index and any(done.name[-16:] in e.read_text() for e in earlier)):
        return
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDS_GB:
        fail(f"{free:.1f} GB are free on the disk of {ROOT}, and the environment needs about {NEEDS_GB} GB: make room, then run make again")
    python = venv / "bin" / "python"
    if (
        not python.exists()
        or subprocess.run(
            [python, "-c", f"import sys; assert sys.version_info[:2] == {sys.version_info[:2]}"], capture_output=True
        ).returncode
    ):
        print(f"making .venv with Python {sys.version.split()[0]}", flush=True)
        shutil.rmtree(venv, ignore_errors=True)
        made = subprocess.run([sys.executable, "-m", "venv", venv], capture_output=True, text=True)
        if made.returncode:
            shutil.rmtree(venv, ignore_errors=True)
            version = sysconfig.get_python_version()
            fail(f"python -m venv did not work (Debian: apt install python{version}-venv)\n{made.stdout}{made.stderr}".rstrip())
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    print("installing packages into .venv (1 to 5 minutes)", flush=True)
    steps = [[*pip, "torch>=2.6", "--index-url", torch_index]] if torch_index else []
    steps.append([*pip, "-c", "constraints.txt", "-e", ".[book,dev]"])
    for step in steps:
        if subprocess.run(step, cwd=ROOT).returncode:
            fail(
                "pip could not install the packages (its own words are above). If it speaks of connections, names or time-outs, the "
                "package registry cannot be reached: check the network, or your pip configuration (pip config list). If it speaks of "
                "space, make room. Then run make again: it goes on from here"
            )
    for old in earlier:
        old.unlink()
    done.write_text(stamp(venv, f"{sys.version_info[:2]}", None).name + "\n")  # a later make without TORCH_INDEX keeps this torch


if __name__ == "__main__":
    main()
