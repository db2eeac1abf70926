"""Debian's Chromium for tests of what was built. With the variable SNNCORE_SITE=required, what is missing is a failure, not a skip."""

import os

import pytest

from publish import chromium

CHROMIUM = chromium()
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


def require(needs: dict[str, bool]) -> None:
    """Skip the tests of a module, or fail, if something that they need is not there."""
    missing = "; ".join(words for words, there in needs.items() if not there)
    if missing and os.environ.get("SNNCORE_SITE") == "required":
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing, allow_module_level=True)
