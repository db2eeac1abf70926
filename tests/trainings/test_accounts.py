"""Each account in ``data/checkpoints`` is of a command that exists, and that would train the same again."""

import importlib
import pkgutil
import shlex
from types import SimpleNamespace

import pytest
import tyro

import snncore.trainings
from snncore.networks.checkpoints import accounts
from snncore.trainings import job

ACCOUNTS = accounts("")
MODULES = {m.name: importlib.import_module(f"snncore.trainings.{m.name}") for m in pkgutil.iter_modules(snncore.trainings.__path__)}
COMMANDS = {name.replace("_", "-"): module for name, module in MODULES.items() if hasattr(module, "command")}


class Asked(Exception):
    """What a command would have trained."""


def asked(monkeypatch, command: str, stage: int | None) -> dict:
    """Run a command up to where it would train: the stage, if there are several."""
    python, _, package, name, *words = shlex.split(command)
    assert (python, package) == ("python", "snncore.trainings"), command

    def stop(name, words, recipe, seed, do, constants=None, before=None, data="", about=None):
        if (about or {}).get("stage") != stage:
            return {}
        found = {
            "name": name,
            "command": f"python -m snncore.trainings {words} --seed {seed}",
            "family": words.split()[0],
            "recipe": job.to_json(recipe),
        }
        raise Asked({**found, "constants": dict(constants or {}), "about": dict(about or {})})

    module = COMMANDS[name]
    for place in (job, module):
        if hasattr(place, "train_or_read"):
            monkeypatch.setattr(place, "train_or_read", stop)
    monkeypatch.setattr(job, "read_account", lambda path: {})
    monkeypatch.setattr(module, "find", lambda name: SimpleNamespace(form="official"), raising=False)  # data are not needed to be asked
    with pytest.raises(Asked) as found:
        tyro.cli(module.command, args=words)
    return found.value.args[0]


@pytest.mark.parametrize("name", ACCOUNTS)
def test_the_command_of_an_account_would_train_the_same(name: str, monkeypatch):
    account = ACCOUNTS[name]
    would = asked(monkeypatch, account["command"], account.get("stage"))
    assert would["name"] in (name, f"{name}_{account['seed']}_{account.get('stage')}")
    assert [would[field] for field in ("command", "recipe", "family")] == [account[field] for field in ("command", "recipe", "family")]
    assert would["constants"] == account.get("constants", {})
    assert would["about"].items() <= account.items()
    last, recipe = account["log"][-1], account["recipe"]
    assert last["update"] == recipe["updates"] if "update" in last else len(account["log"]) == last["epoch"] == recipe["epochs"]
