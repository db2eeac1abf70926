"""The command ``python -m snncore.experiments``."""

import importlib
import pkgutil

import pytest

import snncore.experiments
from snncore.experiments.__main__ import TOOLS, main


def test_modules_are_experiments_or_tools():
    names = {module.name for module in pkgutil.iter_modules(snncore.experiments.__path__)}
    loaded = {name: importlib.import_module(f"snncore.experiments.{name}") for name in names - {"__main__"}}
    experiments = {name for name, module in loaded.items() if all(hasattr(module, word) for word in ("PRESETS", "config", "run"))}
    assert experiments == names - set(TOOLS)
    assert set(TOOLS) < names


def test_a_preset_beside_a_command_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["snncore.experiments", "eprop", "--train", "random", "--preset", "smoke"])
    with pytest.raises(SystemExit):
        main()
    assert "--preset is for runs of a chapter: leave it out beside --train, which" in capsys.readouterr().err
