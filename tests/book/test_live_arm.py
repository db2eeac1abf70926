"""The live arm in a browser, from a folder and over HTTP: its lessons are those of snncore in double precision."""

import math
import re

import pytest
import torch

from book.browser import served
from book.live_pages import PHONE, fits_a_phone, opened, printed, written
from snncore.learning.ordinary import first_weights, in_force, single_steps
from snncore.tasks import arm
from snncore.tasks.arm import Movements
from snncore.trainings import arm as training
from snncore.trainings.arm import CODE, DT, STEPS

LESSON = """([flat, omega, kind, other, size]) => {
  const { arm, data, decode } = snnLive, c = data.arm.constants;
  const net = arm.network(c, data.arm_weights), tip = Float64Array.from(flat);
  const m = omega ? { tip, omega: Float64Array.from(omega) } : arm.follow(tip, c.dt);
  const l = arm.lesson(net, m, { kind, size, other: other && Float64Array.from(other) });
  const pairs = (z) => Array.from({ length: c.steps }, (_, t) => [...z.of.slice(z.from[t], z.from[t + 1])].map((j) => [t, j])).flat();
  return { omega: [...m.omega], before: pairs(l.before.z), lsg: l.lsg && pairs(l.lsg.z), after: pairs(l.after.z), signal: [...l.signal],
    y: [...l.after.y],
    errors: l.errors, explained: l.explained, closest: Math.min(l.before.closest, l.after.closest, l.lsg ? l.lsg.closest : 1) };
}"""


def circle(s):
    return 0.2 * (math.cos(2 * math.pi * s) - 1), 0.2 * math.sin(2 * math.pi * s)


def eight(s):
    return 0.25 * math.sin(2 * math.pi * s), 0.15 * math.sin(4 * math.pi * s)


@pytest.fixture(scope="module")
def family():
    """Held-out movements, and errors after one update."""
    net, (m,) = training.trained(0), training.held_out(32)
    return m, training.errors(net, [m])


@pytest.fixture(scope="module")
def folder(family, tmp_path_factory):
    net, (m, errors) = training.trained(0), family
    with torch.no_grad():
        one = training.lesson(net, m)
    activity = {name: getattr(one, name).z[:, 0].nonzero().to(torch.uint8) for name in ("before", "lsg", "after")}
    activity |= {"neurons": [0, 1, 2], "signals": one.learning_signal[:, 0, :3].T}
    movements = [
        {"name": f"movement {k}", "family": k, "tip": m.tip[:, k], "omega": m.omega[:, k], "after": net.output(one.after)[:, k].detach(),
         "errors": [float(errors.before[k]), float(errors.after[k])], "explained": 0.9}
        for k in range(2)
    ]  # fmt: skip
    movements[0]["activity"] = activity
    document = {
        "constants": training.constants(net) | {"dampening": net.lif.dampening},
        "before": net.output(one.before)[:, 0].detach(), "movements": movements, "seed": 0, "shown": 32,
        "sizes": {"e-prop": 0.004, "BPTT": 0.002}, "explained": {"low": 0.85},
    }  # fmt: skip
    return written(tmp_path_factory.mktemp("arm"), "arm", {"arm": document, "arm_weights": net.state_dict()}).parent


@pytest.fixture
def page(browser, folder):
    with opened(browser, (folder / "arm.html").as_uri()) as page:
        yield page


@pytest.fixture(scope="module")
def loaded(browser, folder):
    """A page with the networks, for its functions."""
    with opened(browser, (folder / "arm.html").as_uri()) as page:
        page.evaluate("snnLive.load('arm_weights').then(() => true)")
        yield page


@pytest.fixture
def doubles(monkeypatch):
    """The networks in double precision, and all that is computed with them."""
    net = training.trained(0).double()
    monkeypatch.setattr(training, "CLOCK", training.CLOCK.double())
    torch.set_default_dtype(torch.float64)
    return net


def pairs(z):
    return z.nonzero().tolist()


@pytest.mark.parametrize("name", ["circle", "eight", "letter S", "spiral", "drawn", "movement 0", "movement 1"])
def test_a_lesson_is_that_of_python(loaded, doubles, family, name):
    net, omega = doubles, None
    if name.startswith("movement"):
        k = int(name[-1])
        m = Movements(*(a[:, k : k + 1].double() for a in family[0]))
        tip, omega = m.tip[:, 0].flatten().tolist(), m.omega[:, 0].flatten().tolist()
    elif name == "drawn":
        tip = loaded.evaluate("points => [...snnLive.arm.drawn(points, 250)]", [[0.2, 0.1], [0.0, 0.4], [0.1, 0.5], [0.25, 0.3]])
        m = arm.follow(torch.tensor(tip).unflatten(0, (-1, 1, 2)), DT)
    else:
        tip = loaded.evaluate("name => [...snnLive.arm.shape(name, 250)]", name)
        m = arm.drawn(STEPS, DT)[name]
        assert torch.tensor(tip) == pytest.approx(m.tip.flatten(), abs=1e-14)
    with torch.no_grad():
        one = net(training.CLOCK, CODE.spikes(m.tip, DT))
    js = loaded.evaluate(LESSON, [tip, omega, "learned", None, None])
    assert js["closest"] > 1e-9  # no spike hangs on the order of a sum
    assert [js[name] for name in ("before", "lsg", "after")] == [pairs(trial.z[:, 0]) for trial in (one.before, one.lsg, one.after)]
    assert len(js["after"]) > 500
    assert js["omega"] == pytest.approx(m.omega.flatten().tolist(), abs=1e-9)
    assert js["signal"] == pytest.approx(one.learning_signal.flatten().tolist(), abs=1e-9)
    assert js["y"] == pytest.approx(net.output(one.after).flatten().tolist(), abs=1e-9)
    errors = [training.position_error(net.output(trial), m) for trial in (one.before, one.after)]
    assert js["errors"] == pytest.approx([float(e) for e in errors], rel=1e-9)
    assert js["explained"] == pytest.approx(float(arm.explained(errors[1], m)), abs=1e-9)


@pytest.mark.parametrize("kind", ["other", "e-prop", "BPTT"])
def test_the_other_updates_are_those_of_python(loaded, doubles, kind):
    net, size = doubles, 0.004
    paths = arm.drawn(STEPS, DT)
    m, other = paths["circle"], paths["eight"]
    before = net.trial(training.CLOCK)
    if kind == "other":
        weights = net.updated(training.CLOCK, before, net.output(net.signals(training.CLOCK, CODE.spikes(other.tip, DT), before)))
    else:
        start = first_weights(net.learner.weights(), 1)
        gradient, _ = training.own_gradient(net, start, m, kind == "BPTT")
        weights = in_force(net.learner, next(single_steps(start, gradient, (size,))))
    after = net.trial(training.CLOCK, weights)
    js = loaded.evaluate(LESSON, [*(p.flatten().tolist() for p in m), kind, other.tip.flatten().tolist(), size])
    assert js["closest"] > 1e-9
    assert js["after"] == pairs(after.z[:, 0])
    assert js["y"] == pytest.approx(net.output(after).flatten().tolist(), abs=1e-9)


@pytest.mark.parametrize("shift", [(0.6, 0.3), (-0.2, -1.1), (-0.9, -0.9)])
def test_a_path_out_of_reach_ends_where_python_refuses_it(loaded, doubles, shift):
    points = [[0, 0], [shift[0] / 2, shift[1] / 2], list(shift)]
    tip = loaded.evaluate("points => [...snnLive.arm.drawn(points, 250)]", points)
    fault = loaded.evaluate("tip => snnLive.arm.follow(Float64Array.from(tip), 2).fault", tip)
    path = torch.tensor(tip).unflatten(0, (-1, 1, 2))
    with pytest.raises(ValueError, match=f"step {fault['step']} of path 0"):
        arm.follow(path[: fault["step"] + 1], DT)
    arm.follow(path[: fault["step"]], DT)


def draw(page, curve, way, size=1.0):
    """Draws a curve from the start on, by mouse or by keys; returns the errors before and after one update."""
    pad = page.locator(".live-pad > svg")
    page.evaluate("document.querySelector('.live-sentence').textContent = ''")
    if way == "mouse":
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        scale = box["width"] / 1.62
        places = [
            (box["x"] + (1.06 + size * x) * scale, box["y"] + (0.56 - size * y) * scale) for x, y in (curve(k / 30) for k in range(31))
        ]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()
    else:
        pad.focus()
        page.keyboard.press("Enter")
        pen = [0, 0]
        for k in range(1, 201):  # the pen goes on as soon as it is half a step off
            for c, keys in enumerate((("ArrowRight", "ArrowLeft"), ("ArrowUp", "ArrowDown"))):
                off = size * curve(k / 200)[c] / 0.05 - pen[c]
                if abs(off) > 0.5:
                    page.keyboard.press(keys[off < 0])
                    pen[c] += 1 if off > 0 else -1
        page.keyboard.press("Enter")
    page.wait_for_function("/^Error.*Computed/.test(document.querySelector('.live-sentence').textContent)")
    page.evaluate("document.querySelector('.live-rows').open = true")
    page.wait_for_selector(".live-numbers tbody tr")
    return [float(text) for text in page.locator(".live-numbers tbody tr").first.locator("td").all_inner_texts()]


@pytest.mark.parametrize("way", ["mouse", "keys"])
@pytest.mark.parametrize("curve", [circle, eight])
def test_what_a_reader_draws_is_learned_as_well_as_half_of_the_family(page, family, curve, way):
    """Half of five drawings of different sizes: one is a matter of luck, as in the family."""
    before, after = zip(*(draw(page, curve, way, size) for size in (0.7, 0.8, 0.9, 1.0, 1.1)), strict=True)
    assert sorted(after)[2] < float(family[1].after.median())
    assert min(before) > 0.05


def test_the_lines_of_python_give_what_is_shown(page, monkeypatch):
    for kind in ("learned", "other", "BPTT"):
        page.locator(f"input[value='{kind}']").check(force=True)
        shown = draw(page, circle, "mouse")
        monkeypatch.setattr(training, "CLOCK", training.CLOCK.float())
        said = printed(page)
        torch.set_default_dtype(torch.float32)
        assert [float(x) for x in said.split()] == pytest.approx(shown, rel=1e-3)
        page.reload()
        page.wait_for_selector(".live-on")


def test_signals_of_another_movement_are_never_its_own(page):
    sentence, errors = page.locator(".live-sentence"), {}
    for kind in ("learned", "other", "learned", "other"):
        page.evaluate("document.querySelector('.live-sentence').textContent = ''")
        page.locator(f"input[value='{kind}']").check(force=True) if errors else page.get_by_role("button", name="movement 0").click()
        page.wait_for_function("/Computed/.test(document.querySelector('.live-sentence').textContent)")
        assert ("signals of another movement" in sentence.inner_text()) == (kind == "other")
        errors.setdefault(kind, set()).add(re.search(r"before, (\S+) after", sentence.inner_text())[1])
    assert len(errors["learned"]) == len(errors["other"]) == len(set.union(*errors.values())) - 1 == 1


@pytest.mark.parametrize("over", ["file", "http"])
def test_the_first_frame_is_that_of_the_run_and_the_networks_come_at_the_first_touch(browser, folder, family, over):
    with served(folder) as http, opened(browser, f"{folder.as_uri() if over == 'file' else http}/arm.html", viewport=PHONE) as page:
        assert not page.locator("img").is_visible()
        assert page.locator("figcaption").is_visible()
        assert page.evaluate("Object.keys(snnLive.data)") == ["arm"]
        places = re.findall(r"[ML]([\d.]+) ([\d.]+)", page.locator(".live-pad path.live-shown").first.get_attribute("d"))
        width = float(page.locator(".live-pad > svg").get_attribute("width"))
        tip = family[0].tip[:, 0]
        expected = torch.stack([tip[:, 0] + 0.56, 1.06 - tip[:, 1]], 1) * width / 1.62
        assert torch.tensor([[float(x), float(y)] for x, y in places]) == pytest.approx(expected, abs=0.01)
        page.get_by_role("button", name="movement 1").focus()
        page.wait_for_function("snnLive.data.arm_weights !== undefined")
        page.keyboard.press("Enter")
        page.wait_for_function("/Computed/.test(document.querySelector('.live-sentence').textContent)")
        fits_a_phone(page)


def test_without_data_scripts_or_networks_the_figure_of_the_run_stays(browser, folder, tmp_path):
    data = folder / "_static" / "live" / "arm.data.js"
    for content in (None, "broken(", data.read_text().replace('"dtype":"float32","shape":[250,2]', '"dtype":"float32","shape":[25,2]')):
        copy = written(tmp_path, "arm", {})
        if content is not None:
            copy.with_name("_static").joinpath("live", "arm.data.js").write_text(content)
        with opened(browser, copy.as_uri()) as page:
            assert page.locator("img").is_visible()
            assert page.locator(".live-panel, .live-tools").count() == 0
            assert ("missing" if content is None else "damaged") in page.locator(".live-excuse").inner_text()
            page.errors.clear()  # of the broken script
    with browser.new_context(java_script_enabled=False) as context:
        shown = context.new_page()
        shown.goto((folder / "arm.html").as_uri())
        assert shown.locator("img").is_visible()
    copy.with_name("_static").joinpath("live", "arm.data.js").write_text(data.read_text())  # but no networks
    with opened(browser, copy.as_uri()) as page:
        page.get_by_role("button", name="movement 1").click()
        page.wait_for_function("/arm_weights.data.js is missing/.test(document.querySelector('.live-sentence').textContent)")
        page.emulate_media(media="print")
        assert page.locator("img").is_visible()
        assert not page.locator(".live-panel").is_visible()
