"""What ``run.json`` says when training starts."""

import os
import platform
from collections import Counter
from collections.abc import Collection
from importlib.metadata import version

import torch

from orienteer import __version__
from orienteer.pretext.model import SpatialModel
from orienteer.records.run import Environment, NetworkRecord, RunRecord, TrainingData
from orienteer.runs.fingerprint import fingerprint
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Parameters, Store
from orienteer.training.settings import ResolvedDevices


def describe(
    settings: PretrainSettings,
    devices: ResolvedDevices,
    store: Store,
    model: SpatialModel,
    left_out: Collection[str] = (),
) -> RunRecord:
    """The run's record as it stands when training starts; scans that are left out count as not there."""
    out = set(left_out)
    ids = [scan for scan in store.ids() if scan not in out]
    split_of, persons = store.column("split", ids), store.column("person", ids)
    people = Counter(split for split, _ in set(zip(split_of, persons, strict=True)))
    scans = Counter(split_of)
    parameters = Parameters.of(store.manifest.spacing, store.manifest.convention)
    data = TrainingData(
        spacing_mm=parameters.spacing,
        intensities=parameters.intensities,
        intensity_range=parameters.intensity_range,
        channels=store.entry(ids[0]).channels,
        channel_names=store.manifest.channel_names,
        scans={split: scans[split] for split in sorted(scans)},
        persons={split: people[split] for split in sorted(people)},
        view_voxels=settings.views.size,
        view_mm=settings.views.size * store.manifest.spacing,
        views_per_sample=settings.views.count,
        fingerprint=fingerprint(store),
        simulated=all(table.get("simulated") == "yes" for table in store.column("table", ids)),
    )
    network = NetworkRecord(
        name=settings.network.name,
        size=settings.network.size,
        parameters=sum(p.numel() for p in model.backbone.parameters()),
        dense=model.backbone.decoder is not None,
    )
    return RunRecord(
        orienteer_version=__version__,
        environment=environment(devices),
        data=data,
        network=network,
        tasks=tuple(model.tasks),
        cards=model.cards,
    )


def resumed(devices: ResolvedDevices, before: Environment) -> ResolvedDevices:
    """Devices for a run that goes on: in the precision that it has had, wherever this machine can compute in it."""
    if not before.precision or (before.precision == "16-mixed" and devices.accelerator == "cpu"):
        return devices
    return devices.model_copy(update={"precision": before.precision})


def environment(devices: ResolvedDevices) -> Environment:
    """Versions, the machine, and the devices."""
    return Environment(
        python=platform.python_version(),
        torch=torch.__version__,
        monai=version("monai"),
        platform=platform.system(),
        processor=f"{platform.machine()}, {os.cpu_count()} cores",
        device=torch.cuda.get_device_name() if devices.accelerator == "gpu" else "CPU",
        devices=devices.devices,
        nodes=devices.nodes,
        precision=devices.precision,
        threads=devices.threads,
        workers=devices.workers,
    )
