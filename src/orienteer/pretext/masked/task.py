"""Masked autoencoding: blocks of a view are hidden, and restored from what is left.

He et al. 2022, *Masked Autoencoders Are Scalable Vision Learners*, arXiv 2111.06377; for 3D CNNs in medicine Wald et
al. 2025, *Revisiting MAE pre-training for 3D medical image segmentation*, arXiv 2410.23132. As there, most blocks are
hidden and the loss is over hidden voxels only, air included. Departures: hidden voxels are painted over instead of
dropped from the encoder's input, so that any encoder of this project can be trained, and intensities are restored
without a normalisation of their own for every block, as they were before augmentation varied them.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from orienteer.errors import ConfigError
from orienteer.pretext.contract import EncodedViews, Interface, PretextTask, TaskOutput, TaskSettings
from orienteer.pretext.masked.corrupt import block_mask, hide
from orienteer.pretext.masked.reference import interpolated
from orienteer.pretext.masked.settings import MaskedSettings
from orienteer.pretext.restoring import VoxelHead, body_voxels, mean_error, mean_where, pooled, view_rows
from orienteer.records.records import Measure, Observation, Rows


def masked_measures(rows: Rows) -> dict[str, Measure]:
    """Mean error over hidden body voxels, as a share of the intensity window.

    Chance is to answer every voxel with the mean of the view's shown body. A smooth interpolation of what is shown
    stands beside it: a model that is no better has learned no anatomy.
    """
    return {
        "masked_error": pooled(rows, "error", "mean_error"),
        "interpolation_error": pooled(rows, "interpolation_error", "mean_error"),
    }


class MaskedTask(PretextTask):
    """Hides blocks of every view and predicts their voxels from the dense features.

    Raises:
        ConfigError: blocks that do not fill a view, or more views than there are.
    """

    name = "masked"
    needs_dense = True
    about_space = False
    settings_type = MaskedSettings
    settings: MaskedSettings
    measure = staticmethod(masked_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        block, size = self.settings.block, interface.view_voxels
        if size % block or size == block:
            raise ConfigError(
                f"tasks.masked.block: blocks of {block} voxels do not divide views of {size}",
                cure="choose a block that fits at least twice, for example a sixth of views.size",
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
        """True where a voxel of ``images`` is hidden; found again from the address, whatever is in the images."""
        mask = block_mask(
            address, images.shape[1], size=images.shape[-1], block=self.settings.block, ratio=self.settings.ratio
        )
        return mask.to(images.device)

    def restore(self, views: EncodedViews) -> Float[Tensor, "B K C S S S"]:
        """What is shown, with the prediction where it is hidden."""
        return torch.where(self.mask(views.images, views.address), self.head(views), views.images)

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss over hidden voxels, and one row a view about those of them that are body."""
        mask, predicted = self.mask(views.images, views.address), self.head(views)
        # Gathered, not multiplied: a prediction where nothing is hidden takes no part, not even a NaN.
        hidden = mask.expand_as(predicted)
        error = predicted[hidden] - views.plain[hidden]
        loss = error.square().mean() if self.settings.loss == "mse" else error.abs().mean()
        with torch.no_grad():
            body = body_voxels(views.plain)
            smooth = interpolated(views.images, ~mask, width=self.settings.block / 2)
            middle = mean_where(views.images, body & ~mask).expand_as(views.images)
            rows = view_rows(
                body & mask,
                error=mean_error(predicted, views.plain, body & mask),
                mean_error=mean_error(middle, views.plain, body & mask),
                interpolation_error=mean_error(smooth, views.plain, body & mask),
            )
        return TaskOutput(loss, Observation(self.name, self.measure(rows), rows))
