"""The networks that are fine-tuned: an encoder with a segmentation decoder, or with one answer per scan."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from monai.losses import DiceLoss
from torch import Tensor, nn
from torch.nn import functional

from orienteer.errors import ConfigError
from orienteer.finetune.structures import IGNORE
from orienteer.networks.decoder import Decoder
from orienteer.networks.encoders import build_encoder
from orienteer.networks.quick import quicken
from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.model import ModelOutput, Seen
from orienteer.records import Measure, Observation
from orienteer.store.convention import WINDOW, Convention


class SegmentationNetwork(nn.Module):
    """Encoder and decoder to one score per class and voxel; called with targets it gives the loss.

    The loss is Dice (MONAI's) plus cross-entropy. Dice is over the whole batch, so that a patch without a structure
    does not count as a failure. Cross-entropy weighs classes by their rarity: unweighted, small structures stay
    unlearned for hundreds of steps (docs/log.md).

    Args:
        settings: of encoder and decoder.
        in_channels: channels of a scan.
        patch: patch edge, voxels.
        weights: of every class in the cross-entropy, background first.
        convention: the units of intensity that the encoder sees.
        as_pretrained: a decoder of the kind that pretraining has, so that it can take its weights; otherwise the kind
            that learns to segment better from fresh ones.

    Raises:
        ConfigError: an encoder whose maps cannot be decoded to every voxel.
    """

    weights: Tensor

    def __init__(
        self,
        settings: NetworkSettings,
        *,
        in_channels: int,
        patch: int,
        weights: Float[Tensor, " classes"],
        convention: Convention = WINDOW,
        as_pretrained: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = build_encoder(settings, in_channels, patch, convention)
        self.decoder = Decoder(
            self.encoder.channels,
            self.encoder.strides,
            dense_stride=1,
            dense_channels=settings.dense_channels,
            kind=settings.decoder if as_pretrained else "plain",
        )
        if self.decoder.stride != 1:
            raise ConfigError(
                f"{settings.name} divides patches of {patch} voxels unevenly (strides {self.encoder.strides})",
                cure="make patches.size a multiple of 16",
            )
        self.head = nn.Conv3d(settings.dense_channels, len(weights), kernel_size=1)
        quicken(self)
        self.dice = DiceLoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
        self.masked_dice = DiceLoss(include_background=False, batch=True)
        self.register_buffer("weights", weights, persistent=False)

    def scores(self, images: Float[Tensor, "N C S S S"]) -> Float[Tensor, "N classes S S S"]:
        """Unnormalised scores."""
        scores: Tensor = self.head(functional.leaky_relu(self.decoder(self.encoder(images)), 0.1))
        return scores

    def forward(self, images: Float[Tensor, "N C S S S"], target: Int[Tensor, "N S S S"]) -> ModelOutput:
        """Loss, and the Dice of the batch's own patches."""
        scores = self.scores(images).float()
        ignored = target == IGNORE
        if bool(ignored.any()):
            return ModelOutput(self._without(scores, target, ignored), _seen(scores, target))
        # Weights average to 1 over the training voxels, so the mean is over voxels, not over weights: a patch of
        # background counts little, not as much as one full of structures.
        each = functional.cross_entropy(scores, target, weight=self.weights, reduction="none")
        loss = self.dice(scores, target[:, None]) + each.mean()
        return ModelOutput(loss, _seen(scores, target))

    def _without(
        self, scores: Float[Tensor, "N classes S S S"], target: Int[Tensor, "N S S S"], ignored: Bool[Tensor, "N S S S"]
    ) -> Float[Tensor, ""]:
        """The loss of the voxels that are not ignored; 0 where all are."""
        counted = ~ignored[:, None]
        classes = target.masked_fill(ignored, 0)
        there = functional.one_hot(classes, scores.shape[1]).movedim(-1, 1).float()
        dice = self.masked_dice(scores.softmax(1) * counted, there * counted)
        each = functional.cross_entropy(scores, classes, weight=self.weights, reduction="none")
        loss: Tensor = dice + (each * counted[:, 0]).sum() / counted.sum().clamp(min=1)
        return loss


class ScanNetwork(nn.Module):
    """Encoder to one answer per scan: the deepest map averaged over space, then one linear layer.

    Args:
        settings: of the encoder.
        in_channels: channels of a scan.
        patch: patch edge, voxels.
        outputs: categories; 1 for a number.
        convention: the units of intensity that the encoder sees.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        *,
        in_channels: int,
        patch: int,
        outputs: int,
        convention: Convention = WINDOW,
    ) -> None:
        super().__init__()
        self.encoder = build_encoder(settings, in_channels, patch, convention)
        self.norm = nn.LayerNorm(self.encoder.channels[-1])
        self.head = nn.Linear(self.encoder.channels[-1], outputs)
        self.outputs = outputs

    def scores(self, images: Float[Tensor, "N C S S S"]) -> Float[Tensor, "N outputs"]:
        """Unnormalised scores of categories, or the standardised number."""
        scores: Tensor = self.head(self.norm(self.encoder(images)[-1].mean(dim=(2, 3, 4))))
        return scores

    def forward(self, images: Float[Tensor, "N C S S S"], target: Tensor) -> ModelOutput:
        """Cross-entropy for ``(N,)`` categories, smooth L1 for ``(N,)`` standardised numbers."""
        scores = self.scores(images).float()
        if self.outputs > 1:
            loss = functional.cross_entropy(scores, target)
        else:
            loss = functional.smooth_l1_loss(scores[:, 0], target.float())

        def observe() -> Observation:
            if self.outputs > 1:
                right = float((scores.argmax(1) == target).float().mean())
                return Observation("classify", {"patch_accuracy": Measure(right, "fraction", None, "higher")})
            return Observation("regress", {"patch_error": Measure(float(loss), "1", None)})

        return ModelOutput(loss, Seen(observe))


def _seen(scores: Tensor, target: Tensor) -> Seen:
    return Seen(lambda: Observation("segment", {"patch_dice": _dice(scores, target)}))


def _dice(scores: Tensor, target: Tensor) -> Measure:
    """Mean Dice of the structures that occur in the batch or in its prediction."""
    classes = scores.shape[1]
    # Not argmax, which walks strided classes four times as slowly on a CPU: a twentieth of a whole step.
    predicted, target = scores.max(1).indices.flatten(), target.flatten()
    counted = target != IGNORE
    predicted, target = predicted[counted], target[counted]
    both: Any = torch.bincount(predicted[predicted == target], minlength=classes)[1:].float()
    sizes = (torch.bincount(predicted, minlength=classes) + torch.bincount(target, minlength=classes))[1:]
    there = sizes > 0
    value = float((2 * both[there] / sizes[there]).mean()) if bool(there.any()) else float("nan")
    return Measure(value, "fraction", None, "higher")
