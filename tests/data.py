"""Tests that need whole data sets, beside what comes with a checkout."""

import os

import pytest

FOLDER = os.environ.get("SNNCORE_DATA")
needs_data = pytest.mark.skipif(not FOLDER, reason="needs whole data sets: set SNNCORE_DATA to a folder that has them")
