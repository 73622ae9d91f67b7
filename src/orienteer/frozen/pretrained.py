"""A run's encoder for one's own PyTorch code: the network, and scans as it wants to see them."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from orienteer.errors import OrienteerError
from orienteer.finetune.predict import read_as
from orienteer.frozen.features import features_of
from orienteer.geometry import canonical
from orienteer.ingest.prepare import scaled
from orienteer.networks.backbone import Backbone
from orienteer.scans import lay_out
from orienteer.store.intensity import normalise
from orienteer.store.manifest import Parameters


@dataclass(frozen=True, eq=False)
class Pretrained:
    """The network of a run, and how scans are brought before it.

    Attributes:
        backbone: the best checkpoint's, in evaluation mode, on the CPU. ``backbone.encoder(images)`` gives feature
            maps, finest first; ``backbone(images)`` the embedding and, where the run trained a decoder, dense features.
        spacing: mm per voxel it learned at.
        channels: channels of a scan.
        channel_names: their names, where they are known.
        view: edge of the views it learned from, voxels.
    """

    backbone: Backbone
    spacing: float
    channels: int
    channel_names: tuple[str, ...]
    view: int

    def read(self, scan: Path | str) -> Float[Tensor, "C D H W"]:
        """One scan on the run's grid and intensities, as ``ingest`` and ``predict`` bring it there.

        Args:
            scan: a file, or a folder that holds one scan: a DICOM series, or a file for each channel.

        Returns:
            float32, axes R, A, S, voxels of :attr:`spacing` mm. In each channel the body's 0.5th to 99.5th percentile
            is mapped to -1 ... 1; values go on to -1.5 and 1.5 and are cut off there.

        Raises:
            ScanError: it cannot be read, or has other channels.
            OrienteerError: nothing is there, or more than one scan.
        """
        sources = lay_out(Path(scan), expected=self.channels).sources
        if len(sources) > 1:
            raise OrienteerError(f"{scan} holds {len(sources)} scans", cure="read them one by one")
        volume = read_as(sources[0], (self.channels, self.channel_names))
        ready = scaled(canonical(volume), Parameters(spacing=self.spacing))
        return torch.from_numpy(normalise(ready.image, ready.intensity))


def pretrained(run: Path | str) -> Pretrained:
    """The encoder of a run's best checkpoint, for your own code.

    Its weights can be trained: wrap calls in ``torch.no_grad()`` where they shall not be.

    Args:
        run: a run folder; ``settings.yaml``, ``run.json`` and one checkpoint are enough.

    Raises:
        RunError: no run, no whole checkpoint, or weights of another network than its settings describe.

    Example:
        >>> found = pretrained("run")  # doctest: +SKIP
        >>> maps = found.backbone.encoder(found.read("scan.nii.gz")[None, :, :48, :48, :48])  # doctest: +SKIP
    """
    source = features_of(Path(run))
    assert source.spacing is not None
    backbone = source.features.backbone.requires_grad_(True)
    return Pretrained(backbone, source.spacing, source.channels, source.channel_names, source.features.view)
