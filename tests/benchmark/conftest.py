"""Eight simulated bodies on disk and a benchmark on them that takes seconds."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml

from orienteer.testing.phantom import phantom

SPLITS = ("train", "val", "train", "test")


def config(**changes: Any) -> dict[str, Any]:
    """A benchmark of two arms and scratch, in its smallest form."""
    tiny = {"accelerator": "cpu", "threads": 1, "workers": 0}
    return {
        "name": "toy",
        "title": "Toy",
        "credit": "simulated",
        "data": {"scans": "scans", "labels": "labels", "table": "people.tsv", "spacing": 3.0, "keep_names": True},
        "seeds": [0, 1],
        "pretrain": {
            "views": {"count": 3, "size": 16},
            "network": {"size": "tiny", "options": {"features": [4, 8, 16]}},
            "optimiser": {"steps": 2, "batch": 2},
            "evaluation": {"per_scan": 2, "final_per_scan": 2, "examples": 1},
            "devices": tiny,
        },
        "finetune": {
            "network": {"size": "tiny", "dense_stride": 1, "options": {"features": [4, 8, 16]}},
            "patches": {"size": 16},
            "optimiser": {"steps": 2, "batch": 1},
            "devices": tiny,
        },
        "arms": {
            "scratch": {"label": "from scratch", "role": "scratch"},
            "ours": {"label": "gap", "role": "ours", "pretrain": {"tasks": {"gap": {}}}},
            "masked": {"label": "masked", "role": "baseline", "pretrain": {"tasks": {"masked": {}}}},
        },
        "tasks": {
            "organs": {
                "kind": "segment",
                "words": "mean Dice of two organs",
                "labelled_scans": [2],
                "modes": ["finetuned", "frozen"],
                "settings": {"structures": {"first": [1], "second": [2]}},
            },
            "place": {"kind": "places", "words": "where is a view?"},
        },
        **changes,
    }


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``scans``, ``labels``, ``people.tsv`` and ``toy.yaml``."""
    folder = tmp_path_factory.mktemp("cohort")
    lines = ["id\tperson\tsplit\tage"]
    for person in range(8):
        name = f"person_{person:03d}"
        volume, labels = phantom(person, (28, 32, 30), 3.0, seed=0)
        for kind, array in (("scans", volume.array[0]), ("labels", labels.astype(np.uint8))):
            (folder / kind).mkdir(exist_ok=True)
            nib.save(nib.Nifti1Image(array, volume.affine), folder / kind / f"{name}.nii.gz")
        lines.append(f"{name}\t{name}\t{SPLITS[person % 4]}\t{20 + 5 * person}")
    (folder / "people.tsv").write_text("\n".join(lines) + "\n")
    (folder / "toy.yaml").write_text(yaml.safe_dump(config(), sort_keys=False))
    return folder
