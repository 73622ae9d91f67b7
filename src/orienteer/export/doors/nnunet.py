"""The door to nnU-Net's adaptation of pretrained checkpoints: one as nnssl writes it, with its adaptation plan.

Source of the format: nnU-Net's ``documentation/finetuning_from_nnssl_checkpoints.md`` (master, July 2026) and nnssl's
``adaptation_plan.py`` (Wald et al., arXiv 2412.17041).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.atomic import write_json, write_with
from orienteer.errors import OrienteerError
from orienteer.export.axes import for_axes
from orienteer.export.contract import Contract, Preparation
from orienteer.export.doors.door import Door, Maps
from orienteer.export.doors.staged import NORMALISED, PREPARES, Architecture, filled, staged_maps
from orienteer.export.exported import Exported
from orienteer.export.tensors import read_torch
from orienteer.networks.nnunet import StagedEncoder

OURS = "orienteer_preparation"
"""How scans were prepared, for an import of the checkpoint alone; nnU-Net passes it over."""
CHECKPOINT, PLAN, CONFIG = "checkpoint_final.pth", "adaptation_plan.json", "config.json"
AXES = "SAR"
"""nnU-Net's readers give arrays from the last of a file's axes to the first; files are turned to R, A, S before."""
LARGEST_PATCH = 160
"""Voxels; what nnssl recommends for its own."""


class NnUNet(Door):
    """``--to nnunet``."""

    name: ClassVar[str] = "nnunet"
    leads_to: ClassVar[str] = "nnU-Net (its master since July 2026), as a checkpoint of nnssl's kind"
    prepares: ClassVar[str] = PREPARES

    def suited(self, exported: Exported) -> Exported:
        """For arrays as nnU-Net reads them."""
        return for_axes(exported, AXES)

    def write(self, exported: Exported, folder: Path) -> None:
        """Checkpoint, adaptation plan, and the file by which a hub counts downloads."""
        architecture = Architecture.around(exported)
        unet = filled(architecture, exported.weights, exported.contract.input.channels)
        plan = adaptation_plan(exported, architecture, unet)
        weights = {name: value for name, value in unet.state_dict().items() if name.startswith("encoder.")}
        document = {
            "network_weights": weights,
            "nnssl_adaptation_plan": plan,
            "citations": CITATIONS,
            OURS: exported.contract.model_dump(mode="json", include=set(Preparation.model_fields)),
        }
        write_with(folder / CHECKPOINT, lambda path: torch.save(document, path))
        write_json(folder / PLAN, plan)
        write_json(folder / CONFIG, {"architecture": architecture.kind, "made_by": "orienteer"})

    def weights(self, folder: Path) -> Mapping[str, Tensor]:
        """Those of the encoder."""
        return encoder_weights(checkpoint(folder / CHECKPOINT)["network_weights"])

    def maps(self, folder: Path, contract: Contract, view: NDArray[np.float32]) -> Maps:
        """By nnU-Net's own U-Net, built from the adaptation plan."""
        path = folder / CHECKPOINT
        document = checkpoint(path)
        architecture = architecture_of(document.get("nnssl_adaptation_plan"))
        return staged_maps(architecture, document["network_weights"], contract, view, path)

    def usage(self, contract: Contract) -> str:
        """nnU-Net's commands."""
        return f"""In nnU-Net from its master (since July 2026), after planning the data set as usual:

```bash
nnUNetv2_preprocess_like_nnssl -d DATASET -n orienteer -pc "$PWD/{CHECKPOINT}" -am like_pretrained
nnUNetv2_train_pretrained DATASET 3d_fullres FOLD -p PLANS_IT_WROTE -tr PretrainedTrainer
```

Kernels and features here run along S, A, R, as nnU-Net's arrays do for a scan stored R, A, S. Let it turn every scan
so: `"overwrite_image_reader_writer": "NibabelIOWithReorient"` in `dataset.json`, before planning. The decoder starts
anew. {NORMALISED}"""


def adaptation_plan(exported: Exported, architecture: Architecture, network: nn.Module) -> dict[str, Any]:
    """``nnssl_adaptation_plan``."""
    contract, unet = exported.contract, cast(Any, network)
    spacing, view = [contract.grid.spacing_mm] * 3, [contract.input.view_voxels] * 3
    resampled = {"is_seg": False, "order_z": 0, "force_separate_z": None}
    style = "onemmiso" if contract.grid.spacing_mm == 1 else "median"
    configuration = {
        "data_identifier": f"orienteer_{contract.grid.spacing_mm:g}mm",
        "preprocessor_name": "DefaultPreprocessor",
        "spacing_style": style,
        "normalization_schemes": ["ZScoreNormalization"] * contract.input.channels,
        "use_mask_for_norm": False,
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": resampled | {"order": 3},
        "resampling_fn_mask": "resample_data_or_seg_to_shape",
        "resampling_fn_mask_kwargs": resampled | {"order": 1},
        "spacing": spacing,
        "patch_size": view,
    }
    return {
        "architecture_plans": {
            "arch_class_name": architecture.kind,
            "arch_kwargs": architecture.arch_kwargs,
            "arch_kwargs_requiring_import": architecture.requires_import,
        },
        "pretrain_plan": {
            "dataset_name": "orienteer",
            "plans_name": "orienteer",
            "original_median_spacing_after_transp": spacing,
            "image_reader_writer": "NibabelIOWithReorient",
            "transpose_forward": [0, 1, 2],
            "transpose_backward": [0, 1, 2],
            "configurations": {style: configuration},
            "experiment_planner_used": "orienteer",
        },
        "pretrain_num_input_channels": contract.input.channels,
        "recommended_downstream_patchsize": patch(contract),
        "key_to_encoder": str(unet.key_to_encoder),
        "key_to_stem": str(unet.key_to_stem),
        "keys_to_in_proj": [str(key) for key in unet.keys_to_in_proj],
        "key_to_lpe": None,
    }


def patch(contract: Contract) -> list[int]:
    """The largest training body along the array's axes in voxels, as multiples of the stride, within limits."""
    learned, stride = contract.learned.extent_mm, contract.input.stride
    extent = dict(zip("RAS", (high for _, high in learned), strict=True)) if learned else {}
    sizes = [extent.get(letter, 0.0) / contract.grid.spacing_mm for letter in contract.grid.axes]
    within = [min(max(size, contract.input.view_voxels), LARGEST_PATCH) for size in sizes]
    return [math.ceil(size / stride) * stride for size in within]


def encoder_weights(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """A U-Net's weights of its encoder, each under one of its two names: the one that we keep."""
    aliases = tuple(f".{name}." for name in StagedEncoder.ALIASES)
    kept = {name: value for name, value in weights.items() if name.startswith("encoder.")}
    return {name: value for name, value in kept.items() if not any(alias in name for alias in aliases)}


def checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint of nnU-Net's kind, which has ``network_weights``.

    Raises:
        OrienteerError: it is damaged, holds code, or has none.
    """
    document = read_torch(path)
    weights = document.get("network_weights") if isinstance(document, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(each, Tensor) for each in weights.values()):
        raise OrienteerError(f"{path} has no network_weights", cure="give a checkpoint as nnU-Net or nnssl writes it")
    return cast(dict[str, Any], document)


def architecture_of(plan: Any) -> Architecture:
    """The U-Net of an adaptation plan.

    Raises:
        OrienteerError: it names none, or none that is known.
    """
    said = plan.get("architecture_plans") if isinstance(plan, dict) else None
    if not isinstance(said, dict):
        cure = "give a checkpoint with its whole adaptation plan"
        raise OrienteerError("the adaptation plan names no architecture", cure=cure)
    return Architecture.read(
        said.get("arch_class_name"), said.get("arch_kwargs"), said.get("arch_kwargs_requiring_import")
    )


CITATIONS = [
    {
        "type": "Pretraining method",
        "name": "Orienteer",
        "apa_citations": ["arXiv:2509.05967"],
    }
]
