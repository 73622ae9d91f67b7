"""Models Genesis: a view is distorted in four ways, and restored.

Zhou et al. 2019, *Models Genesis: Generic Autodidactic Models for 3D Medical Image Analysis*, arXiv 1908.06912, and
the longer 2021 paper, arXiv 2004.07882. Probabilities, curves and boxes are the published ones, sizes in shares of the
view. Departures: the paper shuffles ten thousand overlapping blocks of up to a tenth of an edge, which at small views
would be single voxels; here blocks of 2 to ``shuffle_edge`` voxels tile the view. At least one box is painted. Views
are not mirrored: left and right are anatomy. Where our own augmentation varies intensities too, that is undone as well.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from orienteer.errors import ConfigError
from orienteer.pretext.contract import EncodedViews, Interface, PretextTask, TaskOutput, TaskSettings
from orienteer.pretext.genesis.corrupt import apply, draw
from orienteer.pretext.genesis.settings import GenesisSettings
from orienteer.pretext.restoring import VoxelHead, body_voxels, mean_error, mean_where, pooled, view_rows
from orienteer.records.records import Measure, Observation, Rows
from orienteer.sampling import Purpose, generator


def genesis_measures(rows: Rows) -> dict[str, Measure]:
    """Mean error over body voxels, as a share of the intensity window; chance is to hand the view back as it came.

    Beside it stands the error of one grey for each view, the mean of its true body: a model that is no better has found
    out how bright a view was, and not yet what was in it.
    """
    return {
        "restoration_error": pooled(rows, "error", "unrestored_error"),
        "one_grey_error": pooled(rows, "mean_error", "unrestored_error"),
    }


class GenesisTask(PretextTask):
    """Distorts every view and predicts the original from the dense features.

    Raises:
        ConfigError: more views than there are.
    """

    name = "genesis"
    needs_dense = True
    about_space = False
    settings_type = GenesisSettings
    settings: GenesisSettings
    measure = staticmethod(genesis_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        if (self.settings.views or 1) > interface.views:
            raise ConfigError(
                f"tasks.genesis.views is {self.settings.views}, but a sample has {interface.views} views",
                cure="lower it, or set it to null for all views",
            )
        self.head = VoxelHead(interface)

    def corrupt(
        self, images: Float[Tensor, "B K C S S S"], address: Int[Tensor, "B 2"]
    ) -> Float[Tensor, "B k C S S S"]:
        """The first ``views`` views, each distorted from its own address."""
        shown = images[:, : self.settings.views].clone()
        for sample, (seed, number) in enumerate(address.tolist()):
            for view in range(shown.shape[1]):
                random = generator(seed, Purpose.CORRUPTION, number, view)
                shown[sample, view] = apply(shown[sample, view], draw(random, shown.shape[-1], self.settings))
        return shown

    def restore(self, views: EncodedViews) -> Float[Tensor, "B K C S S S"]:
        """The prediction, of every voxel."""
        restored: Tensor = self.head(views)
        return restored

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Mean squared error over all voxels, and one row a view about those that are body."""
        predicted = self.restore(views)
        loss = functional.mse_loss(predicted, views.plain.float())
        with torch.no_grad():
            body = body_voxels(views.plain)
            rows = view_rows(
                body,
                error=mean_error(predicted, views.plain, body),
                unrestored_error=mean_error(views.shown, views.plain, body),
                mean_error=mean_error(mean_where(views.plain, body).expand_as(views.plain), views.plain, body),
            )
        return TaskOutput(loss, Observation(self.name, self.measure(rows), rows))
