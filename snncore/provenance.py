"""What ran where: commit, versions, machine. Every recorded number carries it."""

import ctypes
import gc
import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement


def commit(root: Path) -> str:
    """Short commit of a checkout, with a plus sign if files differ or are new; "unknown" outside of git, or inside of another one's."""

    def git(*words: str) -> str | None:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, encoding="utf-8")
        return done.stdout.strip() if done.returncode == 0 else None

    try:
        sha, status = git("rev-parse", "--short=10", "HEAD"), git("status", "--porcelain")
        top = git("rev-parse", "--show-toplevel")
    except FileNotFoundError:  # no git on this machine
        return "unknown"
    return "unknown" if sha is None or top is None or Path(top) != root.resolve() else sha + ("+" if status else "")


def versions() -> dict[str, str]:
    """Python and the packages that can change a number or a figure: all that snncore needs, tools for books and tests apart."""
    needed = [Requirement(r) for r in metadata.requires("snncore") or []]
    names = sorted({r.name for r in needed if r.marker is None or r.marker.evaluate({"extra": "images"})})
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # an extra that is not installed
            continue
    return found


UNSEEN = ("filelock", "jaxtyping", "packaging", "platformdirs", "tqdm", "tyro")  # locks, shapes, folders, bars, commands: no number


def machine() -> str:
    """Processor, cores, GPU and system, in words."""
    import torch  # slow to load, and most runs of a chapter need no words for their machine

    cpu = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        name = re.search(r"^model name\s*:\s*(.*\S)", cpuinfo.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        cpu = name[1] if name else cpu
    gpu = f", {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else ""
    return f"{cpu}, {os.cpu_count()} cores{gpu}, {platform.system()} {platform.machine()}"


def peak_memory_mb() -> float | None:
    """The most memory that this process has had [MB]; None where the system does not tell."""
    if (status := Path("/proc/self/status")).exists():  # the usual measure would include what the process had that started this one
        return int(re.findall(r"VmHWM:\s*(\d+)", status.read_text(encoding="utf-8"))[0]) / 2**10
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def release_memory() -> None:
    """Give memory that is no longer used back to the system: networks that refer to themselves, and what glibc keeps of freed tensors."""
    gc.collect()
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", bool)(0)  # musl has none
