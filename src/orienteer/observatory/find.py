"""From what a person typed to a run and the store it learned from."""

from collections.abc import Iterator
from pathlib import Path

from orienteer.errors import OrienteerError, RunError
from orienteer.folders import Folder, mistaken
from orienteer.runs.folder import RunFolder
from orienteer.runs.run import Run
from orienteer.store import Store


def find_run(path: Path) -> Run:
    """The run at ``path``, or in its folder ``run`` where ``orienteer demo`` puts it.

    Raises:
        RunError: there is none, or its record is damaged.
    """
    for folder in (RunFolder(path), RunFolder(path / "run")):
        if folder.is_claimed and folder.record_file.is_file():
            return Run.open(folder.path)
    raise mistaken(path, Folder.RUN)


def find_store(run: Run, given: Path | None) -> Store:
    """The store to look at: the one given, or the one beside the run from which it learned.

    Raises:
        RunError: none is given, and none beside the run is the one it learned from; or its grid is not the run's.
        StoreError: what is given is no store.
    """
    beside = _beside(run.path.resolve()) if given is None else (Store.open(given),)
    store = next((store for store in beside if given is not None or run.learned_from(store)), None)
    if store is None:
        raise RunError(
            f"the store that {run.path} learned from is not beside it", cure="say where it is with --store STORE"
        )
    run.check_store(store)
    return store


def _beside(run: Path) -> Iterator[Store]:
    """Stores in the folders around a run, nearest first."""
    # Four levels up is where a benchmark keeps the store of an arm's run.
    for around in run.parents[:4]:
        for manifest in sorted(around.glob(f"*/{Folder.STORE.marker}")):
            try:
                yield Store.open(manifest.parent)
            except OrienteerError:
                continue
