"""Dependence points one way: a module imports from floors below its own, or within its wing."""

import ast
from pathlib import Path

import jupytext
import pytest

import chapters
from project import ROOT

FLOORS = [
    {"shapes", "seeds", "datafiles", "statistics", "provenance", "unroll", "kernels", "plotting", "timing"},
    {"spike", "tasks", "ledger", "filters"},
    {"neurons", "few_spike", "record"},
    {"networks"},
    {"loihi", "nir"},
    {"learning"},
    {"commandline"},
    {"trainings"},
    {"peers", "tools", "pretrained"},
]
FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}
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
    for used in {wing(name) for name in imports(path)} - {None, own}:
        assert FLOOR[used] < FLOOR[own], f"{path} imports snncore.{used}, which does not lie below it"


def test_only_plotting_imports_matplotlib_and_only_chapters_draw_and_record():
    users = {str(p.relative_to(ROOT)) for p in MODULES if any(n.split(".")[0] == "matplotlib" for n in imports(p))}
    assert users == {"snncore/plotting.py"}
    assert not any({"snncore.plotting", "snncore.record"} & imports(p) for p in MODULES)


USED = {  # programs that a chapter uses
    "energy": {"tools.meter", "trainings.digits", "trainings.stories"}, "eprop": {"trainings.evidence"},
    "few_spike": {"trainings.few_spike"}, "images": {"trainings.cifar"},
    "memory": {"trainings.digits"}, "one_shot": {"trainings.arm"}, "one_shot_symbols": {"trainings.symbols"},
    "relational": {"trainings.stories"},
    "speed": {"tools.memory", "tools.meter", "trainings.arm", "trainings.cifar", "trainings.few_spike"},
}  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda p: p.stem)
def test_no_chapter_depends_on_what_cannot_change_it(path):
    """A change to a program for readers, or to a recipe, puts no chapter out of date, but for those that use it."""
    cells = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    used = {name.removeprefix("snncore.") for name in chapters.imported_modules(ROOT, "\n".join(map(chapters.plain, cells)))}
    programs = {name for name in used if name.startswith(("tools.", "trainings."))} - {"trainings.job"}
    assert programs == USED.get(path.stem, set())


def test_times_are_measured_in_one_chapter():
    """So that the others can run side by side, and write the same bytes in each run."""
    for path in {*(ROOT / "notebooks").glob("*.py")} - {ROOT / "notebooks" / "speed.py"}:
        for word in ("page.timing(", "timing=True", "side_by_side("):
            assert word not in path.read_text(encoding="utf-8"), f"{path}: {word}"


def test_randomness_is_an_argument():
    """No global random state: neither NumPy's legacy functions nor torch.manual_seed."""
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        for word in ("np.random.seed", "torch.manual_seed", "random.seed(", "np.random.rand"):
            assert word not in text, f"{path}: {word}"
