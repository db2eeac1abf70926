r"""The spike: a step forward, a triangle backward.

.. math:: z = \Theta(x), \qquad \frac{\mathrm{d}z}{\mathrm{d}x} := \gamma \max(0, 1 - |x|)

with x = (v - threshold) / v_th, so that the pseudo-derivative with respect to v is :math:`\psi = (\gamma / v_\text{th}) \max(0, 1 - |x|)`.

Source: G. Bellec et al., Long short-term memory and learning-to-learn in networks of spiking neurons, NeurIPS 2018, equation 4.
"""

import torch

from snncore.shapes import FloatTensor, Spikes


def pseudo_derivative(x: FloatTensor, dampening: float) -> FloatTensor:
    """What stands in for dz/dx; divide by v_th for psi."""
    return dampening * (1 - x.abs()).clamp(min=0)


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dampening):
        ctx.save_for_backward(x)
        ctx.dampening = dampening
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        return grad * pseudo_derivative(ctx.saved_tensors[0], ctx.dampening), None


def spike(x: FloatTensor, dampening: float = 0.3) -> Spikes:
    """1 where x > 0, otherwise 0; its gradient is the pseudo-derivative, of height ``dampening``.

    >>> x = torch.tensor([-2.0, 0.0, 0.5], requires_grad=True)
    >>> z = spike(x)
    >>> z.sum().backward()
    >>> z.tolist(), [round(g, 2) for g in x.grad.tolist()]  # a triangle of height 0.3 around the threshold
    ([0.0, 0.0, 1.0], [0.0, 0.3, 0.15])
    """
    return _Spike.apply(x, dampening)
