"""Write docs/reference/networks.md from the networks themselves: what each name and size has, counted.

Usage: ``python docs/make_networks.py`` writes the page; ``--check`` only says whether it is stale (exit 1).
"""

import argparse
import sys
from pathlib import Path
from typing import get_args

import torch

from orienteer.networks.backbone import Backbone
from orienteer.networks.encoders import NETWORKS
from orienteer.networks.settings import NetworkSettings

PAGE = Path(__file__).resolve().parent / "reference" / "networks.md"
VIEW = 24

INTRODUCTION = f"""\
# Networks

`network.name` chooses the encoder, `network.size` how large it is. The page is generated from the code by
`python docs/make_networks.py`; parameters are counted for views of {VIEW}^3 voxels and one channel, at the defaults of
the other [network settings](configuration.md#network).

- **voxels per cell** are the strides of the encoder's feature maps, finest first.
- **with decoder** adds what dense features need (the tasks `adjacency`, `position`, `masked` and `genesis`).
- A GPU is in order from `base` on; `small` trains in minutes on two CPU cores.

"""

ENDING = """
| name | what it is | needs |
|---|---|---|
| `resunet` | a U-Net's contracting path of MONAI's residual units and max-pools; the default | |
| `unet` | the same path with plain convolutions | |
| `resenc` | encoder of nnU-Net's `ResidualEncoderUNet`, presets M and L | `pip install 'orienteer[nnunet]'` |
| `plainconv` | encoder of nnU-Net's `PlainConvUNet`, its default | `pip install 'orienteer[nnunet]'` |
| `segresnet` | the contracting half of MONAI's SegResNet | |
| `swin` | MONAI's SwinUNETR encoder, as deep as the view can be halved | `pip install 'orienteer[swin]'` |
| `vit` | MONAI's vision transformer, one map of tokens of 8^3 voxels (fewer where 8 does not divide the view) | |

## Your own network

Any importable class does: `--set network.name=my_package.nets:MyEncoder`. It is called with `in_channels` and what
stands under `network.options`, takes images `(N, C, S, S, S)`, and returns one feature map `(N, C', s, s, s)` or a list
of them from fine to coarse. Channels and strides are measured with one dry run, so nothing else has to be declared;
pooling and decoder are put on top. `network.size` is not passed on.

## Views that fit

Views whose size is a multiple of 8 fit every network; 16 is the smallest for the convolutional ones. nnU-Net's have as
many of their six stages as halve the view down to three cells: 4 for views of 24, 5 for 48, 6 for 96. Their `base` and
`large` are one network, as presets M and L are, which differ in the patch alone. Where halving a view leaves a
rest, dense features cannot be laid back on its voxels, and the run says so before it starts.
"""


def page() -> str:
    """The page for the networks as they are installed."""
    lines = [
        "| name | size | encoder and pooling | with decoder | voxels per cell | channels |",
        "|---|---|---|---|---|---|",
    ]
    for name in NETWORKS:
        for size in get_args(NetworkSettings.model_fields["size"].annotation):
            settings = NetworkSettings(name=name, size=size)
            # Weights need no memory to be counted; only Swin's constructor asks for real numbers.
            with torch.device("cpu" if name == "swin" else "meta"):
                backbone = Backbone(settings, in_channels=1, view=VIEW, dense=True)
            decoder = sum(p.numel() for p in backbone.decoder.parameters()) if backbone.decoder is not None else 0
            total = sum(p.numel() for p in backbone.parameters())
            strides, channels = backbone.encoder.strides, backbone.encoder.channels
            lines.append(
                f"| `{name}` | `{size}` | {_millions(total - decoder)} | {_millions(total)} | "
                f"{', '.join(map(str, strides))} | {', '.join(map(str, channels))} |"
            )
    return INTRODUCTION + "\n".join(lines) + "\n" + ENDING


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f} M"


def main() -> None:
    """Write the page, or with ``--check`` compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")
    fresh = page()
    if not parser.parse_args().check:
        PAGE.write_text(fresh, encoding="utf-8")
        print(f"written: {PAGE}")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != fresh:
        sys.exit(f"{PAGE} is stale; run: python docs/make_networks.py")


if __name__ == "__main__":
    main()
