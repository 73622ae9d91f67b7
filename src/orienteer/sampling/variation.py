"""How a whole batch is varied at once, on the device it is learned on: what ``appearance`` does, in torch.

Parameters are drawn as ever, from counter-based streams. Only the noise comes from the device's own generator, seeded
for every view: the same seed gives the same views on one kind of device, whatever the batch they come in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from orienteer.sampling.appearance import TRUNCATE
from orienteer.sampling.recipe import Appearance
from orienteer.sampling.rng import Purpose, torch_seed
from orienteer.store.intensity import BODY_ABOVE, CEILING, FLOOR, LIMIT


@dataclass(frozen=True, eq=False)
class Variation:
    """The appearances of N views.

    Attributes:
        curve: values at evenly spaced knots, padded with zeros.
        knots: of the curve; 0 for none.
        gamma: exponent.
        contrast: factor.
        brightness: shift.
        bias: coefficients of the field.
        sigma: of the blur, voxels.
        noise: standard deviation.
        neutral: whether a view is left as it is.
        seeds: of the noise.
    """

    curve: Float[Tensor, "N knots"]
    knots: Int[Tensor, " N"]
    gamma: Float[Tensor, " N"]
    contrast: Float[Tensor, " N"]
    brightness: Float[Tensor, " N"]
    bias: Float[Tensor, "N 9"]
    sigma: Float[Tensor, " N"]
    noise: Float[Tensor, " N"]
    neutral: Tensor
    seeds: tuple[int, ...]

    @classmethod
    def of(cls, appearances: Sequence[Appearance], spacing: float) -> Self:
        """The variation of views with these appearances.

        Args:
            appearances: one for each view.
            spacing: mm per voxel, for the blur.
        """
        most = max(2, *(len(one.curve) for one in appearances)) if appearances else 2

        def each(name: str) -> Tensor:
            return torch.tensor([getattr(one, name) for one in appearances], dtype=torch.float32)

        return cls(
            curve=torch.tensor([(*one.curve, *[0.0] * (most - len(one.curve))) for one in appearances]),
            knots=torch.tensor([len(one.curve) for one in appearances]),
            gamma=each("gamma"),
            contrast=each("contrast"),
            brightness=each("brightness"),
            bias=torch.tensor([one.bias or (0.0,) * 9 for one in appearances], dtype=torch.float32),
            sigma=each("blur_mm") / spacing,
            noise=each("noise"),
            neutral=torch.tensor([one == Appearance() for one in appearances]),
            seeds=tuple(_seed(one.noise_address) for one in appearances),
        )

    def to(self, device: torch.device) -> "Variation":
        """The same on another device."""

        def moved(value: Any) -> Any:
            return value.to(device, non_blocking=True) if isinstance(value, Tensor) else value

        return Variation(**{each.name: moved(getattr(self, each.name)) for each in fields(self)})

    def __call__(self, plain: Float[Tensor, "N C S S S"]) -> Float[Tensor, "N C S S S"]:
        """The views, varied."""

        def one_each(values: Tensor) -> Tensor:
            return values.view(-1, 1, 1, 1, 1)

        voxels = self._curved(plain)
        unit, below = ((voxels + 1) / 2).clamp(min=0), (voxels - FLOOR).clamp(max=0)
        field = (self.bias @ _polynomials(plain.shape[-1], plain.device).flatten(1)).exp()
        unit = (unit * field.view(-1, 1, *plain.shape[2:])) ** one_each(self.gamma)
        result = (unit * 2 - 1 + below) * one_each(self.contrast) + one_each(self.brightness)
        result = self._blurred(result) + self._noise(plain)
        return torch.where(one_each(self.neutral), plain, result.clamp(-LIMIT, LIMIT))

    def _curved(self, voxels: Tensor) -> Tensor:
        """The body through each view's curve."""
        if not bool((self.knots > 0).any()):
            return voxels
        pieces = (self.knots - 1).clamp(min=1).view(-1, 1)
        at = ((voxels.flatten(1) - FLOOR) / (CEILING - FLOOR)).clamp(0, 1) * pieces
        left = torch.minimum(at.floor(), pieces - 1)
        start, end = (self.curve.gather(1, (left + step).long()) for step in (0, 1))
        mapped = torch.lerp(start, end, at - left).view_as(voxels)
        return torch.where((voxels > BODY_ABOVE) & (self.knots > 0).view(-1, 1, 1, 1, 1), mapped, voxels)

    def _blurred(self, images: Tensor) -> Tensor:
        """Each view by a Gaussian of its own, its edge going on beyond it."""
        reach = (TRUNCATE * self.sigma + 0.5).floor()
        most = int(reach.max())
        if most < 1:
            return images
        offset = torch.arange(-most, most + 1, device=images.device)
        kernel = (-0.5 * (offset / self.sigma.clamp(min=1e-6)[:, None]) ** 2).exp() * (offset.abs() <= reach[:, None])
        kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(images.shape[1], 0)
        rows = images.flatten(0, 1)[None]
        for axis in range(3):
            around, shape = [0] * 6, [1, 1, 1]
            around[2 * (2 - axis) : 2 * (2 - axis) + 2] = [most, most]
            shape[axis] = 2 * most + 1
            padded = functional.pad(rows, around, mode="replicate")
            rows = functional.conv3d(padded, kernel.view(-1, 1, *shape), groups=len(kernel))
        return rows.view_as(images)

    def _noise(self, images: Tensor) -> Tensor:
        """Each view's, from a stream of its own."""
        drawn = torch.zeros_like(images)
        random = torch.Generator(images.device)
        for view, (seed, noise) in enumerate(zip(self.seeds, self.noise.tolist(), strict=True)):
            if noise > 0:
                drawn[view].normal_(0, noise, generator=random.manual_seed(seed))
        return drawn


def _seed(address: tuple[int, int, int]) -> int:
    seed, number, view = address
    return torch_seed(seed, Purpose.NOISE, number, view)


def _polynomials(size: int, device: torch.device) -> Float[Tensor, "9 S S S"]:
    """First- and second-order terms over [-1, 1]^3."""
    x, y, z = torch.meshgrid(*[torch.linspace(-1, 1, size, device=device)] * 3, indexing="ij")
    return torch.stack([x, y, z, x * y, y * z, x * z, x * x, y * y, z * z])
