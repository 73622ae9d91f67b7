"""Masked autoencoding: blocks of a view are hidden, and restored from what is left.

He et al. 2022, *Masked Autoencoders Are Scalable Vision Learners*, arXiv 2111.06377; for 3D CNNs in medicine Wald et
al. 2025, *Revisiting MAE pre-training for 3D medical image segmentation*, arXiv 2410.23132. As there, most blocks are
hidden and the loss is over hidden voxels only, air included. Differences: hidden voxels are painted over instead of
dropped from the encoder's input, so that any encoder can be trained; the targets are intensities before augmentation,
without normalisation per block.
"""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor

from orienteer import losses
from orienteer.errors import ConfigError
from orienteer.losses.restoration import interpolated, mean_where
from orienteer.pretext.contract import (
    EncodedViews,
    Interface,
    PretextTask,
    RestoresImages,
    TaskOutput,
    TaskSettings,
)
from orienteer.pretext.restoring import VoxelHead, body_voxels, mean_error, pooled, view_rows
from orienteer.records import Measure, Metric, Observation, Rows
from orienteer.records.card import Restoration, TaskCard
from orienteer.records.evidence import Spread
from orienteer.sampling import Purpose, generator


class MaskedSettings(TaskSettings):
    """Masked autoencoding: what was in the blocks that are hidden?"""

    block: int = Field(4, ge=1)
    """Edge of a block in voxels; it must divide the view's edge."""
    ratio: float = Field(0.75, gt=0, lt=1)
    """Share of a view's blocks that are hidden; 0.6 to 0.75 in the papers."""
    loss: Literal["mse", "l1"] = "mse"
    """Mean squared or mean absolute error over the hidden voxels."""
    views: int | None = Field(None, ge=1)
    """Number of views per sample to mask and encode; fewer cost less, ``null`` takes all."""


HIDDEN = 0.0
"""The value of hidden voxels: the middle of the window, because no block of real tissue is exactly 0 throughout. The
floor, -1, is the background, so a hidden block would look like air or like a ventricle at the body's edge."""

METRICS = (
    Metric(
        name="masked_error",
        title="Error in hidden voxels",
        unit="fraction",
        meaning="how far off hidden body voxels are restored, in per cent of the intensity window",
        chance="answering with the mean of what is shown",
        shown="card",
    ),
    Metric(
        name="interpolation_error",
        title="Error of a smooth interpolation",
        unit="fraction",
        meaning="what interpolating the shown voxels reaches, without any learning",
        chance="answering with the mean of what is shown",
    ),
)


class MaskedTask(PretextTask[MaskedSettings], RestoresImages):
    """Hides blocks of every view and predicts their voxels from the dense features.

    Raises:
        ConfigError: blocks that do not fill a view, or more views than there are.
    """

    card = TaskCard(
        name="masked",
        title="Masked autoencoding",
        question="Can it fill in what is hidden?",
        intro="Most blocks of a view are hidden; the model fills them in from the rest.",
        source="He et al. 2022, arXiv 2111.06377; Wald et al. 2025, arXiv 2410.23132",
        spatial=False,
        metrics=METRICS,
        evidence=(
            Spread(
                title="Error of a view in its hidden voxels",
                unit="fraction",
                model="error",
                others={
                    "interpolation_error": "a smooth interpolation of what is shown",
                    "mean_error": "the mean of what is shown",
                },
            ),
        ),
        restoration=Restoration(
            intro="Most blocks of a view are hidden (grey); the model fills them in from the rest.",
            look="Restored blocks should continue the anatomy around them. Soft edges are to be expected: what cannot "
            "be known is answered with its mean.",
        ),
    )
    needs_dense = True

    def __init__(self, settings: MaskedSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        block, size = self.settings.block, interface.view_voxels
        if size % block or size == block:
            raise ConfigError(
                f"tasks.masked.block: blocks of {block} voxels do not divide views of {size}",
                cure=f"views.size={max(2, round(size / block)) * block}, or a block that divides {size} and fits twice",
            )
        if (self.settings.views or 1) > interface.views:
            raise ConfigError(
                f"tasks.masked.views is {self.settings.views}, but a sample has {interface.views} views",
                cure="lower it, or set it to null for all views",
            )
        self.head = VoxelHead(interface)

    def corrupt(
        self, images: Float[Tensor, "B K C S S S"], address: Int[Tensor, "B 2"]
    ) -> Float[Tensor, "B k C S S S"]:
        """The first ``views`` views with their blocks hidden."""
        images = images[:, : self.settings.views]
        return hide(images, self.mask(images, address))

    def mask(self, images: Float[Tensor, "B K C S S S"], address: Int[Tensor, "B 2"]) -> Bool[Tensor, "B K 1 S S S"]:
        """True where a voxel of ``images`` is hidden; depends on the address alone."""
        mask = block_mask(
            address, images.shape[1], size=images.shape[-1], block=self.settings.block, ratio=self.settings.ratio
        )
        return mask.to(images.device)

    def restore(self, views: EncodedViews) -> Float[Tensor, "B K C S S S"]:
        """The images, with the prediction in hidden voxels."""
        return torch.where(self.mask(views.images, views.address), self.head(views), views.images)

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss over hidden voxels, and one row per view over hidden body voxels."""
        mask, predicted = self.mask(views.images, views.address), self.head(views)
        loss = losses.masked(predicted, views.plain, mask, form=self.settings.loss)
        return TaskOutput(loss, lambda: self._observe(predicted, mask, views))

    def _observe(self, predicted: Tensor, mask: Tensor, views: EncodedViews) -> Observation:
        body = body_voxels(views.plain)
        smooth = interpolated(views.images, ~mask, width=self.settings.block / 2)
        middle = mean_where(views.images, body & ~mask).expand_as(views.images)
        rows = view_rows(
            body & mask,
            error=mean_error(predicted, views.plain, body & mask),
            mean_error=mean_error(middle, views.plain, body & mask),
            interpolation_error=mean_error(smooth, views.plain, body & mask),
        )
        return self.observe(rows)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Mean error over hidden body voxels, as a share of the intensity window.

        Chance is the mean of the view's shown body. The error of a smooth interpolation of the shown voxels is given as
        well: a model that is no better has learned no anatomy.
        """
        return {
            "masked_error": pooled(rows, "error", "mean_error"),
            "interpolation_error": pooled(rows, "interpolation_error", "mean_error"),
        }


def block_mask(
    address: Int[Tensor, "B 2"], views: int, *, size: int, block: int, ratio: float
) -> Bool[Tensor, "B K 1 S S S"]:
    """True where a voxel is hidden: the same share of blocks in every view, drawn from the view's address.

    Args:
        address: seed and number of each sample.
        views: K.
        size: view edge in voxels, a multiple of ``block``.
        block: block edge in voxels.
        ratio: share of blocks that are hidden; at least one is hidden and one is shown.
    """
    edge = size // block
    hidden = hidden_blocks(edge**3, ratio)
    masks = np.zeros((len(address), views, edge**3), dtype=bool)
    for sample, (seed, number) in enumerate(address.tolist()):
        for view in range(views):
            order = generator(seed, Purpose.CORRUPTION, number, view).permutation(edge**3)
            masks[sample, view, order[:hidden]] = True
    blocks = torch.from_numpy(masks).reshape(len(address), views, 1, edge, edge, edge)
    for axis in (-3, -2, -1):
        blocks = blocks.repeat_interleave(block, dim=axis)
    return blocks


def hidden_blocks(blocks: int, ratio: float) -> int:
    """Number of hidden blocks: at least one is hidden and one shown."""
    return min(max(round(blocks * ratio), 1), blocks - 1)


def hide(images: Float[Tensor, "B K C S S S"], mask: Bool[Tensor, "B K 1 S S S"]) -> Float[Tensor, "B K C S S S"]:
    """The images with hidden voxels painted over in all channels."""
    return images.masked_fill(mask, HIDDEN)
