"""The arm against geometry, movements against their limits, paths against the movements they came from."""

import math

import pytest
import torch

from snncore.tasks import arm

DT, STEPS = 2.0, 250
STILL = torch.tensor([0.5, 0.5]).expand(10, 1, 2)


def movements(batch=64, seed=0, small=0.0):
    return arm.draw(batch, STEPS, DT, torch.Generator().manual_seed(seed), small)


def test_positions_and_speeds_known_from_geometry():
    """Stretched along x; elbow bent by a right angle; folded onto the shoulder."""
    phi = torch.tensor([[[0.0, 0.0], [0.0, math.pi / 2], [math.pi / 2, 0.0], [0.3, math.pi]]], dtype=torch.float64)
    known = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    assert torch.allclose(arm.tip_of(phi)[0], known, atol=1e-12)
    # one radian per second for a second, in steps of 2 ms, turns the first joint by one radian
    omega = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(500, 1, 2)
    assert torch.allclose(arm.move(omega, DT)[-1, 0], arm.tip_of(torch.tensor([1.0, math.pi / 2], dtype=torch.float64)), atol=1e-12)


def test_movements_keep_to_the_limits_and_have_the_published_size():
    m = movements(1024)
    assert float((m.omega.cumsum(0) * DT / 1000).abs().max()) <= arm.RANGE + 1e-5
    assert float(m.omega.abs().max()) < arm.FASTEST
    assert torch.allclose(m.tip, arm.move(m.omega, DT))
    around = (m.tip - m.tip.mean(1, keepdim=True)).square().mean()
    assert abs(float(around) - 0.156) < 0.02  # of the published family, around its mean movement
    assert abs(float(m.omega.square().mean()) - 157) < 20
    assert torch.equal(movements(seed=3).tip, movements(seed=3).tip)
    assert not torch.equal(movements(seed=3).tip, movements(seed=4).tip)
    small = movements(1024, small=0.5)
    size = small.omega.norm(dim=(0, 2)) / m.omega.norm(dim=(0, 2))
    assert torch.allclose(small.tip, arm.move(size[:, None] * m.omega, DT), atol=1e-5)
    assert [float((size < part).float().mean()) for part in (0.25, 0.5, 0.999)] == pytest.approx([0.125, 0.25, 0.5], abs=0.05)


def test_following_a_path_brings_the_movement_back():
    m = movements(200)
    phi = m.omega.cumsum(0) * DT / 1000
    bent = ((phi[..., 1] + math.pi / 2 > 0.05) & (phi[..., 1] + math.pi / 2 < math.pi - 0.05)).all(0)  # no path is unique at full stretch
    straight = (phi[..., 0].abs() < math.pi / 2).all(0)
    known = m.tip[:, bent & straight].double()
    assert known.shape[1] > 5
    followed = arm.follow(known, DT)
    assert torch.allclose(arm.move(followed.omega, DT), known, atol=1e-6)
    assert (followed.omega - m.omega[:, bent & straight]).abs().mean() < 0.05


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_joint_may_turn_as_far_as_it_can(dtype):
    omega = torch.tensor([0.0, -50 * arm.RANGE / DT], dtype=torch.float64).expand(20, 1, 2)  # the elbow, until the arm is stretched
    path = arm.move(omega, DT).to(dtype)
    assert path[-1, 0, 0] == 1
    assert torch.allclose(arm.follow(path, DT).omega.double(), omega, atol=0.1)


def changed(path, step, point):
    """A path whose first copy passes another point at one step."""
    path = path.clone()
    path[step, 0] = torch.tensor(point)
    return path


@pytest.mark.parametrize(("path", "words"), [
    ([[[0.5, 0.5]]] * 3, r"the path is list: give a tensor of floats, \(time, batch, 2\), of at least 3 steps; of a list"),
    (STILL.long(), r"the path is torch.int64 of shape \(10, 1, 2\): give"),
    (STILL[:, 0], r"the path is torch.float32 of shape \(10, 2\): give"),
    (STILL[:2], r"of shape \(2, 1, 2\): give"),
    (changed(STILL, 7, [math.nan, 0.5]), "step 7 of path 0 is not finite: remove such points, or fill"),
    (changed(STILL, 7, [1.3, 0.0]), r"step 7 of path 0 is out of reach: the arm ends 1.0 from the shoulder, \(0, 0\); shrink"),
    (torch.tensor([-0.505, 0.505]).expand(10, 1, 2), r"step 0 of path 0 needs a joint to turn by more than 1\.57 rad from its"),
    (changed(STILL, 1, [0.2, 0.7]), r"step 1 of path 0 needs a joint to turn faster than 60 rad/s: begin where .* \(0\.5, 0\.5\)"),
    (changed(STILL, 9, [0.0, 0.0]), r"step 9 of path 0 .*, slow the path down, and keep away from the shoulder, \(0, 0\)"),
])  # fmt: skip
def test_paths_that_no_arm_can_follow_are_refused(path, words, unchecked):
    assert arm.follow(STILL, DT).omega.abs().max() < 1e-3
    with pytest.raises(ValueError, match=words):
        arm.follow(path, DT)
    for given in ("abc", [(1, 2), (1,)]):
        with pytest.raises(ValueError, match="the path is no list of points"):
            arm.resampled(given, 5)


def test_positions_can_be_read_from_their_spikes():
    m, code = movements(16), arm.Code()
    x = code.spikes(m.tip, DT)
    assert (x.shape, set(x.unique().tolist())) == ((STEPS, 16, 64), {0.0, 1.0})
    spikes = x.unflatten(-1, (2, 32))
    centers = torch.linspace(-1.1, 1.1, 32)
    read = (spikes * centers).sum(-1) / spikes.sum(-1).clamp(min=1)
    assert float((read - m.tip)[spikes.sum(-1) > 0].square().mean()) < 0.02
    assert abs(float(spikes.sum(-1).mean()) - 0.4 * math.sqrt(2 * math.pi) * 0.125 * 31 / 2.2) < 0.1  # integral of the bells


def test_a_still_position_is_shown_as_regularly_as_steps_allow():
    x = arm.Code().spikes(torch.tensor([0.3, -0.2]).expand(1000, 1, 2), DT)[:, 0]
    for k in (20, 32 + 13):  # near the centers of the bells
        rate, gaps = float(x[:, k].mean()), x[:, k].nonzero().flatten().diff()
        assert set(gaps.tolist()) <= {math.floor(1 / rate), math.ceil(1 / rate)}


def test_the_clock_tells_the_phase():
    x = arm.clock(STEPS, DT)[:, 0]
    assert x.shape == (250, 10)
    for k in range(5):
        assert x[50 * k : 50 * (k + 1), 2 * k : 2 * k + 2].sum() == 20  # one spike every 10 ms, two inputs
    assert x.sum() == 100


def test_share_of_a_paths_own_variance():
    m = arm.draw(3, 250, 2.0, torch.Generator().manual_seed(5))
    mean = ((m.tip - m.tip.mean(0)) ** 2).mean((0, 2))
    assert torch.allclose(arm.explained(mean, m), torch.zeros(3), atol=1e-5)
    assert torch.allclose(arm.explained(0 * mean, m), torch.ones(3))


def test_drawn_paths_begin_at_the_start_and_can_be_followed():
    for name, m in arm.drawn(250, 2.0).items():
        assert torch.allclose(m.tip[0, 0], torch.tensor([0.5, 0.5]), atol=1e-6), name
        assert torch.allclose(arm.move(m.omega, 2.0), m.tip, atol=1e-5), name
        assert float((m.tip.amax(0) - m.tip.amin(0)).max()) > 0.3, name
