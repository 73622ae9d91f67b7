"""MONAI transforms that bring a scan before a network exactly as a store does."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, Self

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from torch import Tensor

from orienteer.errors import OrienteerError, ScanError
from orienteer.geometry import Volume
from orienteer.runs.scan import one_scan, prepared
from orienteer.scans.plausibility import check_voxels
from orienteer.store import Store
from orienteer.store.convention import convention_of
from orienteer.store.manifest import Parameters


class PrepareScan(Transform):  # type: ignore[misc]
    """A scan on a store's grid and in its intensities, as ``ingest`` and ``Store.normalise`` give it, to the bit.

    Axes become R, A, S and voxels isotropic; in each channel the window of the body's intensities is mapped to
    [-1, 1], and values beyond are kept up to -1.5 and 1.5. The encoders of a run take that; an exported one of another
    convention than ``window`` takes ``prepare.parameters.convention.to_network(image)``.

    Args:
        spacing: mm per voxel of the store, or of the run that learned from it (``run.record.data.spacing_mm``).
        channels: channels of a scan.
        channel_names: their names, in order, where they are known.
        intensities: ``window``, ``zscore`` or two fixed ends, as of the store.

    Examples:
        >>> prepare = PrepareScan(spacing=3.0)
        >>> image = prepare("scan.nii.gz")
        >>> image.shape, image.pixdim.tolist(), image.dtype
        (torch.Size([1, 28, 32, 30]), [3.0, 3.0, 3.0], torch.float32)
    """

    def __init__(
        self,
        spacing: float,
        *,
        channels: int = 1,
        channel_names: tuple[str, ...] = (),
        intensities: str | tuple[float, float] = "window",
    ) -> None:
        self.parameters = Parameters.of(spacing, convention_of(intensities))
        self.channels = (channels, channel_names)

    @classmethod
    def like(cls, store: Store) -> Self:
        """The preparation of a store: its spacing, channels and intensity window."""
        channels, names = store.manifest.kind
        prepare = cls(store.manifest.spacing, channels=channels, channel_names=names)
        prepare.parameters = store.manifest.parameters or prepare.parameters
        return prepare

    def __call__(self, scan: Path | str | Tensor) -> MetaTensor:
        """Prepare one scan.

        Args:
            scan: a file, or a folder that holds one scan; or an image ``(C, X, Y, Z)`` with an affine to world RAS mm,
                as ``LoadImage(ensure_channel_first=True)`` reads it.

        Returns:
            ``(C, D, H, W)`` float32 with its affine to world RAS mm.

        Raises:
            ScanError: it cannot be read, has other channels, or no intensities to tell apart.
            OrienteerError: nothing is there, more than one scan, or an image without channels or affine.
        """
        volume = self._volume(scan) if isinstance(scan, Tensor) else one_scan(Path(scan), self.channels)
        ready = prepared(volume, self.parameters)
        return MetaTensor(torch.from_numpy(ready.array), affine=torch.from_numpy(ready.affine))

    def _volume(self, image: Tensor) -> Volume:
        if not isinstance(image, MetaTensor) or image.ndim != 4:
            lacking = "" if isinstance(image, MetaTensor) else " without an affine"
            raise OrienteerError(
                f"an image of shape {tuple(image.shape)}{lacking}",
                cure="give (C, X, Y, Z) as LoadImage(ensure_channel_first=True) reads it, or the scan's path",
            )
        if len(image) != self.channels[0]:
            raise ScanError(
                f"an image of {len(image)} channels, where {self.channels[0]} are expected",
                code="channels-mixed",
                cure="give the channels that the network learned from, in their order",
            )
        array, _, _, found = check_voxels(image.as_tensor().cpu().numpy())
        for each in found:
            if each.level == "error":
                raise ScanError(each.message, code=each.code, cure=each.cure)
        return Volume(array, image.affine.cpu().double().numpy())


class PrepareScand(MapTransform):  # type: ignore[misc]
    """``PrepareScan`` for the entries of a dictionary.

    Args:
        keys: entries that hold a scan: a path, or an image.
        spacing: mm per voxel of the store.
        channels: channels of a scan.
        channel_names: their names, in order, where they are known.
        intensities: ``window``, ``zscore`` or two fixed ends, as of the store.
        allow_missing_keys: leave out keys that an item does not have.

    Examples:
        >>> from monai.data import DataLoader, Dataset
        >>> scans = Dataset([{"image": "scan.nii.gz"}], transform=PrepareScand("image", spacing=3.0))
        >>> next(iter(DataLoader(scans, batch_size=1)))["image"].shape
        torch.Size([1, 1, 28, 32, 30])
    """

    def __init__(
        self,
        keys: KeysCollection,
        spacing: float,
        *,
        channels: int = 1,
        channel_names: tuple[str, ...] = (),
        intensities: str | tuple[float, float] = "window",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.prepare = PrepareScan(spacing, channels=channels, channel_names=channel_names, intensities=intensities)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with its scans prepared; other entries stay as they are.

        Raises:
            OrienteerError: as ``PrepareScan``.
        """
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.prepare(result[key])
        return result
