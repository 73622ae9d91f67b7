"""From settings and a store to a model and samplers."""

import torch

from orienteer.errors import ConfigError
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.registry import chosen_tasks
from orienteer.runs.settings import PretrainSettings
from orienteer.sampling import Purpose, Sampler, torch_seed
from orienteer.sampling.fitting import fitting
from orienteer.store import Store
from orienteer.store.convention import WINDOW, Convention


def build_model(
    settings: PretrainSettings,
    *,
    channels: int,
    spacing: float,
    convention: Convention = WINDOW,
    processes: int = 1,
) -> SpatialModel:
    """The untrained model; its first weights derive from the run's seed alone.

    Args:
        settings: of the run.
        channels: channels of a scan.
        spacing: mm per voxel.
        convention: the units of intensity that the encoder sees.
        processes: that share each step's batch.

    Raises:
        ConfigError: settings that contradict each other or the network.
    """
    for name, task in chosen_tasks(settings.active_tasks).items():
        placement = task.kind.placement
        if placement not in (None, settings.views.placement):
            raise ConfigError(
                f"tasks.{name} cannot learn from views placed {settings.views.placement}",
                cure=f"set views.placement={placement}, or switch the task off with tasks.{name}=null",
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
            convention=convention,
        )
    if settings.frozen_encoder:
        model.backbone.encoder.freeze()
    for name in model.tasks:
        model.task(name).check(batch=settings.optimiser.batch // processes)
    return model


def training_sampler(settings: PretrainSettings, store: Store) -> Sampler:
    """Augmented views of the training subjects, of scans that can hold them."""
    return Sampler(store, fitting(store, store.ids("train"), settings.views).ids, settings.views, settings.seed)


def measuring_sampler(settings: PretrainSettings, store: Store, split: str | None) -> Sampler:
    """Untouched views of a split (None: all scans), the same for every run with these view settings."""
    ids = fitting(store, store.ids(split), settings.views).ids
    return Sampler(store, ids, settings.views, settings.evaluation.seed, augment=False)
