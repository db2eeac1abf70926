from functools import partial

import pandas as pd
import pytest
import torch
from torch import nn

from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import stepwise
from snncore.few_spike.rate_code import rate_coded, simulate
from snncore.few_spike.rate_curves import COLUMNS, close_table, curves_of, difference_of_spikes, first_close


def convolutional():
    layers = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ann = nn.Sequential(*layers, nn.Linear(6, 4)).double().eval()
    x = torch.randn(160, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        ann[-1].bias -= ann(x).mean(0)  # so that it gives various answers
        first, second = ann(x).topk(2).values.T
    return ann, x[(first - second).argsort()[-40:]]  # of which it is sure


def test_rate_coding_is_judged_where_it_comes_close_to_the_original():
    ann, x = convolutional()
    labels = ann(x).argmax(1)  # so the original is right about all
    few = convert(ann, x[:1], x, K=6).network
    curves = curves_of(few, {"rate": partial(simulate, rate_coded(ann, x), steps=40)}, x, labels, 100.0, "tests")
    close = first_close(curves)
    run = simulate(rate_coded(ann, x), x, 40)
    right = (run.outputs.argmax(-1) == labels).double().mean(1)
    needed = next(t for t in range(40) if right[t] >= 0.995)
    assert 0 < needed < 39
    assert close["enough"]["rate"]
    assert close["steps"].to_dict() == {"few_spikes": 6, "rate": needed + 1}
    assert close["additions"]["rate"] == pytest.approx(float(run.accumulates[: needed + 1].sum()) / 40)
    _, traffic = stepwise(few, x)
    additions, graded = (sum(getattr(t, key) for t in traffic) / 40 for key in ("spikes", "graded"))
    assert close["additions"]["few_spikes"] == pytest.approx(additions)
    assert close["energy"]["few_spikes"] == pytest.approx((4.6 * graded + 0.9 * additions) / 1e6)
    assert list(curves) == COLUMNS
    assert curves[curves["code"] == "rate"]["accuracy"].to_numpy() == pytest.approx(100 * right.numpy())
    table = close_table(curves).set_index("code")
    assert table["steps"].to_dict() == {"few spikes": 6, "rate code, ours": needed + 1}
    ratio = close["energy"]["rate"] / close["energy"]["few_spikes"]
    assert table["× few spikes"].to_dict() == {"few spikes": "1.00", "rate code, ours": f"{ratio:.2f}"}


def test_rate_coding_that_is_never_close_says_so():
    ann, x = convolutional()
    few = convert(ann, x[:1], x, K=8).network
    curves = curves_of(few, {"rate": partial(simulate, rate_coded(ann, x), steps=1)}, x, ann(x).argmax(1), 100.0, "tests")
    assert not first_close(curves)["enough"]["rate"]
    assert close_table(curves)["steps"].tolist() == [8, "never within 1"]
    assert difference_of_spikes(curves) is None


def test_curves_say_whether_spikingjelly_sends_the_same_and_how_many_are_right_at_equal_pace():
    rows = [
        ("few_spikes", 6, 90.0, 1.0),
        *((code, t, 80.0 + 5 * t, n) for code in ("rate", "spikingjelly_robust") for t, n in ((1, 0.5), (2, 1.1))),
    ]
    curves = pd.DataFrame(rows, columns=["code", "steps", "accuracy", "spikes"])
    curves = curves.assign(additions=2e6, energy=3.0, original=90.2, about="tests", **{"multiply-accumulates": 0.0})[COLUMNS]
    curves.loc[4, "spikes"] = 1.2
    assert difference_of_spikes(curves) == pytest.approx(100 * (1.2 / 1.1 - 1))
    assert close_table(curves)["steps"].tolist() == [6, 2, 2]
