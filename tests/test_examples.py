"""Examples in docstrings run, and give what they say."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest
import torch

import snncore

FINDER = doctest.DocTestFinder(exclude_empty=True)
MODULES = [m.name for m in pkgutil.walk_packages(snncore.__path__, "snncore.") if not m.name.startswith("snncore.data")]
WITH_EXAMPLES = [name for name in MODULES if ">>>" in Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name):
    module = importlib.import_module(name)
    tests = [t for t in FINDER.find(module, name, globs=vars(module) | {"torch": torch}) if t.examples]
    assert tests
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        runner.run(test)
    assert runner.failures == 0


@pytest.mark.parametrize("name", snncore.__all__)
def test_what_the_package_hands_out_has_an_example(name):
    handed = getattr(snncore, name)
    assert ">>>" in (handed.__doc__ or "") + (importlib.import_module(handed.__module__).__doc__ or "")
