import pytest
import torch
from torch import nn

from snncore.few_spike import coefficients, fs_neuron, relu_code
from snncore.few_spike.convert import FSActivation, replace_activation


def network():
    torch.manual_seed(0)
    shared = nn.ReLU6()
    return nn.Sequential(nn.Linear(4, 8), shared, nn.Sequential(nn.Linear(8, 8), shared), nn.Linear(8, 2)).eval()


def test_replacement_is_a_copy_and_computes_the_code():
    ann = network()
    before = {k: v.clone() for k, v in ann.state_dict().items()}
    snn = replace_activation(ann, nn.ReLU6, lambda _: relu_code(6 / (1 - 2.0**-8), 8))
    assert not any(isinstance(m, FSActivation) for m in ann.modules())
    assert not any(isinstance(m, nn.ReLU6) for m in snn.modules())  # also where one module is used in two places
    assert all(torch.equal(before[k], v) for k, v in ann.state_dict().items())
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    p = relu_code(6 / (1 - 2.0**-8), 8)
    hidden = fs_neuron(ann[0](x), p)
    assert torch.equal(snn(x), ann[3](fs_neuron(ann[2][0](hidden), p)))
    assert (snn(x) - ann(x)).abs().max() < 0.1


def test_more_steps_come_closer():
    ann, x = network(), torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
    error = [
        float((replace_activation(ann, nn.ReLU6, lambda _, K=K: relu_code(6 / (1 - 2.0**-K), K))(x) - ann(x)).abs().max().detach())
        for K in (4, 8, 12)
    ]
    assert error[0] > 8 * error[1] > 64 * error[2] > 0


def test_a_network_without_the_activation_is_refused():
    with pytest.raises(ValueError, match="no module of the class SiLU"):
        replace_activation(network(), nn.SiLU, lambda _: coefficients("silu.published").params)
