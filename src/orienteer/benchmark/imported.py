"""Weights that others trained, as an arm's beginning: read before anything else starts, so that mistakes show then."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orienteer.benchmark.settings import BenchmarkSettings, DataSettings, ImportSettings
from orienteer.errors import OrienteerError
from orienteer.export.bring_in import import_weights, settings_of
from orienteer.export.foreign import Foreign, read_foreign
from orienteer.folders import require_possible
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.store.kinds import same_spacing


@dataclass(frozen=True)
class ImportedWeights:
    """Weights that were found readable.

    Attributes:
        asked: where they are, by paths that hold from anywhere.
        described: what they are, of which network; without the weights themselves.
        identity: SHA-256 of the weights and of what was said of their input.
    """

    asked: ImportSettings
    described: Foreign
    identity: str

    @property
    def words(self) -> str:
        """What they are, for a report."""
        found = self.described
        note = f"; {found.note}" if found.note else ""
        return f"{found.origin}, views of {found.preparation.input.view_voxels} voxels{note}"

    def settings(self, seed: int) -> PretrainSettings:
        """Settings of the run that is made of them; the seed is that of the fresh weights beside the encoder."""
        return settings_of(self.described, self._assignments(seed))

    def bring(self, folder: Path, seed: int, store: Store) -> None:
        """Make the run of the weights that were found.

        Raises:
            OrienteerError: the weights cannot be read any more, or have changed.
            RunError: the store has another spacing, other intensities or other channels.
        """
        asked = self.asked
        if read_imported(asked).identity != self.identity:
            raise OrienteerError(f"{asked.weights} has changed since the benchmark began", cure="start it again")
        self.import_into(folder, seed)
        Run.open(folder).check_store(store)

    def import_into(self, folder: Path, seed: int) -> None:
        """Make the run in a new folder.

        Raises:
            OrienteerError: the weights cannot be read, or fit no network here.
            ConfigError: settings that do not fit.
        """
        asked, assigned = self.asked, self._assignments(seed)
        import_weights(
            asked.weights, folder, contract=asked.contract, view=asked.view, assignments=assigned, progress=False
        )

    def _assignments(self, seed: int) -> tuple[str, ...]:
        return (*self.asked.assign, "devices.devices=1", f"seed={seed}")


def find_imports(settings: BenchmarkSettings, base: Path) -> Mapping[str, ImportedWeights]:
    """The weights of every arm that imports some, by arm.

    Args:
        settings: the benchmark's.
        base: the folder that relative paths start from.

    Raises:
        OrienteerError: weights, or settings, that ``orienteer import`` refuses; the arm is named.
    """
    found = {}
    for name, arm in settings.arms.items():
        if arm.imported is None:
            continue
        try:
            found[name] = read_imported(_absolute(arm.imported, base))
            _try(found[name], settings.data)
        except OrienteerError as error:
            cure = error.cure.replace("--contract", "contract").replace("--view", "view").replace("--set", "assign")
            raise OrienteerError(f"arms.{name}.imported: {error.message}", cure=cure) from None
    return found


def read_imported(asked: ImportSettings) -> ImportedWeights:
    """Read weights and keep what they are, not the weights."""
    found = read_foreign(asked.weights, asked.contract, asked.view)
    said = hashlib.sha256(found.preparation.model_dump_json().encode()).hexdigest()
    identity = hashlib.sha256(f"{found.sha256} {said}".encode()).hexdigest()
    return ImportedWeights(asked, replace(found, weights={}), identity)


def _try(found: ImportedWeights, data: DataSettings) -> None:
    """Import once for nothing, so that weights that do not fit are known before hours of other work."""
    said = found.described.preparation
    if data.spacing is not None and not same_spacing(data.spacing, said.grid.spacing_mm):
        raise OrienteerError(
            f"the weights learned at {said.grid.spacing_mm:g} mm, data.spacing is {data.spacing:g}",
            cure=f"set data.spacing: {said.grid.spacing_mm:g}",
        )
    wanted, here = said.parameters.convention, data.convention
    if wanted != here:
        raise OrienteerError(
            f"the weights learned from intensities {wanted} ({wanted.words}), data.intensities is {here}",
            cure=f'set data.intensities: "{wanted}"',
        )
    with tempfile.TemporaryDirectory() as folder:
        found.import_into(Path(folder) / "run", 0)


def _absolute(asked: ImportSettings, base: Path) -> ImportSettings:
    for path in (asked.weights, asked.contract):
        if path is not None:
            require_possible(path)
    paths = {"weights": (base / asked.weights).resolve()}
    if asked.contract is not None:
        paths["contract"] = (base / asked.contract).resolve()
    return asked.model_copy(update=paths)
