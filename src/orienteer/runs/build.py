"""From settings and a store to a model and samplers, in training and when a run is read back."""

import torch

from orienteer.errors import ConfigError, RunError
from orienteer.pretext.model import SpatialModel, task_types
from orienteer.runs.folder import RunFolder
from orienteer.runs.settings import PretrainSettings
from orienteer.sampling import Purpose, Sampler, torch_seed
from orienteer.store import Store
from orienteer.training.checkpoint import Checkpoint, checkpoint_paths, latest_checkpoint, load_checkpoint, name_of
from orienteer.training.weights import restore_weights


def build_model(settings: PretrainSettings, *, channels: int, spacing: float, processes: int = 1) -> SpatialModel:
    """The untrained model; its first weights derive from the run's seed alone.

    Args:
        settings: of the run.
        channels: channels of a scan.
        spacing: mm per voxel.
        processes: that share each step's batch.

    Raises:
        ConfigError: settings that contradict each other or the network.
    """
    for name, task in task_types(settings.active_tasks).items():
        if task.placement not in (None, settings.views.placement):
            raise ConfigError(
                f"tasks.{name} cannot learn from views placed {settings.views.placement}",
                cure=f"set views.placement={task.placement}, or switch the task off with tasks.{name}=null",
            )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(settings.seed, Purpose.WEIGHTS))
        model = SpatialModel(
            settings.network,
            settings.active_tasks,
            settings.teacher,
            in_channels=channels,
            views=settings.views.count,
            view=settings.views.size,
            spacing=spacing,
        )
    for name in model.tasks:
        model.task(name).check(batch=settings.optimiser.batch // processes)
    return model


def training_sampler(settings: PretrainSettings, store: Store) -> Sampler:
    """Augmented views of the training people."""
    return Sampler(store, store.ids("train"), settings.views, settings.seed)


def measuring_sampler(settings: PretrainSettings, store: Store, split: str | None) -> Sampler:
    """Untouched views of a split (None: all scans), the same for every run with these view settings."""
    return Sampler(store, store.ids(split), settings.views, settings.evaluation.seed, augment=False)


def best_checkpoint(run: RunFolder) -> tuple[Checkpoint, tuple[str, ...]]:
    """The best checkpoint by validation, or the newest whole one where that is damaged.

    Returns:
        The checkpoint, and warnings about those that could not be read.

    Raises:
        RunError: there is no whole checkpoint.
    """
    newest, warnings = latest_checkpoint(run.checkpoints)
    if newest is None:
        problem = "only damaged checkpoints" if checkpoint_paths(run.checkpoints) else "no checkpoint yet"
        raise RunError(f"{run.path} has {problem}", cure="train longer, or continue it with --resume")
    best = newest.state.get("best_step")
    if best is None or best == newest.step:
        return newest, warnings
    try:
        return load_checkpoint(run.checkpoints / name_of(best)), warnings
    except RunError as error:
        return newest, (*warnings, error.message)


def restore_model(run: RunFolder, checkpoint: Checkpoint) -> tuple[SpatialModel, PretrainSettings]:
    """The trained model of a run, in evaluation mode.

    Raises:
        RunError: the weights do not fit the settings.
    """
    settings, record = run.settings(), run.record()
    data = record["data"]
    model = build_model(settings, channels=data["channels"], spacing=data["spacing_mm"])
    restore_weights(model, checkpoint.model, run.path)
    return model.eval(), settings
