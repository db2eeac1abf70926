"""What is handed on: a PDF, a release, and the list for those who check the book."""

import os
import re
import shutil

import pytest
import yaml

import publish
from book.conftest import edit
from project import ROOT, BookError, Project


def test_without_a_book_nothing_is_released_and_without_chromium_the_way_to_get_it_is_told(project, monkeypatch):
    monkeypatch.setattr(publish, "version", lambda _: "1.0")
    with pytest.raises(BookError, match="make reproduce"):
        publish.release(project, "smoke", tag=False)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BookError, match="apt install chromium"):
        publish.pdf(project, "smoke")


def test_a_version_has_one_number_in_all_places(project):
    for name in ("pyproject.toml", "CITATION.cff", "book/changelog.md"):
        shutil.copy(ROOT / name, project.root / name)
    assert publish.version(project) == publish.version(Project())
    edit(project.root / "CITATION.cff", "version: 0", "version: 9")
    with pytest.raises(BookError, match=r"CITATION\.cff 9"):
        publish.version(project)


def test_the_list_for_checkers_names_every_figure(project):
    """Rules of its specification: an explicit document, a manifest at the root, relative paths of files that exist, no placeholder."""
    folder = project.results("book", "first")
    folder.mkdir(parents=True)
    (folder / "curve.svg").write_text("<svg/>")
    shutil.copy(ROOT / "CITATION.cff", project.root)
    text = publish.codecheck(project)
    about = yaml.safe_load(text)
    assert text.startswith("---\n")
    assert "FIXME" not in text
    (entry,) = about["manifest"]
    assert not os.path.isabs(entry["file"])
    assert (project.root / entry["file"]).exists()
    assert entry["comment"] == "Chapter first: figure curve"
    assert about["paper"]["title"]
    assert about["paper"]["authors"][0]["name"]


def test_no_page_leads_to_the_api_which_the_pdf_leaves_out():
    pages = [*ROOT.glob("notebooks/*.py"), *ROOT.glob("book/*.md"), *ROOT.glob("book/guide/*.md")]
    assert [page.name for page in pages if re.search(r"\{doc\}`(?:[^`]*<)?[./]*api/", page.read_text(encoding="utf-8"))] == []
