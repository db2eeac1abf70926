"""What tests of all parts need."""

import jaxtyping
import pytest
import torch


@pytest.fixture(autouse=True)
def same_draws():
    """What a test draws without a generator, such as the weights of a layer, is the same in each run."""
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        yield


@pytest.fixture
def unchecked(monkeypatch):
    """Without the types that tests check at each call: users have none checked for them, and get the messages of the package itself."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
