"""The live few-spike neuron in a browser, from a folder: its numbers are those of snncore in double precision."""

import re

import pytest
import scipy.special
import scipy.stats
import torch

from book.live_pages import fits_a_phone, lines, on_a_phone, printed
from snncore.few_spike import FUNCTIONS, fs_decode, fs_run, read_sets
from snncore.few_spike.fit import quality, rounded
from snncore.few_spike.neuron import from_shifted, fs_step
from snncore.trainings.few_spike import B7_INPUT

SETS = read_sets()
RUN = """([name, xs, bits, order, noise]) => {
  const F = snnLive.fewSpike; let p = snnLive.data.few_spike.sets.find((s) => s.name === name);
  if (bits) p = F.rounded(p, bits);
  if (order) p = F.shifted(p);
  return xs.map((x, k) => F.run(x, p, noise && noise.map((row) => row[k])));
}"""
QUALITY = """([name, inputs, n]) => {
  const F = snnLive.fewSpike, p = snnLive.data.few_spike.sets.find((s) => s.name === name);
  return F.quality(p, F.FUNCTIONS[p.function], F.samples(p.interval, inputs, n));
}"""


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    sets = [{"name": s.name, "function": s.function, "interval": s.interval, "origin": s.origin, **vars(s.params)} for s in SETS.values()]
    document = {"input": {"mean": B7_INPUT.mean(), "sd": B7_INPUT.std()}, "sets": sets}
    with on_a_phone(browser, tmp_path_factory.mktemp("few_spike"), "few_spike", document) as page:
        yield page


def test_special_functions_are_those_of_scipy(page):
    x = torch.linspace(-9, 9, 721, dtype=torch.float64)
    ours = page.evaluate("x => x.map(snnLive.fewSpike.erfc)", x.tolist())
    assert ours == pytest.approx(scipy.special.erfc(x.numpy()).tolist(), rel=1e-13)
    for name, f in FUNCTIONS.items():
        ours = page.evaluate("([name, x]) => x.map(snnLive.fewSpike.FUNCTIONS[name])", [name, x.tolist()])
        assert ours == pytest.approx(f(x).tolist(), rel=1e-12, abs=1e-14), name


def test_all_neurons_are_those_of_python(page):
    """Each with 41 inputs, in floats and in 7 bits, in both orders of reset, and with the same noise."""
    for name, s in SETS.items():
        x = torch.linspace(*s.interval, 41, dtype=torch.float64)
        noise = 0.05 * torch.randn(s.params.K, len(x), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        misread = from_shifted(s.params.T, s.params.h, s.params.d, s.params.strict)
        for bits, order, p in ((0, False, s.params), (7, False, rounded(s.params, 7)), (0, True, misread)):
            z, v = fs_run(x, p)
            js = page.evaluate(RUN, [name, x.tolist(), bits, order, None])
            assert [one["z"] for one in js] == z.T.tolist(), (name, bits, order)
            assert [one["v"] for one in js] == v.T.tolist(), (name, bits, order)
            assert [one["y"] for one in js] == pytest.approx(fs_decode(z, p).tolist(), abs=1e-12), (name, bits, order)
        now, noisy = x, []
        for t in range(s.params.K):
            z, now = fs_step(now, t, s.params, noise[t])
            noisy.append(z)
        assert [one["z"] for one in page.evaluate(RUN, [name, x.tolist(), 0, False, noise.tolist()])] == torch.stack(noisy).T.tolist(), name


@pytest.mark.parametrize("name", ["silu.published", "sigmoid.k8", "relu.k4"])
@pytest.mark.parametrize("inputs", [None, (-0.0632, 1.5633), (3.0, 0.4)])
def test_means_over_inputs_are_those_of_python(page, name, inputs):
    s = SETS[name]
    ours = page.evaluate(QUALITY, [name, inputs and {"mean": inputs[0], "sd": inputs[1]}, 20000])
    expected = quality(s.params, FUNCTIONS[s.function], s.interval, inputs and scipy.stats.norm(*inputs).cdf, 20000)
    assert (ours["mse"], ours["spikes"]) == pytest.approx((expected.mse, expected.spikes), rel=1e-9)


def test_the_page_by_keys_on_a_phone(page):
    """The first frame is that of the published neuron; a key moves the input, a number of one step changes the neuron."""
    sentence = page.locator(".live-sentence")
    z, _ = fs_run(torch.linspace(-8, 12, 2001, dtype=torch.float64), SETS["silu.published"].params)
    plot = page.evaluate("document.querySelectorAll('svg.live-plot')[1].querySelector('path').getAttribute('d')")
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", plot)]
    count = z.sum(0)
    one = (heights[0] - min(heights)) / float(count.max() - count[0])
    assert heights == pytest.approx((heights[0] - one * (count - count[0])).tolist(), abs=0.02)
    page.get_by_label("Input x").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert "x = 0.55: " in sentence.inner_text()
    before = sentence.inner_text()
    page.get_by_label("d", exact=True).fill("9")
    assert sentence.inner_text() != before
    page.get_by_role("button", name="Back to its own numbers").click()
    assert sentence.inner_text() == before
    before = lines(page)
    for kind in ("uniform", "normal"):
        page.locator(f"input[value='{kind}']").check(force=True)
        assert (lines(page) == before) == (kind == "normal")
    fits_a_phone(page)


def test_the_lines_of_python_give_what_is_shown(page):
    page.locator("input[value='subtract']").check(force=True)
    page.get_by_label("T, h and d in").select_option("8")
    spikes, worth, wanted, mse = re.findall(r"-?\d+\.?\d*(?:e-\d+)?", printed(page))[:4]
    shown = page.locator(".live-sentence").inner_text().replace("\u2212", "-")
    assert ("no spike" if spikes == "0" else f"{spikes} spike") in shown
    for words, number in (("worth", worth), ("SiLU is", wanted), ("mean squared error", mse)):
        assert float(re.search(rf"{words} (-?\d+(?:\.\d+)?)", shown)[1]) == pytest.approx(float(number), rel=0.03), words
