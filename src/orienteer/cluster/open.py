"""Open a cluster by its name: a scheduler that runs somewhere, jobs of Slurm, or processes of this machine."""

import logging
import math
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from orienteer import __version__
from orienteer.atomic import PART, write_text
from orienteer.cluster.work import own_version
from orienteer.cluster.workers import PATIENCE, Cluster
from orienteer.errors import ConfigError, OrienteerError, needs
from orienteer.processes import main_left_alone
from orienteer.signals import signals_blocked

if TYPE_CHECKING:
    from distributed import Client

LOCAL, SLURM = "local", "slurm"
CONNECT = 5.0
"""Seconds in which a scheduler must answer."""


def require_cluster(name: str) -> None:
    """Refuse what names no cluster.

    Raises:
        ConfigError: it is none of the three.
    """
    if not re.fullmatch(rf"{LOCAL}|{SLURM}:[1-9]\d*|t(cp|ls)://([^\s:/]+|\[[\da-fA-F:.]+\]):\d{{1,5}}", name):
        raise ConfigError(
            f"{name!r} is no cluster",
            cure="give tcp://HOST:8786, where a scheduler listens, slurm:8 for eight jobs of Slurm, or local",
        )


@contextmanager
def open_cluster(
    name: str,
    folder: Path,
    sees: Mapping[Path, Path],
    *,
    workers: int,
    threads: int = 1,
    say: Callable[[str], None],
) -> Iterator["Cluster"]:
    """Connect to a scheduler, or start one with workers that end with it.

    Args:
        name: ``tcp://HOST:PORT`` or another address of a scheduler, ``slurm:N`` for N jobs of Slurm, or ``local``.
        folder: that workers must see and may write to; it exists.
        sees: other folders that they must see, each with a file in it.
        workers: processes of a local cluster.
        threads: of each of them.
        say: called with what the user should know of a worker.

    Raises:
        ConfigError: the name is of no cluster, or its connection would not be as safe as Dask is told to make it.
        OrienteerError: a package is missing, nobody answers, or Slurm refuses.
    """
    require_cluster(name)
    token = folder.absolute() / f".{uuid4().hex}{PART}"
    with needs("cluster", "dask", "distributed", "dask_jobqueue"), ExitStack() as held:
        from distributed import Client, Security
        from distributed.utils import silence_logging_cmgr

        tls = Security().get_connection_args("client")
        if (name.startswith("tcp:") and tls["require_encryption"]) or (
            name.startswith("tls:") and not tls["ssl_context"]
        ):
            raise ConfigError(
                f"{name} does not fit what Dask's configuration says of TLS",
                cure="give tls://HOST:PORT where it names certificates, else tcp://HOST:PORT",
            )
        for root in ("distributed", "distributed.client"):  # Dask's lines quote what it was given
            held.enter_context(silence_logging_cmgr(logging.CRITICAL, root))
        target = name
        if name == LOCAL:
            target = held.enter_context(_local(workers, threads))
        elif name.startswith(SLURM):
            target = held.enter_context(_slurm(int(name.partition(":")[2])))
        try:
            client = held.enter_context(Client(target, timeout=CONNECT, set_as_default=False))
        except (OSError, ValueError) as error:
            raise OrienteerError(
                f"no Dask scheduler answers at {name}", cure="check the address, or start one there: dask scheduler"
            ) from error
        _check_scheduler(client, name)
        write_text(token, "")
        held.callback(token.unlink, missing_ok=True)
        files = {folder: token, **sees}
        sizes = {str(place.absolute()): (str(file.absolute()), file.stat().st_size) for place, file in files.items()}
        # Slurm may take its time.
        yield Cluster(name, client, sizes, math.inf if name.startswith(SLURM) else PATIENCE, say)


def _check_scheduler(client: "Client", name: str) -> None:
    found = "none"
    with suppress(ImportError, AttributeError):
        found = client.run_on_scheduler(own_version)
    if found != __version__:
        raise OrienteerError(
            f"the Dask scheduler of {name} does not know Orienteer {__version__} (it has {found})",
            cure="install the same version there and on all workers",
        )


@contextmanager
def _local(workers: int, threads: int) -> Iterator[Any]:
    """Processes of this machine that nobody outside reaches."""
    from distributed import LocalCluster

    # Signals to the whole group are ours to hear, and a plain script must not start once more in every worker.
    with main_left_alone():
        with signals_blocked():
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=threads, host="127.0.0.1", dashboard_address="127.0.0.1:0",
                memory_limit=0,  # no limit, so that nothing is written to disk when it is reached
                silence_logs=logging.CRITICAL,
            )  # fmt: skip
        with cluster:
            yield cluster


def _slurm_cluster() -> Any:
    """Dask's class; the import makes Ctrl-C end the process, so what listened before is put back."""
    before = signal.getsignal(signal.SIGINT)
    from dask_jobqueue import SLURMCluster

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)
    return SLURMCluster


@contextmanager
def _slurm(jobs: int) -> Iterator[Any]:
    """Jobs of Slurm, each with the workers that Dask's ``jobqueue.yaml`` gives it."""
    import dask

    slurm_cluster = _slurm_cluster()
    cure = "write what Slurm needs below jobqueue: slurm: in ~/.config/dask/jobqueue.yaml"
    if (sbatch := shutil.which("sbatch")) is None:
        raise OrienteerError("there is no sbatch here", cure="run this where jobs are submitted to Slurm")
    own = dask.config.get("jobqueue.slurm.scheduler-options", {})
    try:
        cluster = slurm_cluster(scheduler_options={"dashboard_address": "127.0.0.1:0", **own})
    except ValueError as error:
        raise OrienteerError("Dask does not know which cores and memory to ask Slurm for", cure=cure) from error
    with cluster:
        # What the scheduler says when it refuses would be lost in the background.
        said = subprocess.run([sbatch, "--test-only"], input=cluster.job_script(), capture_output=True, text=True)  # noqa: S603
        if said.returncode:
            raise OrienteerError(f"Slurm refuses such a job: {said.stderr.strip()}", cure=cure)
        cluster.scale(jobs=jobs)
        yield cluster
