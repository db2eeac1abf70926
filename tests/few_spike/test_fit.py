import math

import numpy as np
import pytest
import scipy.stats
import torch

from snncore.datafiles import package_file
from snncore.few_spike import FUNCTIONS, FSParams, coefficients, fit, fs_neuron, fs_run, fs_step, read_sets, relu_code
from snncore.few_spike.fit import _samples, noisy_mse, quality, rounded
from snncore.kernels.few_spike import _noisy_normal_equations, _normal_equations
from snncore.seeds import numpy_generator

SILU = FUNCTIONS["silu"]


@pytest.mark.parametrize("seed", range(5))
def test_kernel_by_intervals_is_the_plain_neuron(seed):
    generator = np.random.default_rng(seed)
    K, n = 10, 3000
    T, h = (generator.integers(-256, 256, K) / 64 for _ in range(2))
    x = np.sort(generator.integers(-512, 512, n) / 64)  # hits thresholds exactly, where > and >= differ; all sums are exact
    weight, y = generator.random(n) / n, generator.standard_normal(n)
    gram, moment = np.zeros((K, K)), np.zeros(K)
    sums = [np.concatenate([[0.0], np.cumsum(a)]) for a in (weight, weight * y)]
    integers, floats = [np.empty(n, np.int64) for _ in range(4)], [np.empty(n) for _ in range(2)]
    _normal_equations(x, *sums, T, h, gram, moment, integers[0], floats[0], integers[1], integers[2], floats[1], integers[3])
    z = fs_run(torch.from_numpy(x), FSParams(tuple(T), tuple(h), (0.0,) * K))[0].numpy()
    assert np.allclose(gram, np.tril((z * weight) @ z.T), atol=1e-12)
    assert np.allclose(moment, (z * weight) @ y, atol=1e-12)


def test_kernel_by_samples_is_the_plain_neuron_with_the_same_noise():
    p = coefficients("silu.published").params
    x, weight, y = _samples(SILU, (-8, 12), None, 500)
    noise = 0.3 * np.random.default_rng(0).standard_normal((3, 16, 500))
    gram, moment, expected_gram, expected_moment = np.zeros((16, 16)), np.zeros(16), np.zeros((16, 16)), np.zeros(16)
    _noisy_normal_equations(x, weight, y, noise, np.array(p.T), np.array(p.h), gram, moment)
    for sample in torch.from_numpy(noise):
        v, steps = torch.from_numpy(x), []
        for t in range(16):
            spike, v = fs_step(v, t, p, sample[t])
            steps.append(spike.numpy())
        z = np.array(steps)
        expected_gram += weight * z @ z.T / 3
        expected_moment += z @ (weight * y) / 3
    assert np.allclose(gram, np.tril(expected_gram), atol=1e-12)
    assert np.allclose(moment, expected_moment, atol=1e-12)


def test_outputs_are_the_least_squares_solution():
    p = fit(SILU, 6, (-8, 12), evaluations=3000)
    x, _, y = _samples(SILU, (-8, 12), None, 8000)
    z = fs_run(torch.from_numpy(x), p)[0].numpy()
    used = z.any(1)
    best = np.linalg.lstsq(z[used].T, y, rcond=None)[0]
    mine = np.array(p.d)[used]
    assert np.isclose(((mine @ z[used] - y) ** 2).mean(), ((best @ z[used] - y) ** 2).mean(), rtol=1e-4)


def test_seeds_steps_and_trials_matter_and_nothing_else():
    first, second, other = (fit(SILU, 4, (-8, 12), evaluations=2000, seed=s) for s in (0, 0, 1))
    assert first == second
    assert first != other
    errors = [quality(fit(SILU, K, (-8, 12), evaluations=20_000), SILU, (-8, 12)).mse for K in (2, 4, 8)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert quality(fit(SILU, 4, (-8, 12), evaluations=200), SILU, (-8, 12)).mse > errors[1]


@pytest.mark.parametrize("cost", [0.0, 0.05])
@pytest.mark.parametrize("end", [1.0, 10.0])
def test_one_step_is_its_closed_form(cost, end):
    """Least of T^3 / 3, plus the integral of (d - x)^2 from T to 1, plus cost (1 - T): 3 T^2 + 2 T = 1 + 4 cost, d = (1 + T) / 2."""
    p = fit(lambda x: x, 1, (0.0, end), spike_penalty=cost * end**2, evaluations=5_000)
    T = (-1 + math.sqrt(4 + 12 * cost)) / 3
    assert (p.T[0], p.d[0]) == pytest.approx((end * T, end * (1 + T) / 2), rel=0.01)


def test_one_step_with_noise_is_the_best_of_all():
    """A neuron spikes with probability Phi((x - T) / 0.5)."""
    x = (np.arange(4000) + 0.5) / 4000
    of_T = [scipy.stats.norm.cdf((x - T) / 0.5) for T in np.linspace(-1, 1, 401)]
    _, d = min(((c * (d - x) ** 2 + (1 - c) * x**2).mean(), d) for c in of_T for d in [(c * x).mean() / c.mean()])
    assert fit(lambda x: x, 1, (0.0, 1.0), noise=0.5, evaluations=20_000).d[0] == pytest.approx(d, abs=0.01)


def test_bits_put_all_numbers_on_the_grid_and_beat_rounding_afterwards():
    p = fit(SILU, 8, (-8, 12), bits=6, evaluations=20_000)
    assert all(float(a * 4).is_integer() for a in (*p.T, *p.h, *p.d))
    later = rounded(fit(SILU, 8, (-8, 12), evaluations=20_000), 6)
    assert quality(p, SILU, (-8, 12)).mse < quality(later, SILU, (-8, 12)).mse


def test_noise_makes_each_spike_as_likely_as_it_should():
    """Two steps have four outcomes; noise of the first comparison must not be in what the second one sees."""
    p, noise = FSParams((2.0, 1.0), (1.5, 0.0), (1.2, 0.9)), 0.5
    x = np.linspace(-2.0, 6.0, 20_001)
    y = SILU(torch.from_numpy(x)).numpy()
    first, after, without = (scipy.stats.norm.cdf(u / noise) for u in (x - 2, x - 1.5 - 1, x - 1))
    outcomes = {2.1: first * after, 1.2: first * (1 - after), 0.9: (1 - first) * without, 0.0: (1 - first) * (1 - without)}
    expected = sum(np.mean(chance * (out - y) ** 2) for out, chance in outcomes.items())
    assert noisy_mse(p, SILU, (-2, 6), noise, numpy_generator(0, "test")) == pytest.approx(expected, rel=0.02)
    p = coefficients("silu.published").params
    assert np.isclose(noisy_mse(p, SILU, (-8, 12), 0.0, numpy_generator(0, "test")), quality(p, SILU, (-8, 12)).mse, rtol=1e-12)


def test_quality_of_the_published_neurons():
    assert quality(coefficients("silu.published").params, SILU, (-8, 12)).mse == pytest.approx(3.445e-3, rel=1e-3)
    sigmoid = quality(coefficients("sigmoid.published").params, FUNCTIONS["sigmoid"], (-10, 10))
    assert sigmoid.mse == pytest.approx(1.438e-4, rel=1e-3)


@pytest.mark.parametrize("name", ["silu.k8", "silu.published"])
def test_quality_is_what_inputs_drawn_at_random_give(name):
    x = -0.0632 + 1.5633 * torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    s = coefficients(name)
    drawn = (fs_neuron(x, s.params) - torch.nn.functional.silu(x)).square().mean()
    assert quality(s.params, SILU, s.interval, scipy.stats.norm(-0.0632, 1.5633).cdf).mse == pytest.approx(float(drawn), rel=0.03)


def test_quality_of_a_binary_code_is_its_closed_form():
    """Rounding down to a grid g: mean squared error g^2 / 3, largest error g, half of the places spike."""
    K, grid = 8, 2.0**-8
    q = quality(relu_code(1.0, K), torch.relu, (0.0, 1.0), n=2**8 * 1000)
    assert q.mse == pytest.approx(grid**2 / 3, rel=1e-5)
    assert q.max_error == pytest.approx(grid, rel=1e-3)
    assert q.spikes == pytest.approx(K / 2)


def test_rounding_is_to_the_stated_grid():
    p = rounded(FSParams((0.3,), (-14.4,), (1.01,)), 4)
    assert (p.T, p.h, p.d) == ((0.0,), (-14.0,), (1.0,))


@pytest.mark.parametrize(("options", "words"), [
    ({"K": 0}, "K is 0"), ({"K": 8.0}, r"K is 8\.0: give a whole number \(int\), 1 to 62"), ({"restarts": 2.0}, r"restarts is 2\.0"),
    ({"interval": (2.0, 2.0)}, r"interval is \[2\.0, 2\.0\]: give two finite numbers, the smaller one first"),
    ({"interval": (0.0, float("inf"))}, "two finite numbers"),
    ({"function": torch.log}, "function is .* at x = "),
    ({"function": lambda x: x.sum()}, r"function gives torch\.float64 of shape \(\) for a tensor of shape"),
    ({"cdf": lambda x: np.zeros_like(x)}, "cdf gives no probability"),
    ({"spike_penalty": -1.0}, "spike_penalty is -1"), ({"noise": float("nan")}, "noise is nan"), ({"bits": 0}, "bits is 0"),
    ({"evaluations": 0}, "evaluations is 0"), ({"evaluations": 2e3}, r"evaluations is 2000\.0: give .*\(int\), 1 or more"),
])  # fmt: skip
def test_bad_arguments_are_refused_by_name(options, words, unchecked):
    with pytest.raises(ValueError, match=words):
        fit(**{"function": SILU, "K": 4, "interval": (-8.0, 12.0)} | options)


def test_every_set_computes_its_function():
    for name, s in read_sets().items():
        mse = quality(s.params, FUNCTIONS[s.function], s.interval, n=20_000).mse
        assert mse < 0.06, name  # each is an approximation of its own function on its own interval ...
        alike = () if s.params.K >= 8 else ("silu", "gelu", "relu", "hardswish", "leaky_relu")  # four steps do not tell these apart
        alike += ("leaky_relu", "relu") if s.interval[0] == 0 or name == "leaky_relu.k8" else ()  # eight steps are too few for the slope
        others = [quality(s.params, f, s.interval, n=20_000).mse for g, f in FUNCTIONS.items() if g not in (s.function, *alike)]
        assert all(mse < other for other in others), name  # ... and of no other


def test_our_fits_beat_the_published_neurons_at_the_same_steps():
    for ours, published in (("silu.k16", "silu.published"), ("sigmoid.k12", "sigmoid.published"), ("silu.k16", "silu.tbpi16")):
        a, b = coefficients(ours), coefficients(published)
        assert quality(a.params, FUNCTIONS[a.function], b.interval).mse < quality(b.params, FUNCTIONS[b.function], b.interval).mse


@pytest.mark.parametrize(("found", "instead", "words"), [
    ("{", "", "is damaged at its beginning .*restore it with 'git checkout"),
    ('"T": [', '"t": [', r"is damaged at its beginning \(KeyError\('T'\)\)"),
    ('"d": [', '"d": [NaN, ', r"damaged .*d\[0\] is nan"),
    ('"interval": [', '"interval": [0, ', "damaged .*too many values"),
])  # fmt: skip
def test_damaged_files_are_refused(tmp_path, found, instead, words):
    path = tmp_path / "few_spike_coefficients.json"
    path.write_text(package_file(path.name).read_text(encoding="utf-8").replace(found, instead, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        read_sets(path)
