"""Weights & Biases: online where the user is logged in, else into files that ``wandb sync`` sends."""

import netrc
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from shlex import quote
from urllib.parse import urlsplit

from orienteer.loggers.contract import PROJECT, LoggedRun, Logger
from orienteer.loggers.point import Point

STEP = "step"
"""Of a phase, e.g. ``train/step``: the axis of its figures. W&B's own step counts rows and cannot be gone back to."""
PHASES = ("train", "validation", "summary")
OFFLINE = ("offline", "dryrun", "disabled")


class WandbLogger(Logger):
    """Goes on with the W&B run whose id the run folder keeps.

    Online, the last step of each phase that the server has is in the run's summary. Offline there is no server to ask:
    files that were not sent yet are replaced by new ones with the whole history.
    """

    name = "wandb"
    extra = "wandb"
    modules = ("wandb",)
    fix = "see that the W&B server answers, or set WANDB_MODE=offline"

    def __init__(self, run: LoggedRun) -> None:
        super().__init__(run)
        os.environ["WANDB_ERROR_REPORTING"] = "false"
        import wandb

        known = run.kept.setdefault("id", uuid.uuid4().hex[:8])
        mode = os.environ.get("WANDB_MODE") or ("online" if _logged_in() else "offline")
        self.online = mode not in OFFLINE
        if not self.online:
            _discard_unsent(run.folder / "wandb", known)
        # Neither the command line, which names folders, nor the machine and its user are anybody's business.
        settings = wandb.Settings(
            mode=mode, silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True,
            x_disable_meta=True, x_disable_machine_info=True, x_save_requirements=False, init_timeout=30,
            host="not said",
        )  # fmt: skip
        self.wandb = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT), id=known, name=run.name, dir=str(run.folder),
            config=run.settings, resume="allow" if self.online else None, settings=settings,
        )  # fmt: skip
        for phase in PHASES:
            self.wandb.define_metric(f"{phase}/*", step_metric=f"{phase}/{STEP}")
        last = dict(self.wandb.summary) if self.online else {}
        self.last = {phase: last.get(f"{phase}/{STEP}", -1) for phase in PHASES}
        self.note = "the report, with slices of a few scans, goes there too at the end" if self.online else ""
        if not self.online and not os.environ.get("WANDB_MODE"):
            self.note = "sends it; nobody is logged in here, so it logs offline"

    @property
    def view(self) -> str:
        """Its page, or the command that sends it to the server."""
        return str(self.wandb.url) if self.online else f"wandb sync {quote(str(Path(self.wandb.dir).parent))}"

    def holds(self, key: str, step: int) -> bool:
        """Whether the server has this step of the phase."""
        return bool(step <= self.last[key.partition("/")[0]])

    def write(self, points: Sequence[Point]) -> None:
        """A row for each step and phase."""
        for (step, phase), group in groupby(points, lambda point: (point.step, point.phase)):
            self.wandb.log({f"{phase}/{STEP}": step, **dict(_values(group))})

    def conclude(self, verdict: str, sentence: str, page: Path | None) -> None:
        """Put the verdict into the run's summary, and the report among its artifacts."""
        import wandb

        if verdict:
            self.wandb.summary.update({"verdict": verdict, "verdict_sentence": sentence})
        if page is not None:
            artifact = wandb.Artifact(f"report-{self.wandb.id}", type="report")
            artifact.add_file(str(page), name=page.name)
            self.wandb.log_artifact(artifact)

    def close(self) -> None:
        """Wait until all is sent or written."""
        self.wandb.finish()


def _values(points: Iterator[Point]) -> Iterator[tuple[str, float]]:
    for point in points:
        yield from point.values.items()


def _logged_in() -> bool:
    """Whether there is a key: asking W&B itself would prompt for one."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _discard_unsent(folder: Path, known: str) -> None:
    """Delete files of the run that were never synced: the new ones hold all that they did."""
    for session in folder.glob(f"offline-run-*-{known}"):
        if not list(session.glob("*.synced")):
            shutil.rmtree(session)
