"""Training of classifiers: killed and resumed it is the same, its steps are those that are written down, and what diverges stops."""

import dataclasses
import itertools

import pytest
import torch
from torch import nn

from snncore.learning import classifier
from snncore.learning.classifier import Muon, Recipe, accuracy, cross_entropy, distilled
from snncore.learning.resumable import TrainingDiverged, identity, logged
from snncore.seeds import seeded_draws

RECIPE = Recipe(epochs=4, batch=16, bfloat16=False)
STEPS = 20  # of an epoch


def problem(n=320):
    x = torch.randn(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    return x, (x.mean((1, 2, 3)) > 0).long() + 2 * (x[:, :, :2].mean((1, 2, 3)) > 0).long()


def network(dropout=0.0):
    with seeded_draws(0, "test"):
        features = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten()
        return nn.Sequential(*features, nn.Dropout(dropout), nn.Linear(128, 4))


def train(net, state, recipe=RECIPE, data=None, **options):
    data = data or problem()
    return classifier.train(net, *data, data, recipe, 0, state, **options)


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


def weights(net):
    return torch.cat([p.flatten() for p in net.state_dict().values()])


def learned(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_a_killed_training_goes_on_as_if_nothing_had_happened(tmp_path):
    """With dropout, augmentation and means over steps; others may draw between."""
    whole, parts, again = (network(0.3) for _ in range(3))
    train(whole, tmp_path / "whole", augment=shifted, average=0.9)
    with pytest.raises(KeyboardInterrupt):  # within the third epoch
        train(parts, tmp_path / "parts", augment=killed(50), average=0.9)
    torch.rand(7)
    log = train(again, tmp_path / "parts", augment=shifted, average=0.9)
    assert [row["epoch"] for row in log] == [1, 2, 3, 4]
    assert torch.equal(weights(again), weights(whole))
    assert accuracy(again, *problem()) > 0.8 > accuracy(network(), *problem()) + 0.3


@pytest.mark.parametrize("kill_at", [None, 81, 90])
def test_a_cycle_begins_anew_from_the_weights_of_the_one_before(tmp_path, kill_at):
    """Two cycles of 80 steps, killed where the second begins or within it or not at all, against two trainings of one cycle.

    The second of these goes on, with fresh momenta, as a training of 8 epochs of which 4 are done.
    """
    one, two, first, both = network(), network(), RECIPE, dataclasses.replace(RECIPE, epochs=8, cycles=2)
    train(one, tmp_path / "first", augment=shifted)

    class Second(Recipe):
        def cycle(self, done):
            return first.cycle(2 * done - 1) / 2

    later = Second(**dataclasses.asdict(both) | {"cycles": 1})
    parts = {"network": one, "optimizer": Muon(one, later)}
    logged(tmp_path / "second", identity(later, 0, one), lambda _: iter([{}] * 4), {"limit": 0.0}, **parts)
    train(one, tmp_path / "second", later, augment=shifted)
    if kill_at is not None:
        with pytest.raises(KeyboardInterrupt):
            train(two, tmp_path / "both", both, augment=killed(kill_at))
        two = network()
    log = train(two, tmp_path / "both", both, augment=shifted)
    assert torch.equal(weights(one), weights(two))
    assert [row["epoch"] for row in log] == list(range(1, 9))
    halves = [first.cycle(0) / 2, first.cycle(0.5) / 2, 0]
    assert [both.cycle(done) for done in (0, 0.25, 0.5, 0.75, 1)] == [first.cycle(0), first.cycle(0.5), *halves]


def test_weights_can_be_means_over_steps(tmp_path):
    net, plain, seen = network(), network(), {"mean": [], "plain": []}

    def watched(name):  # keeps the weights before each step
        return lambda net, *given: seen[name].append(learned(net)) or cross_entropy(net, *given)

    log = train(net, tmp_path / "mean", loss=watched("mean"), average=0.9)
    train(plain, tmp_path / "plain", loss=watched("plain"))
    assert all(torch.equal(*both) for both in zip(*seen.values(), strict=True))  # the training itself is the same
    mean = seen["plain"][1]
    for w in [*seen["plain"][2:], learned(plain)]:
        mean = 0.9 * mean + 0.1 * w
    assert torch.allclose(learned(net), mean, atol=1e-6)
    assert log[-1]["held_out"] == round(accuracy(net, *problem()), 4)
    assert not torch.allclose(learned(plain), mean, atol=1e-4)
    with pytest.raises(ValueError, match=r"another recipe, seed or network \(average is 0.9 there and 0.8 here\)"):
        train(network(), tmp_path / "mean", average=0.8)


def test_a_file_that_is_no_state_is_refused(tmp_path):
    path = tmp_path / "state"
    logged(path, {"seed": 0}, lambda log: iter([{"row": 1}]), {})
    whole = path.read_bytes()
    torch.save([1, 2], path)
    for content in (path.read_bytes(), whole[:-100], whole[:50], b"words", b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="state is no state of a training, or damaged: remove it to begin anew"):
            logged(path, {"seed": 0}, iter, {})


def test_a_training_that_diverges_stops_and_keeps_the_last_good_state(tmp_path):
    """By a loss that is not finite, and by weights that are not after the last step of an epoch."""
    state, net = tmp_path / "state", network()
    train(net, state, dataclasses.replace(RECIPE, epochs=1))
    kept = torch.load(state, weights_only=True)
    kept["identity"]["recipe"]["epochs"] = 4
    torch.save(kept, state)
    before, (x, y), steps = state.read_bytes(), problem(), itertools.count(1)
    with pytest.raises(TrainingDiverged, match=r"epoch 2: the mean loss is nan.*holds epoch 1\. Lower peak_rate and vector_rate"):
        train(network(), state, data=(x * torch.inf, y))

    def breaks(net, *given):
        value = cross_entropy(net, *given)
        if next(steps) == STEPS:
            net[-1].bias.data.fill_(torch.nan)
        return value

    with pytest.raises(TrainingDiverged, match=r"epoch 2: 5\.bias is no longer finite; .*holds epoch 1\."):
        train(net, state, loss=breaks)
    assert state.read_bytes() == before


@pytest.mark.parametrize(("changed", "options", "words"), [
    ({"batch": -1}, {}, "batch is -1"), ({"epochs": 0}, {}, "epochs is 0"), ({"epochs": 5, "cycles": 2}, {}, "epochs is 5"),
    ({"warmup": 1.0}, {}, "warmup is 1.0"), ({"peak_rate": -0.1}, {}, "peak_rate is -0.1"),
    ({}, {"average": 1.0}, r"average is 1\.0: it is a part of the past"), ({"epochs": 2.0}, {}, r"epochs is 2\.0: give a whole"),
    ({}, {"data": problem(5)}, "there are 5 images, fewer than one batch of 16"),
])  # fmt: skip
def test_impossible_trainings_are_refused(tmp_path, changed, options, words, unchecked):
    with pytest.raises(ValueError, match=words):
        train(network(), tmp_path / "state", dataclasses.replace(RECIPE, **changed), **options)


def test_guessing_is_among_the_outputs_of_the_network(tmp_path):
    """A loss that rises from 0.1 to 5 is no divergence where guessing costs log 1000, though there are two labels."""
    x, y = problem()

    def rising(net, images, labels, done):
        return 0.0 * net(images).sum() + (5.0 if done else 0.1)

    def trained(categories):
        net = nn.Sequential(nn.Flatten(), nn.Linear(48, categories))
        return train(net, tmp_path / f"{categories}", data=(x, y % 2), loss=rising)

    assert trained(1000)[0]["loss"] == pytest.approx((0.1 + 19 * 5) / 20)
    with pytest.raises(TrainingDiverged, match=r"the mean loss is 4\.75, and 1\.39 is twice that of guessing, .*; no epoch was good"):
        trained(2)


def test_the_first_batch_counts_after_a_kill_too(tmp_path):
    """A loss that rises in the second epoch, but not above the first one's, in a training that was killed between them."""

    def dip(net, images, labels, done):
        return 0.0 * net(images).sum() + (100.0 if done < 0.25 else 3.0 if done == 0.25 else 50.0)

    with pytest.raises(KeyboardInterrupt):
        train(network(), tmp_path / "state", augment=killed(21), loss=dip)
    log = train(network(), tmp_path / "state", loss=dip)
    assert [row["loss"] for row in log] == pytest.approx([100.0, (3 + 19 * 50) / 20, 50.0, 50.0])


def test_a_training_after_another_draws_other_numbers(tmp_path):
    nets = {after: network() for after in ("", "first", "second")}
    for after, net in nets.items():
        train(net, tmp_path / f"after {after}", after=after)
    assert not any(torch.equal(weights(a), weights(b)) for a, b in itertools.combinations(nets.values(), 2))


def test_the_learning_rate_makes_one_cycle():
    rates = [RECIPE.cycle(done / 100) for done in range(101)]
    assert [rates[0], rates[20], rates[60], rates[-1]] == pytest.approx([0.1, 1, 1 / 2, 0])
    assert max(rates) == rates[20]
    assert [Recipe(4, warmup=0.0).cycle(done) for done in (0.0, 0.25, 1.0)] == [1.0, 0.75, 0.0]


def test_matrices_move_as_by_the_muon_of_pytorch_and_all_else_as_by_its_plain_descent():
    """A convolution is a matrix with a row per output, unless it has one channel. The last layer gets no gradient."""
    recipe, g = Recipe(1, peak_rate=0.1, weight_decay=0.1, vector_rate=0.4, vector_decay=0.3), torch.Generator().manual_seed(0)
    layers = nn.Conv2d(8, 8, 3), nn.Conv2d(4, 4, 3, groups=4), nn.Linear(5, 24), nn.Linear(16, 16), nn.Linear(4, 3)
    net = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    pairs = [(p, nn.Parameter(rows_of(p.detach()).clone())) for p in net.parameters()]
    matrices, others = [pairs[k] for k in (0, 4, 6)], [pairs[k] for k in (1, 2, 3, 5, 7)]
    muon = torch.optim.Muon([w for _, w in matrices], 0.05, 0.1, 0.9)
    plain = torch.optim.SGD([w for _, w in others], 0.2, 0.9, weight_decay=0.3, nesterov=True)
    start, ours = [w.detach().clone() for _, w in matrices], Muon(net, recipe)
    for _ in range(5):
        for p, w in pairs[:8]:
            p.grad = torch.randn(p.shape, generator=g).contiguous(
                memory_format=torch.channels_last if p.ndim == 4 else torch.contiguous_format
            )
            w.grad = rows_of(p.grad)
        ours.step(0.5)  # of the rates
        muon.step()
        plain.step()
    for (p, w), before in zip(matrices, start, strict=True):
        assert (rows_of(p) - w).norm() < 0.02 * (w - before).norm()  # theirs computes in bfloat16
    assert all(torch.allclose(rows_of(p), w) for p, w in (*others, *pairs[8:]))
    with pytest.raises(ValueError, match="in the order channels_last"):
        Muon(nn.Conv2d(8, 8, 3), recipe)


def rows_of(p):
    return p.movedim(1, -1).flatten(1) if p.ndim == 4 else p


def test_a_teacher_is_copied_by_the_share_and_at_the_temperature():
    """By probabilities, one by one; who answers as the teacher does loses nothing to it; its weights get no gradient."""
    x, y = problem(8)
    teacher, net = network(), network()
    net[-1].weight.data.mul_(-1.5)
    share, temperature = 0.75, 3.0
    loss = distilled(teacher, share, temperature)(net, x, y, 0.0)
    p, q = (torch.softmax(answer.detach().double() / temperature, 1) for answer in (teacher(x), net(x)))
    divergence = sum(float(a * torch.log(a / b)) for a, b in zip(p.flatten(), q.flatten(), strict=True)) / len(x)
    plain = float(cross_entropy(net, x, y, 0.0).detach())
    assert float(loss.detach()) == pytest.approx((1 - share) * plain + share * temperature**2 * divergence, rel=1e-5)
    assert float(distilled(teacher, 1.0)(teacher, x, y, 0.0).detach()) == pytest.approx(0, abs=1e-5)
    loss.backward()
    assert not teacher.training
    assert all(p.grad is None for p in teacher.parameters())
    assert all(p.grad is not None for p in net.parameters())
