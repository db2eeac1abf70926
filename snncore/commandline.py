"""Commands: each module of a package that has a function ``command`` is one, its signature and docstring are the options and their help."""

import importlib
import pkgutil
import sys
from types import ModuleType

import tyro

from snncore.learning.classifier import TrainingDiverged


def main(package: ModuleType) -> None:
    """Run the command that the first word names, with the options that follow; what is refused ends with its message and status 1."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # what a terminal cannot show, such as µ, ends no run
    modules = {m.name: importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)}
    commands = {name.replace("_", "-"): module.command for name, module in sorted(modules.items()) if hasattr(module, "command")}
    try:
        tyro.extras.subcommand_cli_from_dict(commands, prog=f"python -m {package.__name__}", description=package.__doc__)
    except (TrainingDiverged, ValueError, OSError) as error:  # `DataError` is a ValueError
        raise SystemExit(f"error: {error}") from error
