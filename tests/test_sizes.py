"""The package stays small: lines of the package and of the tests, of the longest file and of the longest function."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, TESTS, FUNCTION = 17_363, 12_120, 60  # these fall; explicit vectors, twice as fast, cost 570 lines; 270 were made room for
LONGEST = 500  # file


def lines(folder: str) -> dict[str, int]:
    """Lines of each Python file."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}


def functions(folder: str) -> dict[str, int]:
    """Lines of each function, its docstring apart."""
    found = {}
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                start = body[0].lineno if body else node.lineno
                found[f"{path.relative_to(ROOT)}:{node.name}"] = (node.end_lineno or start) - start + 1
    return found


def test_package_and_tests_are_small():
    assert sum(lines("snncore").values()) <= PACKAGE
    assert sum(lines("tests").values()) <= TESTS


def test_no_file_and_no_function_is_long():
    assert {name: n for name, n in (lines("snncore") | lines("tests") | lines("book/_tools")).items() if n > LONGEST} == {}
    assert {name: n for name, n in functions("snncore").items() if n > FUNCTION} == {}
