"""The live chips in a browser, from a folder: cores, messages and energies are those of snncore."""

import re

import numpy as np
import pytest

from book.live_pages import fits_a_phone, on_a_phone, printed
from snncore.loihi.board_energy import events
from snncore.loihi.energy import HOPS, all_active, energy
from snncore.loihi.relational import TABLE, layout
from snncore.loihi.spec import CORES
from snncore.networks.relational import SIZES
from snncore.tasks.stories import SENTENCES, VOCABULARY

FORMS = {
    "davies2018": lambda e: energy(e, without=HOPS),
    "active": lambda e: energy(all_active(e), without=HOPS),
    "sanafe": lambda e: energy(e, "sanafe", HOPS),
}
ENDS = {"core_dynamic": 2.0, "static_power": 190.0, "x86_power": 400.0, "time": 9.0}


@pytest.fixture(scope="module")
def page(browser, published, tmp_path_factory):
    plan, placement = published
    lengths = range(1, SENTENCES + 1)
    core, needs = np.array([(core, plan.needs[name]) for name, of in placement.cores.items() for core in of]).T
    counts = [[events(placement, plan.used(n), rate) for n in lengths] for rate in (0, 1)]
    document = {"chip": (core // CORES).astype(np.uint8), "core": (core % CORES).astype(np.uint8), "needs": needs.astype(np.uint8)}
    document |= {"module": np.zeros(len(core), np.uint8), "modules": ["all"], "messages": {}}
    for key, network in (("with", plan.network), ("without", layout(SIZES["paper"], len(VOCABULARY), relays=False).network)):
        names = {n: {*plan.used(n), *network.inputs} for n in (6, 20)}
        counted = {n: placement.message_table([p for p in network.projections if {p.pre, p.post} <= of]).sum() for n, of in names.items()}
        document["messages"][key] = [counted.get(n, -1.0) for n in lengths]
    document["energy"] = {name: [[form(e) for e in of] for of in counts] for name, form in FORMS.items()}
    document |= {"lengths": list(TABLE), "ratios": [16.49, 11.92, 7.78, 5.32, 4.36], "rates": [0.01, 0.1], "gpu": 100.0, "measured": 7.5}
    document["ends"] = {n: [ENDS, ENDS | {"time": 10.0 + n}] for n in TABLE}
    with on_a_phone(browser, tmp_path_factory.mktemp("chips"), "chips", document) as page:
        yield page


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 7, 20])
def test_energies_of_events_are_those_of_python(page, published, n, form):
    """Counts are linear in the rate, so that two of them give all."""
    plan, placement = published
    js = page.evaluate("([n, form]) => snnLive.chips.eventEnergy(snnLive.data.chips, n, 0.037, form)", [n, form])
    assert js == pytest.approx(FORMS[form](events(placement, plan.used(n), 0.037)) / 1000, rel=1e-9)


def test_both_ends_are_what_the_terms_say(page):
    low, high = page.evaluate("""() => {
      const d = { ...snnLive.data.chips, needs: snnLive.decode(snnLive.data.chips.needs), chip: [], module: [] };
      return snnLive.chips.ends(d, 2, 0.05, "sanafe");
    }""")
    assert low == pytest.approx(2 + 590 * 9 / 1000)
    assert high == pytest.approx(2 + 590 * 12 / 1000)


def test_cores_and_chips_are_those_of_the_placement_and_the_lines_of_python_agree(page, published):
    plan, placement = published
    slider = page.get_by_label("Sentences of the story")
    for n, relays in ((20, True), (6, False), (6, True)):
        slider.fill(str(n))
        page.get_by_label("relays").set_checked(relays)
        said = page.locator(".live-sentence").inner_text()
        cores, chips = placement.used(plan.used(n))
        assert f"{n} sentences: {cores:,} cores on {len(chips)} chips." in said
        counted = printed(page).split()
        assert [int(x) for x in counted[:2]] == [cores, len(chips)]
        assert f"{round(float(counted[2])):,} messages" in said
        assert float(re.search(r"need ([\d.]+) mJ", said)[1]) == pytest.approx(float(counted[3]), rel=0.05)
    fits_a_phone(page)
