"""A pretraining run: its record, its settings, its evaluations, and the networks in it.

Opening a run reads three small files and needs no torch; asking it for a network does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from orienteer.errors import ConfigError, RunError
from orienteer.folders import Folder, mistaken, recognised
from orienteer.geometry import Volume
from orienteer.records.evaluation import EvaluationRecord
from orienteer.records.run import RunRecord
from orienteer.runs.fingerprint import fingerprint
from orienteer.runs.folder import RunFolder
from orienteer.runs.scan import read_scan, stored
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.store.kinds import require_channels, same_spacing

if TYPE_CHECKING:
    from orienteer.localize.found import Found
    from orienteer.networks.backbone import Backbone
    from orienteer.networks.feature_map import FeatureMap
    from orienteer.pretext.model import SpatialModel

Step = int | Literal["best"]
"""A kept checkpoint's step, 0 for the untrained network, or the best by validation."""


@dataclass(frozen=True, eq=False)
class Run:
    """A pretraining run, finished or still training.

    Attributes:
        folder: where its files are.
        record: what was trained, on what, with what.
        settings: what it was started with.

    Examples:
        >>> run = Run.open("run")
        >>> run.record.data.spacing_mm, run.settings.views.size, run.evaluations["val"].split
        (3.0, 16, 'val')
        >>> run.backbone().encoder.channels
        (8, 16, 32, 64)
    """

    folder: RunFolder
    record: RunRecord
    settings: PretrainSettings

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the run in a folder.

        Raises:
            RunError: it is no run (the message says what it is), or its record is damaged or of another version.
            ConfigError: its settings are damaged.
        """
        folder = RunFolder(Path(path))
        if not folder.is_claimed or recognised(folder.path) not in (None, Folder.RUN):
            raise mistaken(folder.path, Folder.RUN)
        return cls(folder, RunRecord.read(folder.path), folder.settings())

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps whose network can be had: 0, which follows from the seed, and every kept checkpoint."""
        names = (path.name.removeprefix("step_") for path in self.folder.checkpoints.glob("step_*") if path.is_dir())
        return (0, *sorted(int(name) for name in names if name.isdigit() and int(name) > 0))

    @property
    def evaluations(self) -> "Evaluations":
        """Its evaluations by name, as they are on disk now."""
        return Evaluations(self.folder.evaluations)

    def check_store(self, store: Store, *, any_spacing: bool = False) -> None:
        """Refuse a store whose scans the run's networks cannot read.

        Args:
            store: the scans.
            any_spacing: allow another spacing than the run's: its encoder is to be trained further, and no answer in
                mm is asked for.

        Raises:
            RunError: another spacing or convention of intensities, other channels, or the same channels in another
                order.
        """
        learned, here = self.record.data.spacing_mm, store.manifest.spacing
        if not (any_spacing or same_spacing(here, learned)):
            raise RunError(
                f"{self.path} learned at {learned:g} mm, the store {store.path} is at {here:g} mm",
                cure=f"ingest the scans with --spacing {learned:g}",
            )
        seen, there = self.record.data.parameters.convention, store.manifest.convention
        if there != seen:
            raise RunError(
                f"{self.path} learned from intensities {seen} ({seen.words}), the store {store.path} has {there}"
                f" ({there.words})",
                cure=f"ingest the scans into another store with --intensities={seen}",
            )
        require_channels(store.manifest, (self.record.data.channels, self.record.data.channel_names), str(self.path))

    def learned_from(self, store: Store) -> bool:
        """Whether the store holds exactly the scans, and the splits, that the run learned from."""
        return fingerprint(store) == self.record.data.fingerprint

    def read(self, scan: Path | str) -> Volume:
        """One scan on the run's grid and in its intensities, as ``ingest`` and ``predict`` bring it there.

        Args:
            scan: a file, or a folder that holds one scan: a DICOM series, or a file for each channel.

        Returns:
            float32 ``(C, D, H, W)``, axes R, A, S, and its affine. In each channel the window that the run's
            convention of intensities chooses is mapped to -1 ... 1 (by default the body's 0.5th to 99.5th percentile);
            values go on to -1.5 and 1.5 and are cut off there. The encoder turns them into its own units.

        Raises:
            ScanError: it cannot be read, or has other channels.
            OrienteerError: nothing is there, or more than one scan.
        """
        data = self.record.data
        return read_scan(Path(scan), (data.channels, data.channel_names), data.parameters)

    def model(self, step: Step = "best") -> "SpatialModel":
        """The model with its task heads, in evaluation mode on the CPU.

        Raises:
            RunError: no checkpoint of that step, or none that is whole.
        """
        from orienteer.runs.load import load_model

        return load_model(self, step)

    def backbone(self, step: Step = "best") -> "Backbone":
        """The encoder, with the decoder where one was trained, in evaluation mode on the CPU.

        Its weights can be trained further; wrap calls in ``torch.no_grad()`` where they are not.

        Raises:
            RunError: no checkpoint of that step, or none that is whole.
        """
        from orienteer.runs.load import load_backbone

        return load_backbone(self, step)

    def locate(
        self,
        exemplar: Path | str,
        scan: Path | str,
        store: Store | None = None,
        *,
        at: Sequence[Sequence[float]] = (),
        structure: str = "",
        step: Step = "best",
    ) -> "tuple[Found, ...]":
        """Where points of an exemplar lie in another scan; ``orienteer.api.locate`` does it for a folder of scans.

        Args:
            exemplar: a scan in which the points are known, in any format; with ``store``, the id of a scan in it.
            scan: another one.
            store: a store of the run's spacing and channels. Scans in files are also looked at at half that spacing,
                so answers about them are finer.
            at: world positions in the exemplar, R, A, S in mm, as 3D Slicer shows them.
            structure: ``LABELS`` or ``LABELS:VALUE``: the middle of the structures in a label file of the exemplar.
            step: one of the kept checkpoints, or 0 for the untrained model.

        Raises:
            ScanError: a scan cannot be read, or has other channels.
            StoreError: no such scan in the store.
            ConfigError: the run learned no task that places single voxels, a position outside the exemplar, or a
                structure of a scan in a store.
            OrienteerError: nothing to look for, or labels that cannot be read.
            RunError: no whole checkpoint of that step, or a store that the run cannot read.

        Examples:
            >>> (answer,) = Run.open("run").locate("scan.nii.gz", "scan.nii.gz", at=[(0.0, 0.0, 0.0)])
            >>> answer.world_mm.shape, answer.found
            ((3,), True)
        """
        from orienteer.runs.locate import find, find_stored

        if store is None:
            return find(self, exemplar, scan, at=at, structure=structure, step=step)
        if structure or not at:
            raise ConfigError("in a store, positions are looked for", cure="give them with at, or scans in files")
        return find_stored(self, store, str(exemplar), str(scan), at=at, step=step)

    def features(self, scan: Path | str, store: Store | None = None, *, level: int | None = None) -> "FeatureMap":
        """Features of a whole scan by the best checkpoint, with the affine that says where their cells lie.

        The scan may have any size and orientation. It is shown to the network in overlapping windows of the run's
        view size, and their features are blended; beyond its edges is background.

        Args:
            scan: a file or folder as ``read`` takes it; with ``store``, the id of a scan in it.
            store: a store of the run's spacing and channels.
            level: which map of the encoder, 0 the finest, -1 the coarsest; None takes the decoder's where the run
                trained one, else the coarsest.

        Raises:
            ScanError: it cannot be read, or has other channels.
            StoreError: no such scan in the store.
            RunError: no whole checkpoint, or a store that the run cannot read.
            ConfigError: no such level.

        Examples:
            >>> maps = Run.open("run").features("scan.nii.gz")
            >>> maps.array.shape, maps.spacing_mm
            ((32, 14, 16, 15), 6.0)
        """
        from orienteer.networks.feature_map import feature_map

        if store is None:
            volume = self.read(scan)
        else:
            self.check_store(store)
            volume = stored(store, str(scan))
        return feature_map(self._best_backbone, volume, view=self.settings.views.size, level=level)

    @cached_property
    def _best_backbone(self) -> "Backbone":
        return self.backbone()


@dataclass(frozen=True)
class Evaluations(Mapping[str, EvaluationRecord]):
    """The evaluations in a folder; each is read when it is asked for, and one that is damaged harms no other.

    Asked for one, it raises ``KeyError`` where there is none of that name, and ``RunError`` where it is damaged or of
    an earlier version, with the command that makes it anew.
    """

    folder: Path

    def __getitem__(self, name: str) -> EvaluationRecord:
        if name not in tuple(self):
            raise KeyError(name)
        return EvaluationRecord.read(self.folder / name)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(file.parent.name for file in self.folder.glob("*/evaluation.json")))

    def __len__(self) -> int:
        return len(tuple(iter(self)))
