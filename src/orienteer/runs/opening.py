"""What a pretraining says when it starts: who it learns from, what it sees, where it computes, how long it takes."""

from orienteer.records.run import RunRecord
from orienteer.runs.rehearsal import pretraining_seconds, rehearse
from orienteer.runs.settings import PretrainSettings
from orienteer.training.settings import ResolvedDevices
from orienteer.units import counted, duration

PRECISIONS = {"32-true": "float32", "bf16-mixed": "bfloat16", "16-mixed": "float16"}
SHORT = 100
"""Steps below which timing one takes longer than is worth it."""


def opening(record: RunRecord, settings: PretrainSettings, devices: ResolvedDevices, done: int) -> list[str]:
    """The lines, none longer than a narrow terminal takes in two.

    Args:
        record: of the run.
        settings: of the run.
        devices: resolved.
        done: steps made before.
    """
    data, network, views = record.data, record.network, settings.views
    learned = f"{_who(record, 'train')} to learn from, {_who(record, 'val')} to validate on"
    seen = f"{views.count} views of {views.size} voxels ({data.view_mm:.0f} mm) a scan, " if data.view_mm else ""
    lines = [learned, f"{seen}{counted(settings.optimiser.batch, 'scan')} a step; tasks: {', '.join(record.tasks)}"]
    where = record.environment.device if devices.accelerator == "gpu" else counted(devices.threads, "CPU thread")
    where += f" x {devices.devices}" * (devices.devices > 1) + f" on {devices.nodes} nodes" * (devices.nodes > 1)
    if network is not None:
        size = f"{network.parameters / 1e6:.1f} million parameters"
        lines.append(f"{network.name} of {size}, {PRECISIONS[devices.precision]} on {where}")
    if settings.frozen_encoder:
        lines.append("the encoder stays as it is; decoder, pooling and heads are trained")
    steps = settings.optimiser.steps
    left = steps - done
    told = f"from step {done:,} to {steps:,}" if done else f"{steps:,} steps"
    if not left:
        told = f"all {steps:,} steps are done; what is left is to judge them"
    if left >= SHORT:
        step = rehearse(settings, channels=data.channels, spacing=data.spacing_mm)
        seconds = pretraining_seconds(settings, step, data.scans.get("val", 0)) * left / steps / devices.devices
        told += f", about {duration(seconds)}"
    return [*lines, told]


def _who(record: RunRecord, split: str) -> str:
    scans, subjects = record.data.scans.get(split, 0), record.data.persons.get(split, 0)
    return counted(scans, "scan") + (f" of {counted(subjects, 'subject')}" if subjects != scans else "")
