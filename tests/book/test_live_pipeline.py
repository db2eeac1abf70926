"""The live pipeline in a browser, from a folder: emissions, rhythms and memories are those of snncore."""

import pytest

from book.live_pages import fits_a_phone, on_a_phone, printed
from snncore.few_spike.schedule import chain, pipeline, rhythm, rhythms, with_memories

BLOCKS = [[], [0], [1], [2], [1, 3], [1, 4], [1, 4, 5], [6], [6, 7], [6]]  # the last two layers are the answer
NEURONS = [3, 9, 4, 4, 7, 5, 2, 8, 1, 6]
RHYTHMS = """([senders, K]) => {
  const P = snnLive.pipeline, held = P.withMemories(senders);
  const periods = [senders, held.senders].flatMap((of) => [false, true].map((two) => P.rhythm(of, K, two).period));
  return [periods, held, P.rhythm(senders, K, false).first];
}"""
GRAPHS = {"chain": chain(6), "shortcut": [[], [0], [1], [1, 2], [3]], "blocks": BLOCKS}


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    document = {"layers": 4, "K": 4, "networks": {"blocks": {"senders": BLOCKS, "neurons": NEURONS}}}
    with on_a_phone(browser, tmp_path_factory.mktemp("pipeline"), "pipeline", document) as page:
        yield page


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("name", GRAPHS)
def test_every_emission_is_that_of_python(page, name, two):
    senders = GRAPHS[name]
    js = page.evaluate("([senders, two]) => snnLive.pipeline.pipeline(senders, 3, 5, two)", [senders, two])
    expected = pipeline([3] * len(senders), 5, two, senders)
    assert [(e["layer"], e["image"], e["start"], e["end"]) for e in js] == [tuple(e) for e in expected]


@pytest.mark.parametrize("name", GRAPHS)
def test_rhythms_and_memories_are_those_of_python(page, name):
    senders, K = GRAPHS[name], 4
    js = page.evaluate(RHYTHMS, [senders, K])
    assert js[0] == list(rhythms([K] * len(senders), senders).values())
    held = with_memories([K] * len(senders), senders)
    assert js[1] == {"senders": held.senders, "origin": held.origin}
    assert js[2] == rhythm([K] * len(senders), False, senders)[0]


def test_the_first_picture_is_that_of_the_figure_and_says_what_the_talk_says(page):
    assert page.locator(".live-bar rect").count() == 5 * 4
    assert "every 8 steps: 2\u00a0K, as the talk says" in page.locator(".live-sentence").inner_text()


def test_a_network_with_memories_and_its_lines_of_python(page):
    page.get_by_label("Network").select_option("blocks")
    page.get_by_label("memories in the shortcuts").check()
    said = page.locator(".live-sentence").inner_text()
    first, period = printed(page).split()
    assert f"every {period} steps" in said
    assert f"after {first} steps" in said
    held = with_memories([1] * len(BLOCKS), BLOCKS)
    share = (sum(NEURONS[layer] for layer in held.origin) - sum(NEURONS)) / sum(NEURONS[1:])
    assert f"hold {share:.2g} numbers" in said
    fits_a_phone(page)
