"""The directive ``live``: an element around the figure, and scripts on the pages that have one, only there."""

import json
import shutil

import pytest

from book.conftest import do, edit, new_project, rendered, soup
from book.live_pages import STATIC

PAGE = """# Start

::::{live} arm
:label: A movement
```{figure} favicon.svg
:name: fig-one
A caption.
```
::::
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    project = new_project(tmp_path_factory.mktemp("project"))
    shutil.copytree(STATIC, project.root / "book" / "_static" / "live")
    (project.root / "book" / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (project.root / "book" / "index.md").write_text(PAGE)
    written = 'import numpy as np\nrecord.document("arm.live", {"a": np.array([0.1, 3], "float32")})\nrecord.value("number", 2.1)'
    edit(project.root / "notebooks" / "first.py", 'record.value("number", 2.1)', written)
    assert do(project, "run") == 0
    return rendered(project)


def test_a_page_with_a_live_figure_loads_what_it_needs_and_others_nothing(out):
    page, other = soup(out), soup(out, "claims")
    element = page.find("snn-arm")
    assert element["label"] == "A movement"
    assert "A caption." in element.find("figure").find("figcaption").get_text()
    scripts = [script for script in page.find_all("script", src=True) if "/live/" in script["src"]]
    assert [script["src"].split("/")[-1].split("?")[0] for script in scripts] == ["core.js", "arm_numbers.js", "arm.js"]
    assert all(script.has_attr("defer") and (out / script["src"].split("?")[0]).exists() for script in scripts)
    assert not [tag for tag in other.find_all(["script", "link"]) if "/live/" in str(tag) and "ledger.js" not in str(tag)]


def test_what_a_run_wrote_becomes_a_script_beside_the_figure(out):
    head, _, content = (out / "_static" / "live" / "arm.data.js").read_text().partition("] = ")
    assert head.endswith('["arm"')
    assert json.loads(content.rstrip(";\n")) == {"a": {"dtype": "float32", "shape": [2], "base64": "zczMPQAAQEA="}}
