"""A folder belongs to one configuration: a table must never mix results of two."""

from collections.abc import Sequence
from pathlib import Path

from orienteer.atomic import is_leftover
from orienteer.benchmark.finished import is_finished
from orienteer.benchmark.plan import Job
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.config import Tree, load_yaml
from orienteer.errors import RunError
from orienteer.folders import Folder
from orienteer.store.lock import lock_name

CONFIG = Folder.BENCHMARK.marker


def check_claim(settings: BenchmarkSettings, out: Path, jobs: Sequence[Job]) -> None:
    """Refuse a configuration that contradicts the one the folder was started with.

    Args:
        settings: the benchmark's.
        out: its folder.
        jobs: all of them; arms and tasks without a finished one may change.

    Raises:
        RunError: the folder holds something else, or results of other settings.
    """
    file = out / CONFIG
    asked = settings.model_dump(mode="json")
    if file.is_file():
        # Labels and titles may change and jobs may be added; the settings of finished jobs may not change.
        before = load_yaml(file)
        # Folders made before pseudonyms existed keep names.
        before["data"] = {"keep_names": True, "intensities": None, **before.get("data", {})}
        for key in ("data", "split", "pretrain", "finetune"):
            if before.get(key) != asked[key]:
                raise RunError(
                    f"{out} was started with another `{key}`",
                    cure="choose another folder, or restore the configuration",
                )
        done = [job for job in jobs if is_finished(job)]
        for group, begun in (("arms", {job.arm for job in done}), ("tasks", {job.task for job in done})):
            for name in sorted(set(before.get(group, {})) & set(asked[group]) & begun):
                if _effective(before[group][name]) != _effective(asked[group][name]):
                    raise RunError(
                        f"{out} was started with another {group}.{name}",
                        cure="give the changed one another name, or choose another folder",
                    )
    elif out.exists() and any(
        path.name not in ("store", lock_name("benchmark")) and not is_leftover(path) for path in out.iterdir()
    ):
        raise RunError(f"{out} is not empty and holds no benchmark", cure="choose another folder")


def _effective(values: Tree) -> Tree:
    """What must not change; where weights lie may, for a finished job knows what they were."""
    named = ("label", "role", "words", "unit", "labels", "labelled_scans", "modes", "arms")
    kept = {key: value for key, value in values.items() if value is not None and key not in named}
    if "imported" in kept:
        kept["imported"] = {key: each for key, each in kept["imported"].items() if key not in ("weights", "contract")}
    return kept
