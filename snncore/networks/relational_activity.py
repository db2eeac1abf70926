"""Measures of a relational network: neurons and synapses of its copies on a chip, spikes of its layers, pairs that its answer needs."""

from collections.abc import Sequence

import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from snncore.networks.relational import Answer, RelationalNetwork, sum_over_pairs
from snncore.tasks.stories import SENTENCES


def module_sizes(network: RelationalNetwork, sentences: int) -> pd.DataFrame:
    """Count copies, neurons and synapses of each module for a story of ``sentences`` sentences on a chip, where copies share no weights."""
    encoding = network.encoders()[0].network
    pairs = sentences * (sentences + 1) // 2
    last = len(network.w_sum)
    encoder = len(encoding.w_rec), encoding.w_in.numel() + encoding.w_rec.numel() - len(encoding.w_rec)
    g, f = [network.w_first, network.w_second, network.w_question, *network.w_pairs], [*network.w_answer, network.w_out]
    rows = [
        ("A, a sentence", sentences, *encoder),
        ("B, the question", 1, *encoder),
        ("C, a pair", pairs, len(network.w_first) + sum(len(w) for w in network.w_pairs), sum(w.numel() for w in g)),
        ("D, the sum", 1, last, pairs * last),
        ("D, the answer", 1, sum(len(w) for w in f), sum(w.numel() for w in f)),
    ]
    table = pd.DataFrame(rows, columns=["module", "copies", "neurons", "synapses"])
    return table.assign(neurons=table["copies"] * table["neurons"], synapses=table["copies"] * table["synapses"])


def growth(network: RelationalNetwork, most: int = SENTENCES) -> pd.DataFrame:
    """Count pairs, neurons and synapses for 1 to ``most`` sentences, and the shares [%] of modules C and D, which are feed-forward."""
    rows = []
    for sentences in range(1, most + 1):
        table = module_sizes(network, sentences)
        total, feedforward = (part[["neurons", "synapses"]].sum() for part in (table, table[2:]))
        shares = {f"feed-forward {key}": 100 * feedforward[key] / total[key] for key in total.index}
        rows.append({"sentences": sentences, "pairs": int(table["copies"][2]), **total.to_dict(), **shares})
    return pd.DataFrame(rows)


def pairs_that_matter(network: RelationalNetwork, answer: Answer) -> Bool[Tensor, " pair"]:
    """Tell for each pair whether the answer to its story changes when the pair is left out of the sum."""
    last = answer.last_of_pairs
    without = sum_over_pairs(last, answer.story, len(answer.logits))[:, answer.story] - last
    return network.conclude(without)[0].argmax(1) != answer.logits.argmax(1)[answer.story]


def pair_table(network: RelationalNetwork, answer: Answer) -> pd.DataFrame:
    """List the pairs of a single story.

    Columns: ``first`` and ``second`` sentence, from 1; ``activity`` of the last layer of g (spikes per neuron; artificial neurons: mean);
    whether the answer ``changes`` without the pair.
    """
    absent = int(answer.first.min())
    return pd.DataFrame({
        "first": 1 + answer.first - absent, "second": 1 + answer.second - absent,
        "activity": answer.last_of_pairs.sum(0).mean(1), "changes": pairs_that_matter(network, answer),
    })  # fmt: skip


def spikes_per_neuron(answer: Answer, sentences: int, layers: Sequence[str]) -> Float[Tensor, " story"]:
    """Mean number of spikes of a neuron while the gate is open, for each story; all have so many sentences.

    It is over the copies of these layers that the story uses: for each sentence, each pair, or one.
    """
    copies, stories = answer.copies(), torch.arange(len(answer.logits))
    sent, neurons = torch.zeros(2, len(stories))
    for name in layers:
        z, owner = copies[name].z, stories.repeat_interleave(sentences) if name == "statement" else stories
        owner = answer.story if name.startswith("pair") else owner
        sent.index_add_(0, owner, z.sum((0, 2)))
        neurons.index_add_(0, owner, torch.full(owner.shape, float(z.shape[2])))
    return sent / neurons


def readouts_by_step(network: RelationalNetwork, answers: Sequence[Answer]) -> Float[Tensor, "time question answer"]:
    """Readouts after each step; the answer is read at the last one."""
    *_, last = answers[0].layers
    return F.linear(torch.cat([a.layers[last].z for a in answers], 1), network.w_out).cumsum(0)


def layer_activity(network: RelationalNetwork, answers: Sequence[Answer]) -> pd.DataFrame:
    """Measure each layer of spiking neurons while the gate is open, in the answers to several batches of questions.

    Columns: ``layer``; ``neurons``, each counted once for all of its copies; ``rate`` [% of steps]; ``locked`` neurons [%]. A locked neuron
    is driven below rest, and its potential is never above 0: it never has a pseudo-derivative. Artificial neurons are refused.
    """
    network.encoders()
    layers, rows = [a.copies() for a in answers], list[tuple[str, int, float, float]]()
    for name in layers[0]:
        z = torch.cat([of_batch[name].z for of_batch in layers], 1)
        rate = 100 * float(z.mean())
        del z  # spikes and potentials of all pairs together take too much memory
        v = torch.cat([of_batch[name].v for of_batch in layers], 1)
        locked = (v.amax((0, 1)) <= 0) & (v.amin((0, 1)) < 0)
        rows.append((name, len(locked), rate, 100 * float(locked.float().mean())))
    return pd.DataFrame(rows, columns=["layer", "neurons", "rate", "locked"])
