import pytest

from snncore.datafiles import package_file
from snncore.few_spike import FUNCTIONS, coefficients, quality, read_sets


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
