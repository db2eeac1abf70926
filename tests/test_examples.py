"""Examples in docstrings run, and give what they say."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest
import torch

import snncore

MODULES = [m.name for m in pkgutil.walk_packages(snncore.__path__, "snncore.") if not m.name.startswith("snncore.data")]
WITH_EXAMPLES = [name for name in MODULES if ">>>" in Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name):
    found = doctest.testmod(importlib.import_module(name), extraglobs={"torch": torch}, optionflags=doctest.ELLIPSIS)
    assert found.attempted > found.failed == 0


@pytest.mark.parametrize("name", snncore.__all__)
def test_what_the_package_hands_out_has_an_example(name):
    handed = getattr(snncore, name)
    assert ">>>" in (handed.__doc__ or "") + (importlib.import_module(handed.__module__).__doc__ or "")
