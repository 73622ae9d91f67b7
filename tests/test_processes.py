"""Processes start with their modules imported, whoever asks first."""

import gc
import multiprocessing
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from orienteer.processes import processes_with
from orienteer.testing.phantom import phantom_store
from tests.forked import python
from tests.store.phantoms import cohort


def _imported() -> bool:
    return "orienteer.benchmark.job" in sys.modules


def test_processes__have_what_was_asked_for_before_the_first_started() -> None:
    processes_with("orienteer.benchmark.job")
    with ProcessPoolExecutor(1, mp_context=processes_with("orienteer.ingest.prepare")) as pool:
        assert pool.submit(_imported).result()


def test_processes__leave_the_modules_that_they_share_to_no_collector() -> None:
    with ProcessPoolExecutor(1, mp_context=processes_with("orienteer.ingest.prepare")) as pool:
        assert pool.submit(gc.get_freeze_count).result() > 10_000
        assert pool.submit(gc.isenabled).result(), "what they make themselves is collected"


def _blocked() -> set[int]:
    return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())}


def test_processes__those_of_others_hear_signals_as_usual() -> None:
    """A fork server with signals blocked would give children that a pool of somebody else could not end."""
    with ProcessPoolExecutor(1, mp_context=processes_with("orienteer.ingest.prepare")) as pool:
        assert signal.SIGTERM in pool.submit(_blocked).result()
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        assert not pool.apply(_blocked)


PLAIN = """
from pathlib import Path
from orienteer import api
from orienteer.runs.settings import PretrainSettings

Path(f"ran-{len(list(Path().glob('ran-*')))}").touch()
small = "views.size=16 network.size=tiny optimiser.steps=2 optimiser.batch=2 evaluation.final_per_scan=2"
settings = PretrainSettings.read({}, (*small.split(), "tasks={gap: {}}", "devices={accelerator: cpu, workers: 1}"))
api.ingest("scans", "store", api.IngestOptions(spacing=2, workers=2, progress=False))
api.pretrain("store", "run", settings=settings, progress=False)
"""


def test_processes__a_plain_script_is_run_once(tmp_path: Path) -> None:
    """Without ``if __name__ == "__main__"``, of which nobody thinks who never started a process."""
    cohort(tmp_path / "scans", 6)
    (tmp_path / "plain.py").write_text(PLAIN)
    done = python(tmp_path, "plain.py")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("ran-*")] == ["ran-0"]
    assert (tmp_path / "run" / "evaluations").is_dir()


OWN = """
from orienteer.sampling import Sampler, ViewSettings
from orienteer.sampling.loader import batches
from orienteer.store import Store

class Mine(Sampler):
    pass

if __name__ == "__main__":
    store = Store.open("phantoms/store")
    mine = Mine(store, store.ids("train"), ViewSettings(size=12), seed=0)
    (batch,) = batches(mine, [[0, 1]], workers=1)
    print(*batch.images.shape)
"""


def test_processes__a_class_of_a_script_is_known_to_loaders(tmp_path: Path) -> None:
    phantom_store(tmp_path / "phantoms", people=4)
    (tmp_path / "own.py").write_text(OWN)
    done = python(tmp_path, "own.py")
    assert (done.returncode, done.stdout) == (0, "2 3 1 12 12 12\n"), done.stderr
