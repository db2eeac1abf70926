"""The kernel of a chapter: this environment's Python, and nothing of the user's that could change a number or a figure."""

import contextlib
import glob
import os
import shutil
import sys
import time
from collections.abc import Collection
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from project import BookError, Project

KEPT = ("SNNCORE_DATA", "SNNCORE_PEERS", "SNNCORE_BRAINTRACE")  # paths; a kernel has another working directory
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**28)}  # glibc: a large array has the last one's pages
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def settings(project: Project, what: str) -> Path:
    """Where kernels keep what a user's would be elsewhere: no user's IPython profile, no matplotlibrc; the cache of fonts is kept."""
    return project.build / "settings" / what


def refuse_what_kernels_die_of() -> None:
    """Kernels talk over sockets, whose library counts seconds in 32 bits, and need some dozens of files; they die without a word."""
    if time.time() >= 2**31:
        raise BookError(f"the clock of this machine says {time.strftime('%Y')}: set it right")
    with contextlib.suppress(ImportError):  # not on every system
        import resource

        if (files := resource.getrlimit(resource.RLIMIT_NOFILE)[0]) < 128:
            raise BookError(f"this shell allows {files} open files, too few for a chapter's kernel: allow more (ulimit -n 1024)")


def lend_compiled_loops(project: Project, chapter: str, running: Collection[str]) -> None:
    """Copy to a chapter that starts the compiled loops which it lacks, from chapters that are not running: nobody changes them.

    Each has a folder of its own: two processes that compile a function for two types at once would mix them up.
    """
    folder = settings(project, "numba")
    for index in sorted(folder.glob("*/**/*.nbi")):
        lender, *path = index.relative_to(folder).parts
        target = folder.joinpath(chapter, *path)
        if lender != chapter and lender not in running and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            for file in (*index.parent.glob(f"{glob.escape(index.stem)}.*.nbc"), index):
                shutil.copy2(file, target.parent)


def environment(work: Path, project: Project, chapter: str, threads: int, given: dict[str, str]) -> dict[str, str]:
    """Variables that a chapter's kernel gets beside the user's: results below ``work``, and so many threads.

    Start-up files, paths and options of Python, IPython and matplotlib that a user may have set have no effect: they could change what is
    computed in silence.
    """
    variables = {name: "" for name in os.environ if name.startswith("PYTHON")} | {
        "PYTHONSTARTUP": "",
        "PYTHONPATH": "",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONNOUSERSITE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "IPYTHONDIR": str(settings(project, "ipython")),
        "MPLCONFIGDIR": str(settings(project, "matplotlib")),
        "MATPLOTLIBRC": "",
        "NUMBA_CACHE_DIR": str(settings(project, "numba") / chapter),
        **MEMORY,
        "SNNCORE_RESULTS": str(work),
        "SNNCORE_CLAIMS": str(project.claims),
    }
    variables |= {name: str(Path(os.environ[name]).absolute()) for name in KEPT if os.environ.get(name)}
    variables |= dict.fromkeys(THREADS, str(threads))
    return {name: value.replace("$", "$$") for name, value in (variables | given).items()}  # Jupyter takes $x for another variable


def manager(variables: dict[str, str]) -> type[AsyncKernelManager]:
    """A class of managers that start the Python that runs this, whatever kernels are installed under its name."""
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]

    class Manager(AsyncKernelManager):
        def __init__(self, **options: object):
            super().__init__(**options)
            self._kernel_spec = KernelSpec(argv=command, display_name="Python 3", language="python", env=variables)

    return Manager
