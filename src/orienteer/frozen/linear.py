"""Linear and k-nearest-neighbour (kNN) probes of fixed features."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

NEIGHBOURS = 15


class LinearProbe:
    """Features to scores: standardised, then one linear layer fitted to convergence.

    Args:
        features: ``(n, F)`` training features.
        decay: squared-norm penalty on the weights, the same for every method and never tuned on a test split.
    """

    def __init__(self, features: Float[Tensor, "n F"], *, decay: float = 1e-3) -> None:
        self.mean = features.mean(0)
        self.scale = features.std(0).clamp(min=1e-6)
        self.decay = decay
        self.weight = torch.zeros(0)
        self.bias = torch.zeros(0)

    def classify(
        self, features: Float[Tensor, "n F"], target: Int[Tensor, " n"], classes: int, weight: Float[Tensor, " n"]
    ) -> None:
        """Fit a multinomial logistic regression; ``weight`` is how many voxels a sample stands for."""
        share = weight / weight.sum()
        self._fit(
            features, classes, lambda scores: (functional.cross_entropy(scores, target, reduction="none") * share).sum()
        )

    def regress(self, features: Float[Tensor, "n F"], target: Float[Tensor, "n outputs"]) -> None:
        """Fit a ridge regression."""
        centre = target.mean(0)
        inputs = self._standard(features)
        gram = inputs.T @ inputs / len(inputs) + self.decay * torch.eye(inputs.shape[1])
        self.weight = torch.linalg.solve(gram, inputs.T @ (target - centre) / len(inputs))
        self.bias = centre

    def scores(self, features: Float[Tensor, "n F"]) -> Float[Tensor, "n outputs"]:
        """Unnormalised scores, or the predicted numbers."""
        return self._standard(features) @ self.weight + self.bias

    def dense_scores(self, features: Float[Tensor, "N F D H W"]) -> Float[Tensor, "N outputs D H W"]:
        """The same at every voxel, as one 1x1x1 convolution."""
        device = features.device
        with torch.autocast(device.type, enabled=False):  # which would round what the bias takes away again
            weight = (self.weight / self.scale[:, None]).T
            bias = self.bias - weight @ self.mean
            return functional.conv3d(features.float(), weight[:, :, None, None, None].to(device), bias.to(device))

    def _fit(self, features: Tensor, outputs: int, loss_of: Callable[[Tensor], Tensor]) -> None:
        inputs = self._standard(features)
        weight = torch.zeros(inputs.shape[1], outputs, requires_grad=True)
        bias = torch.zeros(outputs, requires_grad=True)
        optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, history_size=20, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimiser.zero_grad()
            loss = loss_of(inputs @ weight + bias) + self.decay / 2 * weight.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        with torch.enable_grad():
            optimiser.step(closure)  # type: ignore[no-untyped-call]
        self.weight, self.bias = weight.detach(), bias.detach()

    def _standard(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.scale


def neighbours(
    train: Float[Tensor, "n F"], test: Float[Tensor, "m F"], *, count: int = NEIGHBOURS
) -> tuple[Int[Tensor, "m k"], Float[Tensor, "m k"]]:
    """The training samples nearest to each test sample by cosine of standardised features, and their weights.

    Weights are softmax of similarity at temperature 0.07 (Wu et al., arXiv 1805.01978).
    """
    mean, scale = train.mean(0), train.std(0).clamp(min=1e-6)
    known = functional.normalize((train - mean) / scale, dim=1)
    indices, similarities = [], []
    for part in torch.split(test, 2048):
        near = (functional.normalize((part - mean) / scale, dim=1) @ known.T).topk(min(count, len(train)), dim=1)
        indices.append(near.indices)
        similarities.append(near.values)
    return torch.cat(indices), (torch.cat(similarities) / 0.07).softmax(1)
