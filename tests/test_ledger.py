from dataclasses import replace
from functools import partial

import pytest

import recorded as results
from quotes import published_text
from snncore import ledger
from snncore.datafiles import RESULTS, package_file
from snncore.statistics import interval, text

BASE = ledger.Claim("a.b", "few_spike", "slide 1", "q", "reproduced", "talk", "s", published=2.0, tolerance=0.1, target_since=10 * "0")
CITED = ledger.Claim("a.c", "few_spike", "slide 1", "q", "cited", "talk", "s", published=2.0)
of, cited = partial(replace, BASE), partial(replace, CITED, value_source="log")
NONE = {"published": None, "tolerance": None}
AIM = of(**NONE, source_class="ours", target=1.5, better="lower")


@pytest.mark.parametrize("row", [  # a claim; ours, and bound, low and high if they are given; the verdict
    (BASE, None, "not-run"), (BASE, 2.2, "agrees"), (BASE, 1.8, "agrees"), (BASE, 2.21, "differs"),
    (of(better="higher"), 2.21, "better"), (of(better="higher"), 1.79, "differs"), (of(better="lower"), 1.79, "better"),
    (of(**NONE, target=1.5, better="lower"), 1.5, "meets"), (of(**NONE, target=1.5, better="lower"), 1.51, "differs"),
    (of(tolerance=None, target=1.5, better="lower"), 1.4, "better"),
    (of(tolerance=None, target=2.5, better="lower"), 2.4, "differs"),  # our aim is met, the published number is not
    (of(tolerance=0.3, target=2.5, better="lower"), 2.4, "agrees"), (of(tolerance=0.3, target=2.5, better="lower"), 2.55, "differs"),
    (of(published="wolf", tolerance=None), "wolf", "agrees"), (of(published="wolf", tolerance=None), "cat", "differs"),
    (of(published="few", tolerance=None, target=1.5, better="lower"), 1.4, "agrees"),
    (of(published="few", tolerance=None, target=1.5, better="lower"), 1.6, "differs"),
    (of(**NONE, source_class="ours"), 1.5, "reported"), (of(source_class="ours"), 2.0, "meets"),
    (of(inconsistent="twice"), 2.0, "inconsistent"),
    (of(definition="by construction"), 2.0, "definition"), (of(definition="by construction"), 3.0, "differs"),
    (of(unsettled="one training"), 2.0, "not-settled"), (of(unsettled="one training"), None, "not-run"),
    (CITED, None, "not-run"), (cited(value=2.14, bound="<"), None, "inconsistent"),
    (cited(value=1.46, bound="<"), None, "agrees"), (cited(value=1.46, bound=">"), None, "inconsistent"),
    (cited(value=2.01, tolerance=0.01), None, "agrees"), (cited(value=2.1, tolerance=0.01), None, "differs"),
    (cited(value=2.1), None, "not-run"),
    (of(published="fast", tolerance=None, target=1, better="higher"), 300, ">", "agrees"),
    (of(published="fast", tolerance=None, target=400, better="higher"), 300, ">", "not-settled"),
    (of(published="fast", tolerance=None, target=1, better="lower"), 300, ">", "differs"),
    (of(**NONE, target=1.5, better="lower"), 1.0, "<", "meets"), (of(**NONE, target=1.5, better="higher"), 1.0, "<", "differs"),
    (BASE, 3.0, ">", "differs"), (BASE, 1.0, ">", "not-settled"), (of(**NONE, source_class="ours"), 3.0, ">", "reported"),
    (of(better="higher"), 2.0, ">", "agrees"), (of(better="higher"), 3.0, ">", "better"),
    (AIM, 1.4, None, 1.3, 1.45, "meets"), (AIM, 1.4, None, 1.3, 1.5, "meets"),  # the bound belongs to it
    (AIM, 1.4, None, 1.3, 1.6, "not-settled"), (AIM, 1.6, None, 1.4, 1.7, "not-settled"), (AIM, 1.6, None, 1.55, 1.7, "differs"),
    (BASE, 2.1, None, 2.05, 2.15, "agrees"), (BASE, 2.1, None, 1.7, 2.15, "not-settled"), (BASE, 1.0, None, 0.9, 1.2, "differs"),
    (BASE, 1.5, None, 1.0, 3.0, "not-settled"),  # neither end agrees, but what was published lies between
    (of(better="higher"), 2.1, None, 2.05, 2.5, "agrees"), (of(**NONE, source_class="ours"), 1.0, None, 0.5, 1.5, "reported"),
])  # fmt: skip
def test_verdicts(row):
    claim, *given, verdict = row
    assert ledger.status(claim, *given) == verdict


def test_an_unknown_verdict_is_refused(tmp_path):
    (tmp_path / "ledger.json").write_text('[{"id": "a.b", "status": "splendid"}]')
    with pytest.raises(ValueError, match=r"a\.b has the verdict 'splendid': there are agrees, "):
        results.read_ledger(tmp_path)


@pytest.mark.parametrize(("change", "words"), [
    ({"kind": "guessed"}, "kind is 'guessed': choose one of reproduced, emulated, cited"),
    ({"published": None, "tolerance": None}, "published is None: a claim that is cited or of others"),
    ({"published": float("nan")}, "published is nan"), ({"target": 1.0}, "better"), ({"published": "words"}, "tolerance"),
    ({"tolerance": None}, "tolerance or a target"), ({"value": 1.0, "value_source": "x"}, "belongs to a cited claim"),
    ({"target": 1.0, "better": "lower", "target_since": ""}, r"claim 'a\.b': target_since is '': name the commit"),
])  # fmt: skip
def test_bad_claims_are_refused_with_their_field(change, words):
    with pytest.raises(ValueError, match=words):
        replace(BASE, **change)


def test_merge_prefers_live_rows_and_refuses_strays():
    claims = {"a.b": BASE, "a.c": CITED}
    recorded, live = {"a.b": {"ours": 2.5, "preset": "paper"}}, {"a.b": {"ours": 2.0, "preset": "book", "n": 3}}
    first, second = ledger.merge(claims, recorded, live)
    assert (first["ours"], first["live"], first["status"], first["n"]) == (2.0, True, "agrees", 3)
    assert (second["ours"], second["live"], second["status"]) == (None, False, "not-run")
    (old, _) = ledger.merge(claims, recorded, {})
    assert (old["ours"], old["live"], old["status"]) == (2.5, False, "differs")
    with pytest.raises(ValueError, match=r"this run has a number for 'x\.y', which is no claim"):
        ledger.merge(claims, {}, {"x.y": {"ours": 1.0}})
    with pytest.raises(ValueError, match="a claim of kind cited"):
        ledger.merge(claims, {}, {"a.c": {"ours": 1.0}})


def test_recorded_rows_grow_but_never_shrink():
    smoke, book, paper = ({"a": {"ours": i, "preset": p}} for i, p in enumerate(("smoke", "book", "paper")))
    for before, new, kept in (({}, smoke, {}), ({}, book, book), (paper, book, paper), (book, paper, paper)):
        assert results.keep_larger(before, new) == kept
    assert results.keep_larger(book, {"a": {"ours": 9, "preset": "book"}})["a"]["ours"] == 9


def test_numbers_as_the_book_prints_them():
    shown = {3.445e-3: "0.003445", 5.5e-4: "0.00055", 1e-4: "0.0001", 9.5e-5: "9.5e-5", 106: "106", 259366992: "259,366,992"}
    shown |= {123456.7: "123,457", 83.57: "83.57", 9999.4: "9999", 9999.7: "10,000", 0.0: "0", -2.5: "-2.5", 1e-9: "1e-9"}
    assert {a: text(a) for a in shown} == shown
    assert [text(4.36, "x"), text(1, "answers"), text(1, "ms"), text(1, "%")] == ["4.36×", "1 answer", "1 ms", "1 %"]
    assert [text(83.57, "%"), text(None), text("wolves")] == ["83.57 %", "–", "wolves"]


def test_published_numbers_stand_as_their_source_prints_them():
    shown = {"resnet50.snn": "75.10 %", "resnet50.spikes": "14.045 M spikes", "b7.snn": "83.57 %", "b7.neurons": "259,366,992 neurons"}
    claims = ledger.package_claims()
    assert {name: published_text(claims[f"img.{name}"]) for name in shown} == shown
    assert published_text(claims["relnet.edp_ratio.2"]) == "12.10×"


def test_what_got_worse_is_named_with_both_numbers_and_machines():
    claims = {"a.b": BASE, "speed.a": replace(BASE, id="speed.a", chapter="speed")}
    recorded = {id: {"ours": 2.0, "machine": "an old one"} for id in claims}
    committed = {entry["id"]: entry for entry in ledger.merge(claims, recorded, {})}
    entries = ledger.merge(claims, recorded, {id: {"ours": 2.5, "machine": "a new one"} for id in claims})
    (one,) = results.worsened(claims, committed, entries)
    assert str(one) == "a.b (q): 2.5 here, 2 recorded; published is 2 ± 10.00%. Here: a new one. Recorded: an old one."
    entries = ledger.merge(claims, recorded, {"a.b": {"ours": 1.0, "bound": ">", "machine": "m"}})
    assert [w.status for w in results.worsened(claims, committed, entries)] == ["not-settled"]
    assert results.worsened(claims, committed, ledger.merge(claims, recorded, {})) == []


def test_intervals_as_the_book_prints_them():
    shown = {
        (-0.9991, 0.6533): "-1.0 to 0.7", (-0.07596, 0.1804): "-0.08 to 0.18", (99.396, 99.66): "99.40 to 99.66",
        (1.44962, 1.45041): "1.450 to 1.450", (-0.001, 0.5): "0.00 to 0.50", (184.0, 363.4): "184 to 363",
        (61_234.0, 65_000.0): "61,234 to 65,000", (1.25e-3, 2.52e-3): "0.0013 to 0.0025", (1.25e-5, 2.5e-5): "1.25e-5 to 2.5e-5",
        (0.5, 0.5): "0.5 to 0.5",
    }  # fmt: skip
    assert {ends: interval(*ends) for ends in shown} == {ends: words.replace(" ", "\u00a0") for ends, words in shown.items()}
    assert interval(None, None) == "–"


def test_the_ledger_of_the_talk():
    slides, claims = ledger.read_claims(package_file("claims.toml"))
    assert [s.n for s in slides] == list(range(1, 30))
    assert {f"slide {n}" for n in range(2, 30)} <= {c.where for c in claims.values()}  # every slide has a claim
    expected = {"talk.spikes_per_neuron", "relnet.energy_words", "talk.summary.relnets"}
    assert {c.id for c in claims.values() if ledger.status(c, None) == "inconsistent"} == expected


def test_committed_ledger_is_the_merge_of_claims_and_recorded_rows():
    rows = results.read_recorded(RESULTS)
    assert list(results.read_ledger(RESULTS).values()) == ledger.merge(ledger.package_claims(), rows, {})
    assert all(row["preset"] in ("book", "paper") and not row["commit"].endswith("+") for row in rows.values())
