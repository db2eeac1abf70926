"""Debian's Chromium for tests of what was built. With the variable SNNCORE_SITE=required, what is missing is a failure, not a skip."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import publish

CHROMIUM = publish.chromium()
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


def require(needs: dict[str, bool]) -> None:
    """Skip the tests of a module, or fail, if something that they need is not there."""
    missing = "; ".join(words for words, there in needs.items() if not there)
    if missing and os.environ.get("SNNCORE_SITE") == "required":
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing, allow_module_level=True)


@contextmanager
def chromium() -> Iterator:
    """A running browser."""
    require({"no Chromium on this machine (Debian: apt install chromium)": bool(CHROMIUM)})
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield running
        running.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder over HTTP."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
