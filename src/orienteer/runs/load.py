"""The networks of a run, read from its checkpoints."""

import warnings
from collections.abc import Mapping

from torch import Tensor

from orienteer.errors import OrienteerWarning, RunError
from orienteer.networks.backbone import Backbone
from orienteer.pretext.model import SpatialModel
from orienteer.runs.build import build_model
from orienteer.runs.folder import RunFolder
from orienteer.runs.run import Run, Step
from orienteer.training.checkpoint import Checkpoint, checkpoint_paths, latest_checkpoint, load_checkpoint, name_of
from orienteer.training.weights import restore_weights

BACKBONE = "backbone."
"""Prefix of the backbone's weights in a checkpoint."""


def best_checkpoint(folder: RunFolder) -> tuple[Checkpoint, tuple[str, ...]]:
    """The best checkpoint by validation, or the newest whole one where that is damaged.

    Returns:
        The checkpoint, and warnings about those that could not be read.

    Raises:
        RunError: there is no whole checkpoint.
    """
    newest, warnings = latest_checkpoint(folder.checkpoints)
    if newest is None:
        problem = "only damaged checkpoints" if checkpoint_paths(folder.checkpoints) else "no checkpoint yet"
        raise RunError(f"{folder.path} has {problem}", cure="train longer, or continue it with --resume")
    best = newest.state.get("best_step")
    if best is None or best == newest.step:
        return newest, warnings
    try:
        return load_checkpoint(folder.checkpoints / name_of(best)), warnings
    except RunError as error:
        return newest, (*warnings, error.message)


def best_or_warn(run: Run) -> Checkpoint:
    """``best_checkpoint``, and a warning of type ``OrienteerWarning`` where one could not be read. Raises as it."""
    checkpoint, damaged = best_checkpoint(run.folder)
    for each in damaged:
        warnings.warn(f"{each}; step {checkpoint.step} of {run.path} is used", OrienteerWarning, stacklevel=2)
    return checkpoint


def load_model(run: Run, step: Step | Checkpoint) -> SpatialModel:
    """The model of a step, in evaluation mode on the CPU; step 0 is built from the run's seed, or what was imported.

    Args:
        run: the run.
        step: which; or a checkpoint that was read already.

    Raises:
        RunError: no checkpoint of that step is kept, it is damaged, or it does not fit the settings.
    """
    data = run.record.data
    convention = data.parameters.convention
    model = build_model(run.settings, channels=data.channels, spacing=data.spacing_mm, convention=convention)
    if step != 0 or run.record.imported:
        restore_weights(model, _checkpoint(run, step).model, run.path)
    return model.eval()


def load_backbone(run: Run, step: Step | Checkpoint) -> Backbone:
    """The backbone of a step, in evaluation mode on the CPU. Needs the code of no task; raises as ``load_model``.

    Args:
        run: the run.
        step: which; or a checkpoint that was read already.
    """
    if step == 0 and not run.record.imported:
        return load_model(run, 0).backbone
    weights = backbone_weights(_checkpoint(run, step))
    dense = any(name.startswith("decoder.") for name in weights)
    settings, data = run.settings, run.record.data
    backbone = Backbone(
        settings.network,
        in_channels=data.channels,
        view=settings.views.size,
        dense=dense,
        convention=data.parameters.convention,
    )
    restore_weights(backbone, weights, run.path)
    return backbone.eval()


def backbone_weights(checkpoint: Checkpoint) -> Mapping[str, Tensor]:
    """A checkpoint's weights of encoder, pooling and decoder, by their names in a ``Backbone``."""
    return {name.removeprefix(BACKBONE): value for name, value in checkpoint.model.items() if name.startswith(BACKBONE)}


def _checkpoint(run: Run, step: Step | Checkpoint) -> Checkpoint:
    if isinstance(step, Checkpoint):
        return step
    if step == "best":
        return best_or_warn(run)
    return load_checkpoint(run.folder.checkpoints / name_of(step))
