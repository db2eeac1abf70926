import torch

from snncore.spike import pseudo_derivative, spike


def test_spike_is_a_step_whose_gradient_is_a_triangle():
    x = torch.linspace(-2, 2, 41, dtype=torch.float64, requires_grad=True)
    z = spike(x, 0.3)
    z.sum().backward()
    assert torch.equal(z, (x > 0).double())
    assert torch.equal(x.grad, 0.3 * torch.clamp(1 - x.detach().abs(), min=0))
    assert spike(torch.zeros(1)) == 0  # fires above the threshold, not at it


def test_pseudo_derivative_can_be_differentiated_again():
    """Needed where a weight change that contains it is itself learned."""
    x = torch.tensor([-1.5, -0.4, 0.7, 3.0], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(spike(x, 0.5).sum(), x, create_graph=True)
    assert torch.equal(first, pseudo_derivative(x, 0.5))
    (second,) = torch.autograd.grad(first.sum(), x)
    assert second.tolist() == [0, 0.5, -0.5, 0]
