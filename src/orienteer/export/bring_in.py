"""``orienteer import``: a run of weights that others trained, to be probed, evaluated, fine-tuned and observed."""

from collections.abc import Sequence
from pathlib import Path

from orienteer import __version__
from orienteer.arguments import of_import
from orienteer.console import to_stderr
from orienteer.errors import ConfigError
from orienteer.export.foreign import Foreign, describe, read_foreign
from orienteer.pretext.model import SpatialModel
from orienteer.records.run import Imported, NetworkRecord, RunRecord, TrainingData
from orienteer.runs.build import build_model
from orienteer.runs.folder import RunFolder
from orienteer.runs.record import environment
from orienteer.runs.settings import PretrainSettings
from orienteer.training.checkpoint import Checkpoint, save_checkpoint
from orienteer.training.devices import resolve
from orienteer.training.keeper import Counters
from orienteer.training.weights import restore_weights

STEPS = 300
"""Of training heads on an encoder that stays as it is."""


def import_weights(
    weights: Path | str,
    run: Path | str,
    *,
    contract: Path | str | None = None,
    view: int | None = None,
    assignments: Sequence[str] = (),
    progress: bool = True,
) -> Path:
    """Make a run of an encoder that another program trained.

    Its encoder is what was read, and stays so. Decoder and heads of the tasks are fresh: the first ``evaluate`` trains
    them for a short while on a store, and then judges what the encoder knows of space.

    Args:
        weights: a folder of ``orienteer export``, a checkpoint with nnssl's adaptation plan, or MONAI's SwinUNETR.
        run: a new folder.
        contract: how scans were prepared for it, where the weights do not say: ``contract.json``, or YAML in its words.
        view: edge of the views that it will be shown, voxels; by default as the contract says.
        assignments: ``key=value`` over the settings that pretraining has.
        progress: say on standard error what was read.

    Returns:
        The run's folder.

    Raises:
        OrienteerError: weights that cannot be read, are unsafe or unknown, or fit no network here; no contract.
        ConfigError: settings that do not fit.
        RunError: the folder is in the way.
    """
    weights, folder = Path(weights), RunFolder(Path(run))
    of_import(weights, folder.path)
    folder.require_free()
    found = read_foreign(weights, None if contract is None else Path(contract), view)
    settings = settings_of(found, assignments)
    said = found.preparation
    model = build_model(
        settings,
        channels=said.input.channels,
        spacing=said.grid.spacing_mm,
        convention=said.parameters.convention,
    )
    restore_weights(
        model.backbone.encoder.network, found.weights, weights, cure="give the file as the program wrote it"
    )
    record = _record(found, settings, model)
    with folder.locked():
        save_checkpoint(folder.checkpoints, Checkpoint(0, model.state_dict(), {}, vars(Counters())))
        record.write(folder.path)
        folder.write_settings(settings)
    if progress:
        to_stderr().print(describe(found), soft_wrap=True, markup=False)
    return folder.path


def settings_of(found: Foreign, assignments: Sequence[str]) -> PretrainSettings:
    """Settings of the run that ``import_weights`` makes: a pretraining of heads alone.

    Raises:
        ConfigError: settings that do not fit.
    """
    values = {
        "views": {"size": found.preparation.input.view_voxels},
        "network": found.network.model_dump(mode="json"),
        "frozen_encoder": True,
        "optimiser": {"steps": STEPS},
        "checkpoint": {"every": STEPS // 2},
    }
    settings = PretrainSettings.read(values, assignments)
    if settings.views.size != found.preparation.input.view_voxels:
        raise ConfigError("views.size was set, which the network is built for", cure="give --view instead")
    return settings


def _record(found: Foreign, settings: PretrainSettings, model: SpatialModel) -> RunRecord:
    """What is known before it has met a store: nothing of whom it learned from."""
    said = found.preparation
    spacing, view = said.grid.spacing_mm, settings.views.size
    return RunRecord(
        orienteer_version=__version__,
        environment=environment(resolve(settings.devices)),
        data=TrainingData(
            spacing_mm=spacing,
            intensities=said.intensities.rule,
            intensity_range=said.intensities.range,
            channels=said.input.channels,
            channel_names=said.input.channel_names,
            view_voxels=view,
            view_mm=view * spacing,
            views_per_sample=settings.views.count,
        ),
        network=NetworkRecord(
            name=settings.network.name,
            size=settings.network.size,
            parameters=sum(each.numel() for each in model.backbone.parameters()),
            dense=model.backbone.decoder is not None,
        ),
        tasks=tuple(model.tasks),
        cards=model.cards,
        imported=Imported(origin=found.origin, sha256=found.sha256, licence=said.licence),
    )
