"""Commands: each module of a package that has a function ``command`` is one, its signature and docstring are the options and their help."""

import importlib
import pkgutil
import sys

import tyro

from snncore.learning.resumable import TrainingDiverged


def main(name: str) -> None:
    """Run the command of a package that the first word names, with its options; what is refused ends with its message and status 1."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # what a terminal cannot show, such as µ, ends no run
    package = importlib.import_module(name)
    modules = {m.name: importlib.import_module(f"{name}.{m.name}") for m in pkgutil.iter_modules(package.__path__)}
    commands = {word.replace("_", "-"): module.command for word, module in sorted(modules.items()) if hasattr(module, "command")}
    try:
        tyro.extras.subcommand_cli_from_dict(commands, prog=f"python -m {name}", description=package.__doc__)
    except (TrainingDiverged, ValueError, OSError) as error:  # `DataError` is a ValueError
        raise SystemExit(f"error: {error}") from error


def console() -> None:
    """``snncore trainings``, ``tools`` and ``peers``: the commands of these packages, as ``python -m snncore.trainings`` has them."""
    parts = ("peers", "tools", "trainings")
    if len(sys.argv) < 2 or sys.argv[1] not in parts:
        raise SystemExit(f"usage: snncore {{{','.join(parts)}}} ...   (each lists its commands with --help)")
    main(f"snncore.{sys.argv.pop(1)}")
