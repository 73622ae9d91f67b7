"""From what a person typed to a run and the store it learned from."""

from collections.abc import Iterator
from pathlib import Path

from orienteer.errors import OrienteerError, RunError
from orienteer.runs.folder import RunFolder
from orienteer.runs.run import Run
from orienteer.store import Store


def find_run(path: Path) -> RunFolder:
    """The run at ``path``, or in its folder ``run`` where ``orienteer demo`` puts it.

    Raises:
        RunError: there is none.
    """
    for folder in (RunFolder(path), RunFolder(path / "run")):
        if folder.is_claimed and folder.record_file.is_file():
            return folder
    problem = f"{path} is not a run folder" if path.is_dir() else f"there is no folder {path}"
    raise RunError(problem, cure="give the folder that `orienteer pretrain` or `orienteer demo` wrote")


def find_store(run: RunFolder, given: Path | None) -> Store:
    """The store to look at: the one given, or the one beside the run from which it learned.

    Raises:
        RunError: none is given, and none beside the run is the one it learned from; or its grid is not the run's.
        StoreError: what is given is no store.
    """
    learned = Run.open(run.path)
    if given is not None:
        store = Store.open(given)
    else:
        found = (store for store in _beside(run.path.resolve()) if learned.learned_from(store))
        beside = next(found, None)
        if beside is None:
            raise RunError(
                f"the store that {run.path} learned from is not beside it", cure="say where it is with --store STORE"
            )
        store = beside
    fits(run, store)
    return store


def fits(run: RunFolder, store: Store) -> None:
    """Check that a run can read a store.

    Raises:
        RunError: another spacing, or other channels.
    """
    Run.open(run.path).check_store(store)


def _beside(run: Path) -> Iterator[Store]:
    """Stores in the folders around a run, nearest first."""
    # Four levels up is where a benchmark keeps the store of an arm's run.
    for around in run.parents[:4]:
        for manifest in sorted(around.glob("*/manifest.json")):
            try:
                yield Store.open(manifest.parent)
            except OrienteerError:
                continue
