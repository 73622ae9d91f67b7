"""Arrays and networks whose axes run otherwise than R, A, S, as other programs keep their scans."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, ornt_transform
from numpy.typing import NDArray
from torch import Tensor

from orienteer.export.exported import Exported, SelfTest
from orienteer.networks.encoders import Encoder
from orienteer.networks.recipe import Recipe

OWN = "RAS"
"""Directions in which the axes of our arrays grow."""


def turned(array: NDArray, *, axes: str, of: str = OWN) -> NDArray:
    """An array ``(..., D, H, W)`` with its last three axes along other directions.

    Args:
        array: whose axes grow towards ``of``.
        axes: wanted, three letters such as ``SAR``: of each of R/L, A/P, S/I one.
        of: where they grow now.
    """
    change = ornt_transform(axcodes2ornt(tuple(of)), axcodes2ornt(tuple(axes)))
    moved = apply_orientation(np.moveaxis(array, (-3, -2, -1), (0, 1, 2)), change)
    return np.ascontiguousarray(np.moveaxis(moved, (0, 1, 2), (-3, -2, -1)))


def for_axes(exported: Exported, axes: str) -> Exported:
    """The same encoder for arrays that a program keeps in another order: to a turned view it says the turned maps.

    A convolution of a turned array by a turned kernel is the turned convolution, so nothing is approximated.

    Args:
        exported: a network of convolutions.
        axes: a permutation of ``RAS``.
    """
    if axes == exported.contract.grid.axes:
        return exported
    contract = exported.contract
    order = [contract.grid.axes.index(letter) for letter in axes]
    recipe = Recipe(exported.recipe.network, reordered(exported.recipe.arguments, order))
    network = recipe.build()
    network.load_state_dict(turned_weights(exported.encoder.network.state_dict(), order))
    inside = exported.encoder.convention
    encoder = Encoder(network, contract.input.channels, contract.input.view_voxels, inside).eval()
    test = exported.test
    return replace(
        exported,
        contract=contract.model_copy(
            update={
                "grid": contract.grid.model_copy(update={"axes": axes}),
                "network": reordered(copy.deepcopy(contract.network), order),
            }
        ),
        encoder=encoder,
        recipe=recipe,
        test=SelfTest(
            test.phantom,
            turned(test.prepared, axes=axes),
            turned(test.view, axes=axes),
            tuple(turned(each, axes=axes) for each in test.maps),
        ),
    )


def turned_weights(weights: Mapping[str, Tensor], order: Sequence[int]) -> dict[str, Tensor]:
    """Weights of a network of convolutions with the three axes of each kernel in another order."""
    axes = (0, 1, *(2 + axis for axis in order))
    return {name: each.permute(axes).contiguous() if each.ndim == 5 else each for name, each in weights.items()}


def reordered(arguments: Mapping[str, Any], order: Sequence[int]) -> dict[str, Any]:
    """Arguments of a network whose kernels and strides are given for each axis, for axes in another order."""
    changed = dict(arguments)
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            changed[name] = reordered(value, order)
        elif name in ("kernel_sizes", "strides") and isinstance(value, Sequence):
            changed[name] = [[each[axis] for axis in order] if isinstance(each, Sequence) else each for each in value]
    return changed
