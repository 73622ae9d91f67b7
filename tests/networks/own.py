"""A user's encoders, found by import path."""

import torch
from torch import Tensor, nn


class OneMap(nn.Module):
    """Returns a single tensor at a quarter of the resolution."""

    def __init__(self, in_channels: int, width: int = 12) -> None:
        super().__init__()
        self.conv = nn.Conv3d(in_channels, width, kernel_size=4, stride=4)

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(images)


class Normed(nn.Module):
    """Batch normalisation, whose statistics move in training without a gradient, and dropout."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(in_channels, 8, kernel_size=4, stride=4), nn.BatchNorm3d(8), nn.ReLU(), nn.Dropout(0.5)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images)


class Pyramid(nn.Module):
    """Returns maps from fine to coarse, leaving a level out."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv3d(in_channels, 6, 3, stride=2, padding=1), nn.Conv3d(6, 10, 4, stride=4)

    def forward(self, images: Tensor) -> list[Tensor]:
        fine = torch.relu(self.fine(images))
        return [fine, self.coarse(fine)]


class Classifier(nn.Module):
    """Returns no map but a vector: not an encoder."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.channels = in_channels

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3, 4))


NOT_A_CLASS = 3
