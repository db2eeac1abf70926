"""environment.yml, constraints.txt and pyproject.toml say the same."""

import itertools
import re
import tomllib

import yaml
from packaging.requirements import Requirement

from project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = [Requirement(r) for r in itertools.chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())]
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split())


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_environment_installs_what_make_installs():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict)) == ["-c constraints.txt", "-e .[book,dev]"]
    assert f"python={PROJECT['requires-python'].removeprefix('>=')}" in environment["dependencies"]
    assert "nodefaults" in environment["channels"]
    assert ".[book,dev]" in (ROOT / "book" / "_tools" / "make_venv.py").read_text(encoding="utf-8")


def test_every_dependency_is_pinned_within_its_range():
    pins = {normal(name): version for name, version in PINS.items()}
    for requirement in REQUIREMENTS:
        name = normal(requirement.name)
        if name in ("torch", "torchvision", "snncore"):
            assert name not in pins, f"{name} is not pinned: its build (CPU, CUDA) is the reader's choice"
        else:
            assert pins[name] in requirement.specifier, requirement


def test_hashes_are_of_the_pinned_versions_and_of_all_that_make_installs():
    text = (ROOT / ".github" / "hashes.txt").read_text(encoding="utf-8")
    rows = re.findall(r"^(\S+)==(\S+)([^\n]*)\n((?:    --hash=sha256:[0-9a-f]{64}[ \\]*\n)+)", text, re.MULTILINE)
    assert "".join(f"{name}=={version}{more}\n{hashes}" for name, version, more, hashes in rows) == text  # nothing else stands there
    hashed, pins = ({normal(name): version for name, version, *_ in of} for of in (rows, PINS.items()))
    assert {name for name in pins if hashed.get(name, pins[name]) != pins[name]} == set()
    installed = (PROJECT["dependencies"], *(PROJECT["optional-dependencies"][name] for name in ("images", "book", "dev")))
    for requirement in map(Requirement, itertools.chain(*installed)):
        assert (normal(requirement.name) in hashed) == (requirement.name not in ("torch", "torchvision", "snncore")), requirement


def test_every_dependency_says_why():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[project]")[1].split("[tool.setuptools]")[0].splitlines()
    for line in lines:
        if re.match(r'  "[\w\[\]-]+.*",', line):
            assert "#" in line, line


def test_shape_checks_cover_every_package_but_the_compiled_one():
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]["addopts"]
    checked = set(re.search(r"--jaxtyping-packages=(\S+)", options)[1].split(",")[:-1])
    there = {f"snncore.{p.stem}" for p in (ROOT / "snncore").iterdir() if p.suffix in ("", ".py")}
    there -= {"snncore.__init__", "snncore.__pycache__", "snncore.kernels"}
    assert there - checked <= {"snncore.shapes", "snncore.plotting"}  # without tensors in signatures
