"""Fine-tuning in the real nnU-Net, from an encoder that `orienteer export --to nnunet-plain` wrote and from nothing.

    pip install nnunetv2==2.8.1
    python -m benchmarks.in_nnunet plan WORK          # nnU-Net's own plans and preprocessing of 60 hippocampi
    orienteer ingest ../shared/data/hippocampus/images WORK/store --table benchmarks/hippocampus-splits.tsv --spacing 1
    for SEED in 0 1 2; do
      orienteer pretrain WORK/store WORK/run-$SEED --config configs/pretrain/nnunet-plainconv.yaml --set seed=$SEED
      orienteer export WORK/run-$SEED WORK/encoder-$SEED --to nnunet-plain --plans WORK/plans.json \\
        --licence "CC BY-SA 4.0"
      python -m benchmarks.in_nnunet train WORK --seed $SEED --weights WORK/encoder-$SEED/weights.pth
      python -m benchmarks.in_nnunet train WORK --seed $SEED
    done
    python -m benchmarks.in_nnunet table WORK
    python -m benchmarks.in_nnunet scales WORK       # features of nnU-Net's z-scores against those of our window
    python -m benchmarks.in_nnunet master WORK --source CHECKOUT_OF_NNUNET --weights ENCODER/checkpoint_final.pth

Ten training people are labelled, other ones for each seed and the same for both arms; the curve is nnU-Net's own
pseudo Dice on the ten validation people of `hippocampus-splits.tsv`. nnU-Net is used as it is: only its numbers of
epochs and steps are set, and the seeds of torch and numpy. What its loader put into its network is compared with the
file. Seeds one after the other: they share nnU-Net's file of splits.
`master` reads a checkpoint of `--to nnunet` by the trainer of nnU-Net's master, which is on no package index yet.
"""

import argparse
import csv
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATASET, CONFIGURATION = "Dataset004_Hippocampus", "3d_fullres"
HERE = Path(__file__).parent
LABELLED = 10


def main() -> None:
    """One of the steps above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    for name in ("plan", "train", "table", "scales", "master"):
        step = steps.add_parser(name)
        step.add_argument("work", type=Path)
        if name == "train":
            step.add_argument("--seed", type=int, required=True)
            step.add_argument("--epochs", type=int, default=12)
            step.add_argument("--iterations", type=int, default=20)
        if name in ("train", "master"):
            step.add_argument("--weights", type=Path, required=name == "master")
        if name == "master":
            step.add_argument("--source", type=Path, required=True)
    asked = parser.parse_args()
    work = asked.work.resolve()
    os.environ |= {f"nnUNet_{name}": str(work / name) for name in ("raw", "preprocessed", "results")}
    os.environ |= {"nnUNet_compile": "f", "nnUNet_n_proc_DA": "0"}  # its worker processes draw without a seed
    if asked.step == "plan":
        plan(work)
    elif asked.step == "train":
        train(work, asked.seed, asked.weights, asked.epochs, asked.iterations)
    elif asked.step == "table":
        print(table(work / "results"))
    elif asked.step == "scales":
        scales(work)
    else:
        master(work, asked.source.resolve(), asked.weights.resolve())


def subjects(split: str) -> list[str]:
    """Those of one split of the hippocampus benchmark."""
    with (HERE / "hippocampus-splits.tsv").open() as file:
        return sorted(row["id"] for row in csv.DictReader(file, delimiter="\t") if row["split"] == split)


def plan(work: Path) -> None:
    """nnU-Net's data set, of links, with its plans and preprocessed scans; ``WORK/plans.json`` are the plans."""
    data = Path(os.environ.get("ORIENTEER_DATA", HERE.parent.parent / "shared/data")).resolve() / "hippocampus"
    raw = work / "raw" / DATASET
    cases = subjects("train") + subjects("val")
    for folder, end, source in (("imagesTr", "_0000.nii.gz", "images"), ("labelsTr", ".nii.gz", "labels")):
        (raw / folder).mkdir(parents=True, exist_ok=True)
        for case in cases:
            link = raw / folder / f"{case}{end}"
            if not link.is_symlink():
                link.symlink_to(data / source / f"{case}.nii.gz")
    described = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "anterior": 1, "posterior": 2},
        "numTraining": len(cases),
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "NibabelIOWithReorient",
    }
    (raw / "dataset.json").write_text(json.dumps(described))
    command = Path(sys.executable).parent / "nnUNetv2_plan_and_preprocess"
    subprocess.run([command, "-d", "4", "-c", CONFIGURATION, "-npfp", "1", "-np", "1"], check=True)
    (work / "plans.json").write_text((work / "preprocessed" / DATASET / "nnUNetPlans.json").read_text())


def train(work: Path, seed: int, weights: Path | None, epochs: int, iterations: int) -> None:
    """One fine-tuning by nnU-Net's own trainer; its log stays in ``WORK/results/ARM-SEED``."""
    os.environ |= {"nnUNet_results": str(work / "results" / f"{'scratch' if weights is None else 'orienteer'}-{seed}")}
    import nnunetv2.run.run_training as running
    import numpy as np
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    begin, load = nnUNetTrainer.initialize, running.load_pretrained_weights

    def shorter(trainer: Any) -> None:
        trainer.num_epochs, trainer.num_iterations_per_epoch, trainer.save_every = epochs, iterations, epochs
        trainer.num_val_iterations_per_epoch = 10
        begin(trainer)

    def compared(network: Any, path: str, verbose: bool = False) -> None:
        load(network, path, verbose)
        print(arrived(network.state_dict(), torch.load(path, weights_only=True)["network_weights"]), flush=True)

    labelled = random.Random(seed).sample(subjects("train"), LABELLED)
    folds = work / "preprocessed" / DATASET / "splits_final.json"
    folds.write_text(json.dumps([{"train": labelled, "val": subjects("val")}]))
    nnUNetTrainer.initialize, running.load_pretrained_weights = shorter, compared
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # that is what nnU-Net draws by
    torch.manual_seed(seed)
    source = None if weights is None else str(weights)
    running.run_training("4", CONFIGURATION, 0, pretrained_weights=source, device=torch.device("cpu"))


def arrived(held: Mapping[str, Any], sent: Mapping[str, Any]) -> str:
    """That every weight of the encoder in nnU-Net's network is the file's, in words.

    Raises:
        AssertionError: one is not.
    """
    encoder = [name for name in held if name.startswith("encoder.")]
    unlike = [name for name in encoder if not bool((held[name].cpu() == sent[name]).all())]
    assert encoder and not unlike, unlike
    return f"weights of the encoder in nnU-Net's network that are the file's: {len(encoder)} of {len(encoder)}"


def curve(log: str) -> list[float]:
    """Mean pseudo Dice of the structures after each epoch, in percent, as nnU-Net logged it."""
    lines = re.findall(r"Pseudo dice \[(.*)\]", log)
    return [100 * sum(found) / len(found) for found in ([float(n) for n in re.findall(r"\d\.\d+", x)] for x in lines)]


def table(results: Path) -> str:
    """Markdown of every arm and seed: the curve, and the Dice of whole scans at the end."""
    rows = []
    for arm in sorted(results.iterdir()):
        for file in arm.glob(f"{DATASET}/*/fold_0/training_log_*.txt"):
            log = file.read_text()
            final = re.search(r"Mean Validation Dice:\s+([\d.]+)", log)
            if final:
                steps = " ".join(f"{value:.0f}" for value in curve(log))
                rows.append(f"| {arm.name} | {steps} | {100 * float(final[1]):.1f} |")
    return "\n".join(["| arm, seed | pseudo Dice after each epoch | whole scans |", "|---|---|---:|", *rows])


def scales(work: Path) -> None:
    """Correlation of each channel's features, for a window's values and for z-scores over the whole crop.

    By the encoder of ``WORK/run-0``, on the middle of each validation crop of ``WORK/store``; medians over channels and
    people for each stage, finest first.
    """
    import numpy as np
    import torch

    from orienteer.runs.run import Run
    from orienteer.store import Store

    run, store = Run.open(work / "run-0"), Store.open(work / "store")
    network, edge = run.backbone().encoder.network, run.settings.views.size
    found: dict[int, list[float]] = {}
    for name in store.ids("val"):
        scan = store.normalise(name, store.read(name))
        low = [max(0, (size - edge) // 2) for size in scan.shape[1:]]
        middle = (slice(None), *(slice(n, n + edge) for n in low))
        with torch.no_grad():
            shown = (scan, (scan - scan.mean()) / scan.std())
            pairs = zip(*(network(torch.from_numpy(each[middle].copy())[None]) for each in shown), strict=True)
        for stage, (window, z_score) in enumerate(pairs):
            channels = zip(window[0].flatten(1), z_score[0].flatten(1), strict=True)
            found.setdefault(stage, []).extend(float(np.corrcoef(a, b)[0, 1]) for a, b in channels)
    print("median correlation, finest stage first:", *(f"{np.nanmedian(found[stage]):.5f}" for stage in sorted(found)))


def master(work: Path, source: Path, checkpoint: Path) -> None:
    """Plan like a checkpoint and load it by nnU-Net's master, from a checkout of its source."""
    sys.path.insert(0, str(source))
    os.environ |= {"PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")])}
    import torch
    from nnunetv2.experiment_planning.like_nnssl import preprocess_like_nnssl
    from nnunetv2.training.nnUNetTrainer.pretraining.pretrainedTrainer import PretrainedTrainer

    preprocess_like_nnssl(4, "orienteer", str(checkpoint), "like_pretrained", None, 1, False)
    folder = work / "preprocessed" / DATASET
    plans = json.loads(next(folder.glob("ptPlans__orienteer*.json")).read_text())
    described = json.loads((folder / "dataset.json").read_text())
    plans["continue_training"] = False
    trainer = PretrainedTrainer(plans, CONFIGURATION, 0, described, torch.device("cpu"))
    trainer.initialize()
    print(arrived(trainer.network.state_dict(), torch.load(checkpoint, weights_only=True)["network_weights"]))
    edge = plans["configurations"][CONFIGURATION]["patch_size"]
    print(f"a patch of {edge}: scores {tuple(trainer.network(torch.randn(2, 1, *edge)).shape)}")


if __name__ == "__main__":
    main()
