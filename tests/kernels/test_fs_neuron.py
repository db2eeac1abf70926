import inspect
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch

from snncore.few_spike import FSParams, coefficients, fs_decode, fs_neuron, fs_run, relu6_code, relu_code
from snncore.kernels import fs_neuron as kernels
from snncore.kernels import pieces
from snncore.kernels.fs_neuron import as_rounding, decode
from snncore.kernels.vectors import has_tables

SETS = {name: coefficients(name).params for name in ("silu.published", "sigmoid.published", "gelu.k4")} | {
    "relu": relu_code(3.7, 8, nearest=True),
    "one step": relu_code(1.0, 1, strict=True),
}
same = partial(torch.testing.assert_close, rtol=0, atol=0, equal_nan=True)


def plain(x, p):
    """Step by step; NaN stay NaN."""
    return torch.where(x.isnan(), x, fs_decode(fs_run(x.nan_to_num(0.0, torch.inf, -torch.inf), p)[0], p))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [50, 10_007, 150_000])  # less than a block, blocks and a rest, two threads
def test_compiled_neurons_have_the_bits_of_the_plain_ones(name, dtype, n):
    p = SETS[name]
    x = 5 * torch.randn(n, dtype=dtype, generator=torch.Generator().manual_seed(0))
    x[:5] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan])
    x[-20] = torch.nan
    border = torch.tensor(p.T, dtype=dtype)
    x[10 : 10 + p.K], x[-p.K :] = border, torch.nextafter(border, torch.full_like(border, torch.inf))
    before, expected = x.clone(), plain(x, p)
    same(fs_neuron(x, p), expected)
    same(x, before)
    y = fs_neuron(x, p, inplace=True)
    same(y, expected)
    assert y.data_ptr() == x.data_ptr()
    assert len(expected[~expected.isnan()].unique()) > 1


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_thread_does_its_part_and_no_more(library, threads, dtype):
    for p in (SETS["silu.published"], relu_code(4.0, 8)):
        x = np.random.default_rng(0).normal(0, 3, kernels.PARALLEL_FROM + 100).astype(dtype)
        around = np.full(x.size + 20, 7, dtype)
        decode(x, around[10:-10], p.T, p.h, p.d, p.strict, threads)
        expected = plain(torch.from_numpy(x), p).numpy()
        assert np.array_equal(around[10:-10], expected)
        assert (around[:10] == 7).all()
        assert (around[-10:] == 7).all()
        inside = x[3:-3]
        decode(inside, inside, p.T, p.h, p.d, p.strict, threads)
        assert np.array_equal(inside, expected[3:-3])


@pytest.mark.skipif(not has_tables(), reason="numbers are looked up with AVX-512: run this on a processor that has it")
@pytest.mark.parametrize("name", ["silu.published", "sigmoid.published", "tanh.k16"])
def test_a_neuron_that_is_looked_up_changes_exactly_at_its_borders(name):
    p = coefficients(name).params
    found = pieces.borders(lambda x: fs_run(torch.from_numpy(x), p)[0].T.numpy() @ 2.0 ** np.arange(p.K))
    assert found is not None
    below = np.nextafter(found, np.float32(-np.inf))
    x = torch.from_numpy(np.concatenate([found, below, np.linspace(found[0] - 1, found[-1] + 1, 5000, dtype=np.float32)]))
    same(fs_neuron(x, p), plain(x, p))
    assert (plain(torch.from_numpy(found), p) != plain(torch.from_numpy(below), p)).sum() > 10


def test_a_neuron_with_more_pieces_than_there_is_room_for_is_not_looked_up():
    p = coefficients("silu.k16").params
    assert pieces.borders(lambda x: fs_run(torch.from_numpy(x), p)[0].T.numpy() @ 2.0 ** np.arange(p.K)) is None


ROUNDING = {
    "published": (relu_code(25.0, 10, strict=True), 24),
    "one step": (relu_code(3.0, 1), 24),
    "nearest": (relu_code(3.0, 8, nearest=True), 24),
    "nearest, strict": (relu_code(5.0, 16, nearest=True, strict=True), 24),
    "as many digits as fit": (relu_code(4095 / 512, 11, nearest=True), 24),
    "saturates": (relu6_code(9), 24),
    "saturates, two steps": (relu6_code(2), 24),
    "saturates, one step": (relu6_code(1), 24),
    "a digit more": (relu_code(8191 / 512, 11, nearest=True), 53),
    "a step of many digits": (relu_code(3.0 * (1 + 2.0**-30), 8), 53),
    "unlike any grid": (relu_code(3.7, 8, nearest=True), None),
    "other outputs": (FSParams((2.0, 1.0), (2.0, 1.0), (2.0, 1.1), False), None),
    "other thresholds": (FSParams((2.0, 0.9), (2.0, 1.0), (2.0, 1.0), False), None),
    "other resets": (FSParams((2.0, 1.0), (1.9, 1.0), (2.0, 1.0), False), None),
    "last reset": (FSParams((2.0, 1.0), (2.0, 7.0), (2.0, 1.0), False), 24),  # never matters
    "saturates late": (FSParams((6.0, 1.5), (1e30, 3.0), (6.0, 3.0), False), None),
    "does not saturate": (FSParams((4.5, 1.5), (9.0, 3.0), (6.0, 3.0), False), None),
}


@pytest.mark.parametrize("name", ROUNDING)
@pytest.mark.parametrize(("dtype", "digits", "integer"), [(torch.float32, 24, torch.int32), (torch.float64, 53, torch.int64)])
def test_codes_that_round_have_the_bits_of_the_steps(name, dtype, digits, integer):
    p, needed = ROUNDING[name]
    assert (as_rounding(p.T, p.h, p.d, p.strict, digits) is not None) == (needed is not None and digits >= needed)
    borders = torch.arange(-3, 2 ** (p.K + 1) + 4, dtype=torch.float64) * p.d[-1] / 2
    borders = torch.cat([borders, borders + p.d[0]]).to(dtype)
    x = torch.cat(
        [torch.nextafter(borders, torch.tensor(to, dtype=dtype)) for to in (-torch.inf, torch.inf)]
        + [borders, torch.rand(20_000, dtype=dtype) * 2.5 * p.d[0], 1e6 * torch.randn(1000, dtype=dtype)]
        + [torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, 1e-40, -1e-40, 1e30, 3e38, -3e38], dtype=dtype)]
    )
    for inplace in (False, True):
        y, expected = fs_neuron(x.clone(), p, inplace), plain(x, p)
        different = (y.view(integer) != expected.view(integer)) & ~x.isnan()
        assert x[different].tolist() == []
        assert y.isnan().sum() == 1


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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: run this on a machine that has one")
def test_neurons_on_a_gpu_have_the_bits_of_the_plain_ones():
    x = 5 * torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    for p in SETS.values():
        assert torch.equal(fs_neuron(x.cuda(), p).cpu(), plain(x, p))


def test_what_python_takes_for_the_source_of_a_written_kernel_is_python():
    """numba asks for it when it keeps a kernel; Python 3.13 refuses text that is none, such as the middle of a docstring."""
    assert inspect.getsource(kernels._compiled(4, True, "y", np.dtype(np.float32)).py_func).startswith("def ")
