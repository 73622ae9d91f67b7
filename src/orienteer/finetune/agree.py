"""What must agree: the seeds of a fine-tuning with each other, with their run, and a resumed one with its start."""

from collections.abc import Sequence

from orienteer.config import differences
from orienteer.errors import ConfigError, RunError
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.goal import Goal
from orienteer.finetune.settings import FinetuneSettings
from orienteer.finetune.work import Finetuning
from orienteer.runs.fingerprint import answers_in, fingerprint
from orienteer.runs.run import Run
from orienteer.store import Store
from orienteer.store.kinds import same_spacing


def seeds_agree(works: Sequence[Finetuning]) -> None:
    """Seeds that draw other scans may find other labels in them; ``predict`` could not average their networks.

    Raises:
        ConfigError: they would not learn the same.
        RunError: they would not start from the same weights.
    """
    atlases = {work.atlas_sha256 for work in works}
    if len({work.loaded.sha256 for work in works if work.loaded}) > 1 or len(atlases) > 1:
        raise RunError(f"{works[0].run_path} is still learning", cure="wait until it is finished; nothing was written")
    first = works[0]
    for work in works[1:]:
        if work.goal.learned != first.goal.learned:
            what, cure = (
                ("structures", "name them in `structures`, or use more --labelled-scans")
                if work.goal.structures is not None
                else ("categories", "use more --labelled-scans")
            )
            raise ConfigError(
                f"seeds {first.settings.seed} and {work.settings.seed} would learn different {what}:"
                f" {_named(first.goal)}; and {_named(work.goal)}",
                cure=cure,
            )


def _named(goal: Goal) -> str:
    structures, categories = goal.learned
    names = structures.names if structures is not None else categories
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def same_as_started(work: Finetuning, folder: FinetuneFolder, split: str, *, others: bool = False) -> None:
    """A resumed fine-tuning must be the one that was started, finished or not.

    Args:
        work: what is asked for.
        folder: of the seed that was started.
        split: subjects to score.
        others: it is of another seed, which draws other scans, and all else is the same.

    Raises:
        RunError: it is another.
    """
    apart = {"devices", "seed"} if others else {"devices"}
    ours, before = (each.model_dump(mode="json", exclude=apart) for each in (work.settings, folder.settings()))
    if changed := differences(before, ours):
        named = "; ".join(f"{name} was {old}, not {new}" for name, (old, new) in changed.items())
        raise RunError(
            f"{folder.path} was started with other settings: {named}",
            cure="resume with the same --set, --labelled-scans and --from, or choose another folder",
        )
    if not folder.record_file.is_file():
        return  # killed before anything but its settings was written
    record = folder.record()
    if record.fingerprint != fingerprint(work.store, labels=True) or (record.goal != work.goal and not others):
        raise RunError(f"{folder.path} was started on another store", cure="resume with the same store")
    column = work.settings.column
    if record.answers_sha256 not in (None, answers_in(work.store, column)):
        raise RunError(
            f"{folder.path} was started where the column {column} had other values",
            cure="choose another folder to learn the values of today",
        )
    if record.goal.learned != work.goal.learned:
        raise RunError(
            f"{folder.path} learned {_named(record.goal)}, this would learn {_named(work.goal)}",
            cure="name them in `structures`, or choose another folder",
        )
    if record.loaded != (work.loaded.sentence() if work.loaded else None):
        raise RunError(
            f"{folder.path} was started {f'with {record.loaded}' if record.loaded else 'from scratch'}",
            cure="resume with the same --from, or choose another folder",
        )
    # Records of earlier versions have the sentence only.
    if work.loaded is not None and record.loaded_sha256 not in (None, work.loaded.sha256):
        raise RunError(
            f"{folder.path} was started with other weights than those of {work.run_path}",
            cure="resume with the same --from, as it was then, or choose another folder",
        )
    if record.atlas_sha256 not in (None, work.atlas_sha256):
        raise RunError(
            f"{folder.path} was started with the atlas of another run than {work.run_path}, as it is now",
            cure="resume with the same --from, as it was then, or choose another folder",
        )
    if record.split not in (None, split):
        raise RunError(
            f"{folder.path} was scored on {record.split}, not {split}",
            cure=f"resume with --split {record.split}, or choose another folder",
        )


def fits_run(run: Run, store: Store, settings: FinetuneSettings) -> str:
    """Compare what is asked for with the run that gives the encoder; returns a note where the spacing differs.

    Raises:
        ConfigError: another network is asked for than the run's, which is the one that is used.
    """
    for name in sorted(settings.network.model_fields_set - {"dense_stride"}):
        asked, own = getattr(settings.network, name), getattr(run.settings.network, name)
        if asked != own:
            raise ConfigError(
                f"network.{name} is {asked!r}, but {run.path} learned with {own!r}",
                cure=f"leave network.{name} out: the network is the run's, unless it starts --from scratch",
            )
    learned, here = run.record.data.spacing_mm, store.manifest.spacing
    if same_spacing(here, learned):
        return ""
    return (
        f"note: the run learned at {learned:g} mm, the store is at {here:g} mm, where all is of another size in voxels;"
        f" ingest with --spacing {learned:g} for what the encoder knows"
    )
