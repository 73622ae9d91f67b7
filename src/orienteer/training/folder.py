"""What every training folder holds, whatever is trained."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import yaml

from orienteer.atomic import is_leftover, make_folder, sweep, write_text
from orienteer.config import Config
from orienteer.errors import OrienteerError, RunError, StoreError
from orienteer.folders import SETTINGS
from orienteer.records.run import TrainingRecord
from orienteer.store.lock import lock_name, only_one

TRAINING = "training"
"""What the lock of a run folder is held for."""


@dataclass(frozen=True)
class TrainingFolder:
    """Paths of a training run's files, and the claim to them.

    Attributes:
        path: the folder.
        record_type: type of its record.
    """

    path: Path
    record_type: ClassVar[type[TrainingRecord]]

    @property
    def record_file(self) -> Path:
        """What was trained, on what, with what; nothing from any scan's header."""
        return self.path / self.record_type.file

    @property
    def settings_file(self) -> Path:
        """The resolved settings."""
        return self.path / SETTINGS

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def observations(self) -> Path:
        """Measures, one JSON line per task and logged step."""
        return self.path / "observations.jsonl"

    @property
    def is_claimed(self) -> bool:
        """True once settings were written here."""
        return self.settings_file.is_file()

    def create(self, settings: Config) -> None:
        """Claim a new folder and write its settings.

        Raises:
            RunError: something is already there.
        """
        self.require_free()
        self.write_settings(settings)

    def write_settings(self, settings: Config) -> None:
        """Write its settings, whole or not at all."""
        write_text(self.settings_file, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))

    def require_free(self) -> None:
        """Check that nothing is here but leftovers of a process that was killed at its start.

        Raises:
            RunError: something is already there.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise RunError(f"{self.path} is a file", cure="choose another folder; nothing is overwritten")
        own = {lock_name(TRAINING)}
        if any(p.name not in own and not is_leftover(p) for p in self.path.iterdir()):
            cure, what = "choose another folder", f", and holds nothing of `{self.record_type.made_by}`"
            if self.is_claimed:
                cure, what = f"add --resume to continue it, or {cure}", ""
            raise RunError(f"{self.path} exists and is not empty{what}", cure=f"{cure}; nothing is overwritten")

    def require_begun(self) -> None:
        """Check that a run is here to go on with: a mistyped folder must not start another one.

        Raises:
            RunError: there is none.
        """
        if self.is_claimed:
            return
        self.require_free()  # what else is there is named
        raise RunError(
            f"no run at {self.path} to resume, and nothing was started",
            cure="check the folder's name, or leave --resume out to start a new run there",
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that trains in this folder, and delete what a killed one left half-written.

        Raises:
            RunError: another process trains here, or the folder cannot be written.
        """
        try:
            make_folder(self.path)
        except OrienteerError as error:
            raise RunError(error.message, cure=error.cure) from None
        with ExitStack() as held:
            try:
                held.enter_context(only_one(self.path, TRAINING))
            except StoreError as error:
                raise RunError(error.message, cure=error.cure) from None
            sweep(self.path)
            yield
