"""Text is UTF-8 whatever a user's locale says: each call that reads or writes text names its encoding."""

import ast
import os
import subprocess
import sys

import pytest

from project import ROOT

OF_BYTES = {"Image", "gzip", "os", "tarfile", "wave", "webbrowser", "zipfile"}  # their ``open`` is for something else
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # the plainest locale; Python itself would mend it


def takes_the_locale(call: ast.Call) -> bool:
    """Whether a call reads or writes text without a word about its encoding."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if method else getattr(call.func, "id", "")
    if "encoding" in given:
        return False
    if name == "open" and not (method and ast.unparse(call.func.value) in OF_BYTES):
        mode = given.get("mode") or next(iter(call.args[0 if method else 1 :]), ast.Constant("r"))
        return not all("b" in part.value for part in ast.walk(mode) if isinstance(part, ast.Constant) and isinstance(part.value, str))
    starts = name in ("run", "Popen", "check_output", "check_call", "call")
    return name in ("read_text", "write_text") or (starts and bool({"text", "universal_newlines"} & set(given)))


def lines(source: str) -> list[int]:
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and takes_the_locale(node)]


def test_the_walk_sees_text_and_leaves_bytes_alone():
    text = ("p.read_text()", "p.write_text(a)", "open(p)", "open(p, 'a')", "p.open()", "p.open(mode='w')", "run(a, text=True)")
    others = ("open(p, 'rb')", "p.open('ab' if x else 'wb')", "p.open(mode='rb')", "Image.open(p)", "run(a)", "open(p, encoding='utf-8')",
              "add_node(a, text=b)")  # fmt: skip
    assert [lines(call) for call in text] == [[1]] * len(text)
    assert [lines(call) for call in others] == [[]] * len(others)


@pytest.mark.parametrize("folder", ["snncore", "book/_tools"])
def test_all_text_is_utf_8(folder):
    found = {str(p.relative_to(ROOT)): lines(p.read_text(encoding="utf-8")) for p in (ROOT / folder).rglob("*.py")}
    assert {file: where for file, where in found.items() if where} == {}


def in_ascii(*words, **env):
    return subprocess.run([sys.executable, *words], env={**os.environ, **ASCII, **env}, check=True, capture_output=True, cwd=ROOT).stdout


def test_data_sets_are_listed_and_claims_printed_in_a_plain_locale():
    assert b"utf" not in in_ascii("-c", "import locale, sys; print(locale.getencoding(), sys.stdout.encoding)").lower()
    assert b"mnist" in in_ascii("-m", "snncore.datafiles")
    script = "from snncore import ledger; print(ascii(''.join(c.quantity for c in ledger.package_claims().values())))"
    assert in_ascii("-c", script) == in_ascii("-c", script, LC_ALL="C.UTF-8", PYTHONUTF8="1")
