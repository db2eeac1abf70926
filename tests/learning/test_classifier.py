import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from snncore.learning.classifier import Muon, Optimizers, Recipe, TrainingDiverged, accuracy, cross_entropy, distilled, train
from snncore.learning.resumable import identity, read_state, write_state
from snncore.seeds import seeded_draws

RECIPE = Recipe(epochs=4, batch=16, bfloat16=False)


def problem(n=320):
    x = torch.randn(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    return x, (x.mean((1, 2, 3)) > 0).long() + 2 * (x[:, :, :2].mean((1, 2, 3)) > 0).long()


def network():
    with seeded_draws(0, "test"):
        return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 4))


def shifted(x, generator):
    return x + 0.1 * torch.randn(x.shape, generator=generator)


def killed(at):
    """As `shifted`, until the batch of that number, from 1, kills the training."""
    batches = itertools.count(1)

    def augment(x, generator):
        if next(batches) == at:
            raise KeyboardInterrupt
        return shifted(x, generator)

    return augment


def wandering(n):
    """After each step, weights move by chance, as far as the rate allows."""

    def step(part, generator):
        with torch.no_grad():
            n[0].weight += 0.01 * part * torch.randn(n[0].weight.shape, generator=generator)

    return step


def weights(n):
    return torch.cat([p.flatten() for p in n.state_dict().values()])


def test_it_learns(tmp_path):
    x, y = problem()
    n = network()
    log = train(n, x, y, (x, y), dataclasses.replace(RECIPE, epochs=10), 0, tmp_path / "state", progress=False)
    assert accuracy(n, x, y) > 0.9 > accuracy(network(), x, y) + 0.3
    assert [row["epoch"] for row in log] == list(range(1, 11))


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_killed_training_goes_on_as_if_nothing_had_happened(tmp_path, average):
    x, y = problem()
    whole, parts = network(), network()
    more = {"progress": False, "average": average}
    train(whole, x, y, (x, y), RECIPE, 0, tmp_path / "whole", shifted, after_step=wandering(whole), **more)
    with pytest.raises(KeyboardInterrupt):  # within the third of 20 steps each
        train(parts, x, y, (x, y), RECIPE, 0, tmp_path / "parts", killed(50), after_step=wandering(parts), **more)
    again = network()
    log = train(again, x, y, (x, y), RECIPE, 0, tmp_path / "parts", shifted, after_step=wandering(again), **more)
    assert len(log) == 4
    assert torch.equal(weights(again), weights(whole))
    still = network()
    train(still, x, y, (x, y), RECIPE, 0, tmp_path / "still", shifted, progress=False)
    assert not torch.equal(weights(still), weights(whole))
    assert not torch.equal(weights(again), weights(network()))


@pytest.mark.parametrize("kill_at", [None, 81, 90])
def test_a_cycle_begins_anew_from_the_weights_of_the_one_before(tmp_path, kill_at):
    """Two cycles of 80 steps, killed where the second begins or within it or not at all, against two trainings of one cycle.

    The second of these goes on, with fresh momenta, as a training of 8 epochs of which 4 are done.
    """
    x, y = problem()
    one, two = network(), network()
    first, both = RECIPE, dataclasses.replace(RECIPE, epochs=8, cycles=2)
    train(one, x, y, (x, y), first, 0, tmp_path / "first", shifted, progress=False)

    class Second(Recipe):
        def cycle(self, done):
            return first.cycle(2 * done - 1) / 2

    later = Second(**dataclasses.asdict(both) | {"cycles": 1})
    fresh = [optimizer.state_dict() for optimizer in Optimizers(one, later).all]
    write_state(tmp_path / "second", identity(later, 0, one), network=one.state_dict(), optimizers=fresh, log=[{}] * 4, limit=0.0)
    train(one, x, y, (x, y), later, 0, tmp_path / "second", shifted, progress=False)
    if kill_at is not None:
        with pytest.raises(KeyboardInterrupt):
            train(two, x, y, (x, y), both, 0, tmp_path / "both", killed(kill_at), progress=False)
        two = network()
    log = train(two, x, y, (x, y), both, 0, tmp_path / "both", shifted, progress=False)
    assert torch.equal(weights(one), weights(two))
    assert [row["epoch"] for row in log] == list(range(1, 9))
    halves = [first.cycle(0) / 2, first.cycle(0.5) / 2, 0]
    assert [both.cycle(done) for done in (0, 0.25, 0.5, 0.75, 1)] == [first.cycle(0), first.cycle(0.5), *halves]
    with pytest.raises(ValueError, match="epochs is 4, no multiple of cycles, 3"):
        dataclasses.replace(RECIPE, cycles=3)


def test_weights_can_be_means_over_steps(tmp_path):
    x, y = problem()
    n, plain, seen = network(), network(), []

    def learned(net):
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    more = {"progress": False, "after_step": lambda *_: seen.append(learned(n)), "average": 0.9}
    log = train(n, x, y, (x, y), RECIPE, 0, tmp_path / "mean", **more)
    mean = seen[0]
    for w in seen[1:]:
        mean = 0.9 * mean + 0.1 * w
    assert torch.allclose(learned(n), mean, atol=1e-6)
    assert log[-1]["held_out"] == round(accuracy(n, x, y), 4)
    train(plain, x, y, (x, y), RECIPE, 0, tmp_path / "plain", progress=False)
    assert torch.equal(learned(plain), seen[-1])  # the training itself is the same
    assert not torch.allclose(learned(plain), mean, atol=1e-4)
    for average in (0.0, 0.8):
        with pytest.raises(ValueError, match="belongs to another recipe, seed or network"):
            train(network(), x, y, (x, y), RECIPE, 0, tmp_path / "mean", progress=False, average=average)
    for average in (1.0, -0.1):
        with pytest.raises(ValueError, match=f"average is {average}: it is a part of the past"):
            train(network(), x, y, (x, y), RECIPE, 0, tmp_path / "none", progress=False, average=average)


def test_a_file_that_is_no_state_is_refused(tmp_path):
    path = tmp_path / "state"
    assert read_state(path, {"seed": 0}) is None
    write_state(path, {"seed": 0}, log=[1])
    assert read_state(path, {"seed": 0}) == {"identity": {"seed": 0}, "log": [1]}
    whole = path.read_bytes()
    torch.save([1, 2], path)
    for content in (path.read_bytes(), whole[:-100], whole[:50], b"words", b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="state is no state of a training, or damaged: remove it to begin anew"):
            read_state(path, {"seed": 0})


def test_a_training_that_diverges_stops_and_keeps_the_last_good_state(tmp_path):
    x, y = problem()
    state = tmp_path / "state"
    train(network(), x, y, (x, y), dataclasses.replace(RECIPE, epochs=1), 0, state, progress=False)
    kept = torch.load(state, weights_only=True)
    kept["identity"]["recipe"]["epochs"] = 4
    torch.save(kept, state)
    before = state.read_bytes()
    with pytest.raises(TrainingDiverged, match=r"epoch 2: the mean loss is nan.*holds epoch 1\. Lower peak_rate and vector_rate"):
        train(network(), x * torch.inf, y, (x, y), RECIPE, 0, state, progress=False)
    assert state.read_bytes() == before


def test_weights_that_break_at_the_last_step_of_an_epoch_are_not_kept(tmp_path):
    x, y = problem()
    state = tmp_path / "state"

    def breaks(cycle, generator, net):
        if len(seen) == 2 * (len(x) // RECIPE.batch) - 1:
            with torch.no_grad():
                net[4].bias.fill_(torch.nan)
        seen.append(state.read_bytes() if state.exists() else b"")

    seen, net = [], network()
    with pytest.raises(TrainingDiverged, match=r"epoch 2: 4\.bias is no longer finite; .*holds epoch 1\."):
        train(net, x, y, (x, y), RECIPE, 0, state, after_step=lambda cycle, g: breaks(cycle, g, net), progress=False)
    assert state.read_bytes() == seen[-1]


def test_dropout_is_a_part_of_the_seed(tmp_path):
    def trained(name):
        with seeded_draws(0, "test"):
            n = nn.Sequential(nn.Flatten(), nn.Linear(48, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 4))
        return n, lambda augment: train(n, *problem(), problem(), RECIPE, 0, tmp_path / name, augment, progress=False)

    (whole, run), (_, killed_run), (goes_on, resumed) = trained("whole"), trained("killed"), trained("killed")
    run(shifted)
    torch.rand(7)  # what others draw does not matter
    with pytest.raises(KeyboardInterrupt):
        killed_run(killed(50))
    resumed(shifted)
    assert torch.equal(weights(goes_on), weights(whole))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": -1}, "batch is -1: give 1 or more"),
        ({"epochs": 0}, "epochs is 0"),
        ({"cycles": 0}, "cycles is 0"),
        ({"warmup": 1.0}, "warmup is 1.0: it is a part of the steps"),
    ],
)
def test_impossible_recipes_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**({"epochs": 4} | options))


def test_without_warmup_the_rate_falls_from_its_peak():
    assert [Recipe(4, warmup=0.0).cycle(done) for done in (0.0, 0.25, 1.0)] == [1.0, 0.75, 0.0]


def test_guessing_is_among_the_outputs_of_the_network(tmp_path):
    """A loss that rises from 0.1 to 5 is no divergence where guessing costs log 1000, though there are two labels."""
    x, y = problem()

    def rising(n, images, labels, done):
        return 0.0 * n(images).sum() + (5.0 if done else 0.1)

    def trained(categories):
        n = nn.Sequential(nn.Flatten(), nn.Linear(48, categories))
        return train(n, x, y % 2, (x, y % 2), RECIPE, 0, tmp_path / f"{categories}", loss=rising, progress=False)

    assert trained(1000)[0]["loss"] == pytest.approx((0.1 + 19 * 5) / 20)
    with pytest.raises(TrainingDiverged, match=r"the mean loss is 4\.75, and 1\.39 is twice that of guessing"):
        trained(2)


def test_the_first_batch_counts_after_a_kill_too(tmp_path):
    """A loss that rises in the second epoch, but not above the first one's, in a training that was killed between them."""
    x, y = problem()

    def dip(n, images, labels, done):
        return 0.0 * n(images).sum() + (100.0 if done < 0.25 else 3.0 if done == 0.25 else 50.0)

    with pytest.raises(KeyboardInterrupt):
        train(network(), x, y, (x, y), RECIPE, 0, tmp_path / "state", killed(21), loss=dip, progress=False)
    log = train(network(), x, y, (x, y), RECIPE, 0, tmp_path / "state", loss=dip, progress=False)
    assert [row["loss"] for row in log] == pytest.approx([100.0, (3 + 19 * 50) / 20, 50.0, 50.0])


def test_a_training_after_another_draws_other_numbers(tmp_path):
    x, y = problem()

    def trained(after):
        n = network()
        train(n, x, y, (x, y), RECIPE, 0, tmp_path / f"after {after}", progress=False, after=after)
        return weights(n)

    first, second, third = trained(""), trained("first"), trained("second")
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)


@pytest.mark.parametrize("seed", [np.int64(3), 3])
def test_numbers_of_numpy_may_identify_a_training(tmp_path, seed, unchecked):
    who = identity(RECIPE, seed, network(), {"tau": np.float64(3.0), "sizes": (np.int32(4), 5)})
    write_state(tmp_path / "state", who, log=[])
    assert read_state(tmp_path / "state", identity(RECIPE, 3, network(), {"tau": 3.0, "sizes": (4, 5)}))["log"] == []
    with pytest.raises(TypeError, match=r"constants\.where is of type PosixPath: what makes a training this one is numbers and words"):
        identity(RECIPE, 3, network(), {"where": tmp_path})


def test_a_state_of_another_training_is_refused(tmp_path):
    x, y = problem()
    train(network(), x, y, (x, y), RECIPE, 0, tmp_path / "state", progress=False)
    with pytest.raises(ValueError, match=r"another recipe, seed or network \(seed is 0 there and 1 here\): remove it"):
        train(network(), x, y, (x, y), RECIPE, 1, tmp_path / "state", progress=False)


def test_less_than_a_batch_is_refused(tmp_path):
    x, y = problem()
    with pytest.raises(ValueError, match=f"there are 5 images, fewer than one batch of {RECIPE.batch}"):
        train(network(), x[:5], y[:5], (x, y), RECIPE, 0, tmp_path / "state", progress=False)


def test_the_learning_rate_makes_one_cycle():
    rates = [RECIPE.cycle(done / 100) for done in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[20] == pytest.approx(1)
    assert rates[-1] == 0
    assert rates[60] == pytest.approx(1 / 2)


def test_a_step_moves_all_directions_of_a_matrix_and_vectors_along_the_gradient():
    x, y = problem()
    n = network().to(memory_format=torch.channels_last)
    recipe = dataclasses.replace(RECIPE, weight_decay=0.0, vector_decay=0.0)
    before = {name: p.detach().clone() for name, p in n.named_parameters()}
    loss = nn.functional.cross_entropy(n(x), y)
    gradients = dict(zip(before, torch.autograd.grad(loss, list(n.parameters()), retain_graph=True), strict=True))
    Optimizers(n, recipe).step(loss, recipe.warmup)
    moved = {name: before[name] - p.detach() for name, p in n.named_parameters()}
    for name in ("0.bias", "1.weight", "1.bias", "4.bias"):
        first = recipe.vector_rate * (1 + recipe.momentum) * gradients[name]  # Nesterov's step looks ahead
        assert torch.allclose(moved[name], first, rtol=1e-3, atol=1e-6)
    for name in ("0.weight", "4.weight"):
        u, s, v = torch.linalg.svd(gradients[name].flatten(1), full_matrices=False)
        inside = u[:, s > 1e-2 * s[0]].T @ moved[name].flatten(1) @ v[s > 1e-2 * s[0]].T / recipe.peak_rate
        assert ((inside.diag() > 0.5) & (inside.diag() < 1.5)).all()  # Muon's own tolerance
        assert (inside - inside.diag().diag()).abs().max() < 0.1


def test_filters_of_one_channel_go_down_the_gradient_and_tall_matrices_move_more():
    network = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4, bias=False), nn.Flatten(), nn.Linear(16, 64, bias=False))
    network.to(memory_format=torch.channels_last)
    before = [p.detach().clone() for p in network.parameters()]
    recipe = dataclasses.replace(RECIPE, weight_decay=0.0, vector_decay=0.0)
    loss = network(torch.randn(32, 4, 4, 4, generator=torch.Generator().manual_seed(0))).square().mean()
    (g, _) = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True)
    Optimizers(network, recipe).step(loss, recipe.warmup)
    filters, tall = (b - p.detach() for b, p in zip(before, network.parameters(), strict=True))
    assert torch.allclose(filters, recipe.vector_rate * (1 + recipe.momentum) * g, rtol=1e-3, atol=1e-6)
    stretch = torch.linalg.svdvals(tall) / recipe.peak_rate
    assert ((stretch > 2 * 0.5) & (stretch < 2 * 1.5)).all()  # by the root of rows over columns


def test_weights_that_are_no_view_are_refused():
    with pytest.raises(ValueError, match="order channels_last"):
        Optimizers(nn.Sequential(nn.Conv2d(3, 8, 3)), RECIPE)


def test_weights_without_gradient_stay():
    network = nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 3))
    before = network[1].weight.detach().clone()
    Optimizers(network, RECIPE).step(network[0](torch.ones(2, 4)).square().mean(), 0.1)
    assert torch.equal(network[1].weight, before)


def test_another_loss_is_minimized(tmp_path):
    x, y = problem()
    n = network()

    parts = []

    def to_third(net, images, labels, done):
        parts.append(done)
        return torch.nn.functional.cross_entropy(net(images), torch.full_like(labels, 2))

    train(n, x, y, (x, y), RECIPE, 0, tmp_path / "state", progress=False, loss=to_third)
    assert (n.eval()(x).argmax(1) == 2).all()
    assert parts == [step / 80 for step in range(80)]  # 4 epochs of 320 / 16 steps


@pytest.mark.parametrize("shape", [(24, 5), (16, 16), (5, 60)])
def test_muon_is_that_of_pytorch_but_for_rounding(shape):
    g = torch.Generator().manual_seed(0)
    start = torch.randn(shape, generator=g)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    optimizers = Muon([ours], 0.05, 0.1, 0.9), torch.optim.Muon([theirs], 0.05, 0.1, 0.9)
    for _ in range(5):
        ours.grad = torch.randn(shape, generator=g)
        theirs.grad = ours.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    assert (ours - theirs).norm() < 0.02 * (ours - start).norm()  # theirs computes in bfloat16


def test_a_teacher_is_copied_by_the_share_and_at_the_temperature():
    """By probabilities, one by one; who answers as the teacher does loses nothing to it; its weights get no gradient."""
    x, y = problem(8)
    teacher, n = network(), network()
    with torch.no_grad():
        n[4].weight.mul_(-1.5)
    share, temperature = 0.75, 3.0
    found = distilled(teacher, share, temperature)(n, x, y, 0.0)
    p, q = (torch.softmax(answer.detach().double() / temperature, 1) for answer in (teacher(x), n(x)))
    divergence = sum(float(a * torch.log(a / b)) for a, b in zip(p.flatten(), q.flatten(), strict=True)) / len(x)
    plain = float(cross_entropy(n, x, y, 0.0).detach())
    assert float(found.detach()) == pytest.approx((1 - share) * plain + share * temperature**2 * divergence, rel=1e-5)
    assert float(distilled(teacher, 1.0)(teacher, x, y, 0.0).detach()) == pytest.approx(0, abs=1e-5)
    found.backward()
    assert not teacher.training
    assert all(p.grad is None for p in teacher.parameters())
    assert all(p.grad is not None for p in n.parameters())


def test_a_loss_that_is_large_by_nature_is_no_divergence(tmp_path):
    """A hundred times the cross entropy falls as that does."""
    x, y = problem()

    def large(n, images, labels, done):
        return 100 * cross_entropy(n, images, labels, done)

    recipe = dataclasses.replace(RECIPE, vector_rate=RECIPE.vector_rate / 100)
    log = train(network(), x, y, (x, y), recipe, 0, tmp_path / "state", loss=large, progress=False)
    assert log[-1]["loss"] < log[0]["loss"] < 200 * math.log(4)
    rising = itertools.count(1)
    with pytest.raises(
        TrainingDiverged, match=r"epoch 1: the mean loss is .*twice that of guessing, or of the first batch; no epoch was good"
    ):
        train(network(), x, y, (x, y), recipe, 0, tmp_path / "b", loss=lambda *given: next(rising) * large(*given), progress=False)
