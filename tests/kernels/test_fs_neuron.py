import subprocess
import sys

import pytest
import torch

from snncore.few_spike import coefficients, fs_decode, fs_neuron, fs_run, relu_code

SETS = {name: coefficients(name).params for name in ("silu.published", "sigmoid.published", "gelu.k4")} | {
    "relu": relu_code(3.7, 8, nearest=True),
    "one step": relu_code(1.0, 1, strict=True),
}


def plain(x, p):
    return fs_decode(fs_run(x, p)[0], p)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [4096, 10_007, 150_000])  # whole blocks, a rest, two threads
def test_compiled_neurons_have_the_bits_of_the_plain_ones(name, dtype, n):
    p = SETS[name]
    x = 5 * torch.randn(n, dtype=dtype, generator=torch.Generator().manual_seed(0))
    x[:4] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf])
    border = torch.tensor(p.T, dtype=dtype)
    x[10 : 10 + p.K], x[-p.K :] = border, torch.nextafter(border, torch.full_like(border, torch.inf))
    before, expected = x.clone(), plain(x, p)
    assert torch.equal(fs_neuron(x, p), expected)
    assert torch.equal(x, before)
    y = fs_neuron(x, p, inplace=True)
    assert torch.equal(y, expected)
    assert y.data_ptr() == x.data_ptr()
    assert len(expected.unique()) > 1


@pytest.mark.parametrize("n", [5, 20_000])  # plain and compiled
def test_nan_stays_nan(n):
    x = torch.ones(n)
    x[[1, -1]] = torch.nan
    y = fs_neuron(x, SETS["silu.published"])
    assert y.isnan().nonzero().flatten().tolist() == [1, n - 1]


def test_the_order_of_memory_does_not_matter():
    p, x = SETS["silu.published"], torch.randn(4, 16, 20, 20, generator=torch.Generator().manual_seed(0))
    for y in (x.to(memory_format=torch.channels_last), x.transpose(1, 3), x[:, :, :, ::2], x.expand(2, 4, 16, 20, 20)):
        assert torch.equal(fs_neuron(y, p), plain(y, p))
        assert torch.equal(fs_neuron(y.clone(), p, inplace=True), plain(y, p))
    assert fs_neuron(x.to(memory_format=torch.channels_last), p).is_contiguous(memory_format=torch.channels_last)


TRACED_AS_FOR_A_GPU = """
import torch
from snncore.few_spike import coefficients, fs_decode, fs_run, neuron
graphs = []
compiled = torch.compile(neuron._plain, backend=lambda graph, _: graphs.append(graph) or graph, dynamic=True, fullgraph=True)
x = 5 * torch.randn(5000, generator=torch.Generator().manual_seed(0))
for name in ("silu.published", "silu.k16"):
    p = coefficients(name).params
    assert torch.equal(compiled(x, neuron._on_device(p, x.device, x.dtype)), fs_decode(fs_run(x, p)[0], p))
print(len(graphs))
"""


def test_the_loop_for_a_gpu_is_one_graph_for_all_neurons_of_as_many_steps():
    """In another process, since no graph leads through the checks of shapes that are on in tests."""
    done = subprocess.run([sys.executable, "-c", TRACED_AS_FOR_A_GPU], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_neurons_on_a_gpu_have_the_bits_of_the_plain_ones():
    x = 5 * torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    for p in SETS.values():
        assert torch.equal(fs_neuron(x.cuda(), p).cpu(), plain(x, p))
