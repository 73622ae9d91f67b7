"""Going on with a run: as it was started, or with more steps. Any other change is named and refused."""

from datetime import UTC, datetime

from orienteer.config import differences
from orienteer.errors import RunError
from orienteer.records.run import Extension
from orienteer.runs.folder import RunFolder
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.store.kinds import same_spacing
from orienteer.training.checkpoint import latest_checkpoint
from orienteer.training.course import learning_rate

STEPS = "optimiser.steps"


def require_same(folder: RunFolder, asked: PretrainSettings) -> None:
    """A resumed run keeps its settings; it may be given more steps.

    Raises:
        RunError: other settings are asked for; each is named with its old and new value.
    """
    before = folder.settings()
    changed = differences(before.model_dump(mode="json"), asked.model_dump(mode="json"))
    if not changed or (set(changed) == {STEPS} and asked.optimiser.steps > before.optimiser.steps):
        return
    named = "; ".join(f"{name} was {old}, not {new}" for name, (old, new) in changed.items())
    raise RunError(
        f"{folder.path} was started with other settings: {named}",
        cure=f"resume without --config and --set, or start a new run; only {STEPS} may be changed, to more",
    )


def require_same_store(run: Run, store: Store) -> None:
    """A resumed run learns from the scans that it began with.

    Raises:
        RunError: the store holds others, or has another spacing, which is said.
    """
    if run.learned_from(store):
        return
    learned, here = run.record.data.spacing_mm, store.manifest.spacing
    apart = "" if same_spacing(learned, here) else f": that one is at {learned:g} mm, this one at {here:g} mm"
    raise RunError(
        f"the store at {store.path} is not the one {run.path} was trained on{apart}",
        cure="resume with the same store, or start a new run",
    )


def extend(folder: RunFolder, asked: PretrainSettings) -> str:
    """Give a run the steps that are asked for, which its record says; returns a sentence, empty where it has them.

    The rate of a step follows from its number and the total. After an extension it is that of the longer schedule: it
    rises once and falls again, and the run is not the one that would have been given all steps at once.
    """
    before = folder.settings()
    if before.optimiser.steps == asked.optimiser.steps:
        return ""
    newest, _ = latest_checkpoint(folder.checkpoints)
    done = newest.step if newest is not None else 0
    extension = Extension(
        at_step=done,
        steps_before=before.optimiser.steps,
        steps=asked.optimiser.steps,
        learning_rate_before=learning_rate(max(0, done - 1), before.optimiser),
        learning_rate=learning_rate(done, asked.optimiser),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    record = Run.open(folder.path).record
    # Recorded first: after a kill in between, the same command finds the settings unchanged and does it again.
    earlier = tuple(each for each in record.extensions if each.steps <= before.optimiser.steps)
    unfinished = {"finished": None, "seconds": None, "steps": None}
    record.model_copy(update={"extensions": (*earlier, extension), **unfinished}).write(folder.path)
    folder.write_settings(asked)
    return (
        f"{folder.path} is extended at step {done}: {extension.steps} steps, before {extension.steps_before}. The"
        f" learning rate goes on as in a run of {extension.steps} steps: {extension.learning_rate:.2g},"
        f" before {extension.learning_rate_before:.2g}"
    )
