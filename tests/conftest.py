"""What tests of all parts need."""

import importlib

import hypothesis
import jaxtyping
import pytest
import torch

torch.set_num_threads(1)  # tests are small, and threads of processes side by side would wait for each other; tests of threads ask for more
hypothesis.settings.register_profile("tests", deadline=None)  # what runs first compiles
hypothesis.settings.load_profile("tests")


@pytest.fixture(autouse=True)
def same_draws():
    """What a test draws without a generator, such as the weights of a layer, is the same in each run; threads and types end with it."""
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        yield
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def unchecked(monkeypatch):
    """Without the types that tests check at each call: users have none checked for them, and get the messages of the package itself."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(params=["PyTorch's threads", "own threads"])
def library(request, monkeypatch):
    """Whose threads compiled loops use."""
    modules = [importlib.import_module(f"snncore.kernels.{name}") for name in ("threads", "fs_neuron")]
    if request.param == "own threads":
        for module in modules:
            monkeypatch.setattr(module, "openmp", lambda: None)
    elif modules[0].openmp() is None:
        pytest.skip("PyTorch brings no GNU OpenMP here: run this on Linux; here own threads take its place, which are tested")


@pytest.fixture(scope="session")
def published():
    """The layout of the published relational network, and its places on the board."""
    from snncore.loihi import placement, relational
    from snncore.networks.relational import SIZES

    plan = relational.layout(SIZES["paper"], 180)
    return plan, placement.place(plan.network, plan.units, relational.CHIPS)


@pytest.fixture
def quick_fits(monkeypatch):
    """Parameters that a conversion fits to a layer's inputs are the best of a twentieth of the trials."""
    module = importlib.import_module("snncore.few_spike.choose")
    fit = module.fit
    monkeypatch.setattr(module, "fit", lambda *given, evaluations, **options: fit(*given, evaluations=evaluations // 20, **options))
