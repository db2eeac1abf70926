"""What tests of all parts need."""

import jaxtyping
import pytest


@pytest.fixture
def unchecked(monkeypatch):
    """Without the types that tests check at each call: users have none checked for them, and get the messages of the package itself."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
