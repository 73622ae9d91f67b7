"""Train on a store object, faulty or not, and assess the result on its validation subjects."""

from pathlib import Path

from orienteer.evaluation.assess import Evaluation, assess
from orienteer.runs.build import build_model, measuring_sampler
from orienteer.runs.folder import RunFolder
from orienteer.runs.load import best_checkpoint, load_model
from orienteer.runs.record import describe
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings
from orienteer.runs.work import Pretraining
from orienteer.store import Store
from orienteer.training.devices import build_fabric, resolve
from orienteer.training.session import Session


def verdict_on(store: Store, run: Path, settings: PretrainSettings) -> Evaluation:
    """``pretrain`` on a store that exists only in memory.

    Args:
        store: e.g. one of ``orienteer.testing.plants``.
        run: a new run folder, or one to continue.
        settings: as for ``pretrain``.
    """
    devices = resolve(settings.devices)
    folder = RunFolder(run)
    if not folder.record_file.exists():
        entry = store.manifest.scans[0]
        convention = store.manifest.convention
        model = build_model(settings, channels=entry.channels, spacing=entry.spacing, convention=convention)
        folder.create(settings)
        describe(settings, devices, store, model).write(folder.path)
    fabric = build_fabric(devices)
    resolved = settings.model_copy(update={"devices": devices})
    Session(Pretraining(resolved, store, folder.evaluations), resolved, folder, again="run it again", progress=False)(
        fabric
    )
    checkpoint, _ = best_checkpoint(folder)
    model = load_model(Run.open(run), checkpoint)
    return assess(
        model.to(fabric.device),
        measuring_sampler(settings, store, "val"),
        settings.evaluation,
        folder=folder.evaluations / "val",
        split="val",
        step=checkpoint.step,
        device=fabric.device,
    )
