"""The arm against geometry, movements against their limits, paths against the movements they came from."""

import math

import numpy as np
import pytest
import torch

from snncore.tasks import arm

DT, STEPS = 2.0, 250


def movements(batch=64, seed=0):
    return arm.draw(batch, STEPS, DT, torch.Generator().manual_seed(seed))


def test_positions_known_from_geometry():
    """Stretched along x; elbow bent by a right angle; folded onto the shoulder."""
    phi = torch.tensor([[[0.0, 0.0], [0.0, math.pi / 2], [math.pi / 2, 0.0], [0.3, math.pi]]], dtype=torch.float64)
    known = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    assert torch.allclose(arm.tip_of(phi)[0], known, atol=1e-12)


def test_an_arm_that_does_not_move_stays_where_it_starts():
    tip = arm.move(torch.zeros(5, 1, 2), DT)
    assert torch.allclose(tip, torch.tensor([0.5, 0.5]).expand(5, 1, 2))


def test_speed_is_in_radians_per_second():
    """One radian per second for a second, in steps of 2 ms, turns the first joint by one radian."""
    omega = torch.zeros(500, 1, 2, dtype=torch.float64)
    omega[..., 0] = 1.0
    assert torch.allclose(arm.move(omega, DT)[-1, 0], arm.tip_of(torch.tensor([1.0, math.pi / 2], dtype=torch.float64)), atol=1e-12)


def test_movements_keep_to_the_limits_and_have_the_published_size():
    m = movements(1024)
    turned = (m.omega.cumsum(0) * DT / 1000).abs().amax(0)
    assert float(turned.max()) <= arm.RANGE + 1e-5
    assert float(m.omega.abs().max()) < arm.FASTEST
    assert torch.allclose(m.tip, arm.move(m.omega, DT))
    around = (m.tip - m.tip.mean(1, keepdim=True)).square().mean()
    assert abs(float(around) - 0.156) < 0.02  # of the published family, around its mean movement
    assert abs(float(m.omega.square().mean()) - 157) < 20
    assert torch.equal(movements(seed=3).tip, movements(seed=3).tip)
    assert not torch.equal(movements(seed=3).tip, movements(seed=4).tip)


def test_following_a_path_brings_the_movement_back():
    m = movements(200)
    phi = m.omega.cumsum(0) * DT / 1000
    bent = ((phi[..., 1] + math.pi / 2 > 0.05) & (phi[..., 1] + math.pi / 2 < math.pi - 0.05)).all(0)  # no path is unique at full stretch
    straight = (phi[..., 0].abs() < math.pi / 2).all(0)
    known = m.tip[:, bent & straight].double()
    assert known.shape[1] > 5
    found = arm.follow(known, DT)
    assert torch.allclose(arm.move(found.omega, DT), known, atol=1e-6)
    assert (found.omega - m.omega[:, bent & straight]).abs().mean() < 0.05


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_joint_may_turn_as_far_as_it_can(dtype):
    omega = torch.zeros(20, 1, 2, dtype=torch.float64)
    omega[..., 1] = -arm.RANGE / 20 / (DT / 1000)  # the elbow, until the arm is stretched
    path = arm.move(omega, DT).to(dtype)
    assert path[-1, 0, 0] == 1
    assert torch.allclose(arm.follow(path, DT).omega.double(), omega, atol=0.1)


def test_paths_that_no_arm_can_follow_are_refused(unchecked):
    ok = movements(1).tip
    with pytest.raises(ValueError, match="steps is 1: a movement has at least 2"):
        arm.draw(3, 1, DT, torch.Generator())
    with pytest.raises(ValueError, match=r"the path has shape \(250, 2\): give \(time, batch, 2\); of one path of points"):
        arm.follow(ok[:, 0], DT)
    with pytest.raises(ValueError, match=r"step 7 of path 0 is 1\.30 from the shoulder, \(0, 0\): the arm reaches 1.0; shrink"):
        arm.follow(torch.where(torch.arange(STEPS)[:, None, None] == 7, torch.tensor([1.3, 0.0]), ok), DT)
    with pytest.raises(ValueError, match="2 points: give one per step"):
        arm.follow(ok[:2], DT)
    with pytest.raises(ValueError, match=r"step 7 of path 0 is not finite \(2 such points in all\): remove them or fill"):
        arm.follow(torch.where(torch.arange(STEPS)[:, None, None] % 200 == 7, float("nan"), ok), DT)
    behind = torch.tensor([-0.5, 0.5]).expand(10, 1, 2)
    with pytest.raises(ValueError, match=r"step 0 of path 0 needs the shoulder to turn by 1\.58 rad .*: a joint has 1\.57 to each side"):
        arm.follow(1.01 * behind, DT)
    two = movements(2).tip.clone()
    two[9, 1] = -0.5
    with pytest.raises(ValueError, match=r"step 9 of path 1 needs the shoulder to turn by 3\.14 rad from its start"):
        arm.follow(two, DT)
    jump = torch.tensor([[0.5, 0.5], [0.2, 0.7], [0.5, 0.5]])[:, None]
    with pytest.raises(
        ValueError, match=r"step 1 of path 0, 0\.73 from the .* needs the shoulder to turn by 2\d\d rad/s: its limit is 60; slow"
    ):
        arm.follow(jump, DT)
    with pytest.raises(ValueError, match=r"step 0 of path 0, 0\.73 from .*; begin where the arm starts, \(0\.5, 0\.5\)"):
        arm.follow(jump[1:2].expand(3, 1, 2), DT)
    folded = torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.0, 0.0]])[:, None]
    with pytest.raises(ValueError, match=r"step 2 of path 0, 0\.00 from the shoulder, \(0, 0\), needs .*keep away from the shoulder"):
        arm.follow(folded, DT)


@pytest.mark.parametrize("dt", [0.0, -2.0, math.nan, math.inf])
def test_a_step_that_does_not_last_is_refused(dt):
    with pytest.raises(ValueError, match=f"dt is {dt}: give the time of a step, above 0"):
        arm.follow(movements(1).tip, dt)
    with pytest.raises(ValueError, match=f"dt is {dt}: give the time of a step, above 0"):
        arm.draw(1, STEPS, dt, torch.Generator())


def test_a_path_is_a_tensor_of_floats(unchecked):
    still = [[[0.5, 0.5]]] * 3
    assert arm.follow(torch.tensor(still), DT).omega.abs().max() < 1e-3
    for path, words in (
        (still, "the path is list: give a tensor of floats"),
        (np.array(still), r"the path is float64 of shape \(3, 1, 2\): give a tensor"),
        (torch.ones(3, 1, 2, dtype=torch.long), r"torch.int64 of shape \(3, 1, 2\): give a tensor of floats"),
    ):
        with pytest.raises(TypeError, match=words):
            arm.follow(path, DT)
    with pytest.raises(ValueError, match=r"the path has shape \(3, 0, 2\): give"):
        arm.follow(torch.ones(3, 0, 2), DT)


def test_positions_can_be_read_from_their_spikes():
    m, code = movements(16), arm.Code()
    x = code.spikes(m.tip, DT)
    assert x.shape == (STEPS, 16, 64)
    assert set(x.unique().tolist()) == {0.0, 1.0}
    spikes = x.unflatten(-1, (2, 32))
    centers = torch.linspace(-1.1, 1.1, 32)
    read = (spikes * centers).sum(-1) / spikes.sum(-1).clamp(min=1)
    assert float((read - m.tip)[spikes.sum(-1) > 0].square().mean()) < 0.02
    assert abs(float(spikes.sum(-1).mean()) - 0.4 * math.sqrt(2 * math.pi) * 0.125 * 31 / 2.2) < 0.1  # integral of the bells


def test_a_still_position_is_shown_as_regularly_as_steps_allow():
    tip = torch.tensor([0.3, -0.2]).expand(1000, 1, 2)
    x = arm.Code().spikes(tip, DT)[:, 0]
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
