"""The configs of a MONAI bundle: what its schema asks for, and a workflow that its commands run."""

from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from orienteer.export.contract import Input
from orienteer.export.exported import Exported

WEIGHTS = "models/model.pt"
SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"


def inference(exported: Exported) -> dict[str, Any]:
    """``inference.json``: the network, and MONAI's evaluator on the folder's self-test."""
    compared = "(@evaluator.state.output[0]['pred'].cpu() - @data[0]['map']).abs().max() / @data[0]['map'].abs().max()"
    return {
        "bundle_root": ".",
        "dataset_dir": "@bundle_root",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": {"_target_": "scripts.encoder.Encoder", **exported.recipe.arguments},
        "network": {
            "_target_": "scripts.encoder.loaded",
            "network": "$@network_def.to(@device)",
            "weights": f"$@bundle_root + '/{WEIGHTS}'",
        },
        "data": {"_target_": "scripts.encoder.selftest", "folder": "@dataset_dir"},
        "dataset": {"_target_": "Dataset", "data": "@data"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
        "inferer": {"_target_": "SimpleInferer"},
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
        },
        "run": ["$@evaluator.run()", f"$print('largest difference:', float({compared}))"],
    }


def metadata(exported: Exported, packages: list[str]) -> dict[str, Any]:
    """``metadata.json``: all that MONAI's schema asks for."""
    contract = exported.contract
    asked, learned = contract.input, contract.learned
    edge, cells = edges(asked)
    tensor = {"type": "image", "modality": "n/a", "dtype": asked.dtype, "is_patch_data": True}
    names = asked.channel_names or tuple(f"image {n}" if n else "image" for n in range(asked.channels))
    image = tensor | {
        "format": "magnitude",
        "num_channels": asked.channels,
        "spatial_shape": [edge] * 3,
        "value_range": list(contract.intensities.limits),
        "channel_def": {str(number): name for number, name in enumerate(names)},
    }
    features = tensor | {
        "format": "latent",
        "num_channels": exported.encoder.channels[-1],
        "spatial_shape": [cells] * 3,
        "value_range": [],
        "channel_def": {},
    }
    return {
        "schema": SCHEMA,
        "version": "1.0.0",
        "changelog": {"1.0.0": f"exported by Orienteer {contract.orienteer_version}"},
        "monai_version": version("monai"),
        "pytorch_version": torch.__version__,
        "numpy_version": np.__version__,
        "required_packages_version": {each: version(each) for each in packages if each not in ("torch", "monai")},
        "name": "Encoder of 3D scans",
        "task": "Feature maps of 3D scans, to be fine-tuned",
        "description": f"Pretrained without labels on {learned.scans} scans of {learned.subjects} subjects. "
        f"{learned.verdict}: {learned.sentence}",
        "authors": "not stated",
        "copyright": f"not stated; licence of the training data: {contract.licence}",
        "intended_use": "Research, not a medical device. Scans have to be prepared as contract.json says.",
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": features}},
    }


def edges(asked: Input) -> tuple[str | int, str | int]:
    """Edges of an image and of its coarsest map in MONAI's words: ``8*n`` and ``n``, or numbers where only one fits.

    MONAI tries the smallest multiple, so of ``multiples of 8, at least 16`` it is told ``16*n``.
    """
    if not asked.least_edge:
        return asked.view_voxels, asked.view_voxels // asked.stride
    return f"{asked.least_edge}*n", f"{asked.least_edge // asked.stride}*n"
