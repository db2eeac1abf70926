"""The live slow neurons in a browser, from a folder: floats and integers are those of snncore."""

import numpy as np
import pytest
import torch

from book.live_pages import fits_a_phone, on_a_phone, printed
from snncore.loihi.compartment import AHPCompartments, compartment_rest, compartment_step
from snncore.loihi.fixed_point import OverflowWarning
from snncore.loihi.quantize import UNIT, in_force, registers
from snncore.neurons import AHPParams, ALIFParams, LIFParams, ahp_step, alif_step, lif_step, rest
from snncore.unroll import unroll

STEPS = 600
KINDS = {
    "AHP": (lambda m, s, j: AHPParams(m, s).with_jump(j), ahp_step),
    "ALIF": (lambda m, s, j: ALIFParams(m, s, beta=j), alif_step),
    "LIF": (lambda m, s, j: LIFParams(m, reset_to_zero=True), lif_step),
}
RUN = """([kind, tauM, tauSlow, jump, input]) => {
  const M = snnLive.memory, p = M.constants(kind, tauM, tauSlow, jump);
  const one = M.floats(input.map((a) => a * (1 - p.alpha)), p), whole = input.map((a) => snnLive.round(a * (1 - p.alpha) * M.UNIT));
  const c = kind === "ALIF" ? null : M.registers(p), q = c && M.inForce(c, kind), chip = c && M.chip(whole, c);
  const lists = (o) => o && Object.fromEntries(Object.entries(o).map(([key, a]) => [key, typeof a === "number" ? a : [...a]]));
  return { one: lists(one), whole, c, q, chip: lists(chip), twin: c && lists(M.floats(whole.map((a) => a / M.UNIT), q)) };
}"""


@pytest.fixture(scope="module")
def current():
    """An input that drifts, in currents that just reach the threshold."""
    return 2.5 + 0.05 * torch.randn(STEPS, generator=torch.Generator().manual_seed(0), dtype=torch.float64).cumsum(0)


@pytest.fixture(scope="module")
def page(browser, current, tmp_path_factory):
    document = {"current": current, "constants": {"tau_m": 20.0, "tau_ahp": 700.0, "jump": 0.24}}
    with on_a_phone(browser, tmp_path_factory.mktemp("memory"), "memory", document) as page:
        yield page


@torch.no_grad()
def states(current, p, step):
    """Spikes, potentials and slow variables after each step."""

    def do(now, state):
        z, state = step(now, state, p)
        slow = state.a if isinstance(p, AHPParams) else getattr(state, "b", torch.zeros_like(z))
        return torch.stack([z, state.v, slow]), state

    return unroll(do, current[:, None, None], rest(p, torch.zeros(1, 1, dtype=torch.float64)))[0][:, :, 0, 0].T


def agree(js, expected):
    z, v, slow = expected
    assert js["closest"] > 1e-9  # no spike hangs on the last digit
    assert js["z"] == z.tolist()
    assert js["v"] == pytest.approx(v.tolist(), abs=1e-9)
    assert js["slow"][1:] == pytest.approx(slow[:-1].tolist(), abs=1e-9)


@pytest.mark.parametrize("times", [(20, 700, 0.24), (5, 80, 0.9), (60, 1500, 0.1)])
@pytest.mark.parametrize("kind", KINDS)
def test_neurons_are_those_of_python(page, current, kind, times):
    make, step = KINDS[kind]
    p = make(*times)
    js = page.evaluate(RUN, [kind, *times, current.tolist()])
    agree(js["one"], states((1 - p.alpha) * current, p, step))
    assert sum(js["one"]["z"]) > 5
    if kind == "ALIF":
        return
    c = registers(p)
    assert (js["c"]["decayV"], js["c"]["threshold"], js["c"]["weightExp"]) == (c.decay_v, c.threshold, c.weight_exp)
    if isinstance(c, AHPCompartments):
        assert (js["c"]["decayAux"], js["c"]["auxWeight"], js["c"]["auxExp"]) == (c.decay_aux, c.aux_weight, c.aux_exp)
    whole = np.round(UNIT * (1 - p.alpha) * current.numpy()).astype(int)
    assert js["whole"] == whole.tolist()
    assert [js["chip"][name] for name in ("z", "v", "slow")] == on_chip(whole, c)
    agree(js["twin"], states(torch.from_numpy(whole / UNIT), in_force(c), step))


def on_chip(whole, c):
    """Spikes, potentials and AHP currents of snncore's compartment."""
    state, steps = compartment_rest(np.zeros((1, 1), int)), []
    for now in np.array(whole)[:, None, None]:
        z, state = compartment_step(now, state, c)
        steps.append((z[0, 0], state.v[0, 0], state.a[0, 0]))
    return np.array(steps).T.tolist()


def test_large_currents_wrap_around_and_potentials_are_clipped(page):
    whole = [140_000, -150_000, 131_071, 90_000, -131_072, -131_000] * 3
    with pytest.warns(OverflowWarning):
        expected = on_chip(whole, registers(LIFParams(20.0, reset_to_zero=True)))
    js = page.evaluate("w => { const M = snnLive.memory; return M.chip(w, M.registers(M.constants('LIF', 20, 1, 0))); }", whole)
    assert [js[name] for name in ("z", "v", "slow")] == expected


def test_the_page_by_keys_and_its_lines_of_python(page):
    sentence = page.locator(".live-sentence")
    first = sentence.inner_text()
    page.locator("svg[role='application']").focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert sentence.inner_text() != first
    page.evaluate("document.querySelector('.live-python').open = true")
    for same in (False, True):
        page.get_by_label("give the float neuron").set_checked(same)
        page.wait_for_function(f"document.querySelector('.live-python code').textContent.includes('in_force') === {str(same).lower()}")
        floats, chip, differs = printed(page).split()
        shown = sentence.inner_text().replace(",", "")
        assert f"AHP neuron: {floats} spikes" in shown
        assert f"{chip} spikes" in shown
        assert differs == "None" or f"at step {differs}" in shown
    page.locator("input[value='ALIF']").check(force=True)
    assert "the chip has no ALIF neurons" in sentence.inner_text()
    page.locator("input[value='AHP']").check(force=True)
    fits_a_phone(page)
