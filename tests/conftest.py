"""What tests of all parts need."""

import importlib

import jaxtyping
import pytest
import torch

torch.set_num_threads(1)  # tests are small, and threads of processes side by side would wait for each other; tests of threads ask for more


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


@pytest.fixture
def quick_fits(monkeypatch):
    """Parameters that a conversion fits to a layer's inputs are the best of a twentieth of the trials."""
    module = importlib.import_module("snncore.few_spike.choose")
    fit = module.fit
    monkeypatch.setattr(module, "fit", lambda *given, evaluations, **options: fit(*given, evaluations=evaluations // 20, **options))
