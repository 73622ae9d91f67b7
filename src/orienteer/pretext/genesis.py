"""Models Genesis: a view is distorted in four ways, and restored.

Zhou et al. 2019, *Models Genesis: Generic Autodidactic Models for 3D Medical Image Analysis*, arXiv 1908.06912, and
the longer 2021 paper, arXiv 2004.07882. Probabilities, curves and boxes are as published, sizes relative to the view.
Differences: the paper shuffles ten thousand overlapping blocks of up to a tenth of an edge, which would be single
voxels in small views; here blocks of 2 to ``shuffle_edge`` voxels tile the view. At least one box is painted. Views are
not mirrored, because left and right are anatomy. Our own intensity augmentation is undone as well.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from numpy import ndarray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from orienteer.errors import ConfigError
from orienteer.losses.restoration import mean_where
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


class GenesisSettings(TaskSettings):
    """Models Genesis: what did the view look like before it was distorted?"""

    intensity: float = Field(0.9, ge=0, le=1)
    """Share of views whose intensities go through a random monotone curve."""
    invert: float = Field(0.5, ge=0, le=1)
    """Share of those curves that fall instead of rise, which inverts intensities."""
    shuffle: float = Field(0.5, ge=0, le=1)
    """Share of views whose voxels are shuffled within small blocks."""
    shuffle_edge: int = Field(3, ge=2)
    """Largest edge of such a block in voxels."""
    paint: float = Field(0.9, ge=0, le=1)
    """Share of views that are partly painted over with noise."""
    outer: float = Field(0.8, ge=0, le=1)
    """Share of those in which everything outside a few boxes is painted over, instead of the boxes."""
    views: int | None = Field(None, ge=1)
    """Number of views per sample to distort and encode; fewer cost less, ``null`` takes all."""


KNOTS = 257
"""Points of a curve's lookup table over the window, with linear interpolation."""
BOXES = 5
"""Largest number of boxes that are painted, or kept."""
KEPT, PAINTED = (3 / 7, 4 / 7), (1 / 6, 1 / 3)
"""Edges of kept and of painted boxes as shares of the view's edge."""
ANOTHER = 0.95
"""Probability of a further box, as published."""

METRICS = (
    Metric(
        name="restoration_error",
        title="Restoration error",
        unit="fraction",
        meaning="how far off the body voxels of a distorted view are restored, in per cent of the intensity window",
        chance="handing the view back as it came",
        shown="card",
    ),
    Metric(
        name="one_grey_error",
        title="Error of one grey for each view",
        unit="fraction",
        meaning="what knowing no more than a view's brightness reaches",
        chance="handing the view back as it came",
    ),
)


class GenesisTask(PretextTask[GenesisSettings], RestoresImages):
    """Distorts every view and predicts the original from the dense features.

    Raises:
        ConfigError: more views than there are.
    """

    card = TaskCard(
        name="genesis",
        title="Models Genesis",
        question="Can it undo a distortion?",
        intro="A view is distorted in four ways; the model gives the original back.",
        source="Zhou et al. 2019, arXiv 1908.06912; 2021, arXiv 2004.07882",
        spatial=False,
        metrics=METRICS,
        evidence=(
            Spread(
                title="Error of a restored view",
                unit="fraction",
                model="error",
                others={"unrestored_error": "the view as it came", "mean_error": "one grey for each view"},
            ),
        ),
        restoration=Restoration(
            intro="A view's intensities are bent or inverted, its voxels shuffled in small blocks, parts of it painted "
            "over with noise; the model gives the original back.",
            look="The restored view should have the brightness and the outline of the true one, with the noise gone.",
        ),
    )
    needs_dense = True

    def __init__(self, settings: GenesisSettings, interface: Interface) -> None:
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
                shown[sample, view] = distorted(shown[sample, view], draw(random, shown.shape[-1], self.settings))
        return shown

    def restore(self, views: EncodedViews) -> Float[Tensor, "B K C S S S"]:
        """The prediction of every voxel."""
        restored: Tensor = self.head(views)
        return restored

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Mean squared error over all voxels, and one row per view over body voxels."""
        predicted = self.restore(views)
        loss = functional.mse_loss(predicted, views.plain.float())
        return TaskOutput(loss, lambda: self._observe(predicted, views))

    def _observe(self, predicted: Tensor, views: EncodedViews) -> Observation:
        body = body_voxels(views.plain)
        rows = view_rows(
            body,
            error=mean_error(predicted, views.plain, body),
            unrestored_error=mean_error(views.shown, views.plain, body),
            mean_error=mean_error(mean_where(views.plain, body).expand_as(views.plain), views.plain, body),
        )
        return self.observe(rows)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Mean error over body voxels, as a share of the intensity window; chance is to return the view unchanged.

        The error of one grey per view, the mean of its true body, is given as well: a model that is no better has
        learned the brightness of a view and nothing else.
        """
        return {
            "restoration_error": pooled(rows, "error", "unrestored_error"),
            "one_grey_error": pooled(rows, "mean_error", "unrestored_error"),
        }


@dataclass(frozen=True, eq=False)
class Distortion:
    """The distortion of one view; None for each step that is not applied.

    Attributes:
        order: for every voxel, flattened, the source of its value.
        curve: the values of ``KNOTS`` points of [-1, 1].
        painted: voxels replaced by noise.
        noise: for the whole view, the same in every channel.
    """

    order: Int[ndarray, "n"] | None
    curve: Float32[ndarray, "knots"] | None
    painted: Bool[ndarray, "S S S"] | None
    noise: Float32[ndarray, "S S S"] | None


def draw(random: np.random.Generator, size: int, settings: GenesisSettings) -> Distortion:
    """Draw the distortion of a view of ``size``^3 voxels: shuffling, curve, paint, as published."""
    shuffles, curves, paints = random.random(3) < (settings.shuffle, settings.intensity, settings.paint)
    order = local_order(random, size, settings.shuffle_edge) if shuffles else None
    curve = bezier_curve(random, invert=bool(random.random() < settings.invert)) if curves else None
    painted = noise = None
    if paints:
        outer = random.random() < settings.outer
        region = boxes(random, size, KEPT if outer else PAINTED)
        painted = ~region if outer else region
        noise = random.uniform(-1, 1, (size,) * 3).astype(np.float32)
    return Distortion(order, curve, painted, noise)


def distorted(image: Float[Tensor, "C S S S"], distortion: Distortion) -> Float[Tensor, "C S S S"]:
    """The distorted view, on the image's device."""
    if distortion.order is not None:
        order = torch.from_numpy(distortion.order).to(image.device)
        image = image.flatten(1)[:, order].view_as(image)
    if distortion.curve is not None:
        image = through(image, torch.from_numpy(distortion.curve).to(image.device))
    if distortion.painted is not None and distortion.noise is not None:
        painted = torch.from_numpy(distortion.painted).to(image.device)
        image = torch.where(painted, torch.from_numpy(distortion.noise).to(image), image)
    return image


def bezier_curve(random: np.random.Generator, *, invert: bool) -> Float32[ndarray, "knots"]:
    """A cubic Bézier curve from one corner of the window to the other with two random control points.

    With both control points inside the window, both coordinates are monotone, and so is the function.
    """
    control = random.random((2, 2))
    t = np.linspace(0, 1, 4 * KNOTS)
    x, y = (3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t**2 * b + t**3 for a, b in control.T)
    curve = 2 * np.interp(np.linspace(0, 1, KNOTS), x, y) - 1
    return np.asarray(-curve if invert else curve, dtype=np.float32)


def through(image: Tensor, curve: Float[Tensor, "knots"]) -> Tensor:
    """Intensities mapped by a curve's lookup table, which is extended with slope 1 or -1 beyond the window."""
    inside = image.clamp(-1, 1)
    knot = (inside + 1) * ((KNOTS - 1) / 2)
    low = knot.floor().clamp(0, KNOTS - 2).long()
    value = torch.lerp(curve[low], curve[low + 1], (knot - low).to(curve.dtype))
    return value + (image - inside) * torch.sign(curve[-1] - curve[0])


def local_order(random: np.random.Generator, size: int, largest: int) -> Int[ndarray, "n"]:
    """A permutation of voxels within small blocks.

    Blocks have edges of 2 to ``largest`` voxels, drawn per axis, and tile the view from a random corner, so that (as
    with the paper's many overlapping blocks) nearly every voxel is in one. Blocks cut by a face are not shuffled.
    """
    edges = random.integers(2, min(largest, size // 2) + 1, size=3)
    corner = [int(random.integers(0, edge)) for edge in edges]
    counts = [(size - low) // int(edge) for low, edge in zip(corner, edges, strict=True)]
    order = np.arange(size**3).reshape(size, size, size)
    inside = tuple(slice(low, low + n * int(e)) for low, n, e in zip(corner, counts, edges, strict=True))
    tiled = order[inside].reshape([int(v) for pair in zip(counts, edges, strict=True) for v in pair])
    blocks = tiled.transpose(0, 2, 4, 1, 3, 5)
    mixed = random.permuted(blocks.reshape(-1, int(np.prod(edges))), axis=1).reshape(blocks.shape)
    order[inside] = mixed.transpose(0, 3, 1, 4, 2, 5).reshape(order[inside].shape)
    return order.ravel()


def boxes(random: np.random.Generator, size: int, share: tuple[float, float]) -> Bool[ndarray, "S S S"]:
    """True in 1 to ``BOXES`` boxes with edges of ``share`` of the view's.

    Boxes may overlap; they keep a margin of 3 voxels in 64 from the faces.
    """
    mask = np.zeros((size,) * 3, dtype=bool)
    margin = max(1, round(size * 3 / 64))
    low, high = (max(1, round(part * size)) for part in share)
    for _ in range(BOXES):
        edges = random.integers(low, high + 1, size=3)
        corner = [int(random.integers(margin, size - int(edge) - margin + 1)) for edge in edges]
        mask[tuple(slice(start, start + int(edge)) for start, edge in zip(corner, edges, strict=True))] = True
        if random.random() >= ANOTHER:
            break
    return mask
