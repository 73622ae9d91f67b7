r"""Does an exported encoder help MONAI's own SegResNet, trained by MONAI's own SupervisedTrainer?

    orienteer ingest $ORIENTEER_DATA/hippocampus/images store --spacing 1 \
        --table benchmarks/hippocampus-splits.tsv --keep-names
    orienteer pretrain store run --set network.name=segresnet --set views.size=16 \
        --set optimiser.steps=1000 --set optimiser.batch=8 --set optimiser.learning_rate=0.002
    orienteer export run bundle --to monai --licence "CC BY-SA 4.0"
    python benchmarks/in_monai.py bundle out.json [--labelled 3] [--seeds 0 1 2] [--epochs 40] [--edge 32]

Fine-tunes from the bundle and from nothing, on the same labelled scans, patches and seeds, and scores every few epochs
on validation subjects: mean Dice over structures and scans, on the bundle's grid. Each training is written to
``out.json`` when it ends; run the same command again for the rest. Only scans of the `train` and `val`
splits are read. The encoder's weights are compared one by one after they were loaded.
"""

import argparse
import csv
import json
import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Events
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedTrainer
from monai.inferers import SimpleInferer, sliding_window_inference
from monai.losses import DiceCELoss
from monai.metrics import DiceMetric
from monai.networks.nets import SegResNet
from monai.transforms import Compose, LoadImaged, RandCropByPosNegLabeld, ResampleToMatchd, SpatialPadd
from monai.utils import set_determinism
from torch import Tensor, nn

from orienteer.atomic import write_json
from orienteer.export.contract import Contract
from orienteer.export.doors.monai_configs import WEIGHTS
from orienteer.export.tensors import read_torch
from orienteer.export.verify import verify
from orienteer.runs.transforms import PrepareScand
from orienteer.units import counted

DATA = Path(os.environ.get("ORIENTEER_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "hippocampus"
Item = dict[str, Any]
Curve = list[tuple[int, float]]
"""Epochs done, and Dice then."""


def main() -> None:
    """Fine-tune, score, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="made by orienteer export --to monai from a segresnet")
    parser.add_argument("out", type=Path, help="JSON")
    parser.add_argument("--scans", type=Path, default=DATA / "images")
    parser.add_argument("--labels", type=Path, default=DATA / "labels", help="files of the same names")
    parser.add_argument("--splits", type=Path, default=Path(__file__).with_name("hippocampus-splits.tsv"))
    parser.add_argument("--structures", type=int, default=2, help="labels are 1 to this")
    parser.add_argument("--labelled", type=int, default=3, help="labelled scans to learn from")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--every", type=int, default=5, help="epochs between scores")
    parser.add_argument("--edge", type=int, default=32, help="of a patch, voxels")
    given = parser.parse_args()
    found = verify(given.bundle)
    if not found.right or found.contract.network["name"] != "segresnet":
        parser.error(f"{given.bundle} does not verify here, or holds no segresnet: see orienteer verify")
    asked = {name: getattr(given, name) for name in ("structures", "labelled", "epochs", "every", "edge")}
    asked["weights"] = found.contract.files[WEIGHTS]
    record = json.loads(given.out.read_text()) if given.out.exists() else {"asked": asked, "trained": []}
    if record["asked"] != asked:
        parser.error(f"{given.out} holds trainings of other options: {record['asked']}; name a new file")
    splits = {row["id"]: row["split"] for row in csv.DictReader(given.splits.open(), delimiter="\t")}
    items = {split: pairs(given.scans, given.labels, splits, split) for split in ("train", "val")}
    val = prepared(items["val"], found.contract, given.edge)
    for seed in given.seeds:
        few = random.Random(seed).sample(items["train"], given.labelled)
        train = prepared(few, found.contract, given.edge)
        for start in ("bundle", "nothing"):
            if any((each["start"], each["seed"]) == (start, seed) for each in record["trained"]):
                continue
            set_determinism(seed)
            network = segresnet(given.bundle, given.structures)
            weights = arrived(network, given.bundle) if start == "bundle" else 0
            curve = finetune(network, train, val, given.edge, epochs=given.epochs, every=given.every, seed=seed)
            record["trained"].append({"start": start, "seed": seed, "encoder_weights": weights, "curve": curve})
            write_json(given.out, record)
            told = f"{weights} of {weights} weights arrived" if weights else "drawn anew"
            print(f"seed {seed}, from {start:7} ({told}):", *(f"{epoch}: {dice:.3f}" for epoch, dice in curve))
    for start in ("bundle", "nothing"):
        curves = [each["curve"] for each in record["trained"] if each["start"] == start]
        means = [(points[0][0], sum(dice for _, dice in points) / len(points)) for points in zip(*curves, strict=True)]
        print(
            f"mean of {counted(len(curves), 'seed')}, from {start:7}:",
            *(f"{epoch}: {dice:.3f}" for epoch, dice in means),
        )


def pairs(scans: Path, labels: Path, splits: Mapping[str, str], split: str) -> list[Item]:
    """Scans of a split with their labels, in the order of their names."""
    named = [path for path in sorted(scans.glob("*.nii.gz")) if splits.get(path.name.removesuffix(".nii.gz")) == split]
    return [{"image": str(path), "label": str(labels / path.name)} for path in named]


def prepared(items: Sequence[Item], contract: Contract, edge: int) -> list[Item]:
    """Scans as the contract says, labels on their grid: ``(C, D, H, W)`` and ``(1, D, H, W)``, of ``edge`` at least."""
    asked = contract.input
    prepare = Compose(
        [
            PrepareScand("image", contract.grid.spacing_mm, channels=asked.channels, channel_names=asked.channel_names),
            LoadImaged("label", ensure_channel_first=True),
            ResampleToMatchd("label", key_dst="image", mode="nearest"),
            SpatialPadd("image", [edge] * 3, value=contract.intensities.padding),
            SpatialPadd("label", [edge] * 3),
        ]
    )
    return [prepare(item) for item in items]


def segresnet(bundle: Path, structures: int) -> SegResNet:
    """MONAI's SegResNet with an encoder of the bundle's shape and fresh weights."""
    given = json.loads((bundle / "configs" / "inference.json").read_text())["network_def"]
    form = {"in_channels": given["in_channels"], "init_filters": given["width"]} | given["options"]
    return SegResNet(out_channels=structures + 1, **form)


def arrived(network: nn.Module, bundle: Path) -> int:
    """Load the bundle's weights, every one of them; returns how many.

    Raises:
        SystemExit: one did not.
    """
    weights: Mapping[str, Tensor] = read_torch(bundle / WEIGHTS)
    told = network.load_state_dict(weights, strict=False)
    now = network.state_dict()
    lost = [*told.unexpected_keys, *(name for name in weights if name in now and not now[name].equal(weights[name]))]
    lost += [name for name in told.missing_keys if name.startswith(("convInit.", "down_layers."))]
    if lost:
        raise SystemExit(f"{len(lost)} weights of the encoder did not arrive, among them {lost[0]}")
    return len(weights)


def finetune(
    network: nn.Module,
    train: Sequence[Item],
    val: Sequence[Item],
    edge: int,
    *,
    epochs: int,
    every: int,
    seed: int,
    patches: int = 4,
    learning_rate: float = 1e-3,
) -> Curve:
    """Train by MONAI's SupervisedTrainer; Dice before, every few epochs, and at the end.

    Args:
        network: is trained in place.
        train: prepared scans with labels.
        val: the same of other subjects.
        edge: of a patch, voxels.
        epochs: passes over the training scans.
        every: epochs between scores.
        seed: of patches.
        patches: of each scan in an epoch; they are a step.
        learning_rate: of AdamW.
    """
    set_determinism(seed)
    crop = RandCropByPosNegLabeld(["image", "label"], "label", [edge] * 3, num_samples=patches)
    curve = [(0, dice(network, val, edge))]
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=epochs,
        train_data_loader=DataLoader(Dataset(train, crop), batch_size=1, shuffle=True),
        network=network,
        optimizer=torch.optim.AdamW(network.parameters(), learning_rate),
        loss_function=DiceCELoss(to_onehot_y=True, softmax=True),
        inferer=SimpleInferer(),
        decollate=False,
    )

    @trainer.on(Events.EPOCH_COMPLETED(every=every) | Events.COMPLETED)
    def score() -> None:
        if curve[-1][0] != trainer.state.epoch:
            curve.append((trainer.state.epoch, dice(network, val, edge)))

    trainer.run()
    return curve


def dice(network: nn.Module, items: Sequence[Item], edge: int) -> float:
    """Mean Dice over structures and scans."""
    metric = DiceMetric(include_background=False)
    network.eval()
    with torch.no_grad():
        for item in items:
            scores = sliding_window_inference(item["image"].as_tensor()[None], [edge] * 3, 4, network, overlap=0.5)
            classes = scores.shape[1]
            answer, truth = scores.argmax(1, keepdim=True), item["label"].as_tensor()[None].long()
            metric(*(nn.functional.one_hot(each[:, 0], classes).movedim(-1, 1) for each in (answer, truth)))
    return float(metric.aggregate())


if __name__ == "__main__":
    main()
