"""Train an image classifier with cycles of the learning rate: resumable, logged, in one file.

Matrices of weights are trained by Muon, which moves all directions of a matrix equally fast, all else by stochastic gradient descent.

Sources: L. N. Smith and N. Topin, Super-convergence, arXiv 1708.07120 (2018); K. Jordan et al., Muon (2024),
https://kellerjordan.github.io/posts/muon.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from snncore.learning.resumable import Log, TrainingDiverged, identity, logged
from snncore.seeds import seeded_draws, torch_generator
from snncore.shapes import check_whole

Augment = Callable[[Tensor, torch.Generator], Tensor]
Loss = Callable[[nn.Module, Tensor, Tensor, float], Tensor]


@dataclass(frozen=True)
class Recipe:
    """How to train; impossible values are refused (`ValueError`).

    Matrices have a rate and decay of their own (Muon), and so have vectors (stochastic gradient descent): biases, batch normalization,
    filters of a single channel. Both rates rise linearly from a tenth of their peak, then fall linearly to 0.
    """

    epochs: int  #: a multiple of ``cycles``
    batch: int = 128
    peak_rate: float = 0.02  #: highest rate of matrices
    weight_decay: float = 0.01  #: of matrices, multiplied by the rate
    vector_rate: float = 0.1  #: highest rate of vectors
    vector_decay: float = 1e-4  #: of vectors
    warmup: float = 0.2  #: part of the steps over which the rates rise
    momentum: float = 0.9  #: in Nesterov's form
    bfloat16: bool = True  #: compute in bfloat16 where autocast allows it; weights stay float32
    cycles: int = 1  #: each has an equal part of the epochs, fresh momenta, and rates half as high as the one before

    def __post_init__(self):
        for name in ("epochs", "batch", "cycles"):
            check_whole(name, getattr(self, name))
        for name in ("warmup", "momentum", "peak_rate", "vector_rate", "weight_decay", "vector_decay"):
            if not 0 <= (value := getattr(self, name)) < 1:
                raise ValueError(f"{name} is {value}: give a number from 0 to below 1")
        if self.epochs % self.cycles:
            raise ValueError(f"epochs is {self.epochs}, no multiple of cycles, {self.cycles}: a cycle would end within an epoch")

    def cycle(self, done: float) -> float:
        """Learning rate, as a part of its peak, after the part ``done`` (0 to 1) of all steps."""
        before = min(int(done * self.cycles), self.cycles - 1)
        done = done * self.cycles - before
        up = 0.1 + 0.9 * done / self.warmup if self.warmup else 1.0
        down = (1 - done) / (1 - self.warmup)
        return min(up, down) / 2**before


def orthogonal(update: Float[Tensor, "row column"]) -> Float[Tensor, "row column"]:
    r"""A matrix with the same singular vectors whose singular values are about 1 (0.7 to 1.2; less where they were almost 0).

    Five steps of :math:`X \gets aX + bGX + cG^2X` with :math:`G = XX^\top`, begun at X over its Frobenius norm: Muon's polynomial.
    """
    wide = update if len(update) <= update.shape[1] else update.T
    x = wide / wide.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.775, alpha=2.0315), x, beta=3.4445)
    return x if wide is update else x.T


def _rows(w: Tensor) -> Tensor:
    """A row per output, as a view: the columns of a convolution are in the order of memory."""
    return w.movedim(1, -1).flatten(1)


class Muon(torch.optim.Optimizer):
    """Muon for the weights that form a matrix, stochastic gradient descent for the rest, both with Nesterov's momentum.

    A convolution is a matrix with a row per output, as it lies in memory; other layouts than channels_last are refused (`ValueError`). All
    is in single precision: PyTorch's Muon computes in bfloat16, which takes processors that lack it 20 times as long.
    """

    def __init__(self, network: nn.Module, recipe: Recipe):
        matrices = [p for p in network.parameters() if _is_matrix(p)]
        vectors = [p for p in network.parameters() if not _is_matrix(p)]
        if any(p.data_ptr() != _rows(p.detach()).data_ptr() for p in matrices):
            raise ValueError("weights must have two dimensions, or four in the order channels_last: the optimizer works on views of them")
        of_matrices = {"params": matrices, "lr": recipe.peak_rate, "weight_decay": recipe.weight_decay}
        of_vectors = {"params": vectors, "lr": recipe.vector_rate, "weight_decay": recipe.vector_decay}
        super().__init__([of_matrices, of_vectors], {"momentum": recipe.momentum})

    @torch.no_grad()
    def step(self, part: float = 1.0) -> None:  # type: ignore[override]
        """One step at this part of the highest rates; tall matrices move as far per row as wide ones per column."""
        for group in self.param_groups:
            rate, decay, momentum = part * group["lr"], group["weight_decay"], group["momentum"]
            for p in (p for p in group["params"] if p.grad is not None):
                if _is_matrix(p):
                    w, grad = _rows(p), _rows(p.grad)
                    mean = self.state[p].setdefault("mean", torch.zeros_like(w)).lerp_(grad, 1 - momentum)
                    size = math.sqrt(max(1, w.shape[0] / w.shape[1]))
                    w.mul_(1 - rate * decay).sub_(orthogonal(grad.lerp(mean, momentum)), alpha=rate * size)
                else:
                    grad = p.grad.add(p, alpha=decay)
                    total = self.state[p].setdefault("total", torch.zeros_like(p)).mul_(momentum).add_(grad)
                    p.sub_(grad.add(total, alpha=momentum), alpha=rate)


def _is_matrix(p: Tensor) -> bool:
    return p.ndim > 1 and p.shape[1] > 1


def cross_entropy(network: nn.Module, images: Tensor, labels: Tensor, done: float) -> Float[Tensor, ""]:
    """The plain loss of a classifier, all through the training."""
    return F.cross_entropy(network(images), labels)


def distilled(teacher: nn.Module, share: float = 0.9, temperature: float = 4.0) -> Loss:
    r"""The plain loss, and how far the network is from a teacher: :math:`(1 - s) E + s T^2 D(p \,\|\, q)`.

    E is the cross entropy of the labels, s the ``share``, D the Kullback-Leibler divergence, p and q the softmax of the teacher's and the
    network's outputs over the temperature T. The teacher is put into evaluation mode.

    Source: G. Hinton, O. Vinyals and J. Dean, arXiv 1503.02531 (2015).
    """
    teacher.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss(network: nn.Module, images: Tensor, labels: Tensor, done: float) -> Float[Tensor, ""]:
        with torch.no_grad():
            asked = F.log_softmax(teacher(images).float() / temperature, 1)
        given = network(images)
        likeness = F.kl_div(F.log_softmax(given.float() / temperature, 1), asked, reduction="batchmean", log_target=True)
        return (1 - share) * F.cross_entropy(given, labels) + share * temperature**2 * likeness

    return loss


@torch.inference_mode()
def answers(network: nn.Module, images: Shaped[Tensor, "batch *image"]) -> Float[Tensor, "batch category"]:
    """Outputs of the network, in evaluation mode."""
    device = next(network.eval().parameters()).device
    return torch.cat([network(part.to(device)).cpu() for part in images.split(100)])


def accuracy(network: nn.Module, images: Shaped[Tensor, "batch *image"], labels: Int[Tensor, " batch"]) -> float:
    """Share of images (0 to 1) for which the network's largest output is the label."""
    return float((answers(network, images).argmax(1) == labels).float().mean())


def train(
    network: nn.Module,
    images: Shaped[Tensor, "batch *image"],
    labels: Int[Tensor, " batch"],
    held_out: tuple[Tensor, Tensor],  # images and labels whose accuracy is logged after each epoch; nothing is chosen by it
    recipe: Recipe,
    seed: int,
    state: Path,  # weights, momenta and log, written after each epoch
    augment: Augment | None = None,
    loss: Loss = cross_entropy,  # of the network, images, labels, and the part of all steps that is done (0 to 1)
    average: float = 0.0,  # above 0, the network gets means of parameters over steps, in which the past has this weight; not of buffers
    constants: Mapping[str, Any] | None = None,  # what else makes this training another one, by name
    after: str = "",  # the training whose weights this one begins with; its random numbers are not drawn again
) -> list[dict[str, Any]]:
    """Train ``network`` in place, on its device, from where ``state`` stands if it exists. Same seed, same network, killed or not.

    The log has a row per epoch: number, mean loss, accuracy on the held-out images (0 to 1), seconds.

    Raises `TrainingDiverged` if the mean loss of an epoch is not finite, or more than twice the cross entropy of guessing and twice the
    loss of the first batch, or weights are not finite (the last good state stays); `ValueError` if ``state`` belongs to another training,
    ``average`` is no part, or there are fewer images than a batch has.
    """
    if not 0 <= average < 1:
        raise ValueError(f"average is {average}: it is a part of the past, from 0 to below 1")
    if len(images) < recipe.batch:
        raise ValueError(f"there are {len(images)} images, fewer than one batch of {recipe.batch}: give more, or a smaller batch")
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # convolutions are faster
    optimizer, numbers = Muon(network, recipe), {"limit": 0.0}
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(average)) if average else None
    who = identity(recipe, seed, network, constants) | ({"average": average} if average else {})
    device, categories = next(network.parameters()).device, answers(network, images[:1]).shape[1]
    steps = len(images) // recipe.batch  # what is left over has its turn in another epoch
    purpose = f" after {after}" if after else ""

    def one(epoch: int) -> float:
        """The mean loss of an epoch."""
        total, generator = torch.zeros((), device=device), torch_generator(seed, f"epoch {epoch}{purpose}")
        order = torch.randperm(len(images), generator=generator)
        network.train()
        with seeded_draws(seed, f"dropout in epoch {epoch}{purpose}"):
            for step in tqdm(range(steps), desc=f"epoch {epoch + 1}/{recipe.epochs}", disable=None, leave=False):
                which = order[step * recipe.batch : (step + 1) * recipe.batch]
                x = (augment(images[which], generator) if augment else images[which]).to(device)
                done = (epoch * steps + step) / (recipe.epochs * steps)
                with torch.autocast(device.type, torch.bfloat16, enabled=recipe.bfloat16):
                    given = x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
                    value = loss(network, given, labels[which].to(device), done)
                optimizer.zero_grad()
                value.backward()
                optimizer.step(recipe.cycle(done))
                if mean:
                    mean.update_parameters(network)
                total += value.detach().float()
                numbers["limit"] = numbers["limit"] or 2 * max(math.log(categories), float(value.detach()))
        return float(total) / steps

    def rows(log: Log) -> Iterator[dict[str, Any]]:
        for epoch in range(len(log), recipe.epochs):
            if epoch % (recipe.epochs // recipe.cycles) == 0:
                optimizer.state.clear()
            mean_loss, limit = one(epoch), numbers["limit"]
            why = [f"{name} is no longer finite" for name, p in network.named_parameters() if not p.isfinite().all()]
            if not mean_loss <= limit < math.inf:
                why = [f"the mean loss is {mean_loss:.3g}, and {limit:.3g} is twice that of guessing, or of the first batch"]
            if why:
                kept = f"{state} holds epoch {epoch}" if epoch else "no epoch was good"
                raise TrainingDiverged(f"epoch {epoch + 1}: {why[0]}; {kept}. Lower peak_rate and vector_rate")
            right = accuracy(mean.module if mean else network, *held_out)
            yield {"epoch": epoch + 1, "loss": round(mean_loss, 4), "held_out": round(right, 4)}
            seconds = log[-1]["seconds"]
            tqdm.write(f"epoch {epoch + 1}/{recipe.epochs}: loss {mean_loss:.4f}, held out {100 * right:.2f} %, {seconds} s")

    parts = {"network": network, "optimizer": optimizer} | ({"mean": mean} if mean else {})
    log = logged(state, who, rows, numbers, **parts)
    if mean:
        network.load_state_dict(mean.module.state_dict())
    return log
