"""Commands: each module of a package that has a function ``command`` is one, its signature and docstring are the options and their help."""

import importlib
import pkgutil
import sys
from collections.abc import Callable

import tyro

from snncore.learning.resumable import TrainingDiverged


def commands(name: str) -> dict[str, Callable[..., None]]:
    """The commands of a package, by the word that starts them."""
    path = importlib.import_module(name).__path__
    modules = {m.name: importlib.import_module(f"{name}.{m.name}") for m in pkgutil.iter_modules(path)}
    return {word.replace("_", "-"): module.command for word, module in sorted(modules.items()) if hasattr(module, "command")}


def main(name: str) -> None:
    """Run the command of a package that the first word names, with its options; what is refused ends with its message and status 1."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # what a terminal cannot show, such as µ, ends no run
    try:
        about = importlib.import_module(name).__doc__
        tyro.extras.subcommand_cli_from_dict(commands(name), prog=f"python -m {name}", description=about)
    except (TrainingDiverged, ValueError, OSError) as error:  # `DataError` is a ValueError
        raise SystemExit(f"error: {error}") from error


def console() -> None:
    """``snncore trainings``, ``tools`` and ``peers``: the commands of these packages, as ``python -m snncore.trainings`` has them."""
    parts = ("peers", "tools", "trainings")
    if len(sys.argv) > 1 and sys.argv[1] in parts:
        main(f"snncore.{sys.argv.pop(1)}")
        return
    usage = f"usage: snncore {{{','.join(parts)}}} COMMAND [OPTIONS]   (snncore trainings COMMAND --help: the options of one)"
    if sys.argv[1:] not in ([], ["--help"], ["-h"]):
        raise SystemExit(usage)
    print(usage)
    for part in parts:
        print(f"\n{part}")
        for word, command in commands(f"snncore.{part}").items():
            print(f"  {word:18}{(command.__doc__ or '').strip().splitlines()[0]}")
