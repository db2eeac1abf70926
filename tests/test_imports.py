"""Dependence points one way: a module imports from floors below its own, or within its wing."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = [
    {"shapes", "seeds", "datafiles", "statistics", "provenance", "unroll", "kernels", "plotting"},
    {"spike", "tasks", "ledger"},
    {"neurons", "few_spike", "record"},
    {"networks"},
    {"loihi"},
    {"learning"},
    {"commandline"},
    {"trainings"},
    {"peers", "tools"},
    {"experiments"},
]
FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}
UNDER_WAY = {"peers/sanafe_energy.py", "tools/meter.py"}  # import what still has to move to its own wing
MODULES = sorted(p for p in (ROOT / "snncore").rglob("*.py") if p.name != "__init__.py" or p.parent != ROOT / "snncore")


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def wing(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "snncore" and len(parts) > 1 and parts[1] in FLOOR else None


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    own = path.relative_to(ROOT / "snncore").parts[0].removesuffix(".py")
    assert own in FLOOR, f"{own} stands on no floor: add it to FLOORS where it belongs"
    if path.relative_to(ROOT / "snncore").as_posix() in UNDER_WAY:
        return
    for used in {wing(name) for name in imports(path)} - {None, own}:
        assert FLOOR[used] < FLOOR[own], f"{path} imports snncore.{used}, which does not lie below it"


def test_the_walk_sees_every_kind_of_import(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(
        "import snncore.learning\nfrom snncore import networks\ndef f():\n    from snncore.record import Record\n",
        encoding="utf-8",
    )
    assert {wing(n) for n in imports(path)} - {None} == {"learning", "networks", "record"}


def test_only_plotting_imports_matplotlib():
    users = {str(p.relative_to(ROOT)) for p in MODULES if any(n.split(".")[0] == "matplotlib" for n in imports(p))}
    assert users == {"snncore/plotting.py"}
    assert not any("snncore.plotting" in imports(p) for p in MODULES)


def test_tasks_know_no_network():
    assert not any(wing(n) == "networks" for p in MODULES if "tasks" in p.parts for n in imports(p))


def reached(path: Path) -> set[str]:
    """All modules of this package that a file imports, directly or through others."""
    files = {p.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__").replace("/", "."): p for p in MODULES}
    found: set[str] = set()
    waiting = imports(path)
    while waiting:
        name = waiting.pop()
        if name in files and name not in found:
            found.add(name)
            waiting |= imports(files[name])
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda p: p.stem)
def test_no_chapter_depends_on_what_cannot_change_it(path):
    """Neither on the command for folders of images, which no chapter runs, nor, but for one, on the measuring of times."""
    found = reached(path)
    assert "snncore.tools.imagenet" not in found
    assert ("snncore.experiments.speed" in found) == (path.stem == "speed")


def test_times_are_measured_in_one_chapter():
    """So that the others can run side by side, and write the same bytes in each run."""
    folder = ROOT / "snncore" / "experiments"
    for path in {*folder.glob("*.py"), *(ROOT / "notebooks").glob("*.py")} - {
        folder / "speed.py",
        ROOT / "notebooks" / "speed.py",
    }:
        for word in ("record.timing(", "timing=True", "side_by_side("):
            assert word not in path.read_text(), f"{path}: {word}"


def test_randomness_is_an_argument():
    """No global random state: neither NumPy's legacy functions nor torch.manual_seed."""
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        for word in ("np.random.seed", "torch.manual_seed", "random.seed(", "np.random.rand"):
            assert word not in text, f"{path}: {word}"
