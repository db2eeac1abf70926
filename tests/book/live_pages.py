"""Pages with one live figure each, as the book has them, without the book around them; and the numbers of a script's functions."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import live_figures
from book.browser import CHROMIUM, FLAGS
from snncore.record import Record

STATIC = Path(__file__).resolve().parents[2] / "book" / "_static" / "live"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="500" height="140"/>'


def written(folder: Path, name: str, documents: dict[str, object]) -> Path:
    """The page NAME.html of a live figure with its data, in a folder; returns its path."""
    record = Record(name, "smoke", folder / "results" / name, {})
    for key, content in documents.items():
        record.document(f"{key}.live", content)
    shutil.copytree(STATIC, folder / "_static" / "live", dirs_exist_ok=True)
    live_figures.write_data(folder / "results" / name / ".." / "..")
    scripts = ["core.js", *sorted(path.name for path in STATIC.glob(f"{name}_*.js")), f"{name}.js"]
    loads = "".join(f'<script defer src="_static/live/{script}"></script>' for script in scripts)
    element = f"snn-{name.replace('_', '-')}"
    (folder / "picture.svg").write_text(PICTURE)
    page = folder / f"{name}.html"
    page.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title>'
        f'<link rel="stylesheet" href="_static/live/live.css">{loads}<body><{element}><figure><img src="picture.svg" alt="the figure">'
        f"<figcaption>Caption.</figcaption></figure></{element}></body></html>"
    )
    return page


@contextmanager
def chromium() -> Iterator:
    """A browser for readers who want less motion, so that nothing has to be waited for."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield running
        running.close()


def opened(browser, address: str, **options):
    """A page that has become live; errors of its scripts are errors of the test."""
    page = browser.new_context(reduced_motion="reduce", **options).new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".live-on, .live-excuse")
    return page
