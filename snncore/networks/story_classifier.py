"""The relational network as a classifier of stories with a question: one array in, a number for each possible answer out."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from snncore.networks.relational import Answer, RelationalNetwork, Size, Timing
from snncore.seeds import seeded_draws, torch_generator
from snncore.tasks.stories import SENTENCES, VOCABULARY


class StoryClassifier(nn.Module):
    """A relational network whose input has the question and the statements of each story as rows (see `snncore.tasks.stories.arrays`)."""

    def __init__(self, network: RelationalNetwork):
        super().__init__()
        self.network = network

    def answer(self, stories: Int[Tensor, "batch sentence word"]) -> Answer:
        """Logits of the answers, and the activity of all layers."""
        return self.network(stories[:, 1:], stories[:, 0])

    def forward(self, stories: Int[Tensor, "batch sentence word"]) -> Float[Tensor, "batch answer"]:
        return self.answer(stories).logits


def story_classifier(size: Size, timing: Timing | None, seed: int) -> StoryClassifier:
    """Draw a network with fresh weights: spiking neurons with a timing, artificial ones without."""
    neurons = "snn" if timing else "ann"
    with seeded_draws(seed, f"relational network, {neurons}"):
        generator = torch_generator(seed, f"weights of layers, {neurons}")
        return StoryClassifier(RelationalNetwork(size, len(VOCABULARY), SENTENCES, generator, timing))
