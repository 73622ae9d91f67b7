"""The door to any released nnU-Net: the whole network of a given ``plans.json``, for its ``-pretrained_weights``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from orienteer.atomic import write_with
from orienteer.errors import OrienteerError
from orienteer.export.axes import OWN, for_axes, reordered
from orienteer.export.contract import Contract
from orienteer.export.doors.door import Door, Maps
from orienteer.export.doors.nnunet import AXES, checkpoint, encoder_weights
from orienteer.export.doors.staged import NORMALISED, PREPARES, Architecture, filled, staged_maps
from orienteer.export.exported import Exported
from orienteer.export.tensors import AGAIN

WEIGHTS = "weights.pth"
LAST_LAYERS = ".seg_layers."
"""What nnU-Net never takes over."""
ALIKE = 0.1
"""How far a spacing may be from the one learned, as a share of it."""


class Plans(BaseModel):
    """What is needed of ``plans.json``, and of one configuration in it."""

    model_config = ConfigDict(frozen=True)

    configuration: str
    architecture: Architecture
    spacing: tuple[float, float, float]
    transpose_forward: tuple[int, int, int] = (0, 1, 2)
    image_reader_writer: str = ""

    @classmethod
    def read(cls, path: Path, configuration: str) -> Self:
        """One configuration of a file.

        Raises:
            OrienteerError: no such file or configuration, or no plans of nnU-Net from version 2.5 on.
        """
        cure = "give nnUNet_preprocessed/DATASET/nnUNetPlans.json, as nnUNetv2_plan_experiment wrote it"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            known = document["configurations"]
            if configuration not in known:
                raise OrienteerError(
                    f"{path} has no configuration {configuration!r}", cure=f"--configuration {', '.join(known)}"
                )
            merged = _inherited(known, configuration, frozenset())
            if len(merged.get("spacing", ())) == 2:
                raise OrienteerError(f"configuration {configuration!r} of {path} is of slices", cure="give one in 3D")
            architecture = _planned(merged.get("architecture"))
            return cls.model_validate(
                document | merged | {"configuration": configuration, "architecture": architecture}
            )
        except (OSError, ValueError, TypeError, KeyError, ValidationError) as error:
            told = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise OrienteerError(f"{path} cannot be read as nnU-Net's plans: {told}", cure=cure) from None

    @property
    def axes(self) -> str:
        """Directions of the arrays that the network sees."""
        return "".join(AXES[axis] for axis in self.transpose_forward)


def _planned(said: Any) -> Architecture:
    """``architecture`` of a configuration.

    Raises:
        OrienteerError: none of nnU-Net's that is known.
    """
    found = said if isinstance(said, dict) else {}
    names = ("network_class_name", "arch_kwargs", "_kw_requires_import")
    return Architecture.read(*(found.get(name) for name in names))


def _inherited(known: dict[str, Any], name: str, seen: frozenset[str]) -> dict[str, Any]:
    """A configuration with what it inherits."""
    own = dict(known[name])
    parent = own.get("inherits_from")
    if parent is None:
        return own
    if parent in seen or parent not in known:
        raise ValueError(f"configuration {name} inherits from {parent}")
    return _inherited(known, parent, seen | {name}) | own


class PlainNnUNet(Door):
    """``--to nnunet-plain``."""

    name: ClassVar[str] = "nnunet-plain"
    leads_to: ClassVar[str] = "any nnU-Net v2, as -pretrained_weights for its plans (--plans)"
    prepares: ClassVar[str] = PREPARES

    def __init__(self, plans: Plans | None = None) -> None:
        self.plans = plans

    def with_plans(self, path: Path, configuration: str) -> Self:
        """For a file of plans."""
        return type(self)(Plans.read(path, configuration))

    def suited(self, exported: Exported) -> Exported:
        """For arrays as the plans order them."""
        return for_axes(exported, self._given.axes)

    def misfits(self, exported: Exported) -> list[str]:
        """A spacing that is not the one it learned."""
        learned, here = exported.contract.grid.spacing_mm, self._given.spacing
        if all(abs(each / learned - 1) <= ALIKE for each in here):
            return []
        there = " x ".join(f"{each:.3g}" for each in here)
        return [f"the plans resample to {there} mm, it learned at {learned:g} mm"]

    def write(self, exported: Exported, folder: Path) -> None:
        """The whole network, but for its last layers.

        Raises:
            OrienteerError: the encoder is not the beginning of the plans' own.
        """
        mine, theirs = Architecture.around(exported), self._given.architecture
        if unlike := mine.differences(theirs):
            raise OrienteerError(
                f"the encoder does not fit into the network of the plans: {'; '.join(unlike)}",
                cure=f"pretrain with {_settings(theirs, self._given.axes)}",
            )
        unet = filled(theirs, exported.weights, exported.contract.input.channels)
        weights = {name: value for name, value in unet.state_dict().items() if LAST_LAYERS not in name}
        document = {
            "network_weights": weights,
            "architecture": theirs.model_dump(by_alias=True),
            "ours": sorted(exported.weights),
        }
        write_with(folder / WEIGHTS, lambda path: torch.save(document, path))

    def weights(self, folder: Path) -> Mapping[str, Tensor]:
        """Those of the encoder, without the stages that nnU-Net drew."""
        path = folder / WEIGHTS
        document = checkpoint(path)
        ours, weights = document.get("ours"), encoder_weights(document["network_weights"])
        if not isinstance(ours, list) or not weights.keys() >= set(ours):
            raise OrienteerError(f"{path} does not say which weights are ours", cure=AGAIN)
        return {name: weights[name] for name in ours}

    def maps(self, folder: Path, contract: Contract, view: NDArray[np.float32]) -> Maps:
        """By nnU-Net's own U-Net, built as the plans say; the maps of the stages that are ours."""
        path = folder / WEIGHTS
        document = checkpoint(path)
        return staged_maps(_planned(document.get("architecture")), document["network_weights"], contract, view, path)

    def usage(self, contract: Contract) -> str:
        """nnU-Net's command, and what to see to."""
        plans = self._given
        ours, all_stages = contract.input.levels, plans.architecture.stages
        fresh = f"Stages from {ours} on and the decoder are" if ours < all_stages else "The decoder is"
        reader = (
            "The plans turn every scan to R, A, S, as it has to be."
            if plans.image_reader_writer == "NibabelIOWithReorient"
            else f"The plans read files by {plans.image_reader_writer or 'a reader they do not name'}, which keeps the "
            'axes of each: right for files stored R, A, S only. For others set `"overwrite_image_reader_writer": '
            '"NibabelIOWithReorient"` in `dataset.json`, and plan again.'
        )
        return f"""Any nnU-Net v2, with the plans it was exported for:

```bash
nnUNetv2_train DATASET {plans.configuration} FOLD -pretrained_weights "$PWD/{WEIGHTS}"
```

{fresh} drawn anew by nnU-Net. {reader} {NORMALISED}"""

    @property
    def _given(self) -> Plans:
        if self.plans is None:
            raise OrienteerError(
                "nnU-Net's plans are missing",
                cure="add --plans nnUNet_preprocessed/DATASET/nnUNetPlans.json",
            )
        return self.plans


def _settings(architecture: Architecture, axes: str) -> str:
    """How to pretrain an encoder that fits, its kernels along R, A, S."""
    wanted = architecture.settings
    options = reordered(wanted.options, [axes.index(letter) for letter in OWN])
    return f"--set network.name={wanted.name} --set 'network.options={json.dumps(options)}'"
