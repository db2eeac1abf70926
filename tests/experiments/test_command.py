"""The command ``python -m snncore.experiments``."""

import importlib
import pkgutil

import snncore.experiments
from snncore.experiments.__main__ import TOOLS


def test_modules_are_experiments_or_tools():
    for module in pkgutil.iter_modules(snncore.experiments.__path__):
        if module.name != "__main__":
            found = importlib.import_module(f"snncore.experiments.{module.name}")
            is_experiment = all(hasattr(found, name) for name in ("PRESETS", "config", "run"))
            assert is_experiment == (module.name not in TOOLS), module.name
