"""How this machine rounds: the same bits come out only where every operation behind them rounds alike."""

import hashlib
import importlib.metadata
from collections.abc import Callable

import numpy as np
import scipy.ndimage
import torch
from torch.nn import functional

PACKAGES = ("torch", "numpy", "scipy", "monai")


def numerics() -> dict[str, str]:
    """Versions, and per operation the hash of its result on counted numbers."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return versions | {name: _hash(operation()) for name, operation in OPERATIONS.items()}


def _hash(arrays: list[np.ndarray]) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


def _counted(*shape: int) -> np.ndarray:
    """Numbers in [-1, 1) that need no library's random generator."""
    count = np.arange(np.prod(shape), dtype=np.int64)
    return ((count * 2654435761 % 65536) / 32768.0 - 1).astype(np.float32).reshape(shape)


def _learned(operation: Callable[..., torch.Tensor], *shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Result and gradients."""
    inputs = [torch.from_numpy(_counted(*shape)).requires_grad_() for shape in shapes]
    result = operation(*inputs)
    (result * torch.from_numpy(_counted(*result.shape))).sum().backward()
    return [result.detach().numpy(), *(each.grad.numpy() for each in inputs)]


def _convolutions() -> list[np.ndarray]:
    found = []
    for channels, out, edge, kernel, stride in (
        (1, 8, 16, 3, 1), (8, 8, 16, 3, 1), (8, 16, 16, 3, 2), (16, 32, 8, 3, 2), (64, 64, 2, 3, 1), (8, 16, 8, 1, 2),
    ):  # fmt: skip
        shapes = (6, channels, edge, edge, edge), (out, channels, kernel, kernel, kernel), (out,)

        def convolve(x, w, b, stride=stride, kernel=kernel):  # type: ignore[no-untyped-def]
            return functional.conv3d(x, w, b, stride=stride, padding=kernel // 2)

        found += _learned(convolve, *shapes)
    return found


def _adam() -> list[np.ndarray]:
    weight = torch.nn.Parameter(torch.from_numpy(_counted(33, 17)))
    optimiser = torch.optim.AdamW([weight], lr=2e-3, weight_decay=0.05)
    for step in range(3):
        weight.grad = torch.from_numpy(_counted(33, 17)) * (step + 1)
        torch.nn.utils.clip_grad_norm_([weight], 1.0)
        optimiser.step()
    return [weight.detach().numpy()]


def _elementwise() -> list[np.ndarray]:
    x = np.abs(_counted(4099)) + 0.01
    wide = x.astype(np.float64)
    return [f(array) for array in (x, wide) for f in (np.cos, np.exp, np.log, np.sqrt, np.sum, np.mean)]


OPERATIONS: dict[str, Callable[[], list[np.ndarray]]] = {
    "conv3d": _convolutions,
    "conv_transpose3d": lambda: _learned(
        lambda x, w: functional.conv_transpose3d(x, w, stride=2), (2, 16, 4, 4, 4), (16, 8, 2, 2, 2)
    ),
    "linear": lambda: _learned(functional.linear, (12, 200), (64, 200), (64,)),
    "matmul": lambda: _learned(torch.matmul, (6, 27, 64), (6, 64, 27)),
    "norms": lambda: (
        _learned(functional.instance_norm, (3, 8, 8, 8, 8))
        + _learned(lambda x: functional.group_norm(x, 4), (3, 8, 8, 8, 8))
        + _learned(lambda x: functional.layer_norm(x, (96,)), (24, 96))
    ),
    "softmax": lambda: (
        _learned(lambda x: functional.log_softmax(x, 1), (12, 27)) + _learned(lambda x: x.softmax(1), (2, 4, 8, 8, 8))
    ),
    "elementwise": lambda: _learned(
        lambda x: functional.gelu(x) + functional.leaky_relu(x) + torch.exp(x) + torch.sigmoid(x) + x.cos(), (4099,)
    ),
    "interpolate": lambda: _learned(
        lambda x: functional.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False), (2, 8, 6, 6, 6)
    ),
    "reduce": lambda: _learned(lambda x: torch.stack([x.mean(), x.norm(), x.std(), x.logsumexp(0).sum()]), (33, 129)),
    "adam": _adam,
    "numpy functions": _elementwise,
    "linalg": lambda: [
        np.linalg.svd(_counted(24, 12).astype(np.float64), compute_uv=False),
        np.linalg.solve(_counted(12, 12) + 9 * np.eye(12), np.ones(12)),
        torch.linalg.svdvals(torch.from_numpy(_counted(24, 12))).numpy(),
    ],
    "scipy filters": lambda: [
        scipy.ndimage.gaussian_filter(_counted(16, 16, 16), 1.3),
        scipy.ndimage.map_coordinates(_counted(12, 12, 12), 5 + 5 * _counted(3, 500), order=1),
    ],
}
